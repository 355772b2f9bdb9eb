"""Total compensation: pay by its dates, the budget by its plans and what was announced, and their shares."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bursar.books.pay import import_pay, set_rate
from bursar.books.roster import import_roster
from bursar.periods import US_PER_SECOND, to_us
from bursar.reports.compensation import CompensationView, PayView, compensation, part_of_year, pay_history
from bursar.store import directory
from bursar.store.changes import add_change
from bursar.store.directory import Grant
from bursar.store.employment import Rate
from tests.support.calls import USD
from tests.support.teams import Company

ADA = "ada@example.com"
HEAD = "email,effective,base,bonus,equity,currency\n"
TOP = HEAD + f"{ADA},2026-01-01,250000,50000,75000,USD\n"
"""A top-quartile engineer: $375,000 without tokens (mission.md)."""


@pytest.fixture
def paid(company: Company) -> Company:
    """Ada, who has a token budget of $100,000 a year from 1 November 2026 on, and no pay yet."""
    company.person("ada", usd=None)
    company.plan("engineers", 100_000, 'schedule = "annual"')
    company.books.grant(ADA, "engineers", company.clock())
    return company


def pay(company: Company, text: str) -> None:
    import_pay(company.books, text, dry_run=False, advance=lambda done, total: None)


def roster(company: Company, text: str) -> None:
    import_roster(company.books, text, dry_run=False, advance=lambda done, total: None)


def seen(company: Company, day: str = "2026-11-01") -> CompensationView:
    """Ada's compensation at the first instant of a day."""
    at_us = to_us(datetime.fromisoformat(day).replace(tzinfo=UTC))
    with company.books.database.reading() as connection:
        ada = directory.person(connection, ADA)
        return compensation(connection, ada.id, at_us)


def earned(company: Company, first: str, last: str) -> PayView:
    """Ada's pay, and what days earn of it."""
    with company.books.database.reading() as connection:
        ada = directory.person(connection, ADA)
        return pay_history(connection, ada.id, (date.fromisoformat(first), date.fromisoformat(last)))


def announced(company: Company, grant: Grant, kind: str, days: int, amount_nanos: int | None) -> None:
    """A change of a grant that takes effect so many days from now."""

    def write(connection: sa.Connection) -> None:
        add_change(
            connection,
            person_id=grant.person_id,
            grant_id=grant.id,
            kind=kind,
            amount_nanos=amount_nanos,
            announced_us=company.clock(),
            effective_us=company.clock() + days * 86_400 * US_PER_SECOND,
            reason="a new plan",
            actor="operator",
            told="in writing",
        )

    company.books.journal.write(write)


def test_one_dollar_in_five_is_tokens(paid: Company) -> None:
    pay(paid, TOP)
    found = seen(paid)
    assert (found.pay_nanos, found.tokens_nanos, found.total_nanos) == (375_000 * USD, 100_000 * USD, 475_000 * USD)
    assert found.tokens_share_bps == 2105
    assert found.tokens_to_base_bps == 4000
    [line] = found.budgets
    assert (line.plan, line.schedule, line.amount_nanos, line.periods_a_year) == (
        *("engineers", "annual"),
        *(100_000 * USD, 1),
    )


@pytest.mark.parametrize(
    ("schedule", "a_year"),
    [("weekly", 52), ("biweekly", 26), ("semimonthly", 24), ("monthly", 12), ("quarterly", 4), ("annual", 1)],
)
def test_a_year_has_so_many_periods(company: Company, schedule: str, a_year: int) -> None:
    company.person("ada", usd=7)
    company.plan(
        "more", 100, f'schedule = "{schedule}"\n' + ("anchor = 2026-11-02" if schedule == "biweekly" else "")
    )
    company.books.grant(ADA, "more", company.clock())
    found = seen(company)
    assert found.tokens_nanos == (100 * a_year + 7 * 12) * USD
    assert [line.a_year_nanos for line in found.budgets] == [84 * USD, 100 * a_year * USD]


def test_a_grant_counts_from_its_day_on(paid: Company) -> None:
    pay(paid, TOP)
    before = seen(paid, "2026-10-31")
    assert (before.tokens_nanos, before.total_nanos, before.tokens_share_bps) == (0, 375_000 * USD, 0)
    assert before.budgets == ()


def test_what_was_announced_counts_from_its_effective_day_on(paid: Company) -> None:
    pay(paid, TOP)
    with paid.books.database.reading() as connection:
        ada = directory.person(connection, ADA)
        [(grant, _)] = directory.grants_of(connection, ada.id)
    announced(paid, grant, "raise", 62, 150_000 * USD)
    announced(paid, grant, "revoke", 366, None)
    assert [seen(paid, day).tokens_nanos // USD for day in ("2026-12-31", "2027-01-02", "2027-11-01")] == [
        *(100_000, 150_000),
        150_000,
    ]
    assert seen(paid, "2027-11-02").budgets == ()


