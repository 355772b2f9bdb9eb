"""Vesting: what of a lot can no longer be revoked or reduced, for any reason.

Credit vests with the age of the grant, month by month: after m of the plan's n months m/n of every lot that the
grant opened is vested, nothing before the cliff, all from n months on.
"""

from __future__ import annotations

from datetime import date

from bursar.terms.plan import Terms
from bursar.terms.schedules import add_months, local_day


def vested_months(begun: date, day: date) -> int:
    """Whole months from one day to another; 0 when it is not later.

    From 31 January a month is over on 28 February.
    """
    months = (day.year - begun.year) * 12 + day.month - begun.month
    if add_months(begun, months) > day:
        months -= 1
    return max(0, months)


def vested_nanos(terms: Terms, amount_nanos: int, from_us: int, at_us: int) -> int:
    """What of an amount is vested at an instant, given when the grant began; rounded up, for the person."""
    if terms.vesting_months is None:
        return 0
    zone = terms.time_zone
    months = vested_months(local_day(from_us, zone), local_day(at_us, zone)) if at_us > from_us else 0
    if months < terms.vesting_cliff_months:
        return 0
    return -(-amount_nanos * min(months, terms.vesting_months) // terms.vesting_months)
