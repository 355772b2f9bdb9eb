"""The prices that terms go by: those of the price books that were in force, each at its time.

A book is in force from when it was first used. So what a lot was opened with, or an index began with, is the same
whoever asks, and however late.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

import sqlalchemy as sa

from bursar.periods import from_us
from bursar.pricing.book import PriceBook
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.schema import price_books
from bursar.terms.worth import ModelPrice

MAKERS = ("anthropic", "openai", "google")
"""Where a model is looked for that is named without a catalog, in this order."""
Reading = Callable[[], AbstractContextManager[sa.Connection]]
_read_book = lru_cache(maxsize=16)(PriceBook.from_json)


class OneBook:
    """The prices of one book, whatever the time that is asked about."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book

    def of(self, model: str, at_us: int) -> ModelPrice:
        """What a model's standard variant costs at an instant. Raises Refused when it has no price."""
        named, slash, name = model.partition("/")
        places = ((named, name),) if slash else tuple((maker, model) for maker in MAKERS)
        for catalog, wanted in places:
            card = self._book.card(catalog, wanted, from_us(at_us))
            if not isinstance(card, Refusal):
                return ModelPrice(f"{card.catalog}/{card.model}", card.version, card.rates.input, card.rates.output)
        raise Refused(refuse(Why.MODEL_NOT_PRICED, field="model", model=model, version=self._book.version))


class PriceBooks:
    """The prices of the books that are kept: of the newest that there was at the instant asked about.

    `current` is the one that is in force now; it holds for all instants since it was first used. Before there was any
    book, the first one holds.
    """

    def __init__(self, reading: Reading, current: PriceBook | None = None) -> None:
        self._reading = reading
        self._current = current

    def of(self, model: str, at_us: int) -> ModelPrice:
        """What a model's standard variant cost at an instant. Raises Refused when it had no price."""
        with self._reading() as connection:
            book = self._in_force(connection, at_us)
        return OneBook(book).of(model, at_us)

    def _in_force(self, connection: sa.Connection, at_us: int) -> PriceBook:
        kept = connection.execute(
            sa.select(price_books.c.version, price_books.c.created_us).order_by(
                price_books.c.created_us, price_books.c.version
            )
        ).all()
        there = [version for version, created_us in kept if created_us <= at_us] or [kept[0].version]
        if self._current is not None and self._current.version in there:
            return self._current
        query = sa.select(price_books.c.content).where(price_books.c.version == there[-1])
        return _read_book(connection.execute(query).scalar_one())
