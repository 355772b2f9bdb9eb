"""Rules about the credit itself: how much it is, in what, and how long it lives."""

from __future__ import annotations

from bursar.offers.budget import TokenBudget
from bursar.offers.fineprint.rule import Rule, Terms, term

CARRY_MONTHS = 12
CASH_OUT_RATE = 0.5
"""What the asks are: credit that lives for a year more, half of what is unused in money."""
_PERIODS = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}
_TOKENS = {
    "frontier_tokens": "tokens of one leading model",
    "commodity_tokens": "as many tokens as buy a level of capability",
}


def _period(budget: TokenBudget) -> str:
    return _PERIODS[budget.period_months or 1]


def _carried(budget: TokenBudget) -> Terms:
    """Credit that lives for a year after its period, without a cap."""
    return {
        "unused": "carry_over",
        "carry_over_periods": CARRY_MONTHS // (budget.period_months or 1),
        "carry_over_cap_usd": None,
        "carry_over_cap_share": None,
        "grace_days": 0,
    }


RULES: tuple[Rule, ...] = (
    term(
        "no-amount",
        "No amount",
        ("tokens.amount",),
        finds=lambda budget: budget.amount_usd_year == 0,
        says=lambda _: "The offer speaks of a token budget and names no amount.",
        why="What has no amount can be anything, and nothing is one of the amounts that it can be.",
        ask="An amount in dollars, for each period, in the contract.",
        mend=lambda _: {},
    ),
    term(
        "up-to",
        "“Up to” an amount",
        ("tokens.amount",),
        finds=lambda budget: not budget.firm and budget.amount_usd_year > 0,
        says=lambda budget: f"The offer says “up to” ${budget.amount_usd_year:,.0f} a year.",
        why="“Up to” names the most that you can get, not what you will: somebody decides each period.",
        ask="The same amount, granted, without “up to”.",
        mend=lambda _: {"firm": True},
    ),
    term(
        "no-period",
        "No period",
        ("tokens.schedule",),
        finds=lambda budget: budget.period_months is None,
        says=lambda _: "The offer does not say when credit is granted and when it ends.",
        why="An amount a year can come as one sum or as twelve, and each can end before you need it.",
        ask="A period, in writing: a year; or a month, where what is unused is paid out at its end.",
        mend=lambda budget: {"period_months": 1 if budget.cash_out_rate else 12},
    ),
    term(
        "expires",
        "Unused credit expires",
        ("tokens.unused",),
        finds=lambda budget: budget.unused in (None, "expire"),
        says=lambda budget: (
            f"What is unspent when a {_period(budget)} ends is lost"
            f"{', as far as the offer says' if budget.unused is None else ''}."
        ),
        why="Use comes in bursts, credit in equal parts: what a quiet month leaves is not there in a busy one.",
        ask="Carry-over for a year, without a cap.",
        mend=_carried,
    ),
    term(
        "capped-carry-over",
        "Carry-over has a cap",
        ("tokens.carry_over_cap",),
        finds=lambda budget: budget.carry_over_cap_usd is not None or budget.carry_over_cap_share is not None,
        says=lambda budget: (
            f"No more than {_cap(budget)} is carried over from one {_period(budget)} to the next; the rest is lost."
        ),
        why="The cap is reached by those who use little for some time, and takes what the carry-over promised them.",
        ask="Carry-over without a cap.",
        mend=lambda _: {"carry_over_cap_usd": None, "carry_over_cap_share": None},
    ),
    term(
        "no-cash-out",
        "Unused credit is never money",
        ("tokens.cash_out_rate",),
        finds=lambda budget: budget.cash_out_rate == 0,
        says=lambda _: "Credit that you do not use is never paid out.",
        why="Pay that can only be spent at work, on tools for the work, is worth to you what you would have bought.",
        ask="A cash-out of half of what is unused at the end of each period, through payroll.",
        mend=lambda _: {"cash_out_rate": CASH_OUT_RATE},
    ),
    term(
        "shrinking-tokens",
        "Tokens, not money",
        ("tokens.denomination",),
        finds=lambda budget: budget.denomination != "money",
        says=lambda budget: f"The budget is {_TOKENS[budget.denomination]}, not an amount of money.",
        why="Prices of tokens fall: the same tokens cost the employer less each year, and are worth less to you.",
        ask="The amount in dollars; or an index that follows the price of what you use.",
        mend=lambda _: {"denomination": "money"},
    ),
    term(
        "narrowed-models",
        "Allowed models or tools are narrowed",
        ("tokens.models",),
        finds=lambda budget: bool(budget.models),
        says=lambda budget: f"It may be spent on {', '.join(budget.models or ())} only.",
        why="What you would rather use is not paid for, and a list is shortened more easily than a budget.",
        ask="Every model and tool that the company's security rules allow, and no list.",
        mend=lambda _: {"models": ()},
    ),
)


def _cap(budget: TokenBudget) -> str:
    if budget.carry_over_cap_usd is not None:
        return f"${budget.carry_over_cap_usd:,.0f}"
    return f"{(budget.carry_over_cap_share or 0) * 100:g}% of a {_period(budget)}'s credit"
