"""What came of operations that the journal has."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from bursar.store.schema import postings

_AT_ONCE = 500


def posted_nanos(connection: sa.Connection, ops: Iterable[str]) -> dict[str, int]:
    """Which of these operations the journal has, and the amount of each posting in nano-USD."""
    wanted = list(ops)
    found: dict[str, int] = {}
    for begin in range(0, len(wanted), _AT_ONCE):
        query = sa.select(postings.c.op, postings.c.amount_nanos)
        query = query.where(postings.c.op.in_(wanted[begin : begin + _AT_ONCE]))
        found |= {op: int(amount) for op, amount in connection.execute(query)}
    return found
