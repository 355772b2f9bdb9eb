"""The database goes away, or its disk is full: nothing is acknowledged that is not written, and then it goes on."""

from __future__ import annotations

import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from bursar.ledger.postings import Posting, Settle
from bursar.refusals import Refusal, Refused, Why
from bursar.store import schema
from bursar.store.batch import Outcome
from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.store.making import hold, open_lot
from tests.store.seen import assert_sound, balances, count
from tests.store.test_journal import why
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.postgres import PostgresServer

RECOVERY_SECONDS = 20.0


@pytest.fixture
def postgres_journal(postgres_database: Database, clock: VirtualClock) -> Iterator[Journal]:
    made = Journal(postgres_database, clock)
    yield made
    made.close()


@pytest.fixture
def sqlite_journal(sqlite_database: Database, clock: VirtualClock) -> Iterator[Journal]:
    made = Journal(sqlite_database, clock)
    yield made
    made.close()


class Load:
    """Four threads that hold one nano-dollar after another, and what each was answered."""

    def __init__(self, journal: Journal, lot: int) -> None:
        self.answers: dict[str, Outcome] = {}
        self._journal, self._lot = journal, lot
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(4)]

    def _ask(self, thread: int) -> None:
        n = 0
        while not self._stop.is_set():
            hold_id = f"h{thread}.{n}"
            self.answers[hold_id] = self._journal.post(hold(hold_id, self._lot, 1))
            n += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(60)
                assert not thread.is_alive()

    def seen(self, reason: Why | None) -> int:
        """How many answers of that kind there were so far."""
        return sum(why(answer) is reason for answer in list(self.answers.values()))

    def wait_for(self, reason: Why | None, beyond: int | None = None) -> None:
        """Wait for one more answer of that kind than there are now, or than there were."""
        before = self.seen(reason) if beyond is None else beyond
        deadline = time.monotonic() + RECOVERY_SECONDS
        while self.seen(reason) <= before:
            assert time.monotonic() < deadline, f"no answer {reason} in {RECOVERY_SECONDS} s"
            time.sleep(0.005)

    def assert_settled(self, database: Database) -> None:
        """What was acknowledged is written; what was not may be asked again and is then held once."""
        assert {why(answer) for answer in self.answers.values()} == {None, Why.STORE_UNAVAILABLE}
        with database.reading() as connection:
            written = set(connection.execute(sa.select(schema.holds.c.id)).scalars())
        acknowledged = {hold_id for hold_id, answer in self.answers.items() if isinstance(answer, Posting)}
        assert acknowledged <= written
        again = self._journal.post_all([hold(hold_id, self._lot, 1) for hold_id in self.answers])
        assert all(isinstance(answer, Posting) for answer in again)
        assert balances(database)[self._lot].held == len(self.answers)
        assert_sound(database)


def test_postgres_crashes_and_comes_back(
    postgres: PostgresServer, postgres_database: Database, postgres_journal: Journal
) -> None:
    load = Load(postgres_journal, open_lot(postgres_journal, 10_000_000))
    with load.running():
        load.wait_for(None)
        postgres.stop()
        try:
            load.wait_for(Why.STORE_UNAVAILABLE)
            started = time.monotonic()
            assert why(postgres_journal.post(hold("away", 1, 1))) is Why.STORE_UNAVAILABLE
            with pytest.raises(Refused) as refused:
                postgres_journal.write(lambda connection: connection.exec_driver_sql("SELECT 1"))
            assert refused.value.refusal.why is Why.STORE_UNAVAILABLE
            assert time.monotonic() - started < 2, "an answer without a database must come quickly"
        finally:
            postgres.start()
        load.wait_for(None)
    load.assert_settled(postgres_database)


def test_postgres_drops_the_connection_under_load(
    postgres: PostgresServer, postgres_database: Database, postgres_journal: Journal
) -> None:
    load = Load(postgres_journal, open_lot(postgres_journal, 10_000_000))
    with load.running():
        for _ in range(5):
            load.wait_for(None)
            before = load.seen(Why.STORE_UNAVAILABLE)
            terminate_backends(postgres, postgres_database)
            load.wait_for(Why.STORE_UNAVAILABLE, before)
    load.assert_settled(postgres_database)


