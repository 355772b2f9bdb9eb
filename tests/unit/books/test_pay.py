"""Pay from files: what is taken over, what is refused by line and field, and rates of other currencies."""

from __future__ import annotations

import pytest

from bursar.books.pay import import_pay, set_rate
from bursar.books.roster import import_roster
from bursar.books.rows import Imported
from bursar.refusals import Refused, Why
from bursar.rows import Problems
from bursar.store.employment import Rate, pay_of
from tests.support.calls import USD
from tests.support.teams import Company

HEAD = "email,effective,base,bonus,equity,currency\n"
PAY = HEAD + (
    "ada@example.com,2025-01-01,200000.00,20000,60000.50,USD\n"
    'bob@example.com,2026-01-01,"150,000",,,\n'
    "ada@example.com,2026-07-01,250000.00,50000,75000,usd\n"
)
KEPT = [
    "ada 2025-01-01 USD 200000 20000 60000.5",
    "ada 2026-07-01 USD 250000 50000 75000",
    "bob 2026-01-01 USD 150000 0 0",
]


@pytest.fixture
def paid(company: Company) -> Company:
    """Ada and Bob, of whom nobody knows yet what they are paid."""
    company.person("ada", usd=None)
    company.person("bob", usd=None)
    return company


def taken(company: Company, text: str, *, dry_run: bool = False) -> Imported:
    """Pay that is right."""
    return import_pay(company.books, text, dry_run=dry_run, advance=lambda done, total: None)


def kept(company: Company) -> list[str]:
    """Pay as a table, amounts in units of its currency."""
    with company.books.database.reading() as connection:
        return [
            f"{ {1: 'ada', 2: 'bob'}[one.person_id] } {one.from_day} {one.currency} "
            + " ".join(f"{nanos / USD:g}" for nanos in (one.base_nanos, one.bonus_nanos, one.equity_nanos))
            for one in pay_of(connection)
        ]


def wrong(company: Company, text: str) -> list[tuple[int, str]]:
    """The lines and fields of everything that is wrong with pay, of which nothing is written."""
    before = kept(company)
    for dry_run in (True, False):
        with pytest.raises(Problems) as problems:
            taken(company, text, dry_run=dry_run)
        assert kept(company) == before
    return [(problem.line, problem.field) for problem in problems.value.found]


def test_pay_is_taken_over_once(paid: Company) -> None:
    dry = taken(paid, PAY, dry_run=True)
    assert (dry.rows, dry.added, dry.changed, dry.unchanged) == (3, 3, 0, 0)
    assert kept(paid) == []
    assert taken(paid, PAY).changes == dry.changes
    assert kept(paid) == KEPT
    again = taken(paid, PAY)
    assert (again.added, again.changed, again.unchanged, again.changes) == (0, 0, 3, ())


def test_the_same_day_again_is_written_anew_and_others_stay(paid: Company) -> None:
    taken(paid, PAY)
    [change] = taken(paid, HEAD + "bob@example.com,2026-01-01,160000,,5000,USD\n").changes
    assert (change.line, change.what) == (2, "pay from 2026-01-01")
    assert (change.before, change.after) == ("150000.00 base USD", "160000.00 base, 5000.00 equity USD")
    assert kept(paid) == [*KEPT[:2], "bob 2026-01-01 USD 160000 0 5000"]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ("nobody@example.com,2026-01-01,1,,,", ["email"]),
        ("ada@example.com,,1,,,", ["effective"]),
        ("ada@example.com,2026-01-01,,,,", ["base"]),
        ("ada@example.com,2026-01-01,-1,,,", ["base"]),
        ("ada@example.com,2026-01-01,1.5.0,a lot,1e6,", ["base", "bonus", "equity"]),
        ("ada@example.com,2026-01-01,1000000001,,,", ["base"]),
        ("ada@example.com,2026-01-01,1,,,dollars", ["currency"]),
        ("ada@example.com,2026-01-01,1,,,EUR", ["currency"]),
        ("ada@example.com,2026-01-01,1,,", ["row"]),
        ("x,y,z,a,b,c-1", ["email", "effective", "base", "bonus", "equity", "currency"]),
    ],
)
def test_a_row_that_is_not_right(paid: Company, row: str, fields: list[str]) -> None:
    right = "bob@example.com,2026-01-01,150000,,,\n"
    assert wrong(paid, HEAD + right + row + "\n") == [(3, field) for field in fields]


def test_one_day_has_one_pay(paid: Company) -> None:
    row = "ada@example.com,2026-01-01,1,,,\n"
    assert wrong(paid, HEAD + row + "bob@example.com,2026-01-01,1,,,\n" + row) == [(4, "effective")]


def test_nobody_is_paid_anew_after_the_last_day(paid: Company) -> None:
    roster = "email,end\nada@example.com,2026-06-30\n"
    import_roster(paid.books, roster, dry_run=False, advance=lambda done, total: None)
    assert wrong(paid, PAY) == [(4, "effective")]


def test_another_currency_needs_a_rate_that_holds_on_the_day(paid: Company) -> None:
    set_rate(paid.books, Rate("EUR", "2026-01-01", 1_080_000_000))
    early, late = (f"ada@example.com,{day},100000,,,EUR\n" for day in ("2025-12-31", "2026-01-01"))
    assert wrong(paid, HEAD + early) == [(2, "currency")]
    taken(paid, HEAD + late)
    assert kept(paid) == ["ada 2026-01-01 EUR 100000 0 0"]


def test_a_rate_is_followed_but_not_changed(paid: Company) -> None:
    rate = Rate("EUR", "2026-01-01", 1_080_000_000)
    assert set_rate(paid.books, rate) == set_rate(paid.books, rate)
    set_rate(paid.books, Rate("EUR", "2026-02-01", 1_090_000_000))
    with pytest.raises(Refused) as refused:
        set_rate(paid.books, Rate("EUR", "2026-01-01", 1_090_000_000))
    assert refused.value.refusal.why is Why.EXISTS


@pytest.mark.parametrize(
    ("rate", "field"),
    [
        (Rate("USD", "2026-01-01", 1), "currency"),
        (Rate("EURO", "2026-01-01", 1), "currency"),
        (Rate("EUR", "2026-01-01", 0), "rate"),
        (Rate("EUR", "2026-01-01", 10**12), "rate"),
    ],
)
def test_a_rate_that_is_not_right(paid: Company, rate: Rate, field: str) -> None:
    with pytest.raises(Refused) as refused:
        set_rate(paid.books, rate)
    assert (refused.value.refusal.why, refused.value.refusal.field) == (Why.FIELD_INVALID, field)
