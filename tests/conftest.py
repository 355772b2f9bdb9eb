"""Fixtures for all tests: both engines with a migrated, empty database, a journal on it, a clock that tests turn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.support.clock import VirtualClock
from tests.support.postgres import PostgresServer

settings.register_profile("bursar", deadline=None, print_blob=True, database=None)
settings.load_profile("bursar")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process's own."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    database = Database.in_folder(folder)
    database.migrate()
    database.close()
    return folder / "bursar.sqlite"


@pytest.fixture
def sqlite_database(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """A migrated, empty SQLite database."""
    shutil.copy(migrated_file, tmp_path / "bursar.sqlite")
    database = Database.in_folder(tmp_path)
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> Iterator[Database]:
    """A migrated, empty PostgreSQL database."""
    name = postgres.lend()
    database = Database(postgres.url(name))
    yield database
    database.close()
    postgres.give_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database, on each engine in turn."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    made: Database = request.getfixturevalue(name)
    return made


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that only the test moves; it begins at 2026-11-01T00:00:00Z."""
    return VirtualClock()


@pytest.fixture
def journal(database: Database, clock: VirtualClock) -> Iterator[Journal]:
    """A journal on `database`."""
    made = Journal(database, clock)
    yield made
    made.close()
