"""Notice: no change for the worse takes effect sooner than the plan promises."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bursar.periods import first_instant
from bursar.terms.plan import Terms
from bursar.terms.schedules import local_day

Worse = Literal["reduce", "revoke"]
"""The changes of which a person has notice."""


def notice_days(terms: Terms, change: Worse) -> int:
    """How many whole days must pass between the announcement's day and the day of effect."""
    return terms.notice_reduce_days if change == "reduce" else terms.notice_revoke_days


def earliest_us(terms: Terms, change: Worse, announced_us: int) -> int:
    """The earliest instant at which a change may take effect, given when it was announced.

    Without notice that is at once. With it, neither the day of the announcement nor that of the effect counts: so
    many whole days of the plan's calendar lie between them.
    """
    days = notice_days(terms, change)
    if not days:
        return announced_us
    day = local_day(announced_us, terms.time_zone) + timedelta(days=days + 1)
    return first_instant(day, ZoneInfo(terms.time_zone))
