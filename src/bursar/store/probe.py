"""Whether the database takes writes: something small is written, durably, that changes nothing.

An empty transaction would not show a full disk. SQLite rewrites a number in its header that nobody reads; PostgreSQL
puts a message into its log that nobody listens to.
"""

from __future__ import annotations

import sqlalchemy as sa

from bursar.store.schema import holds


def write_something(connection: sa.Connection) -> None:
    """Write, on the writing connection (`Journal.write`). Raises the driver's error when the database does not."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA user_version = 1")
    else:
        connection.exec_driver_sql("SELECT pg_logical_emit_message(true, 'bursar', 'ready')")


def open_holds(connection: sa.Connection) -> tuple[int, int]:
    """How many holds are open, and what they hold in nano-USD."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(holds.c.amount_nanos), 0))
    number, amount = connection.execute(query).one()
    return int(number), int(amount)
