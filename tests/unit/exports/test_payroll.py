"""Amounts for a payroll system: whose, of which pay period, under which earning code, in cents."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bursar.exports import payroll
from bursar.exports.payslips import read_numbers, read_setup
from bursar.exports.span import read_span
from bursar.ledger.postings import Posting
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refused
from tests.support.calls import USD
from tests.support.teams import Company
from tests.unit.exports.conftest import table

ADA, BOB = "ada@example.com", "bob@example.com"
NUMBERS = f"email,number\n{ADA},1042\n{BOB},0007\n"


@pytest.fixture
def incomes(company: Company) -> Company:
    """Two people under a plan that is income, who make a call of a dollar a day, Bob 4 days, Ada 28."""
    company.plan("income", 100, 'tax_character = "imputed_income"')
    for name in ("ada", "bob"):
        company.books.grant(company.person(name, usd=None), "income")
    for day in range(28):
        assert company.call(ADA, 1) is None
        if day < 4:
            assert company.call(BOB, 1) is None
        company.clock.advance(86_400)
    return company


def rows(company: Company, period: str, setup: str = "", numbers: str = "") -> list[dict[str, str]]:
    with company.books.database.reading() as connection:
        span = read_span(period, "UTC")
        return table("".join(payroll.lines(connection, span, read_setup(setup), read_numbers(numbers))))


@pytest.mark.parametrize(
    ("setup", "period", "periods"),
    [
        ("", "2026-11", {("2026-11-01", "2026-11-30"): 28}),
        (
            'schedule = "semimonthly"',
            "2026-11",
            {("2026-11-01", "2026-11-15"): 15, ("2026-11-16", "2026-11-30"): 13},
        ),
        (
            'schedule = "biweekly"\nfirst_day = 2026-11-09',
            "2026-11",
            {("2026-10-26", "2026-11-08"): 8, ("2026-11-09", "2026-11-22"): 14, ("2026-11-23", "2026-12-06"): 6},
        ),
        (
            'schedule = "biweekly"\nfirst_day = 2027-01-04',
            "2026-11-09..2026-11-22",
            {("2026-11-09", "2026-11-22"): 14},
        ),
        ('schedule = "weekly"', "2026-W47", {("2026-11-16", "2026-11-22"): 7}),
    ],
)
def test_amounts_are_of_pay_periods(
    incomes: Company, setup: str, period: str, periods: dict[tuple[str, str], int]
) -> None:
    found = [row for row in rows(incomes, period, setup) if row["person"] == ADA]
    assert {(row["period_start"], row["period_end"]): Decimal(row["amount"]) for row in found} == periods


def test_a_row_has_what_a_payroll_system_needs(incomes: Company) -> None:
    found = rows(incomes, "2026-11", '[codes]\nplan = "E17"', NUMBERS)
    assert tuple(found[0]) == payroll.HEADINGS
    assert [(row["employee_number"], row["earning_code"], row["amount"], row["currency"]) for row in found] == [
        ("1042", "E17", "28.00", "USD"),
        ("0007", "E17", "4.00", "USD"),
    ]


def test_amounts_are_in_cents_and_exact_beside_that(company: Company) -> None:
    company.plan("income", 100, 'tax_character = "imputed_income"')
    for name, nanos in (("ada", 2_345_000_000), ("bob", 4_999_999), ("cid", 5_000_000)):
        email = company.person(name, usd=None)
        company.books.grant(email, "income")
        held = company.hold(email, 5)
        assert isinstance(held, Posting)
        company.caller.settle(held.op.removeprefix("hold:"), nanos, company.clock())
    found = [(row["person"], row["amount"], row["exact"]) for row in rows(company, "2026-11")]
    assert found == [(ADA, "2.35", "2.345"), ("cid@example.com", "0.01", "0.005")], "no cent is no line"
    with company.books.database.reading() as connection:
        views = payroll.income(connection, read_span("2026-11", "UTC"))
    assert sum(view.amount_nanos for view in views) == 2_345_000_000 + 4_999_999 + 5_000_000


@pytest.mark.parametrize(
    ("setup", "field"),
    [
        ("schedule =", "setup"),
        ('schedule = "daily"', "setup.schedule"),
        ('schedule = "biweekly"', "setup.first_day"),
        ('first_day = "soon"', "setup"),
        ('[codes]\nbonus = "B"', "setup"),
        ('[codes]\nplan = " "', "setup.codes.plan"),
    ],
)
def test_a_setup_that_is_not_right_is_refused_by_its_name(setup: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        read_setup(setup)
    assert refused.value.refusal.field == field


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        (f"email,number\n{ADA},\n", "line 2: number is empty"),
        (f"email,number\n{ADA},1\n{BOB},1\n", "line 3: number is '1'"),
        (f"email,number\n{ADA},1\n{ADA},2\n", "line 3: email is"),
        ("email\n", "line 1: number is not there"),
    ],
)
def test_numbers_that_are_not_right_are_refused_with_their_line(numbers: str, told: str) -> None:
    with pytest.raises(Refused) as refused:
        read_numbers(numbers)
    assert told in refused.value.refusal.text


def test_who_has_a_line_and_no_number_is_named(incomes: Company) -> None:
    with pytest.raises(Refused) as refused:
        rows(incomes, "2026-11", numbers=f"email,number\n{ADA},1042\n")
    assert BOB in refused.value.refusal.text
    assert sum(Decimal(row["amount"]) for row in rows(incomes, "2026-11")) == 32 * USD // NANOS_PER_USD
