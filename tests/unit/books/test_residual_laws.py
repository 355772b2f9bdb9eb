"""Calls, logs, adjustments, reports and confirmations by chance: the books come to the newest report confirmed."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from bursar.books.holds import Ending, Wanted, give_up, hold, id_of, settle
from bursar.books.imports import Report, take
from bursar.books.outside import Charged, Outside, OutsideNote, charge_outside
from bursar.books.residual import put_down
from bursar.books.totals import take_totals
from bursar.exports.calls import Calls
from bursar.exports.chargeback import chargeback
from bursar.exports.chart import Chart
from bursar.exports.entries import MONEY, entries
from bursar.exports.focus import Focus
from bursar.exports.span import read_span
from bursar.importers.record import UsageRecord
from bursar.importers.totals import UsageTotal, grouped
from bursar.money import NANOS_PER_USD as USD
from bursar.periods import Monthly
from bursar.reports.reconciliation import Residual, period_named, reconciliation
from bursar.store import directory
from bursar.store.residuals import LESS
from bursar.usage import Usage
from tests.store.seen import balances
from tests.support.clock import VirtualClock
from tests.support.teams import SONNET, Company

NOVEMBER = Monthly("UTC").named("2026-11")
DAY_US = 86_400 * 1_000_000
CATALOGS = {"anthropic": "anthropic", "ours": "anthropic"}
STEPS = 30


class History:
    """A month in which the gateway is one source among others."""

    def __init__(self, company: Company, clock: VirtualClock, seed: int) -> None:
        self.company, self.clock, self.random = company, clock, Random(seed)
        self.names = 0
        self.most = (20 if seed % 2 else 2) * USD
        """What the provider bills for a day at most: more than most days cost, or less."""
        self.told: dict[int, int] = {}
        """What the newest report says of each day, in nano-USD."""
        self.people: list[str] = []
        for name, more in (("ada", 'outside_usage = "charge"'), ("bob", 'outside_usage = "memo"')):
            email = company.person(name, usd=None)
            company.books.grant(email, company.plan(f"plan-of-{name}", 400, more))
            self.people.append(email)

    def go_on(self) -> None:
        often = (self.call, self.log, self.log, self.outside, self.outside)
        step = self.random.choice((*often, self.adjust, self.report, self.confirm))
        step()
        if self.day < 27 and self.random.random() < 0.3:
            self.clock.advance(86_400)

    @property
    def day(self) -> int:
        return (self.clock() - NOVEMBER.start_us) // DAY_US + 1

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def call(self) -> None:
        email, dollars = self.random.choice(self.people), self.random.randint(1, 9)
        self.company.call(email, dollars)
        if self.random.random() < 0.5:  # a log tells of the same call, and nothing is charged for it
            self.told_of(email, f"req_call-{len(self.company.caller.holds)}")

    def log(self) -> None:
        self.told_of(self.random.choice([*self.people, "stranger@example.com"]), self.name())

    def told_of(self, email: str, request_id: str) -> None:
        used = Usage(input=self.random.randint(1, 999_999), output=self.random.randint(1, 99_999))
        record = UsageRecord(
            "claude-code", self.name(), self.clock(), "anthropic", SONNET, used, request_id=request_id, person=email
        )
        take(self.company.books, Report(source="claude-code", records=[record], actor="operator"))

    def outside(self) -> None:
        """A call of another gateway: in time, too late, or never settled; for less or more than was held."""
        spender = self.company.spender(self.random.choice(self.people))
        held, cost = (self.random.randint(1, 5 * USD) for _ in range(2))
        wanted = Wanted(
            id=id_of("key:0", self.name()),
            asked="",
            gateway="litellm",
            until_us=self.clock() + 1_000_000,
            model=SONNET,
            catalog="anthropic",
            amount_nanos=held,
        )
        hold(self.company.books, spender, wanted)
        if late := self.random.random() < 0.7:
            self.clock.advance(2)
            assert give_up(self.company.books) == 1
        if not late or self.random.random() < 0.7:
            for _ in range(2):
                assert settle(self.company.books, wanted.id, Ending(cost_nanos=cost)).cost_nanos == cost

    def adjust(self) -> None:
        with self.company.books.database.reading() as connection:
            person_id = directory.person(connection, self.people[0]).id
        note = OutsideNote(source="ours", provider="anthropic", model=SONNET)
        cost = self.random.randint(1, 5 * USD)
        made = Outside(op=f"adjust:{person_id}:{self.name()}", at_us=self.clock(), cost_nanos=cost, note=note)
        assert isinstance(charge_outside(self.company.books, person_id, made), Charged)

    def report(self) -> None:
        """The provider tells of some days, of all that it has not told of, and corrects itself at times."""
        days = [day for day in range(1, self.day + 1) if day not in self.told or self.random.random() < 0.2]
        for day in days:
            self.told[day] = self.random.randint(0, self.most)
        costs = grouped(_cost(day, self.told[day]) for day in days)
        take_totals(self.company.books, "anthropic-cost", costs, actor="operator", corrects=True)

    def confirm(self) -> None:
        self.report()
        for _ in range(self.random.randint(1, 2)):
            put_down(self.company.books, "anthropic", NOVEMBER, self.residual().residual_nanos)
        residual = self.residual()
        assert residual.left_nanos == 0
        assert residual.books_nanos == residual.there_nanos == sum(self.told.values())
        assert self.in_the_ledger() == sum(self.told.values())

    def residual(self) -> Residual:
        with self.company.books.database.reading() as connection:
            [residual] = reconciliation(
                connection, period_named("2026-11"), CATALOGS, self.company.books.prices
            ).residuals
        return residual

    def in_the_ledger(self) -> int:
        """What all lots say was spent, less what stands as billed short: no report has a part in it."""
        lots = [one for one in balances(self.company.books.database).values() if one.kind == "lot"]
        short = sum(lot.available for lot in lots if lot.source.startswith(LESS))
        return sum(lot.spent for lot in lots) - short

    def exported(self) -> set[int]:
        """What the general ledger, cost centres, FOCUS and the calls' file say was spent in the year."""
        chart, span = Chart(), read_span("2026", "UTC")
        with self.company.books.database.reading() as connection:
            found = list(entries(connection, span, chart, (MONEY,)))
            centres = sum(one.spent_nanos for one in chargeback(connection, span))
            lines_of = "".join(Focus("2026", version="1.2", with_people=False).lines(connection))
            rows = csv.DictReader(io.StringIO(lines_of, newline=""))
            focus = sum(int(Decimal(row["BilledCost"]) * USD) for row in rows)
            stream = b"".join(Calls("2026", time_zone="UTC", with_people=True).pieces(connection))
            costs = pa.ipc.open_stream(io.BytesIO(stream)).read_all().column("cost").to_pylist()
        lines = [line for entry in found for line in entry.lines]
        expense = sum(line.amount_nanos for line in lines if line.account == chart.usage_expense)
        owed = -sum(line.amount_nanos for line in lines if line.account == chart.providers_payable)
        return {expense, owed, centres, focus, int(sum(costs, Decimal(0)) * USD)}


