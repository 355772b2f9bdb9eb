"""Files that are read as a whole: reports and exports, in JSON, lines of JSON or CSV.

They are small beside logs and are written at once, so nothing is gone on with: one that has changed is read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from bursar.importers.instants import in_our_time
from bursar.importers.pages import Pages
from bursar.importers.paths import below
from bursar.importers.record import Broken, Resume, UsageRecord
from bursar.importers.tables import Table
from bursar.importers.texts import check_texts, decoded

Item = Mapping[str, Any]
Read = Callable[[Item], UsageRecord | None]
"""Makes a record of a row or an object; None for one that tells of no usage. Raises ValueError or KeyError."""
_TEXTS = ("key", "catalog", "model", "variant", "request_id", "message_id", "person")


class Sheet(msgspec.Struct):
    """What reading a file gave, as `importers.reading.Reading` has it."""

    records: list[UsageRecord]
    broken: list[Broken]
    resume: Resume
    anew: bool = False


class WholeFiles:
    """A source whose files are where they were put, and are read as a whole when they have changed."""

    endings: tuple[str, ...] = (".json", ".jsonl", ".csv")
    """What its files are called in a folder."""

    def homes(self) -> list[Path]:
        """Nowhere: such files are where they were put."""
        return []

    def files(self, root: Path) -> Iterator[Path]:
        """The file itself, or in a folder whatever may be one, sorted."""
        if root.is_dir():
            yield from below(root, lambda name: name.lower().endswith(self.endings))
        else:
            yield root

    def read(self, path: Path, resume: Resume | None = None) -> Sheet:
        """Read a file, unless it is as it was left. Raises OSError."""
        data = path.read_bytes()
        sheet = Sheet([], [], Resume(len(data), 0, blake2b(data, digest_size=8).hexdigest()))
        if sheet.resume != resume:
            self.read_bytes(data, path.name, sheet)
        return sheet

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read what is in a file; what is broken is noted, and does not stop the rest."""
        raise NotImplementedError


class Sheets(WholeFiles):
    """A source of such files. A file says by its first letter what it is: a list, objects, lines of them, or CSV."""

    def __init__(self, name: str, title: str, read: Read, within: str, needed: Sequence[str]) -> None:
        """`within` is the field of a JSON object that has the list of what is read, when there is such a field.

        `needed` are the headings without which a CSV is another kind of table.
        """
        self.name = name
        self.title = title
        self._read = read
        self._within = within
        self._needed = needed

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read what is in a file; broken rows are noted, and do not stop the rest."""
        source: Pages | Table
        if decoded(data).lstrip()[:1] in {"{", "["}:
            source = pages = Pages(data, file, self._within)
            items: Iterator[tuple[int, Item]] = ((entry.line, item) for entry, item in pages.objects())
        else:
            source = table = Table(data, file, self._needed, fold=False)
            items = ((row.line, row.cells) for row in table.rows())
        for line, item in items:
            try:
                record = self._read(item)
                if record is not None:
                    sheet.records.append(sound(record))
            except (ValueError, KeyError) as problem:
                said = f"has no {problem.args[0]}" if isinstance(problem, KeyError) else str(problem)
                sheet.broken.append(Broken(file, line, said))
        sheet.broken = sorted([*sheet.broken, *source.broken], key=lambda broken: broken.line)


def sound(record: UsageRecord) -> UsageRecord:
    """A record that a server takes. Raises ValueError for one that would be refused, and others with it."""
    check_texts(record, _TEXTS)
    in_our_time(record.at_us)
    return record
