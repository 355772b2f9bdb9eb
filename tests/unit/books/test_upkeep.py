"""Upkeep: refusals older than a week go, younger ones stay."""

from __future__ import annotations

from bursar.books import Books
from bursar.books.upkeep import REFUSALS_KEPT_US, prune
from bursar.pricing.book import PriceBook
from bursar.refusals import Refusal
from bursar.store.database import Database
from bursar.store.pruning import AT_ONCE, refusals_before
from tests.store.making import hold, open_lot
from tests.support.clock import NOVEMBER_US, VirtualClock


def test_prune(database: Database, prices: PriceBook, clock: VirtualClock) -> None:
    books = Books(database, prices, clock)
    try:
        lot = open_lot(books.journal, 5)
        refused = books.journal.post_all([hold(f"h{n}", lot, 9) for n in range(AT_ONCE + 1)])
        assert all(isinstance(each, Refusal) for each in refused)
        clock.now_us = NOVEMBER_US + REFUSALS_KEPT_US
        assert prune(books) == 0
        clock.now_us += 1
        assert prune(books) == AT_ONCE + 1
        with database.reading() as connection:
            assert refusals_before(connection, clock()) == []
    finally:
        books.close()
