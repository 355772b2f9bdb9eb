"""A plan's terms: read from TOML, refused by the field's name when wrong, immutable once in force.

The fields and their semantics are those of the plan file as documented in docs/how-to/plans.md. Fields that this
version does not implement are refused, never ignored: a promise that the software would not keep is no term.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import available_timezones

import msgspec

from bursar.money import MoneyError, parse_usd
from bursar.periods import Monthly, Schedule
from bursar.refusals import Refused, Why, refuse

SCHEDULES = ("monthly",)
UNUSED = ("expire",)
CURRENCIES = ("USD",)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan promises to whoever is granted it. `amount_nanos` is granted once a period."""

    name: str
    amount_nanos: int
    currency: str
    schedule: str
    time_zone: str
    unused: str
    models: tuple[str, ...] = ()
    clamp: bool = True
    priority: int = 100

    @property
    def periods(self) -> Schedule:
        """How this plan cuts time into periods."""
        return Monthly(self.time_zone)

    def allows(self, model: str) -> bool:
        """Whether a budget under this plan may be spent on the model. No list means every model."""
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


def read_plan(text: str) -> Terms:
    """Read a plan file. Raises Refused(PLAN_INVALID) naming the first field that is wrong."""
    try:
        fields: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise Refused(refuse(Why.PLAN_INVALID, field="(file)", problem=f"it is not TOML: {problem}")) from None
    for name in fields:
        if name not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise _wrong(name, f"there is no such field; the fields are {known}")
    for name in ("name", "amount"):
        if name not in fields:
            raise _wrong(name, "it is missing")
    read = {name: check(name, fields[name]) for name, check in _FIELDS.items() if name in fields}
    return Terms(
        name=read["name"],
        amount_nanos=read["amount"],
        currency=read.get("currency", "USD"),
        schedule=read.get("schedule", "monthly"),
        time_zone=read.get("time_zone", "UTC"),
        unused=read.get("unused", "expire"),
        models=read.get("models", ()),
        clamp=read.get("clamp", True),
        priority=read.get("priority", 100),
    )


def _wrong(field: str, problem: str) -> Refused:
    return Refused(refuse(Why.PLAN_INVALID, field=field, problem=problem))


def _plan_name(field: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _wrong(field, "write lower-case letters, digits, '.', '_' and '-', at most 63")
    return value


def _amount(field: str, value: object) -> int:
    if not isinstance(value, str):
        raise _wrong(field, 'write a decimal string in quotes, like "2000.00"')
    try:
        nanos = parse_usd(value)
    except MoneyError as problem:
        raise _wrong(field, str(problem)) from None
    if nanos == 0:
        raise _wrong(field, "it must be more than 0")
    return nanos


def _one_of(*values: str) -> Callable[[str, object], str]:
    def check(field: str, value: object) -> str:
        if not isinstance(value, str) or value not in values:
            raise _wrong(field, f"{value!r} is none of {', '.join(values)}")
        return value

    return check


def _time_zone(field: str, value: object) -> str:
    if not isinstance(value, str) or value not in available_timezones():
        raise _wrong(field, f"{value!r} is no IANA time zone, such as Europe/Stockholm")
    return value


def _models(field: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise _wrong(field, 'write a list of model names or patterns, like ["claude-*"]; leave it out for all')
    return tuple(value)


def _flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, "write true or false")
    return value


def _priority(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 255:
        raise _wrong(field, "write a whole number from 0 to 255; lower is spent first")
    return value


_FIELDS: dict[str, Callable[[str, object], Any]] = {
    "name": _plan_name,
    "amount": _amount,
    "currency": _one_of(*CURRENCIES),
    "schedule": _one_of(*SCHEDULES),
    "time_zone": _time_zone,
    "unused": _one_of(*UNUSED),
    "models": _models,
    "clamp": _flag,
    "priority": _priority,
}
