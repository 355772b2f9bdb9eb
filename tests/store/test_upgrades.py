"""A database of any older revision, with data in it, becomes one of today: all of it, or nothing of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from bursar.store.database import MIGRATIONS, Database
from bursar.store.journal import Journal
from bursar.store.schema import APPEND_ONLY, PAPERS, REPORTS, metadata
from bursar.store.verify import verify
from tests.store.making import write_papers
from tests.store.reporting import write_reports
from tests.store.test_migrations import migrate_to
from tests.store.test_verify import fill
from tests.support.clock import VirtualClock
from tests.support.postgres import PostgresServer

REVISIONS = sorted(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
OLDER = REVISIONS[:-1]
PG_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Iterator[Database]:
    """A database without a schema, on each engine in turn."""
    name = f"upgraded_{tmp_path.name}".lower().replace("-", "_")[-60:]
    if request.param == "sqlite":
        database = Database.in_folder(tmp_path)
    else:
        postgres.execute(f"CREATE DATABASE {name}")
        database = Database(postgres.url(name))
    yield database
    database.close()
    if request.param == "postgresql":
        postgres.drop(name)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Rows:
    """What is in a full database: its journal first, then papers and reports, whose seals are left out."""
    folder = tmp_path_factory.mktemp("full")
    shutil.copy(migrated_file, folder / "bursar.sqlite")
    database = Database.in_folder(folder)
    journal = Journal(database, VirtualClock())
    fill(journal)
    with database.reading() as connection:
        links = len(connection.execute(sa.select(metadata.tables["links"])).all())
    write_papers(journal)
    write_reports(journal)
    journal.close()
    with database.reading() as connection:
        found = {table.name: _rows(connection, table) for table in metadata.sorted_tables}
    database.close()
    assert all(found[table] for table in (*PAPERS, *REPORTS))
    del found["seals"], found["unsealed"], found["outlines"]
    return {**found, "links": found["links"][:links]}


def fill_old(database: Database, revision: str, rows: Rows) -> Rows:
    """Make a database of an older revision and put into it what it has room for; returns that."""
    migrate_to(database, revision)
    with database.engine.begin() as connection:
        there = sa.MetaData()
        there.reflect(connection)
        kept = {
            table.name: [{name: row[name] for name in row if name in table.columns} for row in rows[table.name]]
            for table in there.sorted_tables
            if rows.get(table.name)
        }
        for name, each in kept.items():
            connection.execute(sa.insert(metadata.tables[name]), each)
        assert len(kept["postings"]) == 17
        if not database.is_sqlite:
            for name, highest in {"posting_ids": 17, "link_ids": 17, "balance_ids": 4}.items():
                connection.execute(sa.text(f"SELECT setval('{name}', {highest})"))
    return kept


@pytest.mark.parametrize("revision", OLDER)
def test_nothing_is_lost_the_books_are_right_and_guarded(revision: str, empty: Database, rows: Rows) -> None:
    kept = fill_old(empty, revision, rows)
    empty.migrate()
    journal = Journal(empty, VirtualClock())
    journal.write(lambda connection: None)
    journal.close()
    with empty.reading() as connection:
        found = verify(connection)
        assert found.faults == []
        assert (found.postings, found.balances, found.open_holds) == (17, 4, 2)
        assert found.papers == sum(len(_rows(connection, metadata.tables[name])) for name in PAPERS)
        for name, each in kept.items():
            there = _rows(connection, metadata.tables[name])
            assert [{column: row[column] for column in each[0]} for row in there[: len(each)]] == each, name
    _is_todays_schema(empty)
    made = ("seals", "outlines") if "imports" in kept else ("seals",)
    _is_guarded(empty, [*(table for table in kept if table in APPEND_ONLY), *made])


def _is_todays_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


def _is_guarded(database: Database, tables: list[str]) -> None:
    names = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if database.is_sqlite else PG_TRIGGERS
    with database.engine.connect() as connection:
        there = set(connection.execute(sa.text(names)).scalars())
    assert {f"{paper}_unsealed" for paper in PAPERS} <= there, "papers are noted, so that they are sealed"
    for table in tables:
        column = metadata.tables[table].columns.values()[0].name
        for change in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with database.engine.begin() as connection, pytest.raises(sa.exc.DBAPIError, match="is append-only"):
                connection.execute(sa.text(change))


@pytest.mark.parametrize("revision", ["", OLDER[0], OLDER[-1]])
def test_a_kill_at_any_statement_leaves_the_old_schema(
    revision: str, tmp_path: Path, rows: Rows, migrated_file: Path
) -> None:
    """The files as they are at each statement are what a kill would leave."""
    (tmp_path / "old").mkdir()
    database = Database.in_folder(tmp_path / "old")
    if revision:
        fill_old(database, revision, rows)
    before = _dump(tmp_path / "old")
    left: list[Path] = []

    def copy(*_: object) -> None:
        left.append(tmp_path / f"killed-{len(left)}")
        shutil.copytree(tmp_path / "old", left[-1])

    event.listen(database.engine, "before_cursor_execute", copy)
    database.migrate()
    database.close()
    assert len(left) > 5
    for folder in left:
        assert _dump(folder) == before, folder.name
    again = Database.in_folder(left[-1])
    again.migrate()
    again.close()
    assert _dump(left[-1]) == _dump(tmp_path / "old") != before


def test_an_upgrade_that_fails_in_the_middle_leaves_the_old_schema(empty: Database, rows: Rows) -> None:
    revision = OLDER[0]
    kept = fill_old(empty, revision, rows)
    statements = _count_statements(empty, lambda: _rolled_back(empty))
    for last in {1, statements // 2, statements - 1}:
        with pytest.raises(Interrupted):
            _count_statements(empty, empty.migrate, last)
        with empty.engine.connect() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == revision
            for name, each in kept.items():
                query = sa.text(f"SELECT count(*) FROM {name}")
                assert connection.execute(query).scalar_one() == len(each), name
    empty.migrate()
    with empty.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == REVISIONS[-1]


def test_of_several_processes_one_upgrades(empty: Database, rows: Rows) -> None:
    fill_old(empty, OLDER[0], rows)
    nodes = [Database(empty.url) for _ in range(4)]
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(Database.migrate, nodes))
    for node in nodes:
        with node.engine.connect() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == REVISIONS[-1]
        node.close()


class Interrupted(Exception):  # noqa: N818 - it stands for a power cut
    """The upgrade got no further."""


def _count_statements(database: Database, action: Callable[[], None], last: int = 1_000_000) -> int:
    """How many statements an action executes; Interrupted after so many."""
    count = 0

    def executed(*_: object) -> None:
        nonlocal count
        count += 1
        if count == last:
            raise Interrupted

    event.listen(database.engine, "after_cursor_execute", executed)
    try:
        action()
    finally:
        event.remove(database.engine, "after_cursor_execute", executed)
    return count


def _rolled_back(database: Database) -> None:
    """An upgrade that comes to its end and is then taken back."""

    def take_back(_: object) -> None:
        raise Interrupted

    event.listen(database.engine, "commit", take_back)
    try:
        with pytest.raises(Interrupted):
            database.migrate()
    finally:
        event.remove(database.engine, "commit", take_back)


def _dump(folder: Path) -> list[str]:
    """A SQLite database as SQL."""
    database = Database.in_folder(folder)
    with database.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        told = list(raw.iterdump())
    database.close()
    return told


def _rows(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    query = sa.select(table).order_by(*table.primary_key.columns)
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]
