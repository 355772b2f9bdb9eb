"""The comparison of transcripts: what it lets pass, and what it does not."""

from __future__ import annotations

import pytest

from tests.docs.transcript import Step, difference, steps_of


def test_steps() -> None:
    text = "$ one \\\n  more\nout\n\n$ cat <<'E'\nx\nE\n$ two\n"
    assert steps_of(text) == [Step("one \\\n  more", ["out", ""]), Step("cat <<'E'\nx\nE", []), Step("two", [])]


@pytest.mark.parametrize(
    ("expected", "printed", "alike", "same"),
    [
        ("a  b", "a b", False, True),
        ("a b", "ab", False, False),
        ("a\n...\nd", "a\nb\nc\nd", False, True),
        ("a\n...", "a\nb\nc", False, True),
        ("a\n...\nd", "a\nb\nc", False, False),
        ("a ... d", "a b c d", False, True),
        ("a ... d", "a b\nc d", False, False),
        ("$1.00 left", "$2.00 left", False, False),
        ("$1.00 left", "$2,345.6 left", True, True),
        ("$1.00 left", "$2.00 gone", True, False),
        ("██░ 12 % bsr_ab…cd", "█▊ 3 % bsr_22…xy", True, True),
        ("Mon 23 November", "Tue 1 December", True, True),
        ("ends with af851022dae0.", "ends with 00ffee112233.", True, True),
        ("a", "a\nb", False, False),
        ("", "a", False, False),
    ],
)
def test_difference(expected: str, printed: str, alike: bool, same: bool) -> None:
    assert (difference(expected.split("\n"), printed, alike=alike) is None) is same
