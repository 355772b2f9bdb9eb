"""Accrual: a lot's amount becomes available day by day, the first day's part when it opens.

Derived from the lot alone: its amount and its days. So whoever asks, whenever, gets the same.
"""

from __future__ import annotations

from collections.abc import Iterator
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
