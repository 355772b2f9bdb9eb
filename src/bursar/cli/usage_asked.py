"""What somebody wants to know of their usage: which agents, where, which days, on which clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bursar.local.tables import PARTS, first_of_week
from bursar.refusals import field_invalid

_SPAN = re.compile(r"([1-9][0-9]{0,3})([dwm])")
A_DAY = "a day like 2026-11-01, a span like 7d, 4w or 3m, or all"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Asked(NamedTuple):
    """`since` and `until` are days of `zone`, both included; None is no bound. `zone` None is this machine's.

    `project` is the path of a project or its last folder.
    """

    sources: list[str]
    paths: list[Path]
    zone: ZoneInfo | None
    since: date | None
    until: date | None
    today: date
    project: str | None


class View(NamedTuple):
    """Periods as somebody wants to see them: days, weeks or months, by PARTS or not, in which order.

    Weeks begin on a day counted from Monday.
    """

    unit: str
    by: str | None = None
    latest_first: bool = False
    week_begins: int = 0


def viewed(unit: str, by: str | None, order: str, week_starts: str = "monday") -> View:
    """Read the options of a view. Raises Refused for what cannot be meant."""
    if by is not None:
        _one_of("by", by, tuple(PARTS))
    _one_of("order", order, ("oldest", "latest"))
    return View(unit, by, order == "latest", weekday(week_starts))


def weekday(name: str) -> int:
    """Read the day on which a week begins, counted from Monday. Raises Refused."""
    _one_of("week_starts", name, WEEKDAYS)
    return WEEKDAYS.index(name)


def ordered(order: str) -> str:
    """Read how sessions are to be ordered. Raises Refused."""
    _one_of("order", order, ("latest", "oldest", "dearest"))
    return order


def asked(
    sources: Sequence[str],
    paths: Sequence[Path],
    time_zone: str | None,
    since: str,
    until: str | None,
    *,
    now: datetime,
    project: str | None = None,
    week_begins: int = 0,
) -> Asked:
    """Read the options at an instant. Raises Refused for what cannot be meant."""
    zone = _zone(time_zone)
    today = now.astimezone(zone).date()
    for path in paths:
        if not path.exists():
            raise field_invalid("path", path, "a folder or file that is there")
    bound = _since(since, today, week_begins)
    last = None if until is None else _day("until", until)
    if bound is not None and last is not None and last < bound:
        raise field_invalid("until", last, f"{bound} or later")
    return Asked(list(sources), list(paths), zone, bound, last, today, project)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise field_invalid("time_zone", name, "an IANA time zone like Europe/Stockholm") from None


def _since(text: str, today: date, week_begins: int) -> date | None:
    """The first day: a span of days, weeks or months has the one of today in it."""
    if text == "all":
        return None
    span = _SPAN.fullmatch(text)
    if span is None:
        return _day("since", text)
    number, unit = int(span[1]), span[2]
    if unit == "m":
        months = today.year * 12 + today.month - number
        return date(months // 12, months % 12 + 1, 1)
    if unit == "w":
        return first_of_week(today, week_begins) - timedelta(weeks=number - 1)
    return today - timedelta(days=number - 1)


def _one_of(field: str, got: str, right: Sequence[str]) -> None:
    if got not in right:
        raise field_invalid(field, got, f"one of {', '.join(right)}")


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise field_invalid(field, text, A_DAY if field == "since" else "a day like 2026-11-30") from None
