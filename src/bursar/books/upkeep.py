"""What is done now and then, so that nothing grows for ever."""

from __future__ import annotations

from functools import partial

from bursar.books.books import Books
from bursar.periods import US_PER_SECOND
from bursar.store.pruning import forget_refusals, refusals_before

REFUSALS_KEPT_US = 7 * 86_400 * US_PER_SECOND


def prune(books: Books) -> int:
    """Forget refusals older than a week; returns how many. Takes its time: the journal writes others in between."""
    before_us = books.clock() - REFUSALS_KEPT_US
    forgotten = 0
    while True:
        with books.database.reading() as connection:
            ops = refusals_before(connection, before_us)
        if not ops:
            return forgotten
        books.journal.write(partial(forget_refusals, ops=ops))
        forgotten += len(ops)
