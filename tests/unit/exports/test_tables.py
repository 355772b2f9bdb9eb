"""FOCUS rows, chargeback and payroll: they sum to the books, and say what they should of each line."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal

import pytest

from bursar.books.outside import Outside, OutsideNote, charge_outside
from bursar.exports import chargeback, payroll
from bursar.exports.focus import COLUMNS, NO_TEAM, Focus
from bursar.exports.span import read_span
from bursar.ledger.accounts import Account
from bursar.ledger.postings import Correct, Returned
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refused
from bursar.store.database import Database
from tests.support.calls import USD, posted
from tests.support.teams import Company
from tests.unit.exports.conftest import STRANGE, Spent, table


def usd(nanos: int) -> Decimal:
    return Decimal(nanos) / NANOS_PER_USD


def focus(database: Database, period: str = "2026", *, with_people: bool = False) -> list[dict[str, str]]:
    with database.reading() as connection:
        return table("".join(Focus(period, version="1.2", with_people=with_people).lines(connection)))


def test_focus_rows_sum_to_the_books_by_team(on_each_engine: Spent) -> None:
    rows = focus(on_each_engine.database)
    assert tuple(rows[0]) == COLUMNS
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        assert len({row[name] for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")}) == 1
        assert row["ConsumedQuantity"] == f"{int(row['x_Calls']) * 1_100}.0"
        sums[row["SubAccountId"]] += Decimal(row["BilledCost"])
    assert sums == {team or NO_TEAM: usd(cost) for team, cost in on_each_engine.by_team.items()}


def test_focus_periods_are_utcs_and_people_are_named_on_demand(spent: Spent) -> None:
    row = focus(spent.database, "2026-11-17", with_people=True)[0]
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z")
    assert json.loads(row["Tags"])["person"].endswith("@example.com")
    assert all("person" not in json.loads(one["Tags"]) for one in focus(spent.database))
    with pytest.raises(Refused) as refused:
        Focus("2026-11", version="1.0", with_people=False)
    assert refused.value.refusal.field == "version"


def test_chargeback_is_the_books_by_month_team_and_plan(on_each_engine: Spent) -> None:
    with on_each_engine.database.reading() as connection:
        centres = chargeback.chargeback(connection, read_span("2026-Q4", "UTC"))
        rows = table("".join(chargeback.lines(connection, read_span("2026-Q4", "UTC"))))
    lots = on_each_engine.lots()
    assert sum(one.spent_nanos for one in centres) == lots[Account.SPENT]
    assert sum(one.granted_nanos for one in centres) == -lots[Account.FUNDING]
    assert sum(one.expired_nanos for one in centres) == lots[Account.EXPIRED]
    by_team: defaultdict[str, int] = defaultdict(int)
    for one in centres:
        by_team[one.team] += one.spent_nanos
    assert by_team == on_each_engine.by_team
    named = {(one.month, one.team, one.plan) for one in centres}
    assert {("2026-11", "platform", "engineers"), ("2026-12", "platform", "shared")} <= named
    assert {("2026-11", "", "soft, beyond it"), ("2026-11", STRANGE, "plan-of-bob")} <= named
    assert [(row["month"], row["team"], row["plan"]) for row in rows] == sorted(named)
    assert sum(Decimal(row["spent"]) for row in rows) == usd(lots[Account.SPENT])
    [engineers] = [one for one in centres if (one.month, one.plan) == ("2026-12", "engineers")]
    assert (engineers.cashed_out_nanos, engineers.payroll_nanos) == (1_000_000_007, 333_300_002)


def outside(company: Company, op: str, nanos: int) -> Outside:
    note = OutsideNote(source="copilot", model="claude-sonnet-4-5", provider="github")
    return Outside(op=op, at_us=company.clock(), cost_nanos=nanos, note=note)


def test_what_was_taken_back_is_taken_back_in_every_file(company: Company) -> None:
    ada = company.person("ada", usd=None)
    company.plan("charged", 10, 'outside_usage = "charge"')
    company.books.grant(ada, "charged")
    person_id = company.spender(ada).person_id
    charge_outside(company.books, person_id, outside(company, "u1", 3 * USD))
    lot = company.balance("grant:1")
    company.clock.advance(86_400)
    back = Correct(
        "u1", person_id, (Returned(lot.id, Account.AVAILABLE, USD),), company.clock(), "the gateway billed it"
    )
    posted(company.books.journal.post(back))
    rows = focus(company.books.database)
    assert [(row["BilledCost"], row["ChargeClass"], row["ProviderName"]) for row in rows] == [
        ("3.00", "", "github"),
        ("-1.00", "Correction", "Bursar"),
    ]
    with company.books.database.reading() as connection:
        [centre] = chargeback.chargeback(connection, read_span("2026-11", "UTC"))
    assert centre.spent_nanos == 2 * USD


def test_payroll_has_each_cost_once(company: Company) -> None:
    ada, bob = company.person("ada", usd=None), company.person("bob", usd=None)
    company.plan("tool", 10, 'personal_use = "50%"\ncash_out_rate = "50%"')
    company.plan("income", 10, 'tax_character = "imputed_income"')
    company.books.grant(ada, "tool")
    company.books.grant(bob, "income")
    at_work = company.secrets[ada]
    company.secrets[ada] = company.books.create_key(ada, "own", personal=True).secret
    assert company.call(ada, 2) is None
    company.secrets[ada] = at_work
    assert company.call(ada, 3) is None
    assert company.call(bob, 4) is None
    company.clock.advance(31 * 86_400)
    company.books.bring_up(company.spender(ada).person_id)
    with company.books.database.reading() as connection:
        found = payroll.income(connection, read_span("2026", "UTC"))
        rows = table("".join(payroll.lines(connection, read_span("2026", "UTC"))))
    told = [(one.person, one.period_start, one.kind, one.tax_character, one.amount_nanos) for one in found]
    assert told == [
        (ada, "2026-11-01", "personal", "undecided", 2 * USD),
        (ada, "2026-12-01", "cash_out", "undecided", 5 * USD // 2),
        (bob, "2026-11-01", "plan", "imputed_income", 4 * USD),
    ]
    assert [(row["person"], row["amount"], row["currency"]) for row in rows] == [
        (ada, "2.00", "USD"),
        (ada, "2.50", "USD"),
        (bob, "4.00", "USD"),
    ]
