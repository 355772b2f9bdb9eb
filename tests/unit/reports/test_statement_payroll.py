"""What a statement tells of payroll, against the payroll export of the same books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bursar.books import Books
from bursar.exports.payroll import income
from bursar.exports.span import read_span
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.reports.plain import plain
from bursar.reports.statement import statement
from bursar.reports.statement_shape import ForPayroll
from bursar.reports.statement_text import render
from bursar.store import directory
from bursar.store.database import Database
from tests.support.calls import USD
from tests.support.clock import VirtualClock
from tests.support.teams import Company

DAY_S = 86_400


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return build_book()


@pytest.fixture
def company(database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Company]:
    books = Books(database, prices, clock)
    yield Company(books, clock)
    books.close()


def test_a_statement_tells_what_payroll_has(company: Company) -> None:
    ada = company.person("ada", usd=None)
    company.plan("paid", 100, 'cash_out_rate = "50%"\ncash_out_cap = "61.00"\npersonal_use = "20%"\npriority = 1')
    company.plan("taxed", 40, 'tax_character = "imputed_income"\npriority = 2')
    for plan in ("paid", "taxed"):
        company.books.grant(ada, plan)
    company.secrets["own"] = company.books.create_key(ada, "own", personal=True).secret
    assert company.call("own", 7) is None
    assert company.call(ada, 98) is None, "93 of the first plan, 5 of the second"
    with company.books.database.reading() as connection:
        person_id = directory.person(connection, ada).id
        made = statement(connection, person_id, "2026-11")
    personal = ForPayroll(kind="personal", plan="paid", credit_nanos=7 * USD, amount_nanos=7 * USD)
    taxed = ForPayroll(kind="plan", plan="taxed", credit_nanos=5 * USD, amount_nanos=5 * USD)
    assert made.payroll == (personal, taxed)
    company.clock.advance(30 * DAY_S)
    assert company.call(ada, 20) is None
    company.clock.advance(31 * DAY_S)
    company.books.bring_up()
    with company.books.database.reading() as connection:
        made = statement(connection, person_id, "2026-12")
        of_november, of_the_end = (
            [
                (view.kind.value, view.plan, view.amount_nanos)
                for month in months
                for view in income(connection, month)
            ]
            for months in ([read_span("2026-11", "UTC")], [read_span("2026-12", "UTC"), read_span("2027-01", "UTC")])
        )
    assert sorted(of_november) == [(line.kind, line.plan, line.amount_nanos) for line in (personal, taxed)]
    cashed = ForPayroll(kind="cash_out", plan="paid", credit_nanos=61 * USD, amount_nanos=61 * USD // 2)
    assert made.payroll == (cashed,)
    assert [(line.kind, line.plan, line.amount_nanos) for line in made.payroll] == of_the_end
    assert plain(made)["payroll"] == [{"kind": "cash_out", "plan": "paid", "credit": "61.00", "amount": "30.50"}]
    page = render(made)
    assert "For payroll" in page
    assert "Paid out for $61.00 of paid that was cashed out" in page
    assert "$30.50" in page
