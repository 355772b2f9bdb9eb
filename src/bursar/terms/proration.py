"""Proration: what a part of a period is worth, by the day, so that the parts sum exactly to the whole.

The largest-remainder rule: every day has the same whole number of nano-dollars, and what is left over is one more
for each of the first days.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from bursar.terms.plan import Terms


class Employment(NamedTuple):
    """When somebody is there: first and last day (None: not known), and spans of leave with their last day, too.

    A span without an end goes on.
    """

    starts: date | None = None
    ends: date | None = None
    leave: tuple[tuple[date, date | None], ...] = ()

    def employed(self, day: date) -> bool:
        """Whether the day lies between the first and the last one."""
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)

    def on_leave(self, day: date) -> bool:
        """Whether the day is one of leave."""
        return any(first <= day and (last is None or day <= last) for first, last in self.leave)


ALWAYS = Employment()
"""Somebody of whom no dates are known, or a team."""


def first_parts(amount_nanos: int, days: int, count: int) -> int:
    """What the first `count` of so many days are worth of an amount."""
    each, rest = divmod(amount_nanos, days)
    return each * count + min(count, rest)


def part_of(amount_nanos: int, days: Sequence[date], counted: Collection[date]) -> int:
    """What some of a period's days are worth of its amount."""
    each, rest = divmod(amount_nanos, len(days))
    return sum(each + (n < rest) for n, day in enumerate(days) if day in counted)


def counted_days(terms: Terms, employment: Employment, days: Sequence[date], begun: date) -> frozenset[date]:
    """The days of a period that count for somebody whose grant begins on a day: none when no lot is to be opened."""
    there = [day for day in days if day >= begun and employment.employed(day)]
    if terms.on_leave == "pause":
        there = [day for day in there if not employment.on_leave(day)]
    return frozenset(there)


def prorated(terms: Terms, amount_nanos: int, days: Sequence[date], counted: Collection[date]) -> int:
    """What a period is worth to somebody for whom these days of it count."""
    if not counted:
        return 0
    return part_of(amount_nanos, days, counted) if terms.proration == "daily" else amount_nanos
