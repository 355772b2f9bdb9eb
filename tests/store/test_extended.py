"""A lot that is extended: the journal says until when it is open, and what the database says is held against it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bursar.ledger.postings import Add, Charge, Extend, Posting
from bursar.store.database import Database
from bursar.store.faults import FaultName
from bursar.store.journal import Journal
from bursar.store.schema import JOURNAL
from bursar.store.verify import verify
from tests.store.making import NEXT_YEAR_US, hold, open_lot
from tests.store.seen import assert_sound, balances
from tests.support.books import assert_proved
from tests.support.clock import NOVEMBER_US, VirtualClock

LATER_US, LAST_US = NEXT_YEAR_US + 10, NEXT_YEAR_US + 20


def extended(journal: Journal) -> int:
    """A lot that was extended twice."""
    lot = open_lot(journal, 100)
    for from_us, until_us in ((NEXT_YEAR_US, LATER_US), (LATER_US, LAST_US)):
        outcome = journal.post(Extend(lot, from_us, until_us, "1", NOVEMBER_US, "the release was moved"))
        assert isinstance(outcome, Posting)
    return lot


def test_the_later_end_holds_for_whoever_asks(database: Database, journal: Journal) -> None:
    lot = extended(journal)
    assert balances(database)[lot].expires_us == LAST_US
    again = journal.post(Extend(lot, NEXT_YEAR_US, LATER_US, "1", NOVEMBER_US))
    assert isinstance(again, Posting), "it was done before, and is not done again"
    assert journal.post(Extend(lot, NEXT_YEAR_US, LAST_US, "1", NOVEMBER_US)) is None
    assert balances(database)[lot].expires_us == LAST_US
    assert isinstance(journal.post(hold("late", lot, 10)), Posting)
    assert_sound(database)
    assert_proved(database)


def test_late_charges_and_additions_are_proved(database: Database, journal: Journal) -> None:
    lot = extended(journal)
    assert isinstance(journal.post(Add(lot, 50, "1", NOVEMBER_US, unearned=30)), Posting)
    assert isinstance(journal.post(Charge("a", 1, (lot,), 150, NOVEMBER_US, NOVEMBER_US)), Posting)
    assert isinstance(journal.post(Charge("b", 1, (lot,), 7, NOVEMBER_US, NOVEMBER_US, adjustment=True)), Posting)
    found = balances(database)[lot]
    assert (found.spent, found.overrun, found.adjusted, found.unearned, found.available) == (157, 30, 7, 30, 0)
    assert_sound(database)
    assert_proved(database)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (f"UPDATE balances SET expires_us = {LAST_US + 1}", FaultName.BALANCE_DIFFERS),
        (
            f"UPDATE postings SET op = 'extend:1:{NEXT_YEAR_US}:{LATER_US + 1}' WHERE id = 2",
            FaultName.BALANCE_DIFFERS,
        ),
        ("UPDATE postings SET op = 'extend:1:all' WHERE id = 3", FaultName.BALANCE_MISSING),
        (f"UPDATE postings SET op = 'extend:9:{NEXT_YEAR_US}:{LATER_US}' WHERE id = 2", FaultName.BALANCE_MISSING),
        ("UPDATE postings SET person_id = 2 WHERE id = 2", FaultName.FOREIGN_BALANCE),
        ("DELETE FROM postings WHERE id = 3", FaultName.BALANCE_DIFFERS),
    ],
)
def test_an_end_that_the_journal_does_not_have_is_found(
    sqlite_database: Database, clock: VirtualClock, tmp_path: Path, script: str, name: FaultName
) -> None:
    journal = Journal(sqlite_database, clock)
    extended(journal)
    journal.close()
    raw = sqlite3.connect(tmp_path / "bursar.sqlite")
    for table in JOURNAL:
        raw.execute(f"DROP TRIGGER {table}_no_update")
        raw.execute(f"DROP TRIGGER {table}_no_delete")
    raw.executescript(script)
    raw.close()
    with sqlite_database.reading() as connection:
        assert name in {fault.name for fault in verify(connection).faults}
