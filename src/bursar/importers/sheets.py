"""Files that are read as a whole: reports and exports, in JSON, lines of JSON or CSV.

They are small beside logs and are written at once, so nothing is gone on with: one that has changed is read anew.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from bursar.importers.record import Broken, Resume, UsageRecord
from bursar.importers.texts import line_of

Item = Mapping[str, Any]
Read = Callable[[Item], UsageRecord | None]
"""Makes a record of a row or an object; None for one that tells of no usage. Raises ValueError or KeyError."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Sheet(msgspec.Struct):
    """What reading a file gave, as `importers.reading.Reading` has it."""

    records: list[UsageRecord]
    broken: list[Broken]
    resume: Resume
    anew: bool = False


def whole(path: Path, resume: Resume | None) -> tuple[bytes, Sheet, bool]:
    """A file, an empty sheet for what is in it, and whether it is another than it was left. Raises OSError."""
    data = path.read_bytes()
    left = Resume(len(data), 0, blake2b(data, digest_size=8).hexdigest())
    return data, Sheet([], [], left), left != resume


class WholeFiles:
    """A source whose files are where they were put, and are read as a whole when they have changed."""

    endings = frozenset({".json", ".jsonl", ".csv"})
    """What its files are called in a folder."""

    def homes(self) -> list[Path]:
        """Nowhere: such files are where they were put."""
        return []

    def files(self, root: Path) -> Iterator[Path]:
        """The file itself, or in a folder whatever may be one, sorted."""
        if root.is_dir():
            yield from sorted(path for path in root.rglob("*") if path.suffix in self.endings)
        else:
            yield root

    def read(self, path: Path, resume: Resume | None = None) -> Sheet:
        """Read a file, unless it is as it was left. Raises OSError."""
        data, sheet, changed = whole(path, resume)
        if changed:
            self.read_bytes(data, path.name, sheet)
        return sheet

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read what is in a file; what is broken is noted, and does not stop the rest."""
        raise NotImplementedError


class Sheets(WholeFiles):
    """A source of such files. A file says by its first letter what it is: a list, objects, lines of them, or CSV."""

    def __init__(self, name: str, title: str, read: Read, within: str = "") -> None:
        """`within` is the field of a JSON object that has the list of what is read, when there is such a field."""
        self.name = name
        self.title = title
        self._read = read
        self._within = within

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read what is in a file; broken rows are noted, and do not stop the rest."""
        text = data.decode("utf-16" if data[:2] in _WIDE else "utf-8-sig", "replace")
        for line, item in self._items(text, file, sheet):
            try:
                record = self._read(item)
            except (ValueError, KeyError, TypeError) as problem:
                said = f"has no {problem.args[0]}" if isinstance(problem, KeyError) else str(problem)
                sheet.broken.append(Broken(file, line, said))
            else:
                if record is not None:
                    sheet.records.append(record)

    def _items(self, text: str, file: str, sheet: Sheet) -> Iterator[tuple[int, Item]]:
        """Rows or objects, each with its line; those of one JSON document are counted instead."""
        start = text.lstrip()
        if not start:
            return
        if start[0] not in "{[":
            yield from _rows(text, file, sheet)
            return
        try:
            document = msgspec.json.decode(text)
        except msgspec.DecodeError as problem:
            if start[0] == "{":
                yield from _lines(text, file, sheet)
            else:
                sheet.broken.append(Broken(file, line_of(problem, text.encode()), f"is no JSON: {problem}"))
            return
        for number, item in enumerate(self._listed(document), start=1):
            if isinstance(item, dict):
                yield number, item
            else:
                sheet.broken.append(Broken(file, number, "is no object"))

    def _listed(self, document: Any) -> list[Any]:
        found = document.get(self._within, [document]) if isinstance(document, dict) else document
        return found if isinstance(found, list) else [found]


def _lines(text: str, file: str, sheet: Sheet) -> Iterator[tuple[int, Item]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item = msgspec.json.decode(line)
        except msgspec.DecodeError as problem:
            sheet.broken.append(Broken(file, number, f"is no JSON: {problem}"))
            continue
        if isinstance(item, dict):
            yield number, item
        else:
            sheet.broken.append(Broken(file, number, "is no object"))


def _rows(text: str, file: str, sheet: Sheet) -> Iterator[tuple[int, Item]]:
    reader = csv.reader(StringIO(text, newline=""))
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cells):
                continue
            if not names:
                names = [name.strip() for name in cells]
            elif len(cells) == len(names):
                yield reader.line_num, dict(zip(names, cells, strict=True))
            else:
                sheet.broken.append(Broken(file, reader.line_num, f"has {len(cells)} cells, not {len(names)}"))
    except csv.Error as problem:
        sheet.broken.append(Broken(file, reader.line_num, f"is no CSV: {problem}"))
