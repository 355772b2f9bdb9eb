"""Run-out: for how long after a lot's end usage that is reported late is still charged to it.

Calls are paid from a lot until its end. It is closed (carried over, cashed out, expired) when the run-out has ended:
what is carried over could not pay for late usage any more. docs/decisions/0016-run-out.md says why.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from bursar.periods import first_instant
from bursar.terms.plan import Terms
from bursar.terms.schedules import local_day


def closes_us(terms: Terms, expires_us: int) -> int:
    """When a lot that ends at an instant is closed for good: then, or after the whole days of run-out. µs UTC."""
    if not terms.run_out_days:
        return expires_us
    last = local_day(expires_us - 1, terms.time_zone)
    return first_instant(last + timedelta(days=1 + terms.run_out_days), ZoneInfo(terms.time_zone))
