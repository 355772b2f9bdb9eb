"""What the books of a folder say, read without a server."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from bursar.store.database import Database
from bursar.store.schema import balances, calls
from bursar.store.verify import verify


class Sums(NamedTuple):
    """All lots together, in nano-USD."""

    granted: int
    available: int
    held: int
    spent: int
    expired: int
    overrun: int


def sums(database: Database) -> Sums:
    """The sums over all lots."""
    names = Sums._fields
    with database.reading() as connection:
        query = sa.select(*(sa.func.sum(balances.c[name]) for name in names)).where(balances.c.kind == "lot")
        return Sums(*(int(value) for value in connection.execute(query).one()))


def call_costs(database: Database) -> dict[str, tuple[str, int]]:
    """Every call that the provider knows by a request id: id → (outcome, cost in nano-USD)."""
    with database.reading() as connection:
        query = sa.select(calls.c.provider_request, calls.c.outcome, calls.c.cost_nanos)
        return {row[0]: (row[1], row[2]) for row in connection.execute(query) if row[0]}


def total_calls(database: Database, outcome: str) -> tuple[int, int]:
    """How many calls ended so, and what they cost together."""
    with database.reading() as connection:
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(calls.c.cost_nanos), 0))
        count, cost = connection.execute(query.where(calls.c.outcome == outcome)).one()
        return int(count), int(cost)


def assert_proved(database: Database) -> None:
    """The whole proof of `bursar journal verify`."""
    with database.reading() as connection:
        found = verify(connection)
    assert not found.faults, found.faults
