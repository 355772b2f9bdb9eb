"""A plan's terms in words, as the person to whom they were promised reads them on a statement.

What says nothing is left out: a plan that promises no vesting has no line of vesting. Only the terms that somebody
would miss are told when they are absent, such as notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bursar.money import parse_usd, people_usd
from bursar.reports.statement_shape import PlanPeriod
from bursar.reports.words import count

Told = dict[str, Any]
EVERY = {
    "weekly": "a week",
    "biweekly": "every two weeks",
    "semimonthly": "every half month",
    "monthly": "a month",
    "quarterly": "a quarter",
    "annual": "a year",
}


def terms_lines(plan: PlanPeriod) -> list[tuple[str, str]]:
    """What each term is called, and what it promises."""
    told = ((name, say(plan.terms)) for name, say in LINES)
    was = [("That was", plan.note)] if plan.note else []
    return [("Gives", _gives(plan)), *was, *((name, text) for name, text in told if text)]


def _gives(plan: PlanPeriod) -> str:
    terms = plan.terms
    every = EVERY.get(terms.get("schedule", ""), "a period")
    since = f", as from {terms['anchor']}" if terms.get("anchor") else ""
    if terms.get("tokens"):
        what = f"{terms['tokens']:,} tokens of {terms['tokens_of']}"
    else:
        what = _money(terms.get("amount"))
    return f"{what} {every}{since}"


def _available(terms: Told) -> str:
    earned = "day by day, as it is earned" if terms.get("availability") == "accrual" else ""
    parts = "a part of a period gives its days' share" if terms.get("proration") == "daily" else ""
    return "; ".join(filter(None, (earned, parts)))


def _unused(terms: Told) -> str:
    match terms.get("unused"):
        case "grace":
            return f"can be spent for {count(terms['grace_days'], 'day')} after the period, then expires"
        case "carry_over":
            periods = count(terms.get("carry_over_periods", 0), "further period")
            return f"is carried over for {periods}{_most(terms.get('carry_over_cap'))}, then expires"
    return "expires when the period ends"


def _cashed(terms: Told) -> str:
    if not terms.get("cash_out_rate"):
        return ""
    return f"{terms['cash_out_rate']} of what would expire is paid out{_most(terms.get('cash_out_cap'))}"


def _beyond(terms: Told) -> str:
    if terms.get("overrun") != "soft":
        return ""
    return f"calls may pass the budget{_most(terms.get('overrun_ceiling'))}; the employer bears it"


def _late(terms: Told) -> str:
    if terms.get("outside_usage") != "charge":
        return ""
    days = terms.get("run_out_days") or 0
    return "usage reported from elsewhere is charged" + (
        f", for {count(days, 'day')} after the period" if days else " until the period ends"
    )


def _vesting(terms: Told) -> str:
    months = terms.get("vesting_months")
    if months is None:
        return ""
    cliff = terms.get("vesting_cliff_months")
    over = f"over {count(months, 'month')}" if months else "at once"
    return over + (f", nothing before {count(cliff, 'month')}" if cliff else "") + "; vested credit cannot be taken"


def _notice(terms: Told) -> str:
    reduce = count(terms.get("notice_reduce_days", 0), "day")
    revoke = count(terms.get("notice_revoke_days", 0), "day")
    if terms.get("revocable") is False:
        return f"{reduce} before a reduction; not to be revoked without cause"
    if not terms.get("notice_reduce_days") and not terms.get("notice_revoke_days"):
        return "none: a change may hold at once"
    if reduce == revoke:
        return f"{reduce} before a reduction or a revocation"
    return f"{reduce} before a reduction, {revoke} before a revocation"


def _leave(terms: Told) -> str:
    return "no credit for days of leave" if terms.get("on_leave") == "pause" else ""


def _leaving(terms: Told) -> str:
    ends = {
        "forfeit": "credit ends with the last day",
        "days": f"credit ends {count(terms.get('leaving_days') or 0, 'day')} after the last day",
    }.get(terms.get("on_leaving", ""), "credit stays until the period ends")
    return ends + ("; what is vested is cashed out" if terms.get("leaving_vested") == "cash_out" else "")


def _grows(terms: Told) -> str:
    match terms.get("escalator"):
        case "fixed":
            return f"by {terms['escalator_rate']} with each year of the grant"
        case "price_index":
            return f"with the price of {', '.join(terms['escalator_basket'])} since the grant's start"
    return ""


def _personal(terms: Told) -> str:
    return f"up to {terms['personal_use']} of the budget" if terms.get("personal_use") else ""


def _models(terms: Told) -> str:
    return ", ".join(terms.get("models", ()))


def _taxed(terms: Told) -> str:
    words = {
        "working_condition": "as a tool of the work, says the employer",
        "imputed_income": "as income, says the employer",
    }
    return words.get(terms.get("tax_character", ""), "")


def _expected(terms: Told) -> str:
    if not terms.get("expectation_multiple"):
        return ""
    measure = f" ({terms['expectation_measure']})" if terms.get("expectation_measure") else ""
    return f"{terms['expectation_multiple']} times the output without the budget{measure}"


def _most(cap: str | None) -> str:
    if cap is None:
        return ""
    return f", at most {cap} of what the period gave" if cap.endswith("%") else f", at most {_money(cap)}"


def _money(text: str | None) -> str:
    return "nothing" if text is None else people_usd(parse_usd(text))


LINES: tuple[tuple[str, Callable[[Told], str]], ...] = (
    ("Grows", _grows),
    ("Available", _available),
    ("Unused credit", _unused),
    ("Cash-out", _cashed),
    ("Beyond it", _beyond),
    ("Late reports", _late),
    ("Models", _models),
    ("Personal use", _personal),
    ("Vesting", _vesting),
    ("Notice", _notice),
    ("On leave", _leave),
    ("On leaving", _leaving),
    ("Taxed", _taxed),
    ("Expected", _expected),
)
