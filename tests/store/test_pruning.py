"""Refusals are forgotten after a while, what was posted never is; a probe writes and changes nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bursar.ledger.postings import Posting
from bursar.refusals import Refusal, Why
from bursar.store import pruning
from bursar.store.database import Database
from bursar.store.journal import Journal
from bursar.store.probe import open_holds, write_something
from bursar.store.pruning import forget_refusals, refusals_before
from bursar.store.schema import postings, refusals
from tests.store.making import hold, open_lot
from tests.support.books import assert_proved
from tests.support.clock import NOVEMBER_US


def rows(database: Database, table: sa.Table) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def old(database: Database, before_us: int) -> list[str]:
    with database.reading() as connection:
        return refusals_before(connection, before_us)


def test_a_refusal_is_forgotten(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 5)
    first = journal.post(hold("h1", lot, 9))
    assert isinstance(first, Refusal)
    assert isinstance(journal.post(hold("h2", lot, 5)), Posting)
    assert old(database, NOVEMBER_US) == []
    assert old(database, NOVEMBER_US + 1) == ["hold:h1"]
    before = rows(database, postings)
    journal.write(lambda connection: forget_refusals(connection, ["hold:h1", "hold:h2"]))
    assert (rows(database, refusals), rows(database, postings)) == (0, before)
    again = journal.post(hold("h1", lot, 9))
    assert isinstance(again, Refusal)
    assert again.why is Why.BUDGET_EXHAUSTED
    assert_proved(database)


def test_many_go_in_parts(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 5)
    count = pruning.AT_ONCE + 10
    journal.post_all([hold(f"h{n}", lot, 9) for n in range(count)])
    assert rows(database, refusals) == count
    part = old(database, NOVEMBER_US + 1)
    assert len(part) == pruning.AT_ONCE
    journal.write(lambda connection: forget_refusals(connection, part))
    assert rows(database, refusals) == 10


def test_a_probe(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 5)
    journal.post(hold("h1", lot, 3))
    with database.reading() as connection:
        assert open_holds(connection) == (1, 3)
    before = rows(database, postings)
    for _ in range(3):
        journal.write(write_something)
    assert rows(database, postings) == before
    assert_proved(database)


def test_a_full_disk_shows(sqlite_database: Database) -> None:
    """What the probe writes goes to the disk: it fails where an empty transaction would not."""
    connection = sqlite_database.writer_connection()
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql("COMMIT")
    try:
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            write_something(connection)
    finally:
        connection.close()
