"""Fields of a plan file: each checked by itself, and refused by its name and the reason when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import available_timezones

from bursar.money import MoneyError, parse_usd
from bursar.refusals import Refused, Why, refuse

WHOLE_BPS = 10_000
"""Shares are in basis points: 10,000 are the whole."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))? ?%")
_TOKENS = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,12}))? ?([KMBT]?)")
_ZEROS = {"": 0, "K": 3, "M": 6, "B": 9, "T": 12}
MAX_TOKENS = 10**12
"""A period's tokens; their worth stays below the most that an amount may be."""
_MULTIPLE = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,2}))?")
_MODEL = re.compile(r"[^\s*?\[\]/]+(?:/[^\s*?\[\]]+)?")
MAX_TEXT_LENGTH = 200


class Cap(NamedTuple):
    """A most: an amount, or a share of a lot's own amount. One of the two is None."""

    nanos: int | None
    share_bps: int | None


def wrong(field: str, problem: str) -> Refused:
    """The refusal of a plan because of a field."""
    return Refused(refuse(Why.PLAN_INVALID, field=field, problem=problem))


def plan_name(field: str, value: object) -> str:
    """A plan's name."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise wrong(field, "write lower-case letters, digits, '.', '_' and '-', at most 63")
    return value


def amount(field: str, value: object) -> int:
    """Money above 0, in nano-USD."""
    if not isinstance(value, str):
        raise wrong(field, 'write a decimal string in quotes, like "2000.00"')
    try:
        nanos = parse_usd(value)
    except MoneyError as problem:
        raise wrong(field, str(problem)) from None
    if nanos == 0:
        raise wrong(field, "it must be more than 0")
    return nanos


def share(field: str, value: object) -> int:
    """A share above 0 % and up to 100 %, in basis points."""
    bps = share_or_none(field, value)
    if not bps:
        raise wrong(field, "it must be more than 0% and at most 100%")
    return bps


def share_or_none(field: str, value: object) -> int:
    """A share from 0 % to 100 %, in basis points."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong(field, 'write a share in quotes, like "50%", with at most two decimals')
    bps = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if bps > WHOLE_BPS:
        raise wrong(field, "it must be more than 0% and at most 100%")
    return bps


def tokens(field: str, value: object) -> int:
    """A number of tokens: a whole number, or a text with K, M, B or T for thousands, millions and so on."""
    found = _TOKENS.fullmatch(value) if isinstance(value, str) else None
    right = f'write a whole number of tokens from 1 to {MAX_TOKENS:,}, like 50000000 or "50M"'
    if isinstance(value, bool) or (found is None and not isinstance(value, int)):
        raise wrong(field, right)
    if found is not None:
        fraction, zeros = (found[2] or "").rstrip("0"), _ZEROS[found[3]]
        if len(fraction) > zeros:
            raise wrong(field, right)
        value = int(found[1] + fraction.ljust(zeros, "0"))
    if not isinstance(value, int) or not 1 <= value <= MAX_TOKENS:
        raise wrong(field, right)
    return value


def model(field: str, value: object) -> str:
    """One model's name; before a slash there may be the catalog of prices that has it."""
    if not isinstance(value, str) or not _MODEL.fullmatch(value):
        raise wrong(field, 'write one model, like "claude-sonnet-4-5" or "anthropic/claude-sonnet-4-5", no pattern')
    return value


def basket(field: str, value: object) -> tuple[str, ...]:
    """Some models, none of them twice."""
    if not isinstance(value, list) or not value:
        raise wrong(field, 'write a list of models, like ["claude-sonnet-4-5", "gpt-5"]')
    found = tuple(model(field, item) for item in value)
    if len(set(found)) < len(found):
        raise wrong(field, "a model is in it twice")
    return found


def multiple(field: str, value: object) -> int:
    """How many times something, in basis points: 20,000 for twice."""
    found = _MULTIPLE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong(field, 'write how many times in quotes, like "2.0", with at most two decimals')
    bps = int(found[1]) * WHOLE_BPS + int((found[2] or "").ljust(2, "0")) * 100
    if not bps:
        raise wrong(field, "it must be more than 0")
    return bps


def text(field: str, value: object) -> str:
    """A line of words."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > MAX_TEXT_LENGTH:
        raise wrong(field, f"write a line of at most {MAX_TEXT_LENGTH} characters")
    return value.strip()


def cap(field: str, value: object) -> Cap:
    """An amount or a share."""
    if isinstance(value, str) and value.endswith("%"):
        return Cap(None, share(field, value))
    if not isinstance(value, str):
        raise wrong(field, 'write an amount or a share in quotes, like "500.00" or "25%"')
    return Cap(amount(field, value), None)


def one_of(*values: str) -> Callable[[str, object], str]:
    """A check that a field is one of some words."""

    def check(field: str, value: object) -> str:
        if not isinstance(value, str) or value not in values:
            raise wrong(field, f"{value!r} is none of {', '.join(values)}")
        return value

    return check


def whole(least: int, most: int, of: str) -> Callable[[str, object], int]:
    """A check that a field is a whole number within bounds; `of` says what it counts."""

    def check(field: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise wrong(field, f"write a whole number from {least} to {most}{of}")
        return value

    return check


def day(field: str, value: object) -> date:
    """A calendar day."""
    if isinstance(value, str):
        try:
            value = datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            raise wrong(field, f"{value!r} is no day; write YYYY-MM-DD") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise wrong(field, "write a day as YYYY-MM-DD")
    return value


def time_zone(field: str, value: object) -> str:
    """An IANA time zone's name."""
    if not isinstance(value, str) or value not in available_timezones():
        raise wrong(field, f"{value!r} is no IANA time zone, such as Europe/Stockholm")
    return value


def models(field: str, value: object) -> tuple[str, ...]:
    """Names or patterns of models."""
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise wrong(field, 'write a list of model names or patterns, like ["claude-*"]; leave it out for all')
    return tuple(value)


def flag(field: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(field, "write true or false")
    return value
