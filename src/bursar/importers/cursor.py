"""Cursor's usage events: CSV from its dashboard, a row for each request.

The columns are disjoint: "Input (w/ Cache Write)" was written to the cache, "Input (w/o Cache Write)" was not, and
all four add up to "Total Tokens". An export of a team names people by e-mail; one's own does not. Events have no id.
"""

from __future__ import annotations

import re
from collections import Counter
from hashlib import blake2b

import msgspec

from bursar.importers.instants import told_us
from bursar.importers.record import UsageRecord
from bursar.importers.sheets import Sheet, WholeFiles, sound
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


class Cursor(WholeFiles):
    """Cursor's usage events."""

    name = NAME
    title = "Cursor's usage events"
    endings = (".csv",)

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read the calls of an export. Requests that failed, and so used nothing, are left out."""
        table = Table(data, file, NEEDED)
        seen: Counter[str] = Counter()
        for row in table.rows():
            try:
                record = sound(_record(row))
            except ValueError as problem:
                table.tell(row.line, f"is not understood: {problem}")
                continue
            if record.usage.total_tokens or record.cost_nanos:
                # Two that agree in everything are two requests, and the same two in the next export.
                seen[record.key] += 1
                sheet.records.append(msgspec.structs.replace(record, key=f"{record.key}:{seen[record.key]}"))
        sheet.broken += table.broken


def _record(row: Row) -> UsageRecord:
    usage = Usage(
        input=row.count("input (w/o cache write)"),
        cache_read=row.count("cache read"),
        cache_write_5m=row.count("input (w/ cache write)"),
        output=row.count("output tokens"),
    )
    said = row.count("total tokens")
    if said and said != usage.total_tokens:
        raise ValueError(f"its tokens are {usage.total_tokens}, and it says {said}")
    model, cost = row.text("model"), row.text("cost")
    at_us = told_us(row.text("date"))
    # A team's export names people, and one's own does not; a request may be paid for after all: neither is its name.
    told = msgspec.json.encode((at_us, model, usage))
    return UsageRecord(
        source=NAME,
        key=blake2b(told, digest_size=16).hexdigest(),
        at_us=at_us,
        catalog=next((catalog for pattern, catalog in _CATALOGS if pattern.match(model.lower())), NAME),
        model=model,
        usage=usage,
        session=row.text("cloud agent id") or None,
        cost_nanos=None if _NO_PRICE.fullmatch(cost) else nanos(row.amount("cost")),
        person=row.text("user") or None,
    )
