"""What is done now and then, so that nothing grows for ever."""

from __future__ import annotations

from functools import partial

import msgspec

from bursar.books.books import Books
from bursar.books.lots import Enrolments
from bursar.books.uploads import forget_uploads
from bursar.periods import US_PER_SECOND
from bursar.store.pruning import forget_refusals, refusals_before

REFUSALS_KEPT_US = 7 * 86_400 * US_PER_SECOND


def prune(books: Books) -> int:
    """Forget refusals older than a week, and reports that were never whole; returns how many.

    Takes its time: the journal writes others in between.
    """
    before_us = books.clock() - REFUSALS_KEPT_US
    forgotten = forget_uploads(books)
    while True:
        with books.database.reading() as connection:
            ops = refusals_before(connection, before_us)
        if not ops:
            return forgotten
        books.journal.write(partial(forget_refusals, ops=ops))
        forgotten += len(ops)


class Closed(msgspec.Struct, frozen=True):
    """What one verb of the ledger posted in a close: how often, and how much together, in nano-USD."""

    verb: str
    postings: int
    amount_nanos: int


def close_periods(books: Books, through_us: int) -> list[Closed]:
    """Post everything that is due to lots by an instant, everybody's and those of pools; tells what was posted.

    What was posted before is not posted again, so a second close finds nothing to do.
    """
    with books.database.reading() as connection:
        enrolments = Enrolments.of(connection, None, books.term_prices)
    done: dict[str, list[int]] = {}
    for posting in books.bring_up_these(enrolments, through_us):
        done.setdefault(posting.verb.value, []).append(posting.amount)
    return [Closed(verb, len(amounts), sum(amounts)) for verb, amounts in sorted(done.items())]
