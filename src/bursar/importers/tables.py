"""Tables as spreadsheets and portals export them: CSV in whatever encoding, with a heading for each column."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from bursar.importers.record import Broken

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MAX_CELL = 10_000_000


class Row:
    """A row: its cells by their headings, in small letters, and the line at which it ends."""

    def __init__(self, cells: dict[str, str], line: int) -> None:
        self._cells = cells
        self.line = line

    def text(self, *names: str) -> str:
        """The first cell of these that says something; empty if none does."""
        return next((text for name in names if (text := self._cells.get(name, "").strip())), "")

    def count(self, *names: str) -> int:
        """A whole number of 0 or more; 0 where there is none. Raises ValueError."""
        text = self.text(*names).replace(",", "")
        number = _number(text) if text else Decimal(0)
        if number < 0 or number != number.to_integral_value():
            raise ValueError(f"{names[0]} is {text}")
        return int(number)

    def amount(self, *names: str) -> Decimal | None:
        """An amount of dollars, with or without a sign before it; None where there is none. Raises ValueError."""
        text = self.text(*names).replace(",", "").replace("$", "")
        return _number(text) if text else None


class Table:
    """A table. What cannot be read of it is told in `broken`."""

    def __init__(self, data: bytes, name: str, needed: Sequence[str]) -> None:
        """`needed` are the headings, in small letters, without which it is another kind of table."""
        self.broken: list[Broken] = []
        self._name = name
        self._text = _decoded(data)
        self._needed = needed

    def rows(self) -> Iterator[Row]:
        """The rows that have something in them."""
        csv.field_size_limit(MAX_CELL)
        lines = csv.reader(self._text.splitlines(keepends=True), strict=True)
        headings: list[str] | None = None
        while True:
            try:
                cells = next(lines)
            except StopIteration:
                return
            except csv.Error as problem:
                self.tell(lines.line_num, f"is no CSV: {problem}")
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if headings is None:
                headings = [cell.strip().lower() for cell in cells]
                missing = [name for name in self._needed if name not in headings]
                if missing:
                    self.tell(lines.line_num, f"has no column {', '.join(missing)}: it is another kind of file")
                    return
            elif len(cells) != len(headings):
                self.tell(lines.line_num, f"has {len(cells)} cells instead of {len(headings)}")
            else:
                yield Row(dict(zip(headings, cells, strict=True)), lines.line_num)

    def tell(self, line: int, problem: str) -> None:
        """Something in a line is not understood."""
        self.broken.append(Broken(self._name, line, problem))


def _decoded(data: bytes) -> str:
    if data.startswith(_WIDE):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is no number")
    return number
