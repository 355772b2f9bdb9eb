"""Long files of rows in parts, for imports that take only so many rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path

MOST_ROWS = {"netsuite": 25_000, "quickbooks": 1_000}
"""What an import takes at a time, without the headings: NetSuite's Import Assistant 25,000 records (General CSV File
Conventions, NetSuite's help), of which each row is counted as one to be sure; QuickBooks Online 1,000 rows."""


def divided(file: Path, pieces: Iterable[bytes], most_rows: int) -> Iterator[tuple[Path, Iterator[bytes]]]:
    """The files that a table goes into, each with what is in it: bursar.csv, bursar-2.csv and so on.

    Each has the headings. Rows that follow each other and begin with the same cell are never parted, unless there are
    more of them than a file takes. Each file is to be read before the next one is asked for.
    """
    lines = _lines(pieces)
    headings = next(lines, b"")
    groups = (list(its) for _, its in groupby(lines, key=lambda line: line.partition(b",")[0]))
    following = next(groups, [])
    n = 1
    while True:
        rows = following
        following = next(groups, [])
        while following and len(rows) + len(following) <= most_rows:
            rows += following
            following = next(groups, [])
        name = file if n == 1 else file.with_stem(f"{file.stem}-{n}")
        yield name, chain((headings,), rows)
        if not following:
            return
        n += 1


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, however the pieces are cut."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
