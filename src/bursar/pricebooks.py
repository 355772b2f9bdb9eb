"""The prices that terms go by: those of the price books that were in force, each at its time.

A book is in force from when it was put in force until the next one is. So what a lot was opened with, or an index
began with, is the same whoever asks, and however late.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

import sqlalchemy as sa

from bursar.periods import from_us
from bursar.pricing.book import PriceBook
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.schema import price_book_uses, price_books
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
    """The prices of the books that are kept: of the one that was in force at the instant asked about.

    Before there was any book, the first one holds. `current` need not be read again.
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
        uses = price_book_uses.c
        newest = sa.select(uses.version).order_by(uses.from_us.desc(), uses.id.desc()).limit(1)
        first = sa.select(uses.version).order_by(uses.from_us, uses.id).limit(1)
        version = connection.execute(newest.where(uses.from_us <= at_us)).scalar()
        version = version or connection.execute(first).scalar_one()
        if self._current is not None and self._current.version == version:
            return self._current
        query = sa.select(price_books.c.content).where(price_books.c.version == version)
        return _read_book(connection.execute(query).scalar_one())
