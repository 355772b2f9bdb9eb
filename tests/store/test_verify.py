"""`journal verify` finds nothing in an honest journal, and names what was done to a dishonest one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import msgspec
import pytest
import sqlalchemy as sa

from bursar.ledger.accounts import SHARED, Account, account_code
from bursar.ledger.postings import Expire, Leg
from bursar.store.chains import Head
from bursar.store.checkpoints import Checkpoint, take_checkpoint
from bursar.store.database import Database
from bursar.store.faults import MAX_FAULTS, FaultName
from bursar.store.journal import Journal
from bursar.store.schema import APPEND_ONLY, price_books
from bursar.store.verify import Verification, verify
from tests.store.making import write_papers
from tests.store.reporting import OF_REPORTS, write_charges, write_reports
from tests.support.calls import USD, Caller, posted
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.groups import group_of_calls

SECOND = 1_000_000
NOVEMBER_LOT = 2
"""Person 1's lot of November, in the journal that `fill` makes."""


def fill(journal: Journal) -> None:
    """A journal with everything in it.

    posting  what
    1-4      lots 1 (person 1, October), 2 (person 1, November), 3 (person 2); limit 4 (person 1)
    5-6      october: hold and settlement
    7        October expires
    8-9      plain: hold (limit too) and settlement
    10-11    unsure: hold and provisional charge
    12-13    given: hold and release
    14-15    dear: cost more than its hold
    16-17    running, other: holds that stay open
    """
    caller = Caller(journal)
    october, november, other = (caller.lot(*lot) for lot in ((1, "2026-10"), (1, "2026-11"), (2, "2026-11")))
    limit = caller.limit(1, "laptop", 50, NOVEMBER_US)
    caller.hold("october", 1, (october,), 5_000, NOVEMBER_US - SECOND)
    caller.settle("october", 4_000, NOVEMBER_US - 1)
    posted(journal.post(Expire(october, 0, NOVEMBER_US)))
    caller.hold("plain", 1, (november,), 1_000, NOVEMBER_US + 1, limits=(limit,))
    caller.settle("plain", 700, NOVEMBER_US + 2)
    caller.hold("unsure", 1, (november,), 900, NOVEMBER_US + 3)
    caller.settle("unsure", 900, NOVEMBER_US + 4, reason="the provider did not answer in time")
    caller.hold("given", 1, (november,), 800, NOVEMBER_US + 5, limits=(limit,))
    caller.release("given", NOVEMBER_US + 6)
    caller.hold("dear", 2, (other,), 10, NOVEMBER_US + 7)
    caller.settle("dear", 25, NOVEMBER_US + 8)
    caller.hold("running", 1, (november,), 600, NOVEMBER_US + 9, limits=(limit,))
    caller.hold("other", 2, (other,), 500, NOVEMBER_US + 10)


def proof(database: Database) -> Verification:
    with database.reading() as connection:
        return verify(connection)


def taken(database: Database) -> Checkpoint:
    with database.reading() as connection:
        return take_checkpoint(connection, NOVEMBER_US)


def names(verification: Verification) -> set[FaultName]:
    return {fault.name for fault in verification.faults}


def test_an_honest_journal_has_no_faults(database: Database, journal: Journal) -> None:
    fill(journal)
    progress: list[tuple[int, int]] = []
    with database.reading() as connection:
        found = verify(connection, lambda done, total: progress.append((done, total)))
    assert found.faults == []
    assert found.is_right
    assert (found.postings, found.calls, found.balances, found.open_holds, found.links) == (17, 5, 4, 2, 17)
    assert (
        found.transfers == 4 + 3 + 1 + 6 + 2 + 4 + 3 + 3
    )  # opens, October, its end, plain, unsure, given, dear, open
    assert progress[-1] == (17, 17)


def test_an_empty_journal_has_no_faults(database: Database) -> None:
    found = proof(database)
    assert (found.is_right, found.postings, found.heads) == (True, 0, {})


def test_a_group_is_one_link_and_a_hold_may_begin_and_end_in_it(database: Database, journal: Journal) -> None:
    lot = Caller(journal).lot(1, "2026-11")
    journal.post_all(group_of_calls(lot, 300, NOVEMBER_US))
    found = proof(database)
    assert found.faults == []
    assert found.postings == 601
    assert found.links < 601