def _cost(day: int, nanos: int) -> UsageTotal:
    starts_us = NOVEMBER.start_us + (day - 1) * DAY_US
    told: dict[str, Any] = {"catalog": "anthropic", "starts_us": starts_us, "ends_us": starts_us + DAY_US}
    return UsageTotal(source="anthropic-cost", **told, model=SONNET, cost_nanos=nanos)


def play(company: Company, clock: VirtualClock, seed: int) -> History:
    history = History(company, clock, seed)
    for _ in range(STEPS):
        history.go_on()
    spent = {lot.source: lot.spent for lot in balances(company.books.database).values() if lot.person_id}
    history.confirm()
    after = {lot.source: lot.spent for lot in balances(company.books.database).values() if lot.person_id}
    assert after == spent, "nobody's credit is touched"
    assert history.exported() == {sum(history.told.values())}
    return history


@pytest.mark.parametrize("seed", range(2))
def test_books_and_residual_come_to_the_newest_report(company: Company, clock: VirtualClock, seed: int) -> None:
    posted = play(company, clock, seed).residual().posted_nanos
    assert posted > 0 if seed else posted < 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_so_they_do_in_a_hundred_histories(company: Company, clock: VirtualClock, seed: int) -> None:
    play(company, clock, seed)


def test_what_is_known_and_charged_to_nobody_is_in_the_residual(company: Company, clock: VirtualClock) -> None:
    history = History(company, clock, 0)
    for email in (*history.people, "stranger@example.com"):
        record = UsageRecord("codex", email, clock(), "anthropic", SONNET, Usage(input=1_000_000), person=email)
        take(company.books, Report(source="codex", records=[record], actor="operator"))
    costs = grouped([_cost(1, 10 * USD)])
    take_totals(company.books, "anthropic-cost", costs, actor="operator")
    residual = history.residual()
    assert (residual.here_nanos, residual.charged_nanos, residual.residual_nanos) == (18 * USD, 6 * USD, 4 * USD)
