"""The terms of a token budget in words, as an offer states them; what it does not say is "not said"."""

from __future__ import annotations

from collections.abc import Callable

from bursar.offers.budget import TokenBudget
from bursar.offers.prose import about
from bursar.reports.offers.figures import whole
from bursar.reports.words import count

NOT_SAID = "not said"
_PERIODS = {1: "a month", 3: "a quarter", 6: "half a year", 12: "a year"}


def terms_of(budget: TokenBudget) -> list[tuple[str, str]]:
    """Each term's name and what the offer says of it."""
    return [(name, told(budget)) for name, told in _TERMS.items()]


def _amount(budget: TokenBudget) -> str:
    if not budget.amount_usd_year:
        return NOT_SAID
    amount = f"{whole(budget.amount_usd_year)} a year"
    return amount if budget.firm else f"up to {amount}"


def _period(budget: TokenBudget) -> str:
    return NOT_SAID if budget.period_months is None else _PERIODS[budget.period_months]


def _unused(budget: TokenBudget) -> str:
    if budget.unused == "carry_over":
        cap = ""
        if budget.carry_over_cap_usd is not None:
            cap = f", at most {whole(budget.carry_over_cap_usd)}"
        elif budget.carry_over_cap_share is not None:
            cap = f", at most {_percent(budget.carry_over_cap_share)}"
        return f"carried over for {count(budget.carry_over_periods, 'period')}{cap}"
    if budget.unused == "grace":
        return f"{count(budget.grace_days, 'day')} of grace"
    return NOT_SAID if budget.unused is None else {"expire": "expires", "keep": "is kept"}[budget.unused]


def _cash_out(budget: TokenBudget) -> str:
    if not budget.cash_out_rate:
        return "none"
    cap = "" if budget.cash_out_cap_usd is None else f", at most {whole(budget.cash_out_cap_usd)} in a period"
    return f"{_percent(budget.cash_out_rate)} of unspent credit{cap}"


def _vesting(budget: TokenBudget) -> str:
    if budget.vesting_months is None:
        return "never"
    if budget.vesting_months == 0:
        return "at once"
    cliff = f", none before {count(budget.vesting_cliff_months, 'month')}" if budget.vesting_cliff_months else ""
    return f"over {count(budget.vesting_months, 'month')}{cliff}"


def _revocation(budget: TokenBudget) -> str:
    if budget.revocable is False:
        return "not possible"
    if budget.revocable is None and budget.notice_revoke_days is None:
        return NOT_SAID
    return f"with {_days(budget.notice_revoke_days)}"


def _reduction(budget: TokenBudget) -> str:
    return NOT_SAID if budget.notice_reduce_days is None else f"with {_days(budget.notice_reduce_days)}"


def _days(days: int | None) -> str:
    return "no notice said" if days is None else f"{count(days, 'day')} of notice" if days else "no notice"


def _personal(budget: TokenBudget) -> str:
    if budget.personal_use_share is None:
        return NOT_SAID
    return f"up to {_percent(budget.personal_use_share)}" if budget.personal_use_share else "none"


def _grows(budget: TokenBudget) -> str:
    if budget.escalator_index:
        return "with the prices of models"
    return f"by {_percent(budget.escalator_rate)} a year" if budget.escalator_rate else "no"


def _denomination(budget: TokenBudget) -> str:
    words = {"money": "money", "frontier_tokens": "tokens of a model", "commodity_tokens": "tokens of a capability"}
    return words[budget.denomination]


def _models(budget: TokenBudget) -> str:
    return NOT_SAID if budget.models is None else ", ".join(budget.models) or "all"


def _leaver(budget: TokenBudget) -> str:
    ends = {
        "forfeit": "ends with the last day",
        "period_end": "stays till the period ends",
        "days": f"ends {count(budget.leaver_days, 'day')} later",
    }
    told = NOT_SAID if budget.leaver is None else ends[budget.leaver]
    return f"{told}; what is vested is paid out" if budget.leaver_vested == "cash_out" else told


def _tax(budget: TokenBudget) -> str:
    words = {"tool": "a tool, no income", "imputed": "all of it is income", "personal": "the personal part is income"}
    return NOT_SAID if budget.tax_character is None else words[budget.tax_character]


def _expected(budget: TokenBudget) -> str:
    if budget.expectation is None:
        return "none stated"
    return f"{about(budget.expectation.output_multiple)} times, by {budget.expectation.measure or 'no measure'}"


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


_TERMS: dict[str, Callable[[TokenBudget], str]] = {
    "Amount": _amount,
    "In": _denomination,
    "Usable for": _period,
    "Unused credit": _unused,
    "Cash-out": _cash_out,
    "Vests": _vesting,
    "Reduction": _reduction,
    "Revocation": _revocation,
    "Personal use": _personal,
    "Grows": _grows,
    "Models": _models,
    "When you leave": _leaver,
    "Tax": _tax,
    "Output expected": _expected,
}
