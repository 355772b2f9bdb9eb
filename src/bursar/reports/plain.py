"""A report as JSON: amounts as decimal strings in dollars, times as ISO 8601 in UTC.

The names follow: `granted_nanos` is told as `granted`, `expires_us` as `expires`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bursar.money import usd
from bursar.periods import iso


def plain(report: msgspec.Struct) -> dict[str, Any]:
    """A report as a dictionary of JSON's types, its fields in their order. An instant of 0 (never) is null."""
    told: dict[str, Any] = {}
    for name in report.__struct_fields__:
        value = getattr(report, name)
        if name.endswith("_nanos"):
            told[name.removesuffix("_nanos")] = None if value is None else usd(value)
        elif name.endswith("_us"):
            told[name.removesuffix("_us")] = iso(value) if value else None
        else:
            told[name] = _plain_value(value)
    return told


def to_json(report: msgspec.Struct) -> bytes:
    """A report as JSON, indented; the same report gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(plain(report)), indent=2) + b"\n"


def _plain_value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return plain(value)
    if isinstance(value, tuple | list):
        return [_plain_value(item) for item in value]
    return value
