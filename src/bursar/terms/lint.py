"""What a plan's terms should make somebody think twice about. Nothing here is refused; it is said.

Some warnings are for the person whose pay it is: terms that work against them. Others are for counsel: terms on whose
tax or labour law Bursar gives no advice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from bursar.terms.plan import Terms
from bursar.terms.schedules import PER_YEAR


class Warning(NamedTuple):
    """A field, for whom it is to be thought over, and why."""

    audience: Literal["person", "counsel"]
    field: str
    text: str


def warnings(terms: Terms) -> list[Warning]:
    """Every warning about a plan, those for the person first."""
    return [Warning(audience, field, text) for audience, field, applies, text in _WARNINGS if applies(terms)]


def _long_grace(terms: Terms) -> bool:
    return terms.grace_days > 365 // PER_YEAR[terms.schedule]


_WARNINGS: tuple[tuple[Literal["person", "counsel"], str, Callable[[Terms], bool], str], ...] = (
    (
        "person",
        "unused",
        lambda terms: terms.unused == "expire" and not terms.cash_out_rate_bps,
        "what is unspent at a period's end is lost; carry_over, grace or cash_out_rate would keep some of it",
    ),
    (
        "person",
        "carry_over_cap",
        lambda terms: terms.carry_over_cap_nanos is not None or terms.carry_over_cap_bps is not None,
        "what is unspent beyond the cap is not carried over",
    ),
    (
        "person",
        "revocable",
        lambda terms: terms.revocable and not terms.notice_revoke_days,
        "credit can be revoked at once, without notice",
    ),
    (
        "person",
        "notice_reduce_days",
        lambda terms: not terms.notice_reduce_days,
        "the amount can be reduced from the next period on, without notice",
    ),
    (
        "person",
        "vesting_months",
        lambda terms: terms.revocable and terms.vesting_months is None,
        "nothing ever vests, so all that is unspent can be taken back",
    ),
    (
        "person",
        "availability",
        lambda terms: terms.availability == "accrual",
        "the amount is earned day by day; a large run early in a period may be refused",
    ),
    (
        "person",
        "on_leave",
        lambda terms: terms.on_leave == "pause",
        "days of leave are taken out of the amount, parental and sick leave, too",
    ),
    (
        "person",
        "on_leaving",
        lambda terms: terms.on_leaving == "forfeit",
        "what is unspent and not vested is lost with the last day of work",
    ),
    (
        "person",
        "clamp",
        lambda terms: not terms.clamp,
        "a call whose longest answer the budget cannot pay is refused, although a shorter one could be paid",
    ),
    (
        "counsel",
        "cash_out_rate",
        lambda terms: terms.cash_out_rate_bps > 0,
        "credit that can become cash is not a US working-condition fringe (Treas. Reg. 1.132-5(a)(1)(i)); "
        "it may be wages when it is granted",
    ),
    (
        "counsel",
        "leaving_vested",
        lambda terms: terms.leaving_vested == "cash_out",
        "vested credit that is paid out on leaving may be deferred compensation, or wages due on the last day",
    ),
    (
        "counsel",
        "on_leaving",
        lambda terms: terms.on_leaving == "forfeit" and terms.availability == "accrual",
        "forfeiting what was earned day by day may not be allowed where it counts as wages",
    ),
    (
        "counsel",
        "on_leave",
        lambda terms: terms.on_leave == "pause",
        "a benefit that leave reduces may be discrimination where leave is protected",
    ),
    (
        "counsel",
        "carry_over_periods",
        lambda terms: (
            terms.carry_over_periods > 1 and terms.carry_over_cap_nanos is None and terms.carry_over_cap_bps is None
        ),
        "credit that gathers over several periods without a cap is a liability that grows",
    ),
    (
        "counsel",
        "grace_days",
        _long_grace,
        "the grace is longer than a period, so three lots may be open at once; health accounts allow 2.5 months",
    ),
)
