"""Cursor's usage events: CSV from its dashboard, a row for each request.

The columns are disjoint: "Input (w/ Cache Write)" was written to the cache, "Input (w/o Cache Write)" was not, and
all four add up to "Total Tokens". An export of a team names people by e-mail; one's own does not. Events have no id.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.paths import below
from bursar.importers.record import Broken, Resume, UsageRecord
from bursar.importers.sheets import Sheet, whole
from bursar.importers.tables import Row, Table
from bursar.importers.texts import nanos
from bursar.usage import Usage

NAME = "cursor"
NEEDED = ("date", "model", "input (w/ cache write)", "input (w/o cache write)", "cache read", "output tokens")
_CATALOGS = (
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gpt|o[0-9]|codex"), "openai"),
    (re.compile(r"gemini"), "google"),
    (re.compile(r"grok"), "x-ai"),
)
_NO_PRICE = re.compile(r"[^0-9]*")


class Cursor:
    """Cursor's usage events."""

    name = NAME
    title = "Cursor's usage events"

    def homes(self) -> list[Path]:
        """Nowhere: an export is where it was saved."""
        return []

    def files(self, root: Path) -> Iterator[Path]:
        """All CSV files below a folder, sorted; or the path itself if it is a file."""
        return iter([root]) if root.is_file() else below(root, lambda name: name.endswith(".csv"))

    def read(self, path: Path, resume: Resume | None = None) -> Sheet:
        """Read an export, unless it is as it was left. Raises OSError."""
        data, sheet, changed = whole(path, resume)
        if changed:
            sheet.records, sheet.broken = read(data, path.name)
        return sheet


def read(data: bytes, name: str) -> tuple[list[UsageRecord], list[Broken]]:
    """The calls of an export, and what could not be read. Requests that failed, and so used nothing, are left out."""
    table = Table(data, name, NEEDED)
    records = []
    seen: Counter[str] = Counter()
    for row in table.rows():
        try:
            record = _record(row, seen)
        except ValueError as problem:
            table.tell(row.line, f"is not understood: {problem}")
            continue
        if record.usage.total_tokens or record.cost_nanos:
            records.append(record)
    return records, table.broken


def _record(row: Row, seen: Counter[str]) -> UsageRecord:
    usage = Usage(
        input=row.count("input (w/o cache write)"),
        cache_read=row.count("cache read"),
        cache_write_5m=row.count("input (w/ cache write)"),
        output=row.count("output tokens"),
    )
    said = row.count("total tokens")
    if said and said != usage.total_tokens:
        raise ValueError(f"its tokens are {usage.total_tokens}, and it says {said}")
    model, person = row.text("model"), row.text("user")
    cost = row.text("cost")
    at_us = read_us(row.text("date"))
    told = msgspec.json.encode((at_us, person, row.text("kind"), model, usage))
    digest = blake2b(told, digest_size=16).hexdigest()
    seen[digest] += 1  # two that agree in everything are two requests, and the same two in the next export
    return UsageRecord(
        source=NAME,
        key=f"{digest}:{seen[digest]}",
        at_us=at_us,
        catalog=next((catalog for pattern, catalog in _CATALOGS if pattern.match(model.lower())), NAME),
        model=model,
        usage=usage,
        session=row.text("cloud agent id") or None,
        cost_nanos=None if _NO_PRICE.fullmatch(cost) else nanos(row.amount("cost")),
        person=person or None,
    )
