"""Exports as they come in real life: any encoding and order of columns, broken rows in the middle, cut off."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "mixed")
WINDOWS_NOTES = ("", "plain", "Zoë, café", "two\nlines", 'she said "no", twice', "three\r\nlines, and\r\nmore")
NOTES = (*WINDOWS_NOTES, "未知, 模型", "a line\u2028of a kind\x0bthat CSV does not know")
UNKNOWN = ("Note", "Not known, yet")
Cells = dict[str, str]
Spoil = Callable[[Any], Any]


class Planted(NamedTuple):
    """A file, the lines at which something begins that nobody can read, and all lines of it."""

    data: bytes
    broken: list[int]
    spoilt: set[int]


class _Line(NamedTuple):
    text: str
    broken: bool


class _Writer:
    """Writes rows in one style, with columns in any order, and quotes as it likes."""

    def __init__(self, chance: random.Random, columns: Sequence[str], notes: Sequence[str], delimiter: str) -> None:
        self._chance = chance
        self._columns = list(columns)
        self._notes = notes
        self._delimiter = delimiter
        self._end = chance.choice(("\n", "\r\n"))
        chance.shuffle(self._columns)

    def headings(self) -> _Line:
        return _Line(self._written(self._columns), broken=False)

    def row(self, cells: Cells, *, broken: bool = False) -> _Line:
        written = [cells[name] if name in cells else self._chance.choice(self._notes) for name in self._columns]
        return _Line(self._written(written), broken)

    def unreadable(self) -> list[_Line]:
        """Rows with too few cells and with too many, a quote that is never closed, and nothing of a row at all."""
        plain = self._delimiter.join("x" for _ in self._columns)
        few, many = plain.removesuffix(f"{self._delimiter}x"), plain + self._delimiter
        return [_Line(text + self._end, broken=True) for text in (few, many, f'x{self._delimiter}"oops', "alone")]

    def cut_off(self) -> _Line:
        return _Line(self._delimiter.join("x" for _ in self._columns[:-1]), broken=True)

    def _written(self, cells: Sequence[str]) -> str:
        file = io.StringIO(newline="")
        quoting: Literal[0, 1] = self._chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        csv.writer(file, delimiter=self._delimiter, quoting=quoting, lineterminator=self._end).writerow(cells)
        return file.getvalue()


def table(
    chance: random.Random, rows: Sequence[Cells], spoils: Iterable[Spoil] = (), *, more: bool = True
) -> Planted:
    """Rows as a file. Each of `spoils` makes one that must be told of a good one; `more` allows unknown columns."""
    encoding = chance.choice(ENCODINGS)
    delimiter = "\t" if encoding == "utf-16" and chance.random() < 0.5 else ","
    notes = WINDOWS_NOTES if encoding in {"cp1252", "mixed"} else NOTES
    writer = _Writer(chance, [*rows[0], *(UNKNOWN if more else ())], notes, delimiter)
    lines = [writer.row(row) for row in rows]
    planted = [writer.row(spoil(dict(chance.choice(rows))), broken=True) for spoil in spoils]
    for line in (*planted, *writer.unreadable()):
        lines.insert(chance.randrange(len(lines) + 1), line)
    return _planted(chance, [writer.headings(), *lines, _Line("\n\n", broken=False), writer.cut_off()], encoding)


def objects(chance: random.Random, items: Sequence[Any], within: str = "", spoils: Iterable[Spoil] = ()) -> Planted:
    """Objects as a file: lines of them, a list, or pages that have them `within`, of which one was saved twice."""
    encoding = chance.choice(ENCODINGS[:3])
    mixed = [(item, False) for item in items]
    for spoil in spoils:
        item = spoil(json.loads(json.dumps(chance.choice(items))))
        mixed.insert(chance.randrange(len(mixed) + 1), (item, True))
    texts = [_Line(json.dumps(item, ensure_ascii=chance.random() < 0.5), broken) for item, broken in mixed]
    shape = chance.choice(("lines", "list", "pages", "list of pages") if within else ("lines", "list"))
    if shape == "lines":
        end = chance.choice(("\n", "\r\n", "\n\n"))
        whole = texts[0].text
        texts.insert(chance.randrange(len(texts) + 1), _Line(whole[: len(whole) // 2], broken=True))
        texts.insert(chance.randrange(len(texts) + 1), _Line('{"stopped": ', broken=True))
        lines = [_Line(line.text + end, line.broken) for line in texts]
        lines.append(_Line(whole[:-1], broken=True))
    elif shape == "list":
        lines = [_Line("[\n", broken=False), *_listed(texts), _Line("]\n", broken=False)]
    else:
        half = len(texts) // 2
        pages = [_page(texts[:half], within), _page(texts[half:], within)]
        pages.insert(chance.randrange(3), chance.choice(pages))
        lines = [line for page in pages for line in page]
        if shape == "list of pages":
            between = [line for page in pages[:-1] for line in (*page, _Line(",", broken=False))]
            lines = [_Line("[\n", broken=False), *between, *pages[-1], _Line("]", broken=False)]
    return _planted(chance, lines, encoding)


def _page(texts: Sequence[_Line], within: str) -> list[_Line]:
    head, foot = f'{{"object": "page", "{within}": [\n', '],\n"has_more": false, "next_page": null}\n'
    return [_Line(head, broken=False), *_listed(texts), _Line(foot, broken=False)]


def _listed(texts: Sequence[_Line]) -> list[_Line]:
    last = len(texts) - 1
    return [_Line(line.text + ("," if at < last else "") + "\n", line.broken) for at, line in enumerate(texts)]


def _planted(chance: random.Random, lines: Sequence[_Line], encoding: str) -> Planted:
    broken: list[int] = []
    spoilt: set[int] = set()
    number = 1
    for line in lines:
        after = number + line.text.count("\n")
        if line.broken:
            broken.append(number)
            spoilt.update(range(number, max(after, number + 1)))
        number = after
    if encoding == "mixed":
        return Planted(
            b"".join(line.text.encode(chance.choice(("utf-8", "cp1252"))) for line in lines), broken, spoilt
        )
    return Planted("".join(line.text for line in lines).encode(encoding), broken, spoilt)
