"""A commit that succeeds although its connection fails: nobody is told of the hold, and it is given back."""

from __future__ import annotations

import sqlite3
import time

import msgspec
import psycopg
import pytest
import sqlalchemy as sa

from bursar.ledger.postings import Hold, Posting
from bursar.refusals import Refusal, Why
from bursar.store import schema
from bursar.store.database import Database
from bursar.store.journal import Journal
from bursar.store.verify import verify
from bursar.store.writer import PostgresWriter, SqliteWriter
from tests.support.calls import NOTE, Caller
from tests.support.clock import NOVEMBER_US


def fail_after_the_next_commit(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    """The next commit is durable, and then the connection is lost before that is heard of."""
    kind = SqliteWriter if database.is_sqlite else PostgresWriter
    failure = sqlite3.OperationalError if database.is_sqlite else psycopg.OperationalError
    commit = kind.commit

    def committed(writer: SqliteWriter | PostgresWriter) -> None:
        commit(writer)  # type: ignore[arg-type]
        monkeypatch.setattr(kind, "commit", commit)
        raise failure("the connection was lost")

    monkeypatch.setattr(kind, "commit", committed)


def doubtful(journal: Journal, database: Database, monkeypatch: pytest.MonkeyPatch, *, fresh: bool) -> Hold:
    lot = Caller(journal).lot(1, "2026-11")
    note = msgspec.msgpack.encode(NOTE)
    hold = Hold("h", 1, (lot,), (), 500, 500, NOVEMBER_US, note=note, fresh=fresh)
    fail_after_the_next_commit(monkeypatch, database)
    answer = journal.post(hold)
    assert isinstance(answer, Refusal)
    assert answer.why is Why.STORE_UNAVAILABLE
    return hold


def held(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.sum(schema.balances.c.held))).scalar_one())


def test_a_hold_that_was_written_after_all_is_given_back(
    database: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful(journal, database, monkeypatch, fresh=True)
    deadline = time.monotonic() + 10
    while held(database):
        assert time.monotonic() < deadline, "nobody gave it back"
        time.sleep(0.02)
    with database.reading() as connection:
        [call] = connection.execute(sa.select(schema.calls)).all()
        found = verify(connection)
    assert (call.outcome, call.cost_nanos, call.bound_nanos) == ("released", 0, 500)
    assert "the call was not sent" in call.reason
    assert found.is_right, found.faults


def test_a_hold_whose_answer_may_be_asked_for_again_stays(
    database: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = doubtful(journal, database, monkeypatch, fresh=False)
    time.sleep(0.2)
    assert held(database) == 500
    assert isinstance(journal.post(hold), Posting)
    assert held(database) == 500
