"""The types of reports as `reports.plain` tells them: amounts and times are texts. They are for OpenAPI."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec


@cache
def told(report: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The type of what `reports.plain.plain` makes of a report: texts for amounts, texts or null for times."""
    hints = get_type_hints(report)
    fields = [_field(name, hints[name]) for name in report.__struct_fields__]
    made = msgspec.defstruct(report.__name__.removesuffix("View"), fields, frozen=True, kw_only=True)
    made.__doc__ = report.__doc__
    return made


def told_list(report: type[msgspec.Struct]) -> Any:
    """The type of a list of such reports."""
    return list[told(report)]  # type: ignore[misc]


def _field(name: str, kind: Any) -> tuple[str, Any]:
    if name.endswith("_nanos"):
        return name.removesuffix("_nanos"), str | None if type(None) in get_args(kind) else str
    if name.endswith("_us"):
        return name.removesuffix("_us"), str | None
    return name, _kind(kind)


def _kind(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return told(kind)
    if get_origin(kind) in {tuple, list}:
        return list[_kind(get_args(kind)[0])]  # type: ignore[misc]
    return kind
