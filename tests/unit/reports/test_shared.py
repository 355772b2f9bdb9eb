"""What is shared, as one person sees it: limits, pools, and the memo on the statement."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bursar.books import Books
from bursar.books.limits import end, grant_pool
from bursar.books.outside import Outside, OutsideNote, charge_outside
from bursar.ledger.accounts import Account
from bursar.ledger.postings import Charge, Correct, Posting, Returned
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.refusals import Refused
from bursar.reports.balance import BalanceView, balance
from bursar.reports.limits import limits
from bursar.reports.plain import plain
from bursar.reports.pools import pools
from bursar.reports.statement import statement
from bursar.reports.statement_shape import FromPool, Statement
from bursar.reports.statement_text import render
from bursar.store import directory
from bursar.store.database import Database
from tests.support.calls import USD
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.teams import Company

DAY_S = 86_400
PERIOD = "2026-11"


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return build_book()


@pytest.fixture
def company(database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Company]:
    books = Books(database, prices, clock)
    made = Company(books, clock)
    yield made
    made.prove()
    books.close()


def balance_of(company: Company, email: str) -> BalanceView:
    with company.books.database.reading() as connection:
        return balance(connection, directory.person(connection, email).id, company.clock())


def statement_of(company: Company, email: str) -> Statement:
    with company.books.database.reading() as connection:
        return statement(connection, directory.person(connection, email).id, PERIOD)


def test_a_balance_tells_the_limits_that_apply(company: Company) -> None:
    ada, bob = company.person("ada", "web"), company.person("bob", "ops")
    company.limit(50, team="web", models="claude-*", soft_nanos=10 * USD)
    company.limit(5, "life", person=bob)
    ended = company.limit(1, everybody=True)
    end(company.books, ended.id)
    assert company.call(ada, 10) is None
    [told] = balance_of(company, ada).limits
    assert (told.name, told.models, told.granted_nanos) == ("web, claude-*, a day: 2026-11-01", "claude-*", 50 * USD)
    assert (told.spent_nanos, told.available_nanos, told.soft_passed) == (10 * USD, 40 * USD, False)
    assert told.expires_us == NOVEMBER_US + DAY_S * 10**6
    held = company.hold(ada, 1)
    assert isinstance(held, Posting)
    [told] = balance_of(company, ada).limits
    assert (told.held_nanos, told.soft_passed) == (1 * USD, True), "what is held counts"
    company.settle(held, 1)
    company.clock.advance(DAY_S)
    [told] = balance_of(company, ada).limits
    assert (told.spent_nanos, told.available_nanos, told.soft_passed) == (0, 50 * USD, False)
    assert plain(told)["soft"] == "10.00"
    [bobs] = balance_of(company, bob).limits
    assert (bobs.name, bobs.expires_us, plain(bobs)["soft"]) == ("this person, in all", 0, None)


def test_limits_are_listed_with_whose_they_are(company: Company) -> None:
    ada = company.person("ada", "web")
    company.person("bob", "ops")
    key_id = company.spender(ada).key.id
    company.limit(9, everybody=True)
    company.limit(8, "week", team="ops")
    company.limit(7, "month", person=ada)
    company.limit(6, "life", key_id=key_id)
    with company.books.database.reading() as connection:
        everybodys = limits(connection, None, company.clock())
        adas = limits(connection, directory.person(connection, ada), company.clock())
    assert [(one.scope, one.whose, one.per, one.period) for one in everybodys] == [
        ("everybody", "everybody", "day", "2026-11-01"),
        ("team", "ops", "week", "2026-W44"),
        ("person", ada, "month", "2026-11"),
        ("key", f"key {key_id} (laptop)", "life", ""),
    ]
    assert [one.id for one in adas] == [1, 3, 4]


def test_a_balance_tells_the_pool_apart_from_what_is_ones_own(company: Company) -> None:
    ada, bob = company.person("ada", usd=10), company.person("bob", usd=None)
    eve = company.person("eve", "ops")
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared")
    assert company.call(ada, 12) is None
    now = balance_of(company, ada)
    assert (now.granted_nanos, now.available_nanos, now.spent_nanos) == (10 * USD, 0, 10 * USD)
    [pool] = now.pools
    assert (pool.team, pool.plan, pool.period) == ("platform", "shared", PERIOD)
    assert (pool.granted_nanos, pool.spent_nanos, pool.available_nanos) == (50 * USD, 2 * USD, 48 * USD)
    assert balance_of(company, bob).pools == now.pools
    assert balance_of(company, bob).lots == ()
    assert balance_of(company, eve).pools == ()


def test_a_pool_that_has_not_begun_is_listed_empty(company: Company) -> None:
    ada = company.person("ada")
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared", NOVEMBER_US + 5 * DAY_S * 10**6)
    assert balance_of(company, ada).pools == ()
    with company.books.database.reading() as connection:
        [pool] = pools(connection, None, company.clock())
        assert pools(connection, "", company.clock()) == []
    assert (pool.period, pool.granted_nanos, pool.expires_us) == ("", 0, 0)


def test_what_a_pool_paid_is_a_memo_on_the_statement(company: Company) -> None:
    ada, bob = company.person("ada", usd=10), company.person("bob", usd=20)
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared")
    assert company.call(ada, 4) is None
    assert company.call(ada, 8) is None, "6 of her own, 2 of the pool's"
    assert company.call(ada, 5) is None
    assert company.call(bob, 25) is None
    running = company.hold(ada, 3)
    assert isinstance(running, Posting)
    made = statement_of(company, ada)
    assert (made.granted_nanos, made.spent_nanos, made.closing_nanos) == (10 * USD, 10 * USD, 0)
    assert [line.calls for line in made.spending] == [2]
    assert made.from_pools == (
        FromPool(team="platform", plan="shared", calls=2, spent_nanos=7 * USD, held_nanos=3 * USD),
    )
    assert made.running == ()
    page = render(made)
    assert "  From the team's pool (platform, shared): 2 calls" in page
    assert "$7.00\n" in page
    assert "  held in it for calls that have not ended" in page
    company.settle(running, 0)
    assert [pool.spent_nanos for pool in statement_of(company, bob).from_pools] == [5 * USD]
    assert company.balance("pool:1").spent == 12 * USD


def test_the_memo_of_a_pool_tells_what_passed_it_what_came_late_and_what_was_taken_back(company: Company) -> None:
    """Bob has nothing of his own; the pool of 50 may be passed by 10, and is charged what was used elsewhere."""
    bob = company.person("bob", usd=None)
    company.plan("soft", 50, 'overrun = "soft"\noverrun_ceiling = "10.00"\noutside_usage = "charge"')
    pool = grant_pool(company.books, "platform", "soft")
    with company.books.database.reading() as connection:
        bobs = directory.person(connection, bob).id
    note = OutsideNote(source="copilot")
    for op, usd in (("a:0", 30), ("b:0", 15)):
        charge_outside(company.books, bobs, Outside(op=op, at_us=company.clock(), cost_nanos=usd * USD, note=note))
    [memo] = statement_of(company, bob).from_pools
    assert memo == FromPool(team="platform", plan="soft", calls=2, spent_nanos=45 * USD, held_nanos=0), (
        "no hold needed"
    )
    assert company.call(bob, 12) is None, "5 of the pool, 7 beyond it"
    company.clock.advance(31 * DAY_S)
    company.books.bring_up()
    lot = company.balance(pool.source, PERIOD)
    back = Correct("b:1", bobs, (Returned(lot.id, Account.AVAILABLE, 15 * USD),), company.clock(), "billed twice")
    assert isinstance(company.books.journal.post(back), Posting)
    late = Charge("c", bobs, (lot.id,), 4 * USD, company.clock(), company.clock(), "too late", adjustment=True)
    assert isinstance(company.books.journal.post(late), Posting)
    made = statement_of(company, bob)
    [memo] = made.from_pools
    assert (memo.calls, memo.spent_nanos) == (3, 46 * USD)
    told = (memo.beyond_nanos, memo.adjusted_nanos, memo.taken_back_nanos, memo.held_nanos)
    assert told == (7 * USD, 4 * USD, 15 * USD, 0)
    page = render(made)
    for text in (
        "of it beyond the pool",
        "of it reported too late for the pool",
        "taken back since",
        "$46.00",
        "$15.00",
    ):
        assert text in page


def test_a_statement_of_somebody_who_has_nothing_but_the_pool(company: Company) -> None:
    ada = company.person("ada", usd=None)
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared")
    with pytest.raises(Refused):
        statement_of(company, ada)
    assert company.call(ada, 5) is None
    made = statement_of(company, ada)
    assert (made.plans, made.granted_nanos, made.spending, made.time_zone) == ((), 0, (), "UTC")
    assert [pool.spent_nanos for pool in made.from_pools] == [5 * USD]
    page = render(made)
    assert "From the team's pool (platform, shared): 1 call " in page
    assert "No call was charged to this budget." in page


def test_a_statement_without_a_pool_says_nothing_of_one(company: Company) -> None:
    ada = company.person("ada")
    assert company.call(ada, 5) is None
    made = statement_of(company, ada)
    assert made.from_pools == ()
    assert "pool" not in render(made)
