"""What a plan promises is on the statement in words that the person understands, as it was written down."""

from __future__ import annotations

import msgspec
import pytest

from bursar.reports.statement_promises import told_terms
from bursar.reports.statement_shape import Announced
from bursar.reports.statement_terms import LINES, terms_lines
from bursar.reports.statement_words import change_told
from bursar.store.directory import Plan
from bursar.terms.plan import read_plan
from tests.support.calls import USD
from tests.unit.reports.test_statement_text import NOVEMBER, PLAN

LEAST = {
    "Gives": "$2,000.00 a month",
    "Unused credit": "expires when the period ends",
    "Notice": "none: a change may hold at once",
    "On leaving": "credit stays until the period ends",
}
WORDS: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ('schedule = "quarterly"\nanchor = 2026-02-01', {"Gives": "$2,000.00 a quarter, as from 2026-02-01"}),
    (
        'availability = "accrual"\nproration = "daily"',
        {"Available": "day by day, as it is earned; a part of a period gives its days' share"},
    ),
    (
        'unused = "grace"\ngrace_days = 10',
        {"Unused credit": "can be spent for 10 days after the period, then expires"},
    ),
    (
        'unused = "carry_over"\ncarry_over_cap = "25%"\ncarry_over_periods = 2',
        {"Unused credit": "is carried over for 2 further periods, at most 25% of what the period gave, then expires"},
    ),
    (
        'cash_out_rate = "50%"\ncash_out_cap = "500.00"',
        {"Cash-out": "50% of what would expire is paid out, at most $500.00"},
    ),
    (
        'overrun = "soft"\noverrun_ceiling = "10%"',
        {"Beyond it": "calls may pass the budget, at most 10% of what the period gave; the employer bears it"},
    ),
    (
        'outside_usage = "charge"\nrun_out_days = 10',
        {"Late reports": "usage reported from elsewhere is charged, for 10 days after the period"},
    ),
    ('models = ["claude-*", "gpt-*"]', {"Models": "claude-*, gpt-*"}),
    ('personal_use = "10%"', {"Personal use": "up to 10% of the budget"}),
    (
        "vesting_months = 12\nvesting_cliff_months = 3",
        {"Vesting": "over 12 months, nothing before 3 months; vested credit cannot be taken"},
    ),
    (
        "notice_reduce_days = 30\nnotice_revoke_days = 60",
        {"Notice": "30 days before a reduction, 60 days before a revocation"},
    ),
    ("notice_reduce_days = 30\nnotice_revoke_days = 30", {"Notice": "30 days before a reduction or a revocation"}),
    (
        "notice_reduce_days = 1\nrevocable = false",
        {"Notice": "1 day before a reduction; not to be revoked without cause"},
    ),
    (
        'on_leave = "pause"\nproration = "daily"',
        {"On leave": "no credit for days of leave", "Available": "a part of a period gives its days' share"},
    ),
    ('on_leaving = "forfeit"', {"On leaving": "credit ends with the last day"}),
    ('on_leaving = "days"\nleaving_days = 14', {"On leaving": "credit ends 14 days after the last day"}),
    ('escalator = "fixed"\nescalator_rate = "5%"', {"Grows": "by 5% with each year of the grant"}),
    ('tax_character = "imputed_income"', {"Taxed": "as income, says the employer"}),
    (
        'expectation_multiple = "2.0"\nexpectation_measure = "merged changes"',
        {"Expected": "2.0 times the output without the budget (merged changes)"},
    ),
]


@pytest.mark.parametrize(("toml", "words"), WORDS)
def test_each_term_is_told_in_words(toml: str, words: dict[str, str]) -> None:
    terms = read_plan(f'name = "p"\namount = "2000.00"\n{toml}\n')
    plan = Plan(1, "p", 1, msgspec.json.encode(terms).decode(), 1)
    assert dict(terms_lines(msgspec.structs.replace(PLAN, terms=told_terms(plan)))) == LEAST | words


def test_every_line_has_its_words() -> None:
    shown = {name for _, words in WORDS for name in words}
    assert shown == {"Gives", *(name for name, _ in LINES)}


def test_tokens_tell_what_they_were_worth() -> None:
    note = "50,000,000 tokens of x at $3.00 a million, by price book pb-1"
    plan = msgspec.structs.replace(
        PLAN, terms={"schedule": "monthly", "tokens": 50_000_000, "tokens_of": "x"}, note=note
    )
    assert terms_lines(plan)[:2] == [("Gives", "50,000,000 tokens of x a month"), ("That was", note)]


def test_credit_that_is_added_is_not_raised_to() -> None:
    change = Announced(
        kind="add",
        amount_nanos=300 * USD,
        announced_us=NOVEMBER.start_us,
        effective_us=NOVEMBER.start_us,
        until_us=NOVEMBER.end_us,
        reason="A release",
        actor="a@example.com",
        approver="b@example.com",
        told="",
    )
    assert change_told(change, "Europe/Stockholm") == (
        "1 November 2026",
        "$300.00 added",
        "In force from 1 November 2026 until 1 December 2026; announced by a@example.com, approved by b@example.com:"
        " A release.",
        "",
    )
    part = msgspec.structs.replace(change, kind="revoke_part")
    assert change_told(part, "Europe/Stockholm").what == "$300.00 revoked"
    longer = change_told(msgspec.structs.replace(change, kind="extend", amount_nanos=None), "Europe/Stockholm")
    assert (longer.what, " until " in longer.how) == ("Extended to 1 December 2026", False)
    pause = msgspec.structs.replace(change, kind="revoke_for_cause", amount_nanos=None, reason="")
    assert change_told(pause, "Europe/Stockholm").what == "Revoke for cause"


def test_terms_of_today_do_not_change_a_statement_of_before() -> None:
    """A term that was thought of later is not told of a plan that was written down before."""
    old = '{"name":"p","amount_nanos":1000000000,"currency":"USD","schedule":"monthly","time_zone":"UTC"'
    old += ',"unused":"expire"}'
    assert told_terms(Plan(1, "p", 1, old, 1)) == {
        "amount": "1.00",
        "currency": "USD",
        "schedule": "monthly",
        "time_zone": "UTC",
        "unused": "expire",
    }
