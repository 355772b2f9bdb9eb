"""Lines of files: blocks of any size, files that grow at any byte, files that are others than before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bursar.importers.claude_code import ClaudeCode
from bursar.importers.instants import read_us
from bursar.importers.lines import Lines, each
from bursar.importers.record import once
from tests.unit.importers.reading import put
from tests.unit.importers.test_claude_code import answer


@pytest.mark.parametrize("block_bytes", [1, 2, 7, 64, 4096])
@pytest.mark.parametrize("end", ["", "\n"])
def test_blocks_of_any_size_give_the_same_lines(tmp_path: Path, block_bytes: int, end: str) -> None:
    file = tmp_path / "a"
    file.write_text("one\n\n three\r\n" + "x" * 300 + "\nlast" + end)
    found = list(each(Lines(file, None, block_bytes)))
    assert [(line.number, line.text) for line in found] == [
        (1, b"one"),
        (3, b"three"),
        (4, b"x" * 300),
        (5, b"last"),
    ]
    assert [line.cut for line in found] == [False, False, False, end == ""]


def test_a_file_is_read_on_from_any_byte(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jsonl", *(answer(f"msg_{n // 2}", "r", output=n) for n in range(8)), "broken")
    data, source = file.read_bytes(), ClaudeCode()
    whole = source.read(file)
    for cut in range(0, len(data), 53):
        file.write_bytes(data[:cut])
        first = source.read(file)
        file.write_bytes(data)
        second = source.read(file, first.resume)
        assert not second.anew
        assert once([*first.records, *second.records]) == once(whole.records)
        settled = [line for line in first.broken if line.line <= first.resume.lines]
        assert [line.line for line in [*settled, *second.broken]] == [9]
        assert second.resume == whole.resume


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    source = ClaudeCode()
    file = put(tmp_path / "a.jsonl", answer("msg_1", "r"), answer("msg_2", "r"))
    first = source.read(file)
    put(file, answer("msg_3", "r"), answer("msg_4", "r"), answer("msg_5", "r"))
    again = source.read(file, first.resume)
    assert again.anew
    assert [one.message_id for one in again.records] == ["msg_3", "msg_4", "msg_5"]
    put(file, answer("msg_6", "r"))
    assert source.read(file, first.resume).anew


def test_an_unchanged_file_gives_nothing_more(tmp_path: Path) -> None:
    source, file = ClaudeCode(), put(tmp_path / "a.jsonl", answer(), "broken")
    again = source.read(file, source.read(file).resume)
    assert (again.records, again.broken, again.anew) == ([], [], False)


def test_what_remains_does_not_depend_on_the_order(tmp_path: Path) -> None:
    rng = random.Random(3)
    lines = [
        answer(
            f"m{rng.randrange(4)}",
            f"r{rng.randrange(3)}",
            output=rng.randrange(4),
            isSidechain=rng.random() < 0.4,
            at=f"2026-11-20T10:00:0{rng.randrange(5)}Z",
        )
        for _ in range(60)
    ]
    source = ClaudeCode()
    records = [
        record for n, line in enumerate(lines) for record in source.read(put(tmp_path / f"{n}.jsonl", line)).records
    ]
    expected = {key: (one.usage, one.at_us) for key, one in once(records).items()}
    for _ in range(30):
        rng.shuffle(records)
        assert {key: (one.usage, one.at_us) for key, one in once(records).items()} == expected


@pytest.mark.parametrize(
    ("written", "us"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T01:00:01.5+01:00", 1_500_000),
        ("1970-01-01T00:00:01", 1_000_000),
        (1_795_000_000, 1_795_000_000_000_000),
        (1_795_000_000_123, 1_795_000_000_123_000),
    ],
)
def test_instants(written: str | int, us: int) -> None:
    assert read_us(written) == us
