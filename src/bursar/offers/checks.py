"""Checks of the fields of an offer file, next to those that it shares with plan files (`bursar.terms.fields`).

Each takes a field's name and what the file has for it, and refuses by the name and the remedy when it is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from bursar.money import NANOS_PER_USD
from bursar.terms import fields
from bursar.terms.fields import wrong

UNSTATED = "unstated"
"""What an offer file writes for an amount that the offer does not name."""
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")
_UP_TO = re.compile(r"up to (.+)")


class Said(NamedTuple):
    """A token budget's amount as an offer says it, dollars; not firm: "up to", or not said at all (0)."""

    usd: float
    firm: bool


class Cap(NamedTuple):
    """A most, in dollars or as a share. One of the two is None."""

    usd: float | None
    share: float | None


def dollars(field: str, value: object) -> float:
    """More than 0 dollars: a whole number, or a text like "1500.50" or "$1,500"."""
    whole_number = isinstance(value, int) and not isinstance(value, bool)
    return fields.amount(field, str(value) if whole_number else value) / NANOS_PER_USD


def dollars_or_none(field: str, value: object) -> float:
    """The same, where 0 may be."""
    return 0.0 if value in (0, "0") and not isinstance(value, bool | float) else dollars(field, value)


def said(field: str, value: object) -> Said:
    """A token budget's amount: dollars, "up to" dollars, or "unstated"."""
    if value == UNSTATED:
        return Said(0.0, firm=False)
    found = _UP_TO.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    return Said(dollars(field, found[1]), firm=False) if found else Said(dollars(field, value), firm=True)


def percent(least: float, most: float) -> Callable[[str, object], float]:
    """A check that a field is a percentage within bounds, in quotes; what comes is a fraction."""

    def check(field: str, value: object) -> float:
        found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        if found is None or not least <= float(found[1]) <= most:
            raise wrong(field, f'write a percentage in quotes, like "{most / 2:g}%", from {least:g}% to {most:g}%')
        return float(Decimal(found[1]) / 100)

    return check


def cap(field: str, value: object) -> Cap:
    """Dollars or a percentage."""
    if isinstance(value, str) and value.endswith("%"):
        return Cap(None, percent(0, 100)(field, value))
    return Cap(dollars(field, value), None)


def number(least: float, most: float, of: str) -> Callable[[str, object], float]:
    """A check that a field is a number within bounds; `of` says what it counts."""

    def check(field: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise wrong(field, f"write a number from {least:g} to {most:g}{of}")
        return float(value)

    return check


def named(**words: object) -> Callable[[str, object], object]:
    """A check that a field is one of some words; what comes is what the word stands for."""
    known = fields.one_of(*words)
    return lambda field, value: words[known(field, value)]


def models(field: str, value: object) -> tuple[str, ...]:
    """Names or patterns of models, or "all"."""
    return () if value == "all" else fields.models(field, value)


def multiple(field: str, value: object) -> float:
    """How many times something."""
    return fields.multiple(field, value) / fields.WHOLE_BPS


def months(field: str, value: object) -> tuple[float, ...]:
    """Dollars used in each of some months, oldest first."""
    if not isinstance(value, list) or not 1 <= len(value) <= 120:
        raise wrong(field, "write a list of 1 to 120 amounts, one for each month, like [120, 180]")
    return tuple(dollars_or_none(field, item) for item in value)
