"""What need not be kept for ever: the answers to operations that were refused.

A refusal is remembered so that the same operation asked twice is answered alike. No client asks again after days, and
one that hammers on a spent budget would make the database grow without end.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bursar.store.schema import refusals

AT_ONCE = 1_000
"""How many go in one transaction: the journal waits for it."""


def refusals_before(connection: sa.Connection, before_us: int) -> list[str]:
    """Operations that were refused before an instant: some, if there are many. Reads the whole table."""
    query = sa.select(refusals.c.op).where(refusals.c.at_us < before_us).limit(AT_ONCE)
    return list(connection.execute(query).scalars())


def forget_refusals(connection: sa.Connection, ops: Sequence[str]) -> None:
    """Forget how these operations were answered."""
    connection.execute(sa.delete(refusals).where(refusals.c.op.in_(ops)))
