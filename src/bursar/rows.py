"""Tables that people bring in: CSV with a first line of names, read row by row, wrong cells named by their line.

A file is taken over as a whole or not at all, so all that is wrong with it is found before anything is done with it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import date
from io import StringIO

import msgspec

from bursar.money import NANOS_PER_USD, MoneyError, parse_usd
from bursar.refusals import Refused, Why, refuse

MAX_TEXT_LENGTH = 200
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""A day outside of these is a slip of the pen."""
MAX_A_YEAR_NANOS = 1_000_000_000 * NANOS_PER_USD
"""So that a sum of three, converted, fits a 64-bit integer."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a cell: the line of the file on which its row ends, the column, and what would be right."""

    line: int
    field: str
    got: str
    right: str


class Problems(Exception):  # noqa: N818 - what is wrong is the file, and everything wrong with it is told at once
    """Everything that is wrong with a file."""

    def __init__(self, found: Sequence[Problem]) -> None:
        super().__init__(f"{len(found)} problems")
        self.found = tuple(sorted(found, key=lambda problem: problem.line))

    def refused(self, file: str) -> Refused:
        """The refusal that names the file, how much is wrong with it, and the first of it."""
        first, more = self.found[0], len(self.found) - 1
        others = f" There {'is 1 other problem' if more == 1 else f'are {more:,} other problems'}." if more else ""
        facts = {"line": first.line, "got": first.got, "right": first.right, "others": others}
        return Refused(refuse(Why.ROW_INVALID, field=first.field, file=file, **facts))


class Row:
    """One row. Reading a cell notes what is wrong with it and goes on."""

    def __init__(self, line: int, cells: dict[str, str], problems: list[Problem]) -> None:
        self.line = line
        self._cells = cells
        self._problems = problems

    def has(self, field: str) -> bool:
        """Whether the file has the column."""
        return field in self._cells

    def raw(self, field: str) -> str:
        """A cell as it is, without the blanks around it; empty when there is no such column."""
        return self._cells.get(field, "").strip()

    def wrong(self, field: str, right: str, got: str | None = None) -> None:
        """Note that a cell is wrong."""
        text = self.raw(field)
        self._problems.append(Problem(self.line, field, got or (repr(text) if text else "empty"), right))

    def text(self, field: str, right: str, *, needed: bool = False) -> str:
        """A cell that is a text."""
        text = self.raw(field)
        if (needed and not text) or not text.isprintable() or len(text) > MAX_TEXT_LENGTH:
            self.wrong(field, f"{right}, at most {MAX_TEXT_LENGTH} printable characters" if text else right)
        return text

    def day(self, field: str, *, needed: bool = False) -> str | None:
        """A cell that is a day; None when it is empty or wrong."""
        text = self.raw(field)
        if not text and not needed:
            return None
        if not _is_day(text):
            self.wrong(field, "a day, such as 2026-11-17")
            return None
        return text

    def amount(self, field: str, *, needed: bool = False) -> int:
        """A cell that is an amount a year, in billionths of its currency's unit; 0 when it may be and is empty."""
        text = self.raw(field)
        if not text and not needed:
            return 0
        try:
            nanos = parse_usd(text)
        except MoneyError:
            self.wrong(field, "an amount a year, such as 250000.00")
            return 0
        if nanos > MAX_A_YEAR_NANOS:
            self.wrong(field, "an amount a year, at most 1,000,000,000")
        return nanos


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text)) and FIRST_YEAR <= date.fromisoformat(text).year <= LAST_YEAR
    except ValueError:
        return False


def read_rows(text: str, needed: Sequence[str], known: Sequence[str], problems: list[Problem]) -> list[Row]:
    """The rows of a CSV file, whose first line names its columns in any order; empty rows are passed over.

    `needed` are the columns that must be there, `known` all that may be. Raises Problems when the file is no such
    table; what is wrong with single rows is noted in `problems`.
    """
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_names(names, needed, known)
        rows = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                right = f"{len(names)} cells, as in the first line"
                problems.append(Problem(reader.line_num, "row", f"{len(cells)} cells", right))
                continue
            rows.append(Row(reader.line_num, dict(zip(names, cells, strict=True)), problems))
    except csv.Error as problem:
        right = "comma-separated values, texts with commas or quotes in double quotes"
        raise Problems([Problem(reader.line_num, "row", f"not readable ({problem})", right)]) from None
    return rows


def _check_names(names: list[str], needed: Sequence[str], known: Sequence[str]) -> None:
    columns = f"one of {', '.join(known)}"
    problems = [Problem(1, "column", repr(name), columns) for name in names if name not in known]
    problems += [
        Problem(1, name, "there twice", "there once") for name in sorted(set(names)) if names.count(name) > 1
    ]
    problems += [Problem(1, name, "not there", "a column of the first line") for name in needed if name not in names]
    if problems:
        raise Problems(problems)