def test_a_dropped_connection_is_replaced_for_directory_changes_too(
    postgres: PostgresServer, postgres_database: Database, postgres_journal: Journal
) -> None:
    terminate_backends(postgres, postgres_database)
    with pytest.raises(Refused) as refused:
        postgres_journal.write(lambda connection: connection.exec_driver_sql("SELECT 1"))
    assert refused.value.refusal.why is Why.STORE_UNAVAILABLE
    assert postgres_journal.write(lambda connection: connection.exec_driver_sql("SELECT 7").scalar()) == 7


def test_a_connection_dropped_in_the_middle_of_a_change_writes_nothing(
    postgres: PostgresServer, postgres_database: Database, postgres_journal: Journal
) -> None:
    def change(connection: sa.Connection) -> None:
        connection.execute(sa.insert(schema.people).values(email="a", name="A", team="", created_us=1))
        terminate_backends(postgres, postgres_database)
        connection.execute(sa.insert(schema.people).values(email="b", name="B", team="", created_us=1))

    with pytest.raises(Refused):
        postgres_journal.write(change)
    assert count(postgres_database, schema.people) == 0
    assert isinstance(postgres_journal.post(hold("h1", open_lot(postgres_journal, 5), 5)), Posting)


def terminate_backends(server: PostgresServer, database: Database) -> None:
    """Cut every connection to a database; returns when they are gone."""
    name = sa.make_url(database.url).database
    server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")


def test_a_writer_that_cannot_be_set_up_leaves_no_connection(
    postgres: PostgresServer, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = postgres.fresh()
    database = Database(postgres.url(name))
    monkeypatch.setattr("bursar.store.writer.MAX_CHAINS", 1)
    first = Journal(database, clock)
    with pytest.raises(RuntimeError, match="already write"):
        Journal(database, clock)
    first.close()
    database.close()
    # Without FORCE, this fails while anything is connected; a closed backend may take a moment to leave.
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            postgres.execute(f"DROP DATABASE {name}")
            break
        except Exception:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_sqlite_has_no_page_left(sqlite_database: Database, sqlite_journal: Journal) -> None:
    lot = open_lot(sqlite_journal, 1_000_000)

    def fill(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    sqlite_journal.write(fill)
    answers: dict[str, Outcome] = {}
    for n in range(2_000):
        answers[f"h{n}"] = sqlite_journal.post(hold(f"h{n}", lot, 1))
        if why(answers[f"h{n}"]) is not None:
            break
    refused = [hold_id for hold_id, answer in answers.items() if isinstance(answer, Refusal)]
    assert [why(answers[hold_id]) for hold_id in refused] == [Why.STORE_UNAVAILABLE]
    assert balances(sqlite_database)[lot].held == len(answers) - 1
    assert_sound(sqlite_database)
    # The limit of pages belonged to the connection that failed; the next one has space again.
    assert isinstance(sqlite_journal.post(hold(refused[0], lot, 1)), Posting)
    assert balances(sqlite_database)[lot].held == len(answers)
    assert_sound(sqlite_database)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """No file of this process can grow beyond a size: the kernel fails the write, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_sqlite_cannot_write_its_log(sqlite_database: Database, sqlite_journal: Journal) -> None:
    lot = open_lot(sqlite_journal, 1_000_000)
    path = sqlite_database.engine.url.database
    assert path is not None
    with open(path + "-wal", "rb") as log:
        size = log.seek(0, 2)
    answers: dict[str, Outcome] = {}
    with files_no_larger_than(size + 100_000):
        for n in range(60):
            answers[f"h{n}"] = sqlite_journal.post(hold(f"h{n}", lot, 1))
            if isinstance(answers[f"h{n}"], Posting):
                sqlite_journal.post(Settle(f"h{n}", 1, NOVEMBER_US))
    acknowledged = [hold_id for hold_id, answer in answers.items() if isinstance(answer, Posting)]
    assert {why(answer) for answer in answers.values()} == {None, Why.STORE_UNAVAILABLE}
    stood = balances(sqlite_database)[lot]
    assert stood.held + stood.spent == len(acknowledged)
    assert_sound(sqlite_database)
    with sqlite3.connect(path) as check:
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
    for hold_id in answers:
        assert isinstance(sqlite_journal.post(hold(hold_id, lot, 1)), Posting)
        assert isinstance(sqlite_journal.post(Settle(hold_id, 1, NOVEMBER_US)), Posting)
    assert balances(sqlite_database)[lot].spent == 60
    assert_sound(sqlite_database)
