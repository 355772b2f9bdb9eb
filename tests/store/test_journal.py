"""What the journal promises to whoever asks it, on both engines."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from bursar.ledger.postings import Command, Hold, Posting, Release, Settle, Verb
from bursar.refusals import Refusal, Refused, Why
from bursar.store import journal as journal_module
from bursar.store import schema
from bursar.store.batch import Outcome
from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.store.making import hold, open_lot
from tests.store.seen import assert_sound, balances, count
from tests.store.waiting import Collector, as_one_group, gist, paused
from tests.support.clock import NOVEMBER_US, VirtualClock


def why(answer: Outcome) -> Why | None:
    return answer.why if isinstance(answer, Refusal) else None


def test_an_answer_comes_after_its_commit(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 100)
    for n in range(20):
        assert isinstance(journal.post(hold(f"h{n}", lot, 3)), Posting)
        assert balances(database)[lot].held == 3 * (n + 1)


def test_commits_are_durable(journal: Journal, database: Database) -> None:
    def settings(connection: sa.Connection) -> tuple[Any, Any]:
        asked = (
            ("PRAGMA journal_mode", "PRAGMA synchronous")
            if database.is_sqlite
            else ("SHOW fsync", "SHOW synchronous_commit")
        )
        return connection.exec_driver_sql(asked[0]).scalar(), connection.exec_driver_sql(asked[1]).scalar()

    assert journal.write(settings) == (("wal", 2) if database.is_sqlite else ("on", "on"))


def test_the_same_answer_after_a_restart(journal: Journal, database: Database, clock: VirtualClock) -> None:
    lot = open_lot(journal, 100)
    clamped, ended, refused = hold("h1", lot, 60, 50), Settle("h1", 7, NOVEMBER_US), hold("h2", lot, 94)
    commands: list[Command] = [clamped, ended, refused, Release("h9", NOVEMBER_US, "test")]
    before = journal.post_all(commands)
    assert [why(answer) for answer in before] == [None, None, Why.BUDGET_EXHAUSTED, Why.HOLD_UNKNOWN]
    journal.close()
    restarted = Journal(database, clock)
    clock.advance(3600)
    later = [msgspec.structs.replace(command, at_us=clock()) for command in commands]
    after = restarted.post_all(later)
    assert [gist(answer) for answer in after] == [gist(answer) for answer in before]
    assert why(restarted.post(hold("h1", lot, 61, 50))) is Why.OPERATION_CONFLICT
    assert why(restarted.post(hold("h2", lot, 1))) is Why.OPERATION_CONFLICT
    restarted.close()
    assert count(database, schema.postings) == 3
    assert_sound(database)


def test_the_same_operation_twice_in_one_group(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 100)
    answers = as_one_group(
        journal,
        [
            hold("h1", lot, 60),
            hold("h1", lot, 60),
            hold("h1", lot, 61),
            Settle("h1", 9, NOVEMBER_US),
            Settle("h1", 9, NOVEMBER_US),
            Release("h1", NOVEMBER_US, "test"),
            hold("h1", lot, 60),
        ],
    )
    assert gist(answers[0]) == gist(answers[1]) == gist(answers[6])
    assert gist(answers[3]) == gist(answers[4])
    assert why(answers[2]) is why(answers[5]) is Why.OPERATION_CONFLICT
    assert balances(database)[lot].spent == 9
    assert count(database, schema.holds) == 0
    assert_sound(database)


def test_a_hold_and_its_end_in_one_group_leave_no_hold(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 100)
    answers = as_one_group(journal, [hold("h1", lot, 60), hold("h2", lot, 50), Settle("h1", 1, NOVEMBER_US)])
    # Order counts within a group as it does between groups: h2 came before h1 gave anything back.
    assert [why(answer) for answer in answers] == [None, Why.BUDGET_HELD, None]
    assert balances(database)[lot].available == 99
    assert_sound(database)


POISONED = {
    "a balance that does not exist": Hold("bad", 1, (999_999,), (), 1, 1, NOVEMBER_US),
    "a minimum of nothing": Hold("bad", 1, (1,), (), 1, 0, NOVEMBER_US),
    "the same lot twice": Hold("bad", 1, (1, 1), (), 110, 110, NOVEMBER_US),
    "an instant that no column holds": Settle("h0", 1, 2**63),
}


@pytest.mark.parametrize("poison", POISONED.values(), ids=POISONED.keys())
def test_a_poisoned_command_fails_alone(poison: Command, journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 100)
    journal.post(hold("h0", lot, 10))
    good = [hold(f"h{n}", lot, 10) for n in range(1, 5)]
    answers = as_one_group(journal, [*good[:2], poison, *good[2:]])
    assert why(answers[2]) is Why.STORE_UNAVAILABLE
    assert all(isinstance(answer, Posting) for answer in (*answers[:2], *answers[3:]))
    assert balances(database)[lot].held == 50
    assert_sound(database)


def _two_people(connection: sa.Connection) -> None:
    for email in ("a@example.org", "b@example.org"):
        connection.execute(sa.insert(schema.people).values(email=email, name="A", team="", created_us=1))


def test_a_directory_change_is_written_or_raises(journal: Journal, database: Database) -> None:
    def change(connection: sa.Connection) -> str:
        _two_people(connection)
        return "done"

    assert journal.write(change) == "done"
    assert count(database, schema.people) == 2


def test_a_directory_change_that_raises_writes_nothing(journal: Journal, database: Database) -> None:
    def change(connection: sa.Connection) -> None:
        _two_people(connection)
        raise KeyError("half way")

    with pytest.raises(KeyError, match="half way"):
        journal.write(change)
    assert count(database, schema.people) == 0

    def twice(connection: sa.Connection) -> None:
        _two_people(connection)
        _two_people(connection)

    with pytest.raises(sa.exc.IntegrityError):
        journal.write(twice)
    assert count(database, schema.people) == 0
    journal.write(_two_people)
    assert isinstance(journal.post(hold("h1", open_lot(journal, 5), 5)), Posting)
    assert count(database, schema.people) == 2


@pytest.mark.parametrize(
    "values",
    [
        "available = -1, spent = spent + available + 1",
        "held = -1, available = available + held + 1",
        "spent = -1, available = available + spent + 1",
        "expired = -1, available = available + expired + 1",
        "granted = -1, overrun = granted + overrun + 1",
        "overrun = -1, granted = granted + 1",
        "spent = spent + 1",
        "kind = 'purse'",
    ],
)
def test_the_database_refuses_a_wrong_balance(values: str, journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 100)
    journal.post(hold("h1", lot, 10))
    with pytest.raises(sa.exc.IntegrityError, match=r"CHECK|check"):
        journal.write(lambda connection: connection.exec_driver_sql(f"UPDATE balances SET {values}"))
    assert balances(database)[lot].held == 10


def row_of(table: str) -> dict[str, object]:
    """A row with something in every column that needs it."""
    values: dict[type, object] = {sa.Text: "", sa.LargeBinary: b""}
    return {
        column.name: values.get(type(column.type), 1)
        for column in schema.metadata.tables[table].columns
        if not column.nullable
    }


@pytest.mark.parametrize("table", schema.APPEND_ONLY)
def test_the_journal_cannot_be_edited(table: str, journal: Journal, database: Database) -> None:
    open_lot(journal, 100)

    def fill(connection: sa.Connection) -> None:
        common = {"created_us": 1}
        if table == "plans":
            connection.execute(sa.insert(schema.plans).values(name="p", version=1, terms="", **common))
        if table == "price_books":
            connection.execute(sa.insert(schema.price_books).values(version="v", content=b"", **common))
        if table == "calls":
            numbers = {column.name: 1 for column in schema.calls.columns if not isinstance(column.type, sa.Text)}
            texts = {column.name: "" for column in schema.calls.columns if isinstance(column.type, sa.Text)}
            connection.execute(sa.insert(schema.calls).values(**numbers, **texts))
        if table == "price_book_uses":
            connection.execute(sa.insert(schema.price_books).values(row_of("price_books")))
            connection.execute(sa.insert(schema.price_book_uses).values(row_of(table)))
        if table == "usage_claims":
            person = {"id": 1, "email": "ann@example.com", "name": "Ann", "team": ""}
            connection.execute(sa.insert(schema.people).values(**person, **common))
        if table in {"imports", "outlines"}:
            connection.execute(sa.insert(schema.imports).values(row_of("imports")))
        if table in schema.REPORTS:
            for reported in dict.fromkeys(("imports", table)):
                later = {"ends_us": 2} if reported == "usage_totals" else {}
                connection.execute(sa.insert(schema.metadata.tables[reported]).values(row_of(reported) | later))
        if table in {"changes", "documents", "exchange_rates", "seals"}:
            person = {"id": 1, "email": "ann@example.com", "name": "Ann", "team": ""}
            connection.execute(sa.insert(schema.people).values(**person, **common))
            connection.execute(sa.insert(schema.metadata.tables[table]).values(row_of(table)))

    journal.write(fill)
    column = schema.metadata.tables[table].columns.values()[0].name
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            journal.write(partial(sa.Connection.exec_driver_sql, statement=statement))
    assert count(database, schema.metadata.tables[table]) == 1


@pytest.mark.parametrize("amount", [0, -1])
def test_the_database_refuses_a_transfer_that_is_not_positive(amount: int, journal: Journal) -> None:
    row = sa.insert(schema.transfers).values(posting_id=1, n=0, debit=16, credit=17, amount_nanos=amount)
    with pytest.raises(sa.exc.IntegrityError):
        journal.write(lambda connection: connection.execute(row))


def test_sqlite_refuses_what_is_no_integer(sqlite_database: Database, clock: VirtualClock) -> None:
    journal = Journal(sqlite_database, clock)
    open_lot(journal, 100)
    with pytest.raises(sa.exc.IntegrityError, match="cannot store REAL value"):
        journal.write(lambda connection: connection.exec_driver_sql("UPDATE balances SET priority = 0.5"))
    journal.close()


def test_a_full_queue_is_busy_and_every_command_is_answered(
    journal: Journal, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = open_lot(journal, 1_000)
    monkeypatch.setattr(journal_module, "MAX_WAITING", 10)
    answers: list[Outcome] = []
    asking = threading.Thread(
        target=lambda: answers.extend(journal.post_all([hold(f"h{n}", lot, 1) for n in range(30)]))
    )
    with paused(journal):
        asking.start()
        while journal.waiting < 10:
            pass
    asking.join(60)
    assert len(answers) == 30
    assert {why(answer) for answer in answers} <= {None, Why.BUSY}
    accepted = sum(isinstance(answer, Posting) for answer in answers)
    assert accepted >= 10
    assert balances(database)[lot].held == accepted


def test_more_than_one_group_may_wait(journal: Journal, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_BATCH", 7)
    lot = open_lot(journal, 1_000)
    answers = journal.post_all([hold(f"h{n}", lot, 1) for n in range(50)])
    assert all(isinstance(answer, Posting) for answer in answers)
    assert balances(database)[lot].held == 50
    assert_sound(database)


def test_closing_answers_everybody(database: Database, clock: VirtualClock) -> None:
    journal = Journal(database, clock)
    lot = open_lot(journal, 1_000_000)
    outcomes: list[list[Outcome]] = [[] for _ in range(8)]
    refused_writes = []

    def ask(thread: int) -> None:
        for n in range(10_000):
            outcomes[thread].append(journal.post(hold(f"h{thread}.{n}", lot, 1)))
            if why(outcomes[thread][-1]) is Why.STORE_UNAVAILABLE:
                return

    def change() -> None:
        try:
            while True:
                journal.write(lambda connection: None)
        except Refused as refused:
            refused_writes.append(refused.refusal.why)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)] + [threading.Thread(target=change)]
    for thread in threads:
        thread.start()
    while not all(outcomes):
        pass
    journal.close()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert refused_writes == [Why.STORE_UNAVAILABLE]
    accepted = sum(isinstance(answer, Posting) for each in outcomes for answer in each)
    assert balances(database)[lot].held == accepted
    journal.close()
    assert why(journal.post(hold("late", lot, 1))) is Why.STORE_UNAVAILABLE


class ClosesFirst:
    """A journal's queue that closes it at the worst moment: after it was found open, before the item is in."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._queue = journal, journal._queue

    def put(self, item: Any) -> None:
        if item is not None:
            self._journal.close()
        self._queue.put(item)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def test_what_is_queued_behind_the_end_is_answered_too(database: Database, clock: VirtualClock) -> None:
    told: list[object] = []

    def ask(journal: Journal) -> None:
        told.append(why(journal.post(hold("late", 1, 1))))

    def change(journal: Journal) -> None:
        with pytest.raises(Refused) as refused:
            journal.write(lambda connection: None)
        told.append(refused.value.refusal.why)

    for late in (ask, change):
        journal = Journal(database, clock)
        journal._queue = ClosesFirst(journal)  # type: ignore[assignment]
        thread = threading.Thread(target=late, args=(journal,), daemon=True)
        thread.start()
        thread.join(20)
    assert told == [Why.STORE_UNAVAILABLE] * 2


def test_a_waiter_that_fails_stops_nobody(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    class Gone:
        def deliver(self, answers: list[tuple[Any, Outcome]]) -> None:
            raise RuntimeError("Event loop is closed")

    lot = open_lot(journal, 10)
    collector = Collector()
    with paused(journal):
        journal.submit(hold("h1", lot, 1), Gone(), 0)
        journal.submit(hold("h2", lot, 1), collector, 0)
    assert isinstance(collector.wait(1)[0], Posting)
    assert isinstance(journal.post(hold("h1", lot, 1)), Posting)
    assert "could not be delivered" in caplog.text


def test_what_a_posting_says_of_itself(journal: Journal) -> None:
    lot = open_lot(journal, 10)
    held = journal.post(hold("h1", lot, 5))
    ended = journal.post(Settle("h1", None, NOVEMBER_US + 5, provisional=True, reason="no answer"))
    assert isinstance(held, Posting)
    assert isinstance(ended, Posting)
    assert (held.verb, held.amount, held.effective_us) == (Verb.HOLD, 5, NOVEMBER_US)
    assert (ended.verb, ended.amount, ended.reason) == (Verb.PROVISIONAL, 5, "no answer")