def test_writers_at_the_same_time_have_chains_of_their_own(postgres_database: Database, clock: VirtualClock) -> None:
    journals = [Journal(postgres_database, clock) for _ in range(3)]
    lots = [Caller(journals[0]).lot(person, "2026-11") for person in (1, 2, 3)]

    def work(index: int) -> None:
        for turn in range(20):
            lot = (index + turn) % 3
            prefix = f"{index}-{turn}-"
            journals[index].post_all(group_of_calls(lots[lot], 10, NOVEMBER_US, person_id=lot + 1, prefix=prefix))

    threads = [Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for journal in journals:
        journal.close()
    found = proof(postgres_database)
    assert found.faults == []
    assert found.postings == 3 + 3 * 20 * 20
    assert sorted(found.heads) == [0, 1, 2]


def test_people_move_what_they_share_and_nobody_moves_anothers(database: Database, journal: Journal) -> None:
    caller = Caller(journal)
    own, pool = caller.lot(1, "2026-11", 1), caller.lot(SHARED, "2026-11", 5)
    limit = caller.limit(SHARED, "team", 9, NOVEMBER_US)
    for person_id, lots in ((1, (own, pool)), (2, (pool,))):
        caller.hold(f"of {person_id}", person_id, lots, 2 * USD, NOVEMBER_US, limits=(limit,))
        caller.settle(f"of {person_id}", USD + 1, NOVEMBER_US + 1)
    assert proof(database).faults == []
    caller.hold("not theirs", 2, (caller.lot(1, "2026-11", 1, grant_id=7), pool), 1, NOVEMBER_US)
    assert [fault.name for fault in proof(database).faults] == [FaultName.FOREIGN_BALANCE]


def test_verify_sees_one_state_while_others_write(sqlite_database: Database, clock: VirtualClock) -> None:
    journal = Journal(sqlite_database, clock)
    fill(journal)
    caller = Caller(journal)
    with sqlite_database.reading() as connection:

        def write(_done: int, _total: int) -> None:
            caller.hold("late", 2, (3,), 5, NOVEMBER_US + 20)

        first = verify(connection, write)
        again = verify(connection)
    journal.close()
    assert first.is_right
    assert again.postings == first.postings == 17
    assert proof(sqlite_database).postings == 18


# --- mutations ------------------------------------------------------------------------------------------------


@pytest.fixture
def tamper(sqlite_database: Database, clock: VirtualClock, tmp_path: Path) -> Callable[[str], Verification]:
    """Do something to a full journal's file behind Bursar's back, then verify it. Papers are there if they matter."""
    journal = Journal(sqlite_database, clock)
    fill(journal)
    journal.close()

    def run(script: str) -> Verification:
        scripts = {script for script, _ in (OF_PAPERS | OF_REPORTS).values()}
        if script in scripts:
            journal = Journal(sqlite_database, clock)
            write_papers(journal)
            if script in {script for script, _ in OF_REPORTS.values()}:
                write_reports(journal)
                write_charges(journal, NOVEMBER_LOT)
            journal.close()
            assert proof(sqlite_database).faults == []
        raw = sqlite3.connect(tmp_path / "bursar.sqlite")
        for table in APPEND_ONLY:
            raw.execute(f"DROP TRIGGER {table}_no_update")
            raw.execute(f"DROP TRIGGER {table}_no_delete")
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.executescript(script)
        raw.close()
        return proof(sqlite_database)

    return run


def code(balance_id: int, account: Account) -> int:
    return account_code(balance_id, account)


OF_PAPERS: dict[str, tuple[str, set[FaultName]]] = {
    "a plan's terms are edited": ("UPDATE plans SET terms = '{}' WHERE id = 1", {FaultName.PAPER_DIFFERS}),
    "a price book is edited": ("UPDATE price_books SET content = x'00'", {FaultName.PAPER_DIFFERS}),
    "a change is made to end": ("UPDATE changes SET until_us = 9 WHERE id = 1", {FaultName.PAPER_DIFFERS}),
    "a change is made endless": ("UPDATE changes SET until_us = NULL WHERE id = 2", {FaultName.PAPER_DIFFERS}),
    "two changes change places": (
        "UPDATE changes SET id = 9 WHERE id = 1; UPDATE changes SET id = 1 WHERE id = 2;"
        "UPDATE changes SET id = 2 WHERE id = 9",
        {FaultName.PAPER_DIFFERS},
    ),
    "a document is deleted": ("DELETE FROM documents WHERE n = 2", {FaultName.PAPER_MISSING}),
    "a rate is of another day": (
        "UPDATE exchange_rates SET from_day = '2026-01-03' WHERE unit_nanos = 2",
        {FaultName.PAPER_MISSING, FaultName.PAPER_UNSEALED},
    ),
    "a change from nowhere": (
        "INSERT INTO changes SELECT 3, person_id, grant_id, kind, amount_nanos,"
        " announced_us, effective_us, until_us, reason, actor, approver, told FROM changes WHERE id = 1",
        {FaultName.PAPER_UNSEALED},
    ),
    "a paper is edited and its seal with it": (
        "UPDATE plans SET terms = '{}' WHERE id = 1; UPDATE seals SET digest = x'00' WHERE paper = 'plans'",
        {FaultName.PAPER_DIFFERS, FaultName.LINK_HASH},
    ),
    "a paper goes with its seal": (
        "DELETE FROM changes WHERE id = 2; DELETE FROM seals WHERE paper = 'changes' AND key = '2'",
        {FaultName.LINK_HASH},
    ),
    "a paper goes with its seal and link": (
        "DELETE FROM exchange_rates; DELETE FROM links WHERE id = (SELECT max(link_id) FROM seals);"
        "DELETE FROM seals WHERE n > 0",
        {FaultName.SEAL_ORPHANED, FaultName.LINK_HASH, FaultName.PAPER_UNSEALED},
    ),
    "a seal is given to another link": (
        "UPDATE seals SET link_id = 8, n = 9 WHERE paper = 'plans' AND key = '1'",
        {FaultName.LINK_HASH},
    ),
    "a link of seals covers a posting": ("UPDATE links SET postings = 1 WHERE n = 18", {FaultName.LINK_COUNT}),
}
MUTATIONS: dict[str, tuple[str, set[FaultName]]] = {
    **OF_PAPERS,
    **OF_REPORTS,
    "an amount is edited": (
        "UPDATE transfers SET amount_nanos = 701 WHERE posting_id = 9 AND n = 0",
        {
            FaultName.AMOUNT_DIFFERS,
            FaultName.HOLD_NOT_EMPTIED,
            FaultName.BALANCE_DIFFERS,
            FaultName.BELOW_ZERO,
            FaultName.LINK_HASH,
        },
    ),
    "a headline is edited": (
        "UPDATE postings SET amount_nanos = 1 WHERE id = 7",
        {FaultName.AMOUNT_DIFFERS, FaultName.LINK_HASH},
    ),
    "a reason is edited": (
        "UPDATE postings SET reason = 'all well' WHERE id = 11",
        {FaultName.CALL_DIFFERS, FaultName.LINK_HASH},
    ),
    "a time is edited": ("UPDATE postings SET effective_us = 1 WHERE id = 5", {FaultName.LINK_HASH}),
    "a verb is edited": (
        "UPDATE postings SET verb = 'gift' WHERE id = 7",
        {FaultName.VERB_UNKNOWN, FaultName.BALANCE_DIFFERS, FaultName.LINK_HASH},
    ),
    "a provisional charge is called settled": (
        "UPDATE postings SET verb = 'settle' WHERE id = 11",
        {FaultName.CALL_DIFFERS, FaultName.LINK_HASH},
    ),
    "a posting is deleted": (
        "DELETE FROM postings WHERE id = 9; DELETE FROM transfers WHERE posting_id = 9;"
        "DELETE FROM calls WHERE posting_id = 9",
        {FaultName.BALANCE_DIFFERS, FaultName.OPEN_HOLD_MISSING, FaultName.LINK_COUNT},
    ),
    "only the posting's row is deleted": (
        "DELETE FROM postings WHERE id = 13",
        {
            FaultName.TRANSFER_ORPHANED,
            FaultName.CALL_ORPHANED,
            FaultName.BALANCE_DIFFERS,
            FaultName.OPEN_HOLD_MISSING,
            FaultName.LINK_COUNT,
        },
    ),
    "the last posting's row is deleted": (
        "DELETE FROM postings WHERE id = 17",
        {
            FaultName.TRANSFER_ORPHANED,
            FaultName.BALANCE_DIFFERS,
            FaultName.OPEN_HOLD_UNKNOWN,
            FaultName.LINK_COUNT,
        },
    ),
    "a transfer is deleted": (
        "DELETE FROM transfers WHERE posting_id = 7",
        {FaultName.NO_TRANSFER, FaultName.AMOUNT_DIFFERS, FaultName.BALANCE_DIFFERS, FaultName.LINK_HASH},
    ),
    "two postings change places": (
        "UPDATE postings SET id = 99 WHERE id = 5; UPDATE postings SET id = 5 WHERE id = 6;"
        "UPDATE postings SET id = 6 WHERE id = 99;"
        "UPDATE transfers SET posting_id = 99 WHERE posting_id = 5;"
        "UPDATE transfers SET posting_id = 5 WHERE posting_id = 6;"
        "UPDATE transfers SET posting_id = 6 WHERE posting_id = 99;"
        "UPDATE calls SET posting_id = 5 WHERE posting_id = 6",
        {FaultName.HOLD_NOT_OPEN, FaultName.OPEN_HOLD_MISSING, FaultName.BELOW_ZERO, FaultName.LINK_HASH},
    ),
    "a posting is added": (
        "INSERT INTO postings VALUES (18, 17, 'expire:2:0', x'00', 'expire', 1, 1, 5, '');"
        f"INSERT INTO transfers VALUES (18, 0, {code(2, Account.AVAILABLE)}, {code(2, Account.EXPIRED)}, 5);"
        "UPDATE balances SET available = available - 5, expired = expired + 5 WHERE id = 2",
        {FaultName.LINK_MISSING},
    ),
    "an ending names a hold that never was": (
        "UPDATE postings SET op = 'end:ghost' WHERE id = 13",
        {FaultName.HOLD_NOT_OPEN, FaultName.CALL_DIFFERS, FaultName.OPEN_HOLD_MISSING, FaultName.LINK_HASH},
    ),
    "a call's cost is edited": (
        "UPDATE calls SET cost_nanos = 1 WHERE posting_id = 9",
        {FaultName.CALL_DIFFERS, FaultName.LINK_HASH},
    ),
    "a call's tokens are edited": (
        "UPDATE calls SET output_tokens = 1 WHERE posting_id = 9",
        {FaultName.LINK_HASH},
    ),
    "a call is deleted": ("DELETE FROM calls WHERE posting_id = 9", {FaultName.CALL_MISSING, FaultName.LINK_HASH}),
    "a call is moved to a hold's posting": (
        "UPDATE calls SET posting_id = 8 WHERE posting_id = 9",
        {FaultName.CALL_MISSING, FaultName.CALL_DIFFERS, FaultName.LINK_HASH},
    ),
    "a balance is off by one": (
        "UPDATE balances SET available = available + 1 WHERE id = 2",
        {FaultName.BALANCE_DIFFERS},
    ),
    "a balance is richer and still sums": (
        "UPDATE balances SET available = available + 1, granted = granted + 1 WHERE id = 2",
        {FaultName.BALANCE_DIFFERS},
    ),
    "a lot lives longer": (
        "UPDATE balances SET expires_us = expires_us + 1 WHERE id = 2",
        {FaultName.OPENING_DIFFERS},
    ),
    "a person's lot becomes everybody's": (
        "UPDATE balances SET person_id = 0 WHERE id = 2",
        {FaultName.OPENING_DIFFERS},
    ),
    "a balance from nowhere": (
        "INSERT INTO balances VALUES "
        "(9, 1, 'lot', 'grant:9', '2026-11', 1, 1, 2, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
        {FaultName.BALANCE_DIFFERS, FaultName.BALANCE_NOT_OPENED},
    ),
    "a balance is deleted": (
        "DELETE FROM balances WHERE id = 1",
        {FaultName.BALANCE_MISSING, FaultName.AMOUNT_DIFFERS},
    ),
    "money goes to another person": (
        f"UPDATE transfers SET credit = {code(2, Account.EXPIRED)} WHERE posting_id = 7;"
        "UPDATE postings SET person_id = 2 WHERE id = 7",
        {FaultName.FOREIGN_BALANCE, FaultName.BALANCE_DIFFERS, FaultName.LINK_HASH},
    ),
    "nobody's posting moves a person's money": (
        "UPDATE postings SET person_id = 0 WHERE id = 7",
        {FaultName.FOREIGN_BALANCE, FaultName.LINK_HASH},
    ),
    "spent money is given back": (
        "INSERT INTO transfers VALUES "
        f"(13, 2, {code(2, Account.SPENT)}, {code(2, Account.AVAILABLE)}, 100);"
        "UPDATE balances SET available = available + 100, spent = spent - 100 WHERE id = 2",
        {FaultName.MOVE_UNLAWFUL, FaultName.LINK_HASH},
    ),
    "an account that there is not": (
        f"UPDATE transfers SET credit = {2 * 16 + 9} WHERE posting_id = 11",
        {FaultName.MOVE_UNLAWFUL, FaultName.BALANCE_DIFFERS, FaultName.LINK_HASH},
    ),
    "a transfer of less than nothing": (
        "UPDATE transfers SET amount_nanos = -5000 WHERE posting_id = 5",
        {FaultName.TRANSFER_NOT_POSITIVE, FaultName.BELOW_ZERO, FaultName.AMOUNT_DIFFERS, FaultName.LINK_HASH},
    ),
    "more is spent than there is": (
        "UPDATE transfers SET amount_nanos = 200000000000 WHERE posting_id = 10;"
        "UPDATE postings SET amount_nanos = 200000000000 WHERE id = 10",
        {FaultName.BELOW_ZERO, FaultName.HOLD_NOT_EMPTIED, FaultName.BALANCE_DIFFERS, FaultName.LINK_HASH},
    ),
    "a limit is spared": (
        f"UPDATE transfers SET amount_nanos = 100 WHERE posting_id = 9 AND credit = {code(4, Account.SPENT)};"
        f"UPDATE transfers SET amount_nanos = 900 WHERE posting_id = 9 AND credit = {code(4, Account.AVAILABLE)};"
        "UPDATE balances SET available = available + 600, spent = spent - 600 WHERE id = 4",
        {FaultName.LIMIT_DIFFERS, FaultName.LINK_HASH},
    ),
    "a limit holds less": (
        f"UPDATE transfers SET amount_nanos = 1 WHERE posting_id = 8 AND credit = {code(4, Account.HELD)}",
        {FaultName.LIMIT_DIFFERS, FaultName.HOLD_NOT_EMPTIED, FaultName.BELOW_ZERO, FaultName.LINK_HASH},
    ),
    "an open hold is removed": (
        "DELETE FROM holds WHERE id = 'running'",
        {FaultName.OPEN_HOLD_MISSING, FaultName.HELD_DIFFERS},
    ),
    "an open hold is smaller": (
        "UPDATE holds SET amount_nanos = 1 WHERE id = 'running'",
        {FaultName.OPEN_HOLD_DIFFERS},
    ),
    "an open hold has other parts": (
        f"UPDATE holds SET legs = x'{msgspec.msgpack.encode((Leg(3, 400),)).hex()}' WHERE id = 'other'",
        {FaultName.OPEN_HOLD_DIFFERS, FaultName.HELD_DIFFERS},
    ),
    "an open hold from nowhere": (
        "INSERT INTO holds SELECT 'ghost', person_id, amount_nanos, legs, 1, held_us, chain, note FROM holds "
        "WHERE id = 'other'",
        {FaultName.OPEN_HOLD_UNKNOWN, FaultName.HELD_DIFFERS},
    ),
    "a link in the middle is removed": (
        "DELETE FROM links WHERE n = 8",
        {FaultName.LINK_MISSING, FaultName.LINK_GAP, FaultName.LINK_BROKEN},
    ),
    "the last link is removed": ("DELETE FROM links WHERE n = 17", {FaultName.LINK_MISSING}),
    "a link is sealed anew": (
        "UPDATE links SET hash = zeroblob(32) WHERE n = 8",
        {FaultName.LINK_HASH, FaultName.LINK_BROKEN},
    ),
    "a link's time is edited": ("UPDATE links SET recorded_us = 1 WHERE n = 8", {FaultName.LINK_HASH}),
    "a link covers more": ("UPDATE links SET postings = 2 WHERE n = 8", {FaultName.LINK_COUNT}),
    "a refused operation is posted": (
        "INSERT INTO refusals VALUES ('end:plain', x'00', 1, 1, 'hold_unknown', '{}')",
        {FaultName.REFUSED_AND_POSTED},
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_found_by_name(name: str, tamper: Callable[[str], Verification]) -> None:
    script, expected = MUTATIONS[name]
    found = tamper(script)
    assert not found.is_right
    missed = expected - names(found)
    assert not missed, f"not found: {missed}; found: {found.faults}"


def test_every_fault_has_a_mutation_that_shows_it() -> None:
    shown = set().union(*(expected for _, expected in MUTATIONS.values()))
    assert shown | {FaultName.CHECKPOINT_DIFFERS} == set(FaultName)


CUT_OFF = (
    "DELETE FROM links WHERE n = 17; DELETE FROM postings WHERE id = 17; DELETE FROM transfers WHERE posting_id = 17;"
    "DELETE FROM holds WHERE id = 'other';"
    "UPDATE balances SET available = available + 500, held = held - 500 WHERE id = 3"
)


def test_a_tail_that_was_cut_off_cleanly_is_found_by_a_checkpoint(
    sqlite_database: Database, tamper: Callable[[str], Verification]
) -> None:
    noted = taken(sqlite_database)
    assert tamper(CUT_OFF).is_right
    with sqlite_database.reading() as connection:
        found = verify(connection, checkpoint=noted)
    assert names(found) == {FaultName.CHECKPOINT_DIFFERS}


def test_a_checkpoint_holds_when_the_journal_has_grown(sqlite_database: Database, clock: VirtualClock) -> None:
    journal = Journal(sqlite_database, clock)
    fill(journal)
    noted = taken(sqlite_database)
    Caller(journal).hold("later", 2, (3,), 5, NOVEMBER_US + 20)
    journal.close()
    with sqlite_database.reading() as connection:
        assert verify(connection, checkpoint=noted).is_right
        for head in (Head(17, b"?" * 32), Head(16, noted.heads[0].hash), Head(18, noted.heads[0].hash)):
            other = msgspec.structs.replace(noted, heads={0: head})
            assert names(verify(connection, checkpoint=other)) == {FaultName.CHECKPOINT_DIFFERS}


def test_a_checkpoint_with_other_counts_does_not_fit(database: Database, journal: Journal) -> None:
    fill(journal)
    noted = taken(database)
    assert (noted.links, noted.postings) == (17, 17)
    with database.reading() as connection:
        assert verify(connection, checkpoint=noted).is_right
        for other in (msgspec.structs.replace(noted, links=16), msgspec.structs.replace(noted, postings=18)):
            (fault,) = verify(connection, checkpoint=other).faults
            assert fault.name is FaultName.CHECKPOINT_DIFFERS
            assert "17 with 17" in fault.problem


def test_a_checkpoint_of_an_empty_journal_fits_every_later_one(database: Database, journal: Journal) -> None:
    empty = taken(database)
    assert (empty.heads, empty.links, empty.postings) == ({}, 0, 0)
    fill(journal)
    with database.reading() as connection:
        assert verify(connection, checkpoint=empty).is_right


def test_faults_beyond_the_first_thousand_are_counted(sqlite_database: Database, clock: VirtualClock) -> None:
    journal = Journal(sqlite_database, clock)
    lot = Caller(journal).lot(1, "2026-11")
    journal.post_all(group_of_calls(lot, 1_100, NOVEMBER_US))
    journal.close()
    with sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER calls_no_delete")
        connection.exec_driver_sql("DELETE FROM calls")
    found = proof(sqlite_database)
    assert len(found.faults) == MAX_FAULTS
    assert found.fault_count >= 1_100


def test_papers_are_sealed_as_they_are_written(database: Database, journal: Journal) -> None:
    before = proof(database).links
    write_papers(journal)
    found = proof(database)
    assert found.faults == []
    assert (found.papers, found.links - before) == (12, 6), "a link for each change that made some; people are none"
    journal.write(lambda connection: None)
    assert proof(database).links == found.links


def test_papers_from_before_there_were_seals_are_sealed_at_the_next_write(
    database: Database, journal: Journal
) -> None:
    """As the migration leaves them: noted, and without a seal."""
    with database.engine.begin() as connection:
        rows = [{"version": f"pb-{n}", "content": b"{}", "created_us": n} for n in range(500)]
        connection.execute(sa.insert(price_books), rows)
    assert names(proof(database)) == {FaultName.PAPER_UNSEALED}
    journal.write(lambda connection: None)
    found = proof(database)
    assert (found.faults, found.papers, found.links) == ([], 500, 1)


def test_a_change_that_fails_seals_nothing(database: Database, journal: Journal) -> None:
    def fail(connection: sa.Connection) -> None:
        connection.execute(sa.insert(price_books).values(version="pb", content=b"", created_us=1))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        journal.write(fail)
    write_papers(journal)
    found = proof(database)
    assert (found.faults, found.papers, found.heads[0].n) == ([], 12, 6)
