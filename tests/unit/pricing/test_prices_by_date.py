"""Prices change on their day, without a restart, and what was settled stays as it was settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from bursar.books import Ask, Books, Spender
from bursar.books.books import posted
from bursar.books.spending import Admission, Ending, admit, settle
from bursar.ledger.postings import Posting
from bursar.periods import to_us
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.pricing.overrides import load_overrides
from bursar.pricing.rates import RateCard
from bursar.store.database import Database
from bursar.store.schema import calls, price_books
from bursar.terms.plan import read_plan
from bursar.usage import Usage
from tests.support.books import assert_proved
from tests.support.clock import VirtualClock

CHANGE = datetime(2026, 12, 1, tzinfo=UTC)
"""From here on gemini-4-argon costs twice as much: $4 and $20 instead of $2 and $10."""
USED = Usage(input=1_000, output=100)
SECOND_US = 1_000_000


class Settled(NamedTuple):
    """A call's record: what it was held at, what it cost, and the price book that said so."""

    cost: int
    bound: int
    version: str
    variant: str


class Calls:
    """Somebody who calls a model, with a clock that the test moves."""

    def __init__(self, folder: Path, prices: PriceBook) -> None:
        self.clock = VirtualClock(to_us(CHANGE) - 60 * SECOND_US)
        self.folder = folder
        self.books = self._open(prices)
        self.books.add_person("ada@example.com", "Ada")
        self.books.add_plan(read_plan('name = "engineers"\namount = "5.00"'))
        self.books.grant("ada@example.com", "engineers")
        self.secret = self.books.create_key("ada@example.com", "laptop").secret

    def _open(self, prices: PriceBook) -> Books:
        database = Database.in_folder(self.folder)
        database.migrate()
        return Books(database, prices, self.clock)

    def restart(self, prices: PriceBook) -> None:
        self.books.close()
        self.books = self._open(prices)

    def begin(self, model: str = "gemini-4-argon", catalog: str = "google", variant: str = "standard") -> Begun:
        spender = self.books.find_spender(self.secret)
        assert isinstance(spender, Spender)
        ask = Ask(
            *("gemini", "google", catalog, model, variant),
            input_tokens=1_000,
            unbounded=None,
            output_tokens=100,
            output_copies=1,
            output_allowance=0,
            least_output=1,
            input_reads=1,
            cache_writes=False,
            web_searches=0,
            audio=False,
        )
        admission = admit(spender, ask, self.books.prices, self.clock())
        assert isinstance(admission, Admission), admission
        return Begun(admission, posted(self.books.journal.post(admission.hold)))

    def end(self, begun: Begun, variant: str = "standard") -> None:
        ending = Ending(USED, variant)
        posted(self.books.journal.post(settle(begun.admission, begun.held, ending, self.books.prices, self.clock())))

    def records(self) -> list[Settled]:
        """All calls, oldest first."""
        columns = (calls.c.cost_nanos, calls.c.bound_nanos, calls.c.price_version, calls.c.variant)
        with self.books.database.reading() as connection:
            query = sa.select(*columns).where(calls.c.outcome == "settled").order_by(calls.c.posting_id)
            return [Settled(*row) for row in connection.execute(query)]


class Begun(NamedTuple):
    admission: Admission
    held: Posting


@pytest.fixture
def made(tmp_path: Path, book: PriceBook) -> Iterator[Calls]:
    made = Calls(tmp_path, book)
    yield made
    assert_proved(made.books.database)
    made.books.close()


def test_a_price_changes_on_its_day_without_a_restart(made: Calls, book: PriceBook) -> None:
    made.end(made.begin())
    made.clock.advance(120)
    made.end(made.begin())
    before, after = made.records()
    assert (before.cost, before.bound) == (3_000_000, 3_000_000)
    assert (after.cost, after.bound) == (6_000_000, 6_000_000)
    assert {before.version, after.version} == {book.version}


def test_the_very_microsecond(made: Calls) -> None:
    made.clock.now_us = to_us(CHANGE) - 1
    made.end(made.begin())
    made.clock.now_us += 1
    made.end(made.begin())
    assert [call.cost for call in made.records()] == [3_000_000, 6_000_000]


def test_a_call_over_midnight_costs_what_it_was_held_at(made: Calls) -> None:
    """It began at the old price; the new one would be more than what is held for it."""
    begun = made.begin()
    made.clock.advance(120)
    made.end(begun)
    [call] = made.records()
    assert call.cost == call.bound == 3_000_000


def test_a_call_over_midnight_that_is_delivered_otherwise_costs_what_that_did_when_it_began(made: Calls) -> None:
    begun = made.begin()
    made.clock.advance(120)
    made.end(begun, "batch")
    [call] = made.records()
    assert (call.cost, call.variant) == (1_500_000, "batch")


def test_other_prices_change_nothing_that_was_settled(made: Calls, book: PriceBook, tmp_path: Path) -> None:
    """A record keeps its cost and its version, and the book of that version is still there to check it with."""
    made.end(made.begin())
    own = tmp_path / "prices.toml"
    own.write_text('[[rate]]\ncatalog = "google"\nmodel = "gemini-*"\ndiscount = "50%"\n')
    cheaper = build_book(load_overrides(own))
    made.restart(cheaper)
    made.end(made.begin())
    old, new = made.records()
    assert (old.cost, old.version) == (3_000_000, book.version)
    assert (new.cost, new.version) == (1_500_000, cheaper.version)
    with made.books.database.reading() as connection:
        query = sa.select(price_books.c.version, price_books.c.content)
        kept = {row.version: row.content for row in connection.execute(query)}
    for call in (old, new):
        card = PriceBook.from_json(kept[call.version]).card("google", "gemini-4-argon", CHANGE.replace(year=2025))
        assert isinstance(card, RateCard)
        assert card.cost(USED) == call.cost
