"""What an offer is worth: how long it takes to say so, exactly, and with interval and tornado."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.field import Say
from bench.figure import Cell, Figure, Spread, spread
from bursar.offers.budget import TokenBudget
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.person import Person
from bursar.offers.value import compare, exact_value, value

RUNS = 30
PLAIN = Offer(name="plain", base_usd_year=375_000, tokens=TokenBudget(amount_usd_year=100_000))
RICH = Offer(
    name="carry-over, cash-out and vesting",
    base_usd_year=300_000,
    bonus_usd_year=30_000,
    equity=(EquityGrant(value_usd=200_000),),
    tokens=TokenBudget(
        amount_usd_year=100_000,
        unused="carry_over",
        carry_over_periods=6,
        cash_out_rate=0.5,
        cash_out_cap_usd=4_000,
        vesting_months=24,
        personal_use_share=0.2,
    ),
)
PERSON = Person(usage_usd_months=(2_000.0, 9_000.0, 4_000.0, 14_000.0, 1_000.0))


def offers(say: Say) -> Figure:
    """CPU time of valuing an offer over four years, with 1,024 draws of the parameters, and of comparing two."""
    say("offers")
    rows = [row(offer) for offer in (PLAIN, RICH)]
    return Figure("Offers", f"{RUNS} runs after one to warm up, CPU: median (lowest..highest).", rows)


def row(offer: Offer) -> dict[str, Cell | Spread]:
    """The figures of one offer."""
    return {
        "program": offer.name,
        "exact ms": timed(lambda: exact_value(offer, PERSON)),
        "interval and tornado ms": timed(lambda: value(offer, PERSON)),
        "both offers compared ms": timed(lambda: compare([PLAIN, RICH], PERSON)),
    }


def timed(work: Callable[[], object]) -> Spread:
    """CPU milliseconds of some work, after once that does not count."""
    times_ms = []
    for _ in range(RUNS + 1):
        since_s = time.process_time()
        work()
        times_ms.append((time.process_time() - since_s) * 1e3)
    return spread(times_ms[1:])
