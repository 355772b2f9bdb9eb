"""What terms promise, in words: of a plan, and of a grant."""

from __future__ import annotations

from typing import Any

from bursar.cli.show import count, money

Terms = dict[str, Any]
EVERY = {
    "weekly": "week",
    "biweekly": "two weeks",
    "semimonthly": "half month",
    "monthly": "month",
    "quarterly": "quarter",
    "annual": "year",
}
TAX_CHARACTERS = {
    "working_condition": "a working-condition tool, says the employer",
    "imputed_income": "income of the person, says the employer",
    "undecided": "",
}


def promises(terms: Terms) -> list[tuple[str, str]]:
    """Everything that terms say beside the amount, by what it is called; what they do not promise is left out."""
    told = [
        ("Escalator", escalator(terms)),
        ("Available", "day by day, as it is earned" if terms["availability"] == "accrual" else ""),
        ("Parts of periods", "count by the day" if terms["proration"] == "daily" else ""),
        ("Unused credit", _unused(terms)),
        ("Cash-out", _cash_out(terms)),
        ("Beyond it", _overrun(terms)),
        ("Used elsewhere", _outside(terms)),
        ("Personal use", f"at most {terms['personal_use']} of each lot" if terms["personal_use"] else ""),
        ("Models", models(terms)),
        ("Longer answers", "are cut to what the budget can pay" if terms["clamp"] else "are refused"),
        ("Priority", f"{terms['priority']} (lower is spent first)"),
        ("Notice", notice(terms)),
        ("Vesting", vesting(terms)),
        ("Leave", "days of leave earn nothing" if terms["on_leave"] == "pause" else ""),
        ("Leaving", _leaving(terms)),
        ("Taxed as", TAX_CHARACTERS[terms["tax_character"]]),
        ("Expected", expectation(terms)),
    ]
    return [(name, text) for name, text in told if text]


def amount(terms: Terms, *, blend: bool = True) -> str:
    """What a period gives, in dollars or in tokens; which part of them counts as output, if that is wanted."""
    if terms["denomination"] == "money":
        return f"{money(terms['amount'])} {terms['currency']}"
    what = f"{terms['tokens']:,} tokens of {terms['tokens_of']}"
    return f"{what}, {terms['tokens_output']} of them output," if blend else what


def every(terms: Terms) -> str:
    """How often it is given."""
    since = f", as from {terms['anchor']}" if terms["anchor"] else ""
    return f"every {EVERY[terms['schedule']]}{since}"


def escalator(terms: Terms) -> str:
    """How the amount grows; nothing when it does not."""
    if terms["escalator"] == "fixed":
        return f"{terms['escalator_rate']} more with each year of the grant"
    if terms["escalator"] == "price_index":
        return f"follows the price of {', '.join(terms['escalator_basket'])} since the grant's start"
    return ""


def expectation(terms: Terms) -> str:
    """What output the employer expects; nothing when the plan does not say."""
    if not terms["expectation_multiple"]:
        return ""
    measure = f" ({terms['expectation_measure']})" if terms["expectation_measure"] else ""
    return f"{terms['expectation_multiple']} times the output without the budget{measure}"


def notice(terms: Terms) -> str:
    """How long before a change somebody is told; nothing when there is no notice at all."""
    revoke = (
        "cannot be revoked" if not terms["revocable"] else f"{count(terms['notice_revoke_days'], 'day')} to revoke"
    )
    if terms["revocable"] and not terms["notice_reduce_days"] and not terms["notice_revoke_days"]:
        return ""
    return f"{count(terms['notice_reduce_days'], 'day')} to reduce, {revoke}"


def vesting(terms: Terms) -> str:
    """Over what time credit vests; nothing when it never does."""
    if not terms["vesting_months"]:
        return ""
    cliff = (
        f", nothing before {count(terms['vesting_cliff_months'], 'month')}" if terms["vesting_cliff_months"] else ""
    )
    return f"over {count(terms['vesting_months'], 'month')}{cliff}"


def models(terms: Terms) -> str:
    """On which models it may be spent."""
    return ", ".join(terms["models"]) or "all"


def _unused(terms: Terms) -> str:
    if terms["unused"] == "grace":
        return f"stays usable for {count(terms['grace_days'], 'day')} after the period, then expires"
    if terms["unused"] == "carry_over":
        return f"is carried over for {count(terms['carry_over_periods'], 'period')}{_most(terms['carry_over_cap'])}"
    return "expires when the period ends"


def _cash_out(terms: Terms) -> str:
    if not terms["cash_out_rate"]:
        return ""
    cap = f", at most {money(terms['cash_out_cap'])} of credit" if terms["cash_out_cap"] else ""
    return f"{terms['cash_out_rate']} of what would expire is paid{cap}"


def _overrun(terms: Terms) -> str:
    return f"calls may pass the budget{_most(terms['overrun_ceiling'])}" if terms["overrun"] == "soft" else ""


def _outside(terms: Terms) -> str:
    if terms["outside_usage"] != "charge":
        return ""
    late = f", for {count(terms['run_out_days'], 'day')} after its end, too" if terms["run_out_days"] else ""
    return f"usage that is reported is charged{late}"


def _most(cap: str | None) -> str:
    """A most, an amount or a share of the lot; nothing when there is none."""
    if not cap:
        return ""
    return f", at most {cap} of the lot" if cap.endswith("%") else f", at most {money(cap)}"


def _leaving(terms: Terms) -> str:
    ends = {
        "forfeit": "credit ends with the last day",
        "days": f"credit ends {count(terms['leaving_days'] or 0, 'day')} after the last day",
        "period_end": "",
    }[terms["on_leaving"]]
    return ends + (", what is vested is cashed out" if terms["leaving_vested"] == "cash_out" else "")
