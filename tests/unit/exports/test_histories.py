"""Random histories under random terms: every export sums to the books, whatever verbs the journal has."""

from __future__ import annotations

import io
from collections import defaultdict
from decimal import Decimal

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa

from bursar.exports import chargeback, payroll
from bursar.exports.calls import Calls
from bursar.exports.chart import Chart
from bursar.exports.focus import Focus
from bursar.exports.span import read_span
from bursar.ledger.accounts import Account
from bursar.money import NANOS_PER_USD
from bursar.store.schema import postings
from tests.support.teams import Company
from tests.unit.books.test_histories_of_terms import History
from tests.unit.exports.conftest import Spent, table

YEARS = ("2025", "2026", "2027")


def usd(nanos: int) -> Decimal:
    return Decimal(nanos) / NANOS_PER_USD


def journal_sums(spent: Spent, kinds: str) -> dict[str, Decimal]:
    """What accounts come to, debits above zero. Each entry balances."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    entries: defaultdict[str, Decimal] = defaultdict(Decimal)
    for year in YEARS:
        for row in spent.rows("csv", year, kinds=kinds, time_zone="America/Havana"):
            amount = Decimal(row["debit"] or "0") - Decimal(row["credit"] or "0")
            sums[row["account"]] += amount
            entries[row["id"]] += amount
    assert set(entries.values()) <= {Decimal(0)}
    return {account: amount for account, amount in sums.items() if amount}


def every_total(spent: Spent) -> dict[str, Decimal]:
    """What each export says was spent."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    with spent.database.reading() as connection:
        for year in YEARS:
            rows = table("".join(Focus(year, version="1.2", with_people=False).lines(connection)))
            found["focus"] += sum(Decimal(row["BilledCost"]) for row in rows)
            stream = b"".join(Calls(year, time_zone="UTC", with_people=True).pieces(connection))
            cost = pa.ipc.open_stream(io.BytesIO(stream)).read_all().column("cost").to_pylist()
            found["calls"] += sum(cost, Decimal(0))
            centres = chargeback.chargeback(connection, read_span(year, "Australia/Lord_Howe"))
            found["chargeback"] += sum(usd(one.spent_nanos) for one in centres)
    return dict(found)


def verbs(spent: Spent) -> set[str]:
    with spent.database.reading() as connection:
        return set(connection.execute(sa.select(postings.c.verb).distinct()).scalars())


@pytest.mark.parametrize("seed", [3])
def test_exports_of_any_history_sum_to_the_books(company: Company, seed: int) -> None:
    assert len(verbs(play(company, seed))) >= 8


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1_000, 1_030))
def test_exports_of_thirty_histories_sum_to_the_books(company: Company, seed: int) -> None:
    play(company, seed)


def play(company: Company, seed: int) -> Spent:
    """Two teams' weeks by chance, and every export of them."""
    for number in (seed, seed + 100):
        history = History(company, number, reach_days=40)
        for _ in range(25):
            history.go_on()
    company.clock.now_us += 40 * 86_400_000_000
    history.close()
    spent, chart = Spent(company, {}), Chart()
    lots = spent.lots()
    assert journal_sums(spent, "credit") == {
        chart.of(account): usd(-amount) for account, amount in lots.items() if amount
    }
    total = usd(lots[Account.SPENT])
    money = journal_sums(spent, "money")
    assert money.get(chart.usage_expense, Decimal(0)) == total
    assert set(every_total(spent).values()) == {total}
    with spent.database.reading() as connection:
        views = [view for year in YEARS for view in payroll.income(connection, read_span(year, "UTC"))]
    paid = sum(usd(view.amount_nanos) for view in views if view.kind is payroll.Why.CASH_OUT)
    assert paid <= money.get(chart.cash_out_expense, Decimal(0)), "a pool pays nobody"
    assert sum(usd(view.amount_nanos) for view in views) - paid <= total
    return spent
