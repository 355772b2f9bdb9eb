"""The demo company shows what terms can promise, and what is known of calls that did not pass the gateway."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import sqlalchemy as sa

from bursar.books import Books
from bursar.books.imports import Report, take
from bursar.books.totals import take_totals
from bursar.demo.company import ADA, JONAS, LENA, PLANS, POOLED, TOMAS
from bursar.demo.elsewhere import FOLDER, SCRIPTS_MODEL
from bursar.importers.anthropic_reports import AnthropicCost, AnthropicUsage
from bursar.importers.claude_code import ClaudeCode
from bursar.importers.record import once
from bursar.pricing.book import PriceBook
from bursar.reports.reconciliation import period_named, reconciliation
from bursar.reports.statement import statement
from bursar.reports.told_by import Status
from bursar.store import directory
from bursar.store.database import Database
from bursar.store.schema import balances, runs, usage_heads
from bursar.terms.plan import read_plan
from tests.unit.demo.conftest import NOW_US, Installed

CATALOGS = {"sim-anthropic": "anthropic", "sim-openai": "openai"}


def person_id(connection: sa.Connection, email: str) -> int:
    return directory.person(connection, email).id


def test_every_term_is_promised_by_a_plan_and_seen_in_the_books(company: Installed) -> None:
    plans = {terms.name: terms for terms in map(read_plan, PLANS)}
    assert plans["engineers"].unused == "carry_over"
    assert plans["engineers"].personal_use_bps
    assert plans["principals"].vesting_months
    assert {plans[name].outside_usage for name in ("engineers", "principals")} == {"memo", "charge"}
    names = ("carried_in", "carried_out", "cashed_out", "adjusted", "expired", "spent")
    with company.database.reading() as connection:
        lots = balances.c.kind == "lot"
        sums = connection.execute(sa.select(*(sa.func.sum(balances.c[name]) for name in names)).where(lots)).one()
        limits = sa.select(balances.c.source).where(~lots, balances.c.spent > 0)
        kinds = {source.partition(":")[0] for source in connection.execute(limits).scalars()}
    assert dict(zip(names, map(bool, sums), strict=True)) == dict.fromkeys(names, True)
    assert kinds == {"key", "limit", "personal"}


def test_statements_tell_of_them(company: Installed) -> None:
    with company.database.reading() as connection:
        ada, jonas, lena, tomas = (person_id(connection, who.email) for who in (ADA, JONAS, LENA, TOMAS))
        assert statement(connection, ada, "2026-11").carried_in_nanos
        assert [run.name for run in statement(connection, ada, "2026-11").runs] == ["upgrade every dependency"]
        assert statement(connection, jonas, "2026-11").reported
        pool = statement(connection, lena, "2026-09").from_pools[0]
        assert (pool.team, pool.plan, pool.spent_nanos > 0) == (*POOLED, True)
        [change] = statement(connection, tomas, "2026-10").changes
        states = connection.execute(sa.select(runs.c.outcome).order_by(runs.c.started_us)).scalars().all()
    assert change.kind == "reduce"
    assert change.effective_us - change.announced_us >= 30 * 86_400_000_000
    assert states == ["killed", "ended"]


def test_the_gateway_logs_and_the_providers_report_stand_side_by_side(company: Installed, prices: PriceBook) -> None:
    assert company.demo.month == "2026-11"
    with company.database.reading() as connection:
        found = reconciliation(connection, period_named("2026-11"), CATALOGS, prices, provider="anthropic")
        states = set(connection.execute(sa.select(usage_heads.c.state)).scalars())
    assert states == {"billed", "memo", "charged", "adjusted"}
    by_status = {status: [line for line in found.lines if line.status == status] for status in Status}
    assert len(by_status[Status.MATCHED]) > 40
    assert SCRIPTS_MODEL in {line.model for line in (*by_status[Status.DIFFERENT], *by_status[Status.ONLY_THERE])}
    [residual] = found.residuals
    assert residual.left_nanos > 0, "a script used a key of its own"


def test_the_files_may_be_brought_in_again(company: Installed, prices: PriceBook, tmp_path: Path) -> None:
    shutil.copy(company.folder / "bursar.sqlite", tmp_path)
    books = Books(Database.in_folder(tmp_path), prices, lambda: NOW_US)
    source, folder = ClaudeCode(), company.folder / FOLDER
    try:
        for member in (ADA, JONAS):
            files = list(source.files(folder / member.email.partition("@")[0]))
            readings = [source.read(path) for path in files]
            assert not any(reading.broken for reading in readings)
            records = list(once(record for reading in readings for record in reading.records).values())
            with books.database.reading() as connection:
                whose = person_id(connection, member.email)
            again = take(books, Report(source=source.name, records=records, actor="test", person_id=whose))
            assert (again.added, again.grown, again.repeated) == (0, 0, len(records))
        for report in (AnthropicUsage(), AnthropicCost()):
            data = (folder / f"{report.name}-2026-11.json").read_bytes()
            found = report.read(data, report.name)
            assert not found.broken
            assert len(json.loads(data)["data"]) == 22, "every day that is over"
            told = take_totals(books, report.name, found.totals, actor="test")
            assert (told.added, told.grown) == (0, 0)
    finally:
        books.close()
