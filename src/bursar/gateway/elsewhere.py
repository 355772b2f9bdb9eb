"""What other nodes on the same database do that concerns the calls of this one: they revoke keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from bursar.books import Books
from bursar.periods import US_PER_SECOND
from bursar.store.journal import DATABASE_FAILED
from bursar.store.runs import revoked_since

log = logging.getLogger("bursar.gateway")
EVERY_S = 0.5
OVERLAP_US = 30 * US_PER_SECOND
"""By how much the nodes' clocks may differ."""


async def hear_of_revoked(books: Books, tell: Callable[[Collection[int]], None]) -> None:
    """Look for keys that were revoked, and tell of each once. Runs until it is cancelled."""
    since_us = books.clock()
    told: set[int] = set()
    while True:
        now_us = books.clock()
        try:
            found = await asyncio.to_thread(_revoked, books, since_us - OVERLAP_US)
        except DATABASE_FAILED:
            log.warning("the database failed; which keys were revoked elsewhere is not known")
        else:
            if found - told:
                books.forget_spenders()
                tell(found - told)
            told = found
            since_us = now_us
        await asyncio.sleep(EVERY_S)


def _revoked(books: Books, since_us: int) -> set[int]:
    with books.database.reading() as connection:
        return revoked_since(connection, since_us)
