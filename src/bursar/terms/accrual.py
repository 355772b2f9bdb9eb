"""Accrual: a lot's amount becomes available day by day, the first day's part when it opens.

Derived from the lot alone: its amount and its days. So whoever asks, whenever, gets the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bursar.periods import Period, first_instant
from bursar.terms.proration import first_parts
from bursar.terms.schedules import days_of


def unearned_at_opening(amount_nanos: int, span: Period, time_zone: str) -> int:
    """What is not earned yet of a lot when it opens. `span` is from its opening to its period's end."""
    return amount_nanos - first_parts(amount_nanos, len(days_of(span, time_zone)), 1)


def earnings(amount_nanos: int, span: Period, time_zone: str, until_us: int) -> Iterator[tuple[int, int]]:
    """When more of a lot is earned after its opening, up to an instant, and what is left unearned then."""
    days, zone = days_of(span, time_zone), ZoneInfo(time_zone)
    for n, day in enumerate(days[1:], start=2):
        at_us = first_instant(day, zone)
        if at_us > until_us:
            return
        yield at_us, amount_nanos - first_parts(amount_nanos, len(days), n)


class Part(NamedTuple):
    """An amount that is earned in equal parts, one on each day of a time."""

    amount_nanos: int
    span: Period


def unearned_of(parts: Iterable[Part], revoked_nanos: int, time_zone: str, day: date) -> int:
    """What of several parts is not earned yet on a day, when that day's is. What was revoked is the last of it."""
    return max(0, _unearned(_spread(parts, time_zone), day) - revoked_nanos)


def earnings_of(
    parts: Sequence[Part], revoked_nanos: int, time_zone: str, until_us: int
) -> Iterator[tuple[int, int]]:
    """`earnings` of a lot that has several parts, the first of them from its opening on."""
    zone = ZoneInfo(time_zone)
    spread = _spread(parts, time_zone)
    for day in spread[0][1][1:]:
        at_us = first_instant(day, zone)
        if at_us > until_us:
            return
        yield at_us, max(0, _unearned(spread, day) - revoked_nanos)


def _spread(parts: Iterable[Part], time_zone: str) -> list[tuple[int, Sequence[date]]]:
    return [(part.amount_nanos, days_of(part.span, time_zone)) for part in parts]


def _unearned(spread: Iterable[tuple[int, Sequence[date]]], day: date) -> int:
    return sum(amount - first_parts(amount, len(days), bisect_right(days, day)) for amount, days in spread)