def test_pay_holds_from_its_day_until_the_next(paid: Company) -> None:
    pay(paid, TOP + f"{ADA},2026-07-01,260000,50000,75000,USD\n")
    days = ("2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01")
    found = [seen(paid, day) for day in days]
    assert [one.pay_nanos and one.pay_nanos // USD for one in found] == [None, 375_000, 375_000, 385_000]
    assert [one.pay_from for one in found] == [None, "2026-01-01", "2026-01-01", "2026-07-01"]


def test_without_pay_there_is_no_total_and_no_share(paid: Company) -> None:
    found = seen(paid)
    assert found.tokens_nanos == 100_000 * USD
    assert (found.base_nanos, found.pay_nanos, found.total_nanos) == (None, None, None)
    assert (found.tokens_share_bps, found.tokens_to_base_bps) == (None, None)


def test_a_base_of_nothing_has_no_ratio(paid: Company) -> None:
    pay(paid, HEAD + f"{ADA},2026-01-01,0,0,0,\n")
    found = seen(paid)
    assert (found.tokens_to_base_bps, found.tokens_share_bps) == (None, 10_000)


def test_nothing_is_earned_before_the_first_and_after_the_last_day(paid: Company) -> None:
    pay(paid, TOP)
    roster(paid, f"email,start,end\n{ADA},2026-10-31,2026-11-30\n")
    assert [
        seen(paid, day).pay_nanos is None for day in ("2026-10-30", "2026-10-31", "2026-11-30", "2026-12-01")
    ] == [
        *(True, False),
        *(False, True),
    ]
    after = seen(paid, "2026-12-01")
    assert (after.tokens_nanos, after.total_nanos) == (0, None)


def test_another_currency_is_converted_at_the_days_rate(paid: Company) -> None:
    set_rate(paid.books, Rate("EUR", "2026-01-01", 1_080_000_000))
    set_rate(paid.books, Rate("EUR", "2026-11-02", 1_100_000_000))
    pay(paid, HEAD + f"{ADA},2026-01-01,100000,10000,0,EUR\n")
    first, second = seen(paid), seen(paid, "2026-11-02")
    assert (first.base_nanos, first.bonus_nanos, first.rate) == (108_000 * USD, 10_800 * USD, "1.08")
    assert (second.pay_nanos, second.rate, second.paid_in) == (121_000 * USD, "1.10", "EUR")


def test_a_period_earns_its_days_of_each_years_pay(paid: Company) -> None:
    """2026 has 365 days: 30 of November, of which 14 are at the first pay and 16 at the second."""
    pay(paid, HEAD + f"{ADA},2026-01-01,365000,0,0,\n{ADA},2026-11-15,730000,36500,0,\n")
    november = earned(paid, "2026-11-01", "2026-11-30")
    assert november.period is not None
    assert (november.period.base_nanos, november.period.bonus_nanos) == (
        (14 * 1000 + 16 * 2000) * USD,
        16 * 100 * USD,
    )
    assert [(line.first, line.last) for line in november.history] == [
        ("2026-01-01", "2026-11-14"),
        ("2026-11-15", None),
    ]
    roster(paid, f"email,start,end\n{ADA},2026-11-10,2026-11-20\n")
    cut = earned(paid, "2026-11-01", "2026-11-30").period
    assert cut is not None
    assert cut.base_nanos == (5 * 1000 + 6 * 2000) * USD


def test_whole_years_earn_all_of_their_pay(paid: Company) -> None:
    pay(paid, HEAD + f"{ADA},2026-01-01,100000.01,0,0.07,\n")
    for year in (2026, 2027, 2028):
        found = earned(paid, f"{year}-01-01", f"{year}-12-31").period
        assert found is not None
        assert (found.base_nanos, found.equity_nanos) == (100_000 * USD + USD // 100, 7 * USD // 100)
    three = earned(paid, "2026-01-01", "2028-12-31").period
    assert three is not None
    assert three.pay_nanos == 3 * (100_000 * USD + 8 * USD // 100)


@given(
    st.integers(0, 10**18),
    st.sampled_from([2026, 2028]),
    st.lists(st.integers(0, 364), max_size=12, unique=True),
)
def test_the_parts_of_a_year_sum_to_it(a_year_nanos: int, year: int, cuts: list[int]) -> None:
    new_year, next_year = date(year, 1, 1), date(year + 1, 1, 1)
    days = sorted({new_year, next_year} | {date.fromordinal(new_year.toordinal() + cut) for cut in cuts})
    assert sum(part_of_year(a_year_nanos, first, until) for first, until in pairwise(days)) == a_year_nanos
