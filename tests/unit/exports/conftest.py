"""A company whose books have everything that an export must tell, on each engine in turn."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import pytest
import sqlalchemy as sa

from bursar.books import Books
from bursar.books.limits import grant_pool
from bursar.books.upkeep import close_periods
from bursar.exports.journal import Journal
from bursar.ledger.accounts import Account
from bursar.ledger.postings import Hold
from bursar.periods import US_PER_SECOND
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from bursar.store.schema import balances
from tests.support.calls import NOTE, posted
from tests.support.clock import VirtualClock
from tests.support.postgres import PostgresServer
from tests.support.teams import Company

DAY_S = 86_400
CASHED = 'cash_out_rate = "33.33%"\ncash_out_cap = "1.000000007"'
STRANGE = 'R&D "west"; a, b | c\\'
"""A team that a journal's text must not be broken by."""


class Spent(NamedTuple):
    """The company's books, and what its calls cost by team, in nano-USD."""

    company: Company
    by_team: dict[str, int]

    @property
    def database(self) -> Database:
        """Where the books are."""
        return self.company.books.database

    def journal(self, format: str, period: str = "2026", **more: str) -> str:
        """A journal as text."""
        wanted = Journal(
            period,
            format,
            time_zone=more.get("time_zone", "UTC"),
            kinds=more.get("kinds"),
            accounts=more.get("accounts", ""),
            per=more.get("per", "day"),
        )
        with self.database.reading() as connection:
            return "".join(wanted.lines(connection))

    def rows(self, format: str, period: str = "2026", **more: str) -> list[dict[str, str]]:
        """A journal that is a table, as rows."""
        return table(self.journal(format, period, **more))

    def lots(self) -> dict[Account, int]:
        """What sits in each account of all lots together, as the ledger has it: debited ones are below zero."""
        names = ["granted", *(account.name.lower() for account in Account if account is not Account.FUNDING)]
        sums = (sa.func.coalesce(sa.func.sum(balances.c[name]), 0) for name in names)
        with self.database.reading() as connection:
            found = connection.execute(sa.select(*sums).where(balances.c.kind == "lot")).one()
        below = {Account.FUNDING, Account.OVERRUN, Account.CARRIED_IN, Account.ADJUSTED}
        return {
            account: -int(amount) if account in below else int(amount)
            for account, amount in zip(Account, found, strict=True)
        }


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    """The public prices."""
    return build_book()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def on_each_engine(request: pytest.FixtureRequest, prices: PriceBook) -> Iterator[Spent]:
    """The company's books on each engine. Nothing changes them."""
    if request.param == "sqlite":
        yield request.getfixturevalue("spent")
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        yield from _spent(Database(postgres.url(postgres.fresh())), prices)


@pytest.fixture(scope="session")
def spent(tmp_path_factory: pytest.TempPathFactory, prices: PriceBook) -> Iterator[Spent]:
    """The company's books. Nothing changes them."""
    database = Database.in_folder(tmp_path_factory.mktemp("exported"))
    database.migrate()
    yield from _spent(database, prices)


@pytest.fixture
def company(sqlite_database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Company]:
    """Nobody yet. What is done to it is proved at the end."""
    made = Company(Books(sqlite_database, prices, clock), clock)
    yield made
    made.prove()
    made.books.close()


def _spent(database: Database, prices: PriceBook) -> Iterator[Spent]:
    clock = VirtualClock()
    company = Company(Books(database, prices, clock), clock)
    yield _history(company)
    company.books.close()


def _history(company: Company) -> Spent:
    """Three teams in November and December: calls to the nano-dollar, a pool, overrun, cash-out, breakage."""
    books, clock = company.books, company.clock
    ada = company.person("ada", "platform", usd=None)
    bob = company.person("bob", STRANGE, usd=5)
    cid = company.person("cid", "", usd=3)
    company.plan("engineers", 8, CASHED)
    company.plan("shared", 50)
    company.plan("soft", 2, 'overrun = "soft"\noverrun_ceiling = "10.00"')
    books.grant(ada, "engineers")
    books.grant(cid, "soft")
    grant_pool(books, "platform", "shared")
    by_team: dict[str, int] = {}
    pay = _payer(company, by_team)
    for day in range(0, 40, 4):
        pay(ada, "platform", 832_100_007 + day)
        pay(bob, STRANGE, 4_000_003 + day)
        if day % 12 == 0:
            pay(cid, "", 990_000_001)
        clock.advance(4 * DAY_S)
    pay(ada, "platform", 9_000_000_001)
    held = company.hold(bob, 1)
    posted(held)
    clock.advance(10 * DAY_S)
    close_periods(books, clock())
    company.prove()
    return Spent(company, by_team)


def _payer(company: Company, by_team: dict[str, int]) -> Callable[[str, str, int], None]:
    """Something that makes a call of somebody that holds more than it costs."""
    numbers = iter(range(10_000))

    def pay(email: str, team: str, cost: int) -> None:
        means = (spender := company.spender(email)).for_model("claude-sonnet-4-5")
        hold_id = f"c{next(numbers)}"
        hold = Hold(
            hold_id,
            spender.person_id,
            means.lots,
            means.limits,
            2 * cost,
            2 * cost,
            company.clock(),
            note=msgspec.msgpack.encode(NOTE),
        )
        company.caller.holds[hold_id] = hold
        posted(company.books.journal.post(hold))
        company.caller.settle(hold_id, cost, company.clock() + 2 * US_PER_SECOND)
        by_team[team] = by_team.get(team, 0) + cost

    return pay
