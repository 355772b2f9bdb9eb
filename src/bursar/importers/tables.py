"""Tables as spreadsheets and portals export them: CSV in whatever encoding, with a heading for each column.

A quote that is never closed would take all that comes after it with it: where a row makes no sense, reading goes on
with the line after the one on which it begins.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import StringIO

from bursar.importers.record import Broken
from bursar.importers.texts import MOST_IN_ALL, decoded, number, whole_number

MAX_CELL = 10_000_000


class Row:
    """A row: its cells by their headings, and the line at which it begins."""

    def __init__(self, cells: dict[str, str], line: int) -> None:
        self.cells = cells
        self.line = line

    def text(self, *names: str) -> str:
        """The first cell of these that says something, on one line; empty if none does."""
        return next((text for name in names if (text := " ".join(self.cells.get(name, "").split()))), "")

    def count(self, *names: str) -> int:
        """A whole number of 0 or more; 0 where there is none. Raises ValueError."""
        text = self.text(*names)
        return whole_number(text, names[0], MOST_IN_ALL) if text else 0

    def amount(self, *names: str) -> Decimal | None:
        """An amount of dollars, with or without a sign before it; None where there is none. Raises ValueError."""
        text = self.text(*names)
        return number(text) if text else None


class Table:
    """A table. What cannot be read of it is told in `broken`."""

    def __init__(self, data: bytes, name: str, needed: Sequence[str] = (), *, fold: bool = True) -> None:
        """`needed` are the headings without which it is another kind of table; `fold` makes them small letters."""
        self.broken: list[Broken] = []
        self._name = name
        self._lines = StringIO(decoded(data), newline="").readlines()
        self._delimiter = self._delimited()
        self._needed = needed
        self._fold = fold

    def rows(self) -> Iterator[Row]:
        """The rows that have something in them."""
        csv.field_size_limit(MAX_CELL)
        headings: list[str] = []
        at = 0
        while at < len(self._lines):
            reader = csv.reader(self._from(at), delimiter=self._delimiter, strict=True)
            begin = at
            try:
                for cells in reader:
                    if headings and any(map(str.strip, cells)):
                        yield Row(_under(headings, cells), begin + 1)
                    elif any(map(str.strip, cells)):
                        headings = self._headings(cells, begin + 1)
                        if not headings:
                            return
                    begin = at + reader.line_num
            except csv.Error as problem:
                self.tell(begin + 1, str(problem))
                at = begin + 1
            else:
                return

    def tell(self, line: int, problem: str) -> None:
        """Something in a line is not understood."""
        self.broken.append(Broken(self._name, line, problem))

    def _from(self, at: int) -> Iterator[str]:
        for number_of_line in range(at, len(self._lines)):
            yield self._lines[number_of_line]

    def _delimited(self) -> str:
        """A tab in what spreadsheets call text, else a comma."""
        first = next((line for line in self._lines if line.strip()), "")
        return "\t" if first.count("\t") > first.count(",") else ","

    def _headings(self, cells: Sequence[str], line: int) -> list[str]:
        """The headings; none, and told as broken, if it is another kind of table."""
        headings = [cell.strip().lower() if self._fold else cell.strip() for cell in cells]
        missing = [name for name in self._needed if name not in headings]
        if missing:
            self.tell(line, f"has no column {', '.join(missing)}: it is another kind of file")
        return [] if missing else headings


def _under(headings: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Cells by their headings. Raises csv.Error where there are more or fewer."""
    if len(cells) != len(headings):
        raise csv.Error(f"has {len(cells)} cells instead of {len(headings)}")
    return dict(zip(headings, cells, strict=True))
