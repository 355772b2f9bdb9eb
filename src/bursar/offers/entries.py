"""The fields of an offer file: one entry each, with its check, its example, what it means and how it is asked for.

The file's template, the guided questions, the reader and the writer all go by this table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from bursar.offers import checks
from bursar.terms import fields

Kind = Literal["text", "whole", "number", "flag", "list"]
OFFER, EQUITY, TOKENS, YOU, MARKET, NOW = "", "equity", "tokens", "you", "market", "now"


class Entry(NamedTuple):
    """A field. `example` is as the file would have it; `question` is empty for what a guided form does not ask."""

    name: str
    check: Callable[[str, object], Any]
    example: object
    comment: str
    question: str = ""
    kind: Kind = "text"


HEAD = {
    OFFER: "An offer, as `bursar offer` reads it. Amounts are US dollars before tax; a line that begins with # says\n"
    "nothing. Leave out what the offer does not state: that is not the same as a term that it denies.",
    EQUITY: "Shares or options, one [[equity]] for each grant.",
    TOKENS: "The token budget, with the terms that the offer states.",
    YOU: "You: over how long you look at it, and what you use. Nothing of this leaves your computer.",
    MARKET: "What to compare the base with: public wages by occupation and area.",
    NOW: "What you are paid now, if this is a raise or a change of job.",
}

_DAYS = fields.whole(0, 366, " (days)")

ENTRIES: dict[str, tuple[Entry, ...]] = {
    OFFER: (
        Entry(
            "name", fields.text, "Example Inc., senior engineer", "What you call it.", "What do you call the offer?"
        ),
        Entry("base", checks.dollars, "375000", "Base salary a year.", "Base salary a year, in dollars?"),
        Entry("bonus", checks.dollars_or_none, "40000", "Bonus a year, as you expect it.", "Expected bonus a year?"),
    ),
    EQUITY: (
        Entry("name", fields.text, "first grant", "What you call the grant."),
        Entry("kind", fields.one_of("rsu", "options"), "rsu", "rsu or options."),
        Entry(
            "value",
            checks.dollars_or_none,
            "400000",
            "rsu: what all of the shares are worth today.",
            "Value of all shares granted, today (leave out if none)?",
        ),
        Entry("vesting_months", fields.whole(1, 120, " (months)"), 48, "Months till all is vested.", kind="whole"),
        Entry("cliff_months", fields.whole(0, 120, " (months)"), 12, "Nothing vests before.", kind="whole"),
        Entry(
            "every_months",
            fields.whole(1, 12, " (months)"),
            3,
            "1 vests by the month, 3 by the quarter.",
            kind="whole",
        ),
        Entry("illiquidity", checks.percent(0, 100), "30%", "What is lost because shares cannot be sold."),
        Entry("shares", checks.number(0, 1e12, " (shares)"), 10_000, "options: how many.", kind="number"),
        Entry("spot", checks.dollars, "12.50", "options: what a share is worth today."),
        Entry("strike", checks.dollars_or_none, "4.00", "options: what a share can be bought for."),
        Entry("volatility", checks.percent(1, 500), "60%", "options: how much the share's price varies in a year."),
        Entry("term_years", checks.number(0.1, 30, " (years)"), 10, "options: years till they lapse.", kind="number"),
    ),
    TOKENS: (
        Entry(
            "amount",
            checks.said,
            "100000",
            'Dollars a year. "up to 100000" if the offer says so; "unstated" if it names no amount.',
            'Token budget a year, in dollars ("up to …" or "unstated" if the offer says so)?',
        ),
        Entry(
            "schedule",
            checks.named(monthly=1, quarterly=3, half_yearly=6, annual=12),
            "monthly",
            "How long credit stays usable by itself: monthly, quarterly, half_yearly or annual.",
            "Period of the budget: monthly, quarterly, half_yearly or annual?",
        ),
        Entry(
            "unused",
            fields.one_of("expire", "carry_over", "grace", "keep"),
            "expire",
            "What becomes of unspent credit when a period ends: expire, carry_over, grace (some days more) or keep.",
            "Unspent credit at a period's end: expire, carry_over, grace or keep?",
        ),
        Entry(
            "carry_over_periods",
            fields.whole(1, 120, " (periods)"),
            3,
            "For how many further periods it lives.",
            kind="whole",
        ),
        Entry(
            "carry_over_cap", checks.cap, "25%", "The most that is carried over: dollars, or a share of a period's."
        ),
        Entry(
            "grace_days", fields.whole(1, 366, " (days)"), 30, "For how many days more it can be spent.", kind="whole"
        ),
        Entry(
            "revocable",
            fields.flag,
            True,
            "Whether credit that was granted may be taken back.",
            "May granted credit be taken back (yes or no)?",
            "flag",
        ),
        Entry(
            "notice_reduce_days",
            _DAYS,
            0,
            "Days of notice before the amount is reduced.",
            "Days of notice before a reduction?",
            "whole",
        ),
        Entry(
            "notice_revoke_days",
            _DAYS,
            0,
            "Days of notice before credit is taken back.",
            "Days of notice before credit is taken back?",
            "whole",
        ),
        Entry(
            "vesting_months",
            fields.whole(0, 120, " (months)"),
            12,
            "Months till credit is vested, month by month; 0: at once; leave out: never.",
            "Months till credit is vested (0 at once; leave out if it never is)?",
            "whole",
        ),
        Entry("vesting_cliff_months", fields.whole(0, 120, " (months)"), 3, "Nothing vests before.", kind="whole"),
        Entry(
            "personal_use",
            checks.percent(0, 100),
            "25%",
            'The most of the use that may be personal; "0%" for none.',
            "How much of the use may be personal, in percent (0% for none)?",
        ),
        Entry(
            "cash_out_rate",
            checks.percent(0, 100),
            "50%",
            "What a dollar of unspent credit pays in money.",
            "What does a dollar of unspent credit pay in money, in percent?",
        ),
        Entry("cash_out_cap", checks.dollars, "2000", "The most credit of one period that is paid out."),
        Entry(
            "denomination",
            fields.one_of("money", "frontier_tokens", "commodity_tokens"),
            "money",
            "money; frontier_tokens: tokens of one leading model; commodity_tokens: tokens for some capability.",
        ),
        Entry(
            "escalator",
            fields.one_of("none", "fixed", "price_index"),
            "none",
            "none; fixed: grows each year; price_index: follows prices upwards.",
        ),
        Entry("escalator_rate", checks.percent(0, 100), "5%", "fixed: by how much a year."),
        Entry(
            "models",
            checks.models,
            ["claude-*", "gpt-*"],
            'The models or tools that it may be spent on, or "all".',
            'Models or tools that it may be spent on (or "all")?',
            "list",
        ),
        Entry(
            "on_leaving",
            fields.one_of("forfeit", "period_end", "days"),
            "forfeit",
            "When a leaver's credit ends: forfeit (the last day), period_end, or days (some days after).",
            "When you leave, credit ends: forfeit, period_end or days?",
        ),
        Entry(
            "leaving_days", fields.whole(1, 366, " (days)"), 30, "days: how many after the last day.", kind="whole"
        ),
        Entry(
            "leaving_vested",
            fields.one_of("keep", "cash_out"),
            "cash_out",
            "What becomes of a leaver's vested credit: keep, or cash_out: it is paid out at cash_out_rate.",
        ),
        Entry(
            "tax_character",
            checks.named(working_condition="tool", imputed_income="imputed", personal_part="personal"),
            "working_condition",
            "What the employer takes it for: working_condition (a tool), imputed_income (all of it is taxed\n"
            "as pay), or personal_part (what is used personally is taxed).",
            "Taxed as: working_condition, personal_part or imputed_income?",
        ),
        Entry(
            "expectation_multiple",
            checks.multiple,
            "2.0",
            "The output that is expected for it: 2.0 is twice today's.",
            "Output that is expected for it, as a multiple of today's?",
        ),
        Entry(
            "expectation_measure",
            fields.text,
            "merged changes a quarter",
            "How that output is measured.",
            "How is that output measured?",
        ),
        Entry(
            "in_headline",
            fields.flag,
            True,
            'Whether the offer counts it towards "total compensation".',
            'Is it counted towards "total compensation" (yes or no)?',
            "flag",
        ),
    ),
    YOU: (
        Entry(
            "horizon_years",
            fields.whole(1, 40, " (years)"),
            4,
            "Over how many years you look at the offer.",
            kind="whole",
        ),
        Entry("discount_rate", checks.percent(0, 100), "8%", "What a year's wait costs you."),
        Entry(
            "marginal_tax_rate",
            checks.percent(0, 95),
            "35%",
            "What is taken of the next dollar of income.",
            "Your marginal tax rate, in percent?",
        ),
        Entry(
            "own_spend",
            checks.dollars_or_none,
            "1200",
            "What you pay for such tools yourself, or would, a year.",
            "What do you pay for such tools yourself, or would, a year?",
        ),
        Entry(
            "usage_months",
            checks.months,
            [120, 180, 240],
            "What you used in each of the last months, oldest first.",
            kind="list",
        ),
        Entry(
            "risk_aversion",
            checks.number(0, 20, ""),
            2.5,
            "For options: relative aversion to risk; leave out for Black-Scholes.",
            kind="number",
        ),
        Entry(
            "outside_wealth", checks.dollars, "500000", "Wealth besides the options; matters with risk_aversion only."
        ),
    ),
    MARKET: (
        Entry(
            "occupation",
            fields.text,
            "software-developers",
            "A short name or a code, such as 15-1252; a wrong one is answered with all.",
            "Occupation to compare the base with?",
        ),
        Entry("area", fields.text, "us", "us, or a metropolitan area such as san-francisco."),
    ),
    NOW: (
        Entry("base", checks.dollars, "350000", "Your base now.", "Your base now (leave out if you have none)?"),
        Entry("tokens", checks.dollars_or_none, "20000", "Your token budget now.", "Your token budget now?"),
    ),
}
