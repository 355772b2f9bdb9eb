"""One consistent state of the database for everything that a connection reads."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def hold_still(connection: sa.Connection) -> None:
    """From here to the end of its transaction, the connection sees the database as it is at its next read.

    SQLite's driver begins no transaction for a SELECT, so that two of them may see two states; this begins one.
    On PostgreSQL the transaction's isolation level (`Database.reading`) already gives this.
    """
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite" and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN")
