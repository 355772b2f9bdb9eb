"""The schema is the sum of its migrations, and what is append-only stays so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from bursar.store.database import MIGRATIONS, Database
from bursar.store.journal import Journal
from bursar.store.schema import APPEND_ONLY, metadata
from tests.support.calls import Caller
from tests.support.clock import NOVEMBER_US
from tests.support.postgres import PostgresServer


def test_the_schema_is_the_sum_of_its_migrations(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_checks_of_the_schema_are_in_the_database(database: Database) -> None:
    """Alembic does not compare CHECK constraints, so they are counted and named here."""
    with database.engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.sorted_tables:
            there = {check["name"] for check in inspector.get_check_constraints(table.name)}
            wanted = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            assert there == wanted, table.name


def test_a_second_migration_does_nothing(database: Database) -> None:
    database.migrate()
    with database.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_append_only_tables_refuse(verb: str, table: str, database: Database, journal: Journal) -> None:
    lot = Caller(journal).lot(1, "2026-11")
    caller = Caller(journal)
    caller.hold("a", 1, (lot,), 10, NOVEMBER_US)
    caller.settle("a", 10, NOVEMBER_US)
    journal.write(_directory)
    column = metadata.tables[table].columns.values()[0].name
    change = f"UPDATE {table} SET {column} = {column}" if verb == "UPDATE" else f"DELETE FROM {table}"
    with database.engine.begin() as connection:
        assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() > 0
        with pytest.raises(sa.exc.DBAPIError, match=f"{table} is append-only"):
            connection.execute(sa.text(change))


def test_keys_and_what_refers_to_them_outlive_a_new_role(tmp_path: Path, postgres: PostgresServer) -> None:
    """Revision 0005 writes SQLite's table of keys anew, while limits and runs refer to it."""
    postgres.execute("CREATE DATABASE before_finance")
    for url in (f"sqlite:///{tmp_path / 'old.sqlite'}", postgres.url("before_finance")):
        database = Database(url)
        migrate_to(database, "0004")
        with database.engine.begin() as connection:
            for table, rows in OLD_ROWS.items():
                connection.execute(sa.insert(metadata.tables[table]), rows)
        database.migrate()
        keys = metadata.tables["keys"]
        with database.engine.begin() as connection:
            kept = connection.execute(sa.select(keys.c.id, keys.c.digest, keys.c.parent_id).order_by(keys.c.id))
            assert [tuple(row) for row in kept] == [(1, b"1", None), (2, b"2", 1)]
            connection.execute(sa.update(keys).values(role="finance"))
            assert connection.execute(sa.select(metadata.tables["runs"].c.key_id)).scalar_one() == 2
        with database.engine.begin() as connection, pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.delete(keys).where(keys.c.id == 2))
        database.close()
    postgres.drop("before_finance")


def migrate_to(database: Database, revision: str) -> None:
    """Bring an empty database to an older revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


_KEY: dict[str, Any] = {"person_id": 1, "role": "person", "name": "", "shown": "bsr_", "created_us": 1}
OLD_ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [{"id": 1, "email": "a@example.com", "name": "A", "team": "", "created_us": 1}],
    "keys": [{**_KEY, "id": 1, "digest": b"1", "parent_id": None}, {**_KEY, "id": 2, "digest": b"2", "parent_id": 1}],
    "runs": [
        {"id": 1, "token": "r", "person_id": 1, "key_id": 2, "name": "", "budget_nanos": 1, "started_us": 1}
        | {"outcome": "running"}
    ],
}


def _directory(connection: sa.Connection) -> None:
    rows: dict[str, dict[str, Any]] = {"plans": {"id": 1, "name": "p", "version": 1, "terms": "{}", "created_us": 1}}
    rows["people"] = {"id": 1, "email": "a@example.com", "name": "A", "team": "", "created_us": 1}
    rows["changes"] = {"id": 1, "person_id": 1, "kind": "raise", "announced_us": 1, "effective_us": 1}
    rows["changes"] |= dict.fromkeys(("reason", "actor", "approver", "told"), "")
    rows["documents"] = {
        "id": "d",
        "person_id": 1,
        "period": "2026-11",
        "n": 1,
        "digest": b"",
        "signed": "",
        "made_us": 1,
    }
    rows["exchange_rates"] = {"currency": "EUR", "from_day": "2026-01-01", "unit_nanos": 1}
    rows["price_books"] = {"version": "pb-1", "content": b"{}", "created_us": 1}
    rows["price_book_uses"] = {"version": "pb-1", "from_us": 1}
    texts, counts = ("source", "name", "actor"), ("at_us", "records", "added", "grown", "repeated")
    rows["imports"] = {"id": 1, **dict.fromkeys(texts, "a"), **dict.fromkeys(counts, 1)}
    reported = [column for column in metadata.tables["usage_records"].columns if not column.nullable]
    rows["usage_records"] = {column.name: "a" if isinstance(column.type, sa.Text) else 1 for column in reported}
    rows["usage_claims"] = {"import_id": 1, "source": "a", "key": "a", "person_id": 1}
    summed = [column for column in metadata.tables["usage_totals"].columns if not column.nullable]
    rows["usage_totals"] = {column.name: "a" if isinstance(column.type, sa.Text) else 1 for column in summed}
    rows["usage_totals"]["ends_us"] = 2
    for table, row in rows.items():
        connection.execute(sa.insert(metadata.tables[table]).values(row))
