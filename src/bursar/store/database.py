"""One database, on either engine: where it is, its schema, and connections for reading and writing.

SQLite is one file in the data folder (WAL, `synchronous=FULL`: a commit is an fsync). PostgreSQL is named by a URL,
`postgresql://…`; there a commit waits for its WAL record to be on disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_BUSY_MS = 5_000
MIGRATION_LOCK = (0x6275_7273, -1)
"""An advisory lock beside those of the chains (see `bursar.store.writer.CHAIN_LOCKS`)."""


class Database:
    """A database by its SQLAlchemy URL. Cheap to make; connects when asked to."""

    def __init__(self, url: str) -> None:
        self.url = _with_driver(url)
        self.is_sqlite = self.url.startswith("sqlite")
        options: dict[str, Any] = {} if self.is_sqlite else {"pool_size": 4, "max_overflow": 4, "pool_pre_ping": True}
        self.engine = sa.create_engine(self.url, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)

    @classmethod
    def in_folder(cls, folder: Path) -> Database:
        """The embedded database of a data folder."""
        return cls(f"sqlite:///{folder / 'bursar.sqlite'}")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one consistent state of the database and writes nothing."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                if self.is_sqlite:
                    connection.exec_driver_sql("BEGIN")  # the driver begins none for SELECTs, so two might differ
                yield connection

    def writer_connection(self) -> sa.Connection:
        """A connection of its own for the journal's writer, outside the pool, with transactions begun by hand."""
        engine = sa.create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        if self.is_sqlite:
            event.listen(engine, "connect", _set_up_sqlite)
        return engine.connect()

    def migrate(self) -> None:
        """Bring the schema to the newest revision, all at once. Does nothing, quickly, when it is there already."""
        with self.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        if current == ScriptDirectory.from_config(config).get_current_head():
            return
        with self.engine.begin() as connection:
            self._take_turn(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _take_turn(self, connection: sa.Connection) -> None:
        """All of an upgrade or nothing of it, and one process at a time; the next finds it done."""
        if self.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins none for DDL: each would stand alone
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*MIGRATION_LOCK)))

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def _with_driver(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
