"""Bursar's own format of usage records: CSV, JSON, or lines of JSON, with the fields of `POST /api/usage`.

For whatever has no importer: see docs/how-to/imports.md. A field that is not known is refused, so that a misspelt
one is not passed over.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bursar.importers.instants import read_us
from bursar.importers.record import STANDARD, UsageRecord
from bursar.importers.sheets import Item, Sheets
from bursar.importers.texts import nanos
from bursar.usage import Usage

NAME = "records"
COUNTS = {
    "input_tokens": "input",
    "cache_read_tokens": "cache_read",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "output_tokens": "output",
    "audio_input_tokens": "audio_input",
    "audio_output_tokens": "audio_output",
    "web_searches": "web_searches",
    "reasoning_tokens": "reasoning",
}
TEXTS = ("key", "at", "catalog", "model", "variant", "request_id", "message_id", "cost", "person", "sidechain")
MOST = 1_000_000_000


def source() -> Sheets:
    """The importer."""
    return Sheets(NAME, "records in Bursar's own format", read, "records")


def read(item: Item) -> UsageRecord:
    """A record from a row or an object."""
    for name in item:
        if name not in COUNTS and name not in TEXTS:
            raise ValueError(f"has a field {name!r}, which is not known")
    return UsageRecord(
        NAME,
        text(item, "key"),
        read_us(item["at"]),
        text(item, "catalog"),
        text(item, "model"),
        Usage(**{bucket: count(item, name) for name, bucket in COUNTS.items()}),
        item.get("variant") or STANDARD,
        item.get("request_id") or None,
        item.get("message_id") or None,
        cost_nanos=cost(item.get("cost")),
        person=item.get("person") or None,
        sidechain=str(item.get("sidechain") or "false").lower() == "true",
    )


def text(item: Item, name: str) -> str:
    """A text that must be there. Raises KeyError, ValueError."""
    value = item[name]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"its {name} is {value!r}, which is no text")
    return value.strip()


def count(item: Item, name: str) -> int:
    """A count, 0 when it is not there. Raises ValueError for what is none."""
    value = item.get(name)
    if value is None or value == "":
        return 0
    try:
        number = int(str(value).replace(",", "")) if not isinstance(value, bool) else -1
    except ValueError:
        number = -1
    if not 0 <= number <= MOST:
        raise ValueError(f"its {name} is {value!r}, which is no count")
    return number


def cost(value: object) -> int | None:
    """A cost in dollars as nano-dollars; None when there is none. Raises ValueError."""
    if value is None or value == "":
        return None
    try:
        return nanos(Decimal(str(value).strip().lstrip("$").replace(",", "")))
    except InvalidOperation:
        raise ValueError(f"its cost is {value!r}, which is no amount of dollars") from None
