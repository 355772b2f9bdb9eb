"""What a period opens for somebody: how much, from when, until when, and what of it is earned at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bursar.periods import Period, first_instant
from bursar.terms.accrual import unearned_at_opening
from bursar.terms.amounts import Event, resumes_us
from bursar.terms.fields import WHOLE_BPS
from bursar.terms.plan import Terms
from bursar.terms.proration import Employment, counted_days, prorated
from bursar.terms.schedules import days_of, local_day
from bursar.terms.worth import Prices, worth_at_opening


class Opening(NamedTuple):
    """A lot to be opened. Times in µs UTC, amounts in nano-USD. It is earned from `opens_us` to `earned_by_us`."""

    label: str
    amount_nanos: int
    unearned_nanos: int
    opens_us: int
    earned_by_us: int
    expires_us: int
    overrun_nanos: int = 0
    """By how much calls may pass the budget in this period."""
    note: str = ""
    """How the amount came about, where that takes saying: what tokens were worth, what an escalator added."""


def opening(
    terms: Terms,
    period: Period,
    from_us: int,
    employment: Employment,
    *,
    events: Collection[Event],
    prices: Prices,
) -> Opening | None:
    """What a grant from an instant opens in a period; None when no day of it counts, or nothing is granted in it.

    What would open during a pause opens when that ends, if the period has not ended before. Raises Refused when a
    model that the terms name has no price at the opening.
    """
    zone = terms.time_zone
    days = days_of(period, zone)
    opens_us = resumes_us(events, max(period.start_us, from_us, first_us(employment.starts, zone)))
    if opens_us is None or opens_us >= period.end_us:
        return None
    counted = counted_days(terms, employment, days, local_day(opens_us, zone))
    if not counted:
        return None
    worth = worth_at_opening(terms, from_us, opens_us, events, prices)
    amount = prorated(terms, worth.amount_nanos, days, counted)
    if not amount:
        return None
    expires_us = _expires_us(terms, employment, period)
    span = Period(period.label, opens_us, min(period.end_us, expires_us))
    unearned = unearned_at_opening(amount, span, zone) if terms.availability == "accrual" else 0
    return Opening(
        label=period.label,
        amount_nanos=amount,
        unearned_nanos=unearned,
        opens_us=opens_us,
        earned_by_us=span.end_us,
        expires_us=expires_us,
        overrun_nanos=_overrun(terms, amount, days, counted),
        note=worth.note,
    )


def _overrun(terms: Terms, amount_nanos: int, days: Sequence[date], counted: Collection[date]) -> int:
    """The ceiling above a lot's amount: a share of it, or an amount a period, prorated as the lot's is."""
    if terms.overrun_ceiling_bps is not None:
        return amount_nanos * terms.overrun_ceiling_bps // WHOLE_BPS
    return prorated(terms, terms.overrun_ceiling_nanos or 0, days, counted)


def first_us(day: date | None, time_zone: str) -> int:
    """The first instant of a day there; 0 for no day."""
    return 0 if day is None else first_instant(day, ZoneInfo(time_zone))


def _expires_us(terms: Terms, employment: Employment, period: Period) -> int:
    """When a lot ends: with its period, or the days of grace later; a leaver's without vesting maybe sooner.

    What is vested stays until the lot ends, so then it does not end sooner; what is not is revoked.
    """
    zone = ZoneInfo(terms.time_zone)
    last = days_of(period, terms.time_zone)[-1]
    ends_us = first_instant(last + timedelta(days=1 + terms.grace_days), zone) if terms.grace_days else period.end_us
    if employment.ends is None or terms.on_leaving == "period_end" or terms.vesting_months is not None:
        return ends_us
    return min(ends_us, first_instant(employment.ends + timedelta(days=1 + terms.leaving_days), zone))
