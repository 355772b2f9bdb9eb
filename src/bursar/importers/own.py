"""Bursar's own format of usage records: CSV, JSON, or lines of JSON, with the fields of `POST /api/usage`.

For whatever has no importer: see docs/how-to/imports.md. A field that is not known is refused, so that a misspelt
one is not passed over.
"""

from __future__ import annotations

from bursar.importers.instants import told_us
from bursar.importers.record import STANDARD, UsageRecord
from bursar.importers.sheets import Item, Sheets
from bursar.importers.texts import nanos, number, whole_number
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
_YES_OR_NO = {"": False, "false": False, "true": True}


def source() -> Sheets:
    """The importer."""
    return Sheets(NAME, "records in Bursar's own format", read, "records", ("key", "at", "catalog", "model"))


def read(item: Item) -> UsageRecord:
    """A record from a row or an object."""
    for name in item:
        if name not in COUNTS and name not in TEXTS:
            raise ValueError(f"has a field {name!r}, which is not known")
    return UsageRecord(
        NAME,
        text(item, "key"),
        told_us(item["at"]),
        text(item, "catalog"),
        text(item, "model"),
        Usage(**{bucket: count(item, name) for name, bucket in COUNTS.items()}),
        some_text(item, "variant") or STANDARD,
        some_text(item, "request_id"),
        some_text(item, "message_id"),
        cost_nanos=cost(item.get("cost")),
        person=some_text(item, "person"),
        sidechain=_yes(item.get("sidechain")),
    )


def text(item: Item, name: str) -> str:
    """A text that must be there. Raises KeyError, ValueError."""
    found = some_text({name: item[name]}, name)
    if found is None:
        raise ValueError(f"its {name} is {item[name]!r}, which is no text")
    return found


def some_text(item: Item, name: str) -> str | None:
    """A text; None when there is none. Raises ValueError for what is something else."""
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its {name} is {value!r}, which is no text")
    return (value or "").strip() or None


def count(item: Item, name: str) -> int:
    """A count, 0 when it is not there. Raises ValueError for what is none."""
    return 0 if _blank(item.get(name)) else whole_number(item[name], name, MOST)


def cost(value: object) -> int | None:
    """A cost in dollars as nano-dollars; None when there is none. Raises ValueError."""
    try:
        return None if _blank(value) else nanos(number(str(value)))
    except ValueError as problem:
        raise ValueError(f"its cost: {problem}") from None


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _yes(value: object) -> bool:
    told = str("" if value is None else value).strip().lower()
    if told not in _YES_OR_NO:
        raise ValueError(f"its sidechain is {value!r}, which is neither true nor false")
    return _YES_OR_NO[told]
