"""Transcripts: commands after `$ `, and below each what it prints.

`...` stands for anything: alone on a line for any lines, within a line for any text. Runs of blanks are alike. In a
transcript whose numbers are not its point, numbers, ids, dates and bars are alike, too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ALIKE = (
    (r"(?<![0-9a-z])(?:[0-9a-f]{2}){6,}(?![0-9a-z])", r"[0-9a-f]{12,}"),
    (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"),
    (
        r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b",
        r"[A-Z][a-z]+",
    ),
    (r"[0-9][0-9,.]*", r"[0-9][0-9,.]*"),
    (r"[█▉▊▋▌▍▎▏░]+", r"[█▉▊▋▌▍▎▏░]+"),
    (r"─+", r"─+"),
    (r"\bbsr_[a-z2-7…]+", r"bsr_[a-z2-7…]+"),
)
_TOKEN = re.compile("|".join(f"(?P<alike{n}>{seen})" for n, (seen, _) in enumerate(_ALIKE)))


class Step(NamedTuple):
    """A command and what it must print."""

    command: str
    expected: list[str]


def steps_of(text: str) -> list[Step]:
    """The steps of a transcript. A command goes on after a backslash, and to the end of its here-document."""
    steps: list[Step] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            if here := re.search(r"<<'(\w+)'", command):
                while command.splitlines()[-1] != here[1]:
                    command += "\n" + next(lines)
            steps.append(Step(command, []))
        else:
            assert steps, f"a transcript begins with a command, not with {line!r}"
            steps[-1].expected.append(line)
    return steps


def difference(expected: list[str], printed: str, *, alike: bool) -> str | None:
    """What of the expected lines the printed text does not have; None when it is what was expected."""
    wanted = "\n".join(line.rstrip() for line in expected).strip("\n")
    got = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
    if _agrees(wanted.split("\n"), got.split("\n"), alike=alike):
        return None
    return f"expected:\n{wanted}\n\nprinted:\n{got}"


def _agrees(wanted: list[str], got: list[str], *, alike: bool) -> bool:
    """Whether the lines are those that are wanted. `after` is how many of them may have been matched so far.

    Line by line: one expression for all of them would try every way to share the lines out among the dots.
    """
    after = {0}
    for line in wanted:
        if line.strip() == "...":
            after = set(range(min(after), len(got) + 1))
        else:
            pattern = re.compile("[^\n]*?".join(_words(part, alike=alike) for part in line.split("...")))
            after = {n + 1 for n in after if n < len(got) and pattern.fullmatch(got[n])}
        if not after:
            return False
    return len(got) in after


def _words(text: str, *, alike: bool) -> str:
    def plain(part: str) -> str:
        return r"[^\S\n]+".join(map(re.escape, re.split(r"[^\S\n]+", part)))

    if not alike:
        return plain(text)
    pattern, at = "", 0
    for found in _TOKEN.finditer(text):
        number = next(n for n in range(len(_ALIKE)) if found[f"alike{n}"] is not None)
        pattern += plain(text[at : found.start()]) + _ALIKE[number][1]
        at = found.end()
    return pattern + plain(text[at:])
