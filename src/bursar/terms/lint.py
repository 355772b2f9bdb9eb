"""What a plan's terms should make somebody think twice about. Nothing here is refused; it is said.

Some warnings are for the person whose pay it is: terms that work against them. Others are for counsel: terms on whose
tax or labour law Bursar gives no advice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from bursar.terms.fields import WHOLE_BPS
from bursar.terms.plan import Terms
from bursar.terms.schedules import PER_YEAR

MONTHS_A_YEAR = 12


class Warning(NamedTuple):
    """A field, for whom it is to be thought over, and why."""

    audience: Literal["person", "counsel"]
    field: str
    text: str


class Rule(NamedTuple):
    """When a warning is given, and why; in docs/how-to/plan-warnings.md it stands by its text."""

    audience: Literal["person", "counsel"]
    field: str
    applies: Callable[[Terms], bool]
    text: str


def warnings(terms: Terms) -> list[Warning]:
    """Every warning about a plan, those for the person first."""
    return [Warning(rule.audience, rule.field, rule.text) for rule in RULES if rule.applies(terms)]


def _long_grace(terms: Terms) -> bool:
    return terms.grace_days > 365 // PER_YEAR[terms.schedule]


def _for_years(terms: Terms) -> bool:
    return terms.schedule == "annual" or (terms.vesting_months or 0) > MONTHS_A_YEAR


RULES: tuple[Rule, ...] = (
    Rule(
        "person",
        "unused",
        lambda terms: terms.unused == "expire" and not terms.cash_out_rate_bps,
        "what is unspent at a period's end is lost; carry_over, grace or cash_out_rate would keep some of it",
    ),
    Rule(
        "person",
        "carry_over_cap",
        lambda terms: terms.carry_over_cap_nanos is not None or terms.carry_over_cap_bps is not None,
        "what is unspent beyond the cap is not carried over",
    ),
    Rule(
        "person",
        "revocable",
        lambda terms: terms.revocable and not terms.notice_revoke_days,
        "credit can be revoked at once, without notice",
    ),
    Rule(
        "person",
        "notice_reduce_days",
        lambda terms: not terms.notice_reduce_days,
        "the amount can be reduced from the next period on, without notice",
    ),
    Rule(
        "person",
        "vesting_months",
        lambda terms: terms.revocable and terms.vesting_months is None,
        "nothing ever vests, so all that is unspent can be taken back",
    ),
    Rule(
        "person",
        "availability",
        lambda terms: terms.availability == "accrual",
        "the amount is earned day by day; a large run early in a period may be refused",
    ),
    Rule(
        "person",
        "on_leave",
        lambda terms: terms.on_leave == "pause",
        "days of leave are taken out of the amount, parental and sick leave, too",
    ),
    Rule(
        "person",
        "on_leaving",
        lambda terms: terms.on_leaving == "forfeit",
        "what is unspent and not vested is lost with the last day of work",
    ),
    Rule(
        "person",
        "clamp",
        lambda terms: not terms.clamp,
        "a call whose longest answer the budget cannot pay is refused, although a shorter one could be paid",
    ),
    Rule(
        "person",
        "tokens",
        lambda terms: terms.tokens > 0,
        "what a lot is worth follows the price of its model; when that falls, so does the budget for other models",
    ),
    Rule(
        "person",
        "escalator",
        lambda terms: terms.escalator == "none" and not terms.tokens and _for_years(terms),
        "the amount stays the same for years, whatever calls come to cost",
    ),
    Rule(
        "person",
        "escalator_basket",
        lambda terms: terms.escalator == "price_index",
        "when the prices of the basket fall, the amount falls with them, without notice",
    ),
    Rule(
        "person",
        "expectation_measure",
        lambda terms: terms.expectation_multiple_bps is not None and not terms.expectation_measure,
        "output is expected and nothing says how it is measured",
    ),
    Rule(
        "person",
        "expectation_multiple",
        lambda terms: (terms.expectation_multiple_bps or 0) > WHOLE_BPS and terms.revocable,
        "more output is expected, and the credit for it can be taken back",
    ),
    Rule(
        "person",
        "outside_usage",
        lambda terms: terms.outside_usage == "charge",
        "usage that somebody else reports is charged, too; it has not been checked before it was spent",
    ),
    Rule(
        "person",
        "run_out_days",
        lambda terms: terms.run_out_days > 0 and terms.unused == "carry_over",
        "what is unspent can be spent again only when the run-out has ended",
    ),
    Rule(
        "counsel",
        "cash_out_rate",
        lambda terms: terms.cash_out_rate_bps > 0,
        "credit that can become cash is not a US working-condition fringe (Treas. Reg. 1.132-5(a)(1)(i)); "
        "it may be wages when it is granted",
    ),
    Rule(
        "counsel",
        "leaving_vested",
        lambda terms: terms.leaving_vested == "cash_out",
        "vested credit that is paid out on leaving may be deferred compensation, or wages due on the last day",
    ),
    Rule(
        "counsel",
        "on_leaving",
        lambda terms: terms.on_leaving == "forfeit" and terms.availability == "accrual",
        "forfeiting what was earned day by day may not be allowed where it counts as wages",
    ),
    Rule(
        "counsel",
        "on_leave",
        lambda terms: terms.on_leave == "pause",
        "a benefit that leave reduces may be discrimination where leave is protected",
    ),
    Rule(
        "counsel",
        "carry_over_periods",
        lambda terms: (
            terms.carry_over_periods > 1 and terms.carry_over_cap_nanos is None and terms.carry_over_cap_bps is None
        ),
        "credit that gathers over several periods without a cap is a liability that grows",
    ),
    Rule(
        "counsel",
        "grace_days",
        _long_grace,
        "the grace is longer than a period, so three lots may be open at once; health accounts allow 2.5 months",
    ),
    Rule(
        "counsel",
        "tax_character",
        lambda terms: terms.tax_character == "working_condition" and terms.cash_out_rate_bps > 0,
        "the credit is taken for a working-condition tool although it can become cash, which Treas. Reg. "
        "1.132-5(a)(1)(i) rules out",
    ),
    Rule(
        "counsel",
        "tax_character",
        lambda terms: terms.tax_character == "working_condition" and not terms.tokens and not terms.models,
        "a pre-set cash value for whatever somebody likes is not a US working-condition fringe "
        "(Treas. Reg. 1.132-5(a)(1)(i)); naming models, or tokens of one, says what it is for",
    ),
    Rule(
        "counsel",
        "personal_use",
        lambda terms: terms.tax_character == "working_condition" and terms.personal_use_bps > 0,
        "personal use is no working condition; what it comes to is reported for each period and may be income",
    ),
    Rule(
        "counsel",
        "tax_character",
        lambda terms: terms.tax_character == "imputed_income" and not terms.personal_use_bps,
        "the credit is taken for income although nobody may use it for themselves",
    ),
    Rule(
        "counsel",
        "overrun",
        lambda terms: terms.overrun == "soft",
        "calls may pass the budget; who bears that, and whether it is income, should be agreed in writing",
    ),
    Rule(
        "counsel",
        "escalator",
        lambda terms: terms.escalator != "none" and terms.vesting_months is not None,
        "an amount that grows and vests may be deferred compensation",
    ),
)
