"""What a plan's terms should make somebody think twice about: each rule fires where it should, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bursar.terms.lint import RULES, Warning, warnings
from bursar.terms.plan import Terms
from tests.unit.terms.plans import plan, tokens

PAGE = Path(__file__).parents[3] / "docs/how-to/plan-warnings.md"
CARRY = 'unused = "carry_over"\n'
INDEX = 'escalator = "price_index"\nescalator_basket = ["sonnet"]'
FIXED = 'escalator = "fixed"\nescalator_rate = "5%"'
TOOL = 'tax_character = "working_condition"\n'
CASES: dict[str, tuple[Terms, Terms]] = {
    # By the beginning of a rule's text: a plan of which it warns, and one much like it of which it does not.
    "what is unspent at a period's end is lost": (plan(), plan('cash_out_rate = "10%"')),
    "what is unspent beyond the cap": (plan(CARRY + 'carry_over_cap = "5%"'), plan(CARRY)),
    "credit can be revoked at once": (plan(), plan("notice_revoke_days = 1")),
    "the amount can be reduced": (plan(), plan("notice_reduce_days = 1")),
    "nothing ever vests": (plan(), plan("vesting_months = 120")),
    "the amount is earned day by day": (plan('availability = "accrual"'), plan()),
    "days of leave are taken out": (plan('proration = "daily"\non_leave = "pause"'), plan('proration = "daily"')),
    "what is unspent and not vested is lost": (
        plan('on_leaving = "forfeit"'),
        plan('on_leaving = "days"\nleaving_days = 1'),
    ),
    "a call whose longest answer": (plan("clamp = false"), plan()),
    "what a lot is worth follows": (tokens(), plan()),
    "the amount stays the same for years": (plan('schedule = "annual"'), plan('schedule = "annual"\n' + FIXED)),
    "when the prices of the basket fall": (plan(INDEX), plan(FIXED)),
    "output is expected and nothing says": (
        plan('expectation_multiple = "1.5"'),
        plan('expectation_multiple = "1.5"\nexpectation_measure = "merged changes"'),
    ),
    "more output is expected": (
        plan('expectation_multiple = "1.5"'),
        plan('expectation_multiple = "1.5"\nrevocable = false'),
    ),
    "usage that somebody else reports": (plan('outside_usage = "charge"'), plan('outside_usage = "memo"')),
    "what is unspent can be spent again only": (
        plan(CARRY + 'outside_usage = "charge"\nrun_out_days = 10'),
        plan('outside_usage = "charge"\nrun_out_days = 10'),
    ),
    "credit that can become cash is not a US working-condition fringe": (
        plan('cash_out_rate = "50%"'),
        plan(),
    ),
    "vested credit that is paid out": (
        plan('vesting_months = 12\ncash_out_rate = "50%"\nleaving_vested = "cash_out"'),
        plan('vesting_months = 12\ncash_out_rate = "50%"'),
    ),
    "forfeiting what was earned": (
        plan('on_leaving = "forfeit"\navailability = "accrual"'),
        plan('on_leaving = "forfeit"'),
    ),
    "a benefit that leave reduces": (plan('proration = "daily"\non_leave = "pause"'), plan('proration = "daily"')),
    "credit that gathers over several periods": (
        plan(CARRY + "carry_over_periods = 2"),
        plan(CARRY + 'carry_over_periods = 2\ncarry_over_cap = "99%"'),
    ),
    "the grace is longer than a period": (
        plan('unused = "grace"\ngrace_days = 31'),
        plan('unused = "grace"\ngrace_days = 30'),
    ),
    "the credit is taken for a working-condition tool": (
        plan(TOOL + 'models = ["claude-*"]\ncash_out_rate = "50%"'),
        plan('tax_character = "imputed_income"\nmodels = ["claude-*"]\ncash_out_rate = "50%"'),
    ),
    "a pre-set cash value": (plan(TOOL), plan(TOOL + 'models = ["claude-*"]')),
    "personal use is no working condition": (plan(TOOL + 'personal_use = "10%"'), plan('personal_use = "10%"')),
    "the credit is taken for income": (
        plan('tax_character = "imputed_income"'),
        plan('tax_character = "imputed_income"\npersonal_use = "10%"'),
    ),
    "calls may pass the budget": (plan('overrun = "soft"\noverrun_ceiling = "10%"'), plan('overrun = "strict"')),
    "an amount that grows and vests": (plan(FIXED + "\nvesting_months = 12"), plan(FIXED)),
}


@pytest.mark.parametrize("text", CASES)
def test_a_rule_warns_where_it_should_and_nowhere_else(text: str) -> None:
    against, mended = CASES[text]
    [rule] = [rule for rule in RULES if rule.text.startswith(text)]
    assert Warning(rule.audience, rule.field, rule.text) in warnings(against)
    assert Warning(rule.audience, rule.field, rule.text) not in warnings(mended)


def test_every_rule_has_a_case_and_stands_in_the_documentation() -> None:
    told = PAGE.read_text("utf-8")
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith(("| person |", "| counsel |"))]
    assert [(row[0].removeprefix("| "), row[1].strip("`"), row[2]) for row in rows] == [
        (rule.audience, rule.field, rule.text) for rule in RULES
    ]
    assert all(any(rule.text.startswith(text) for text in CASES) for rule in RULES)
    assert len(CASES) == len(RULES)


def test_a_plan_with_nothing_against_the_person() -> None:
    generous = 'unused = "carry_over"\ncarry_over_periods = 1\nrevocable = false\nnotice_reduce_days = 90'
    assert warnings(plan(generous)) == []
