"""Two nodes that write the same at the same moment: one does, the other finds it done.

They share a database of PostgreSQL. Only one process writes to SQLite; there it is two threads of one node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from bursar.books import Books, requests
from bursar.books.roster import import_roster
from bursar.pricing.book import PriceBook
from bursar.refusals import Refused, Why
from bursar.store.database import Database
from bursar.terms.plan import read_plan
from tests.support.calls import USD
from tests.support.teams import Company

T = TypeVar("T")
TIMES = 20


@pytest.fixture
def nodes(company: Company, prices: PriceBook) -> Iterator[tuple[Books, Books]]:
    if company.books.database.is_sqlite:
        yield company.books, company.books
        return
    other = Books(Database(company.books.database.url), prices, company.clock)
    yield company.books, other
    other.close()


def at_once(nodes: tuple[Books, Books], act: Callable[[Books, int], T]) -> list[T | Why]:
    """What comes of each act on both nodes, so often; a refusal is told by its name."""

    def tried(books: Books, number: int) -> T | Why:
        try:
            return act(books, number)
        except Refused as refused:
            return refused.refusal.why

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(tried, books, number) for number in range(TIMES) for books in nodes]
        return [one.result() for one in asked]


def test_a_person_is_added_once(nodes: tuple[Books, Books]) -> None:
    done = at_once(nodes, lambda books, n: books.add_person(f"p{n}@example.com", "P", "team").email)
    assert Counter(done)[Why.EXISTS] == TIMES
    assert len(set(done)) == TIMES + 1


def test_a_plan_is_one_version(nodes: tuple[Books, Books]) -> None:
    done = at_once(nodes, lambda books, n: books.add_plan(read_plan(f'name = "plan-{n}"\namount = "5"')).version)
    assert done == [1] * 2 * TIMES


def test_a_roster_is_taken_over_once(nodes: tuple[Books, Books]) -> None:
    def taken(books: Books, number: int) -> int:
        people = "".join(f"p{number}-{n}@example.com,P\n" for n in range(10))
        return import_roster(books, f"email,name\n{people}", dry_run=False, advance=lambda _done, _of: None).added

    done = at_once(nodes, taken)
    assert Counter(done) == {10: TIMES, 0: TIMES}


def test_a_request_is_answered_once(nodes: tuple[Books, Books], company: Company) -> None:
    ada = company.person("ada", usd=10)
    asked = [requests.ask(company.books, ada, USD, "more").id for _ in range(TIMES)]
    done = at_once(nodes, lambda books, n: requests.approve(books, asked[n], "boss")[0].state)
    assert Counter(done) == {"approved": TIMES, Why.REQUEST_DECIDED: TIMES}
    lot = company.balance("grant:1")
    assert (lot.granted, lot.revoked, lot.available) == ((10 + TIMES) * USD, 0, (10 + TIMES) * USD)


def test_a_lot_is_brought_to_the_roster_once_whatever_is_added_meanwhile(
    nodes: tuple[Books, Books], company: Company
) -> None:
    """Half of November turns out to be leave: $15 of $30 are taken, while a dollar is added twenty times."""
    ada = company.person("ada", usd=None)
    company.plan("plan", 30, 'proration = "daily"\non_leave = "pause"')
    company.books.grant(ada, "plan")
    asked = [requests.ask(company.books, ada, USD, "more").id for _ in range(TIMES)]
    away = f"email,leave_from,leave_to\n{ada},2026-11-16,2026-11-30\n"
    import_roster(company.books, away, dry_run=False, advance=lambda _done, _of: None)

    def added(books: Books, number: int) -> str:
        books.bring_up()
        return requests.approve(books, asked[number], "boss")[0].state

    assert Counter(at_once(nodes, added))["approved"] == TIMES
    company.books.bring_up()
    lot = company.balance("grant:1")
    assert (lot.granted, lot.revoked) == ((30 + TIMES) * USD, 15 * USD)
