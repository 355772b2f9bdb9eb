"""What somebody wants to know of their usage: which agents, where, which days, on which clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bursar.refusals import field_invalid

_SPAN = re.compile(r"([1-9][0-9]{0,3})d")
A_DAY = "a day like 2026-11-01, a span like 7d, or all"


class Asked(NamedTuple):
    """`since` and `until` are days of `zone`, both included; None is no bound. `zone` None is this machine's."""

    sources: list[str]
    paths: list[Path]
    zone: ZoneInfo | None
    since: date | None
    until: date | None
    today: date


def asked(
    sources: Sequence[str],
    paths: Sequence[Path],
    time_zone: str | None,
    since: str,
    until: str | None,
    *,
    now: datetime,
) -> Asked:
    """Read the options at an instant. Raises Refused for what cannot be meant."""
    zone = _zone(time_zone)
    today = now.astimezone(zone).date()
    for path in paths:
        if not path.exists():
            raise field_invalid("path", path, "a folder or file that is there")
    bound = _since(since, today)
    last = None if until is None else _day("until", until)
    if bound is not None and last is not None and last < bound:
        raise field_invalid("until", last, f"{bound} or later")
    return Asked(list(sources), list(paths), zone, bound, last, today)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise field_invalid("time_zone", name, "an IANA time zone like Europe/Stockholm") from None


def _since(text: str, today: date) -> date | None:
    if text == "all":
        return None
    span = _SPAN.fullmatch(text)
    return today - timedelta(days=int(span[1]) - 1) if span else _day("since", text)


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise field_invalid(field, text, A_DAY if field == "since" else "a day like 2026-11-30") from None
