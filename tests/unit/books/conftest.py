"""Books on each engine in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bursar.books import Books
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from tests.support.clock import VirtualClock
from tests.support.teams import Company


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return build_book()


@pytest.fixture
def company(database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Company]:
    """Nobody yet; it is 1 November 2026, a Sunday. What is done to it is proved at the end."""
    books = Books(database, prices, clock)
    made = Company(books, clock)
    yield made
    made.prove()
    books.close()
