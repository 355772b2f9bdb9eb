"""What becomes of credit that is unspent when its lot ends: carried over, then cashed out, the rest expires.

A lot's credit has ages: its own is 0, what came from the lot before it 1 more than it was there. Spending takes the
oldest first, so what is unspent is the youngest. With `carry_over_periods` N, credit of an age below N goes on, so it
lives for N periods beyond the one that it was granted for. The cap is on what one lot gives on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bursar.money import people_usd
from bursar.terms.fields import WHOLE_BPS
from bursar.terms.plan import Terms

Ages = tuple[int, ...]
"""A lot's credit in nano-USD by age: its own, then what was carried once, twice …"""


class Closing(NamedTuple):
    """What becomes of a lot's unspent credit. The three sum to it."""

    carry: int
    cash_out: int
    expire: int


def closing(terms: Terms, ages: Ages, unspent_nanos: int, *, goes_on: bool) -> Closing:
    """Divide what is unspent in a lot. `goes_on`: there is a next lot to carry credit to."""
    carry = _carried(terms, ages, unspent_nanos) if goes_on and terms.unused == "carry_over" else 0
    rest = unspent_nanos - carry
    cash_out = 0
    if terms.cash_out_rate_bps:
        cash_out = rest if terms.cash_out_cap_nanos is None else min(rest, terms.cash_out_cap_nanos)
    return Closing(carry, cash_out, rest - cash_out)


def ages_after(terms: Terms, ages: Ages, carried_nanos: int, granted_nanos: int) -> Ages:
    """The ages in the next lot, which was granted so much, given what was carried to it out of this one."""
    return (granted_nanos, *_youngest(ages[: terms.carry_over_periods], carried_nanos))


def pays_nanos(terms: Terms, cashed_out_nanos: int) -> int:
    """What payroll pays for credit that was cashed out; a fraction of a nano-dollar is not paid."""
    return cashed_out_nanos * terms.cash_out_rate_bps // WHOLE_BPS


def payroll_text(terms: Terms, cashed_out_nanos: int) -> str:
    """The same in words, for whoever reads of it."""
    return f"payroll pays {people_usd(pays_nanos(terms, cashed_out_nanos))}"


def _carried(terms: Terms, ages: Ages, unspent_nanos: int) -> int:
    young = sum(_youngest(ages, unspent_nanos)[: terms.carry_over_periods])
    cap = terms.carry_over_cap_nanos
    if terms.carry_over_cap_bps is not None:
        cap = ages[0] * terms.carry_over_cap_bps // WHOLE_BPS
    return young if cap is None else min(young, cap)


def _youngest(ages: Sequence[int], amount_nanos: int) -> Ages:
    """Fill an amount from the youngest age on. What goes beyond all ages (there is none) is the oldest's."""
    filled = []
    for age in ages:
        filled.append(min(age, amount_nanos))
        amount_nanos -= filled[-1]
    return tuple(filled)
