"""What a start does about calls that were running when the process ended.

A hold that was dispatched may have been billed, so it becomes a provisional charge at its bound; one that was not is
released. Both are postings with a reason, and are on the person's statement.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa

from bursar.ledger.postings import OpenHold, Release, Settle
from bursar.store.batch import open_hold
from bursar.store.journal import Journal
from bursar.store.records import read_note, record_of_hold
from bursar.store.schema import holds
from bursar.store.writer import CHAIN_LOCKS

log = logging.getLogger("bursar.recovery")
RESTARTED = "Bursar restarted while the call was running, so whether it was billed is not known"
NEVER_SENT = "Bursar restarted before the call was sent"


def recover(journal: Journal, now_us: int) -> tuple[int, int]:
    """End the holds that no running process will end. Returns how many were charged and how many released."""
    orphans = journal.write(lambda connection: _orphans(connection, journal.chain))
    commands = [_ending(hold, now_us) for hold in orphans]
    for start in range(0, len(commands), 1_000):
        journal.post_all(commands[start : start + 1_000])
    charged = sum(isinstance(command, Settle) for command in commands)
    if commands:
        log.warning(
            "%d calls of an earlier run are charged provisionally, %d holds released",
            charged,
            len(commands) - charged,
        )
    return charged, len(commands) - charged


def _orphans(connection: sa.Connection, own_chain: int) -> list[OpenHold]:
    """Open holds of this process's chain (an earlier process had it) and of chains that no process has."""
    chains = [row[0] for row in connection.execute(sa.select(holds.c.chain).distinct())]
    dead = [chain for chain in chains if chain == own_chain or _is_free(connection, chain)]
    rows = connection.execute(sa.select(holds).where(holds.c.chain.in_(dead)).order_by(holds.c.id))
    found = [open_hold(tuple(row)) for row in rows]
    return [hold for hold in found if not _runs_elsewhere(hold)]


def _runs_elsewhere(hold: OpenHold) -> bool:
    """Whether another gateway has the call, which knows nothing of a restart here: see `bursar.books.holds`."""
    return bool(hold.note) and read_note(hold.note).until_us > 0


def _is_free(connection: sa.Connection, chain: int) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    keys = {"lock": CHAIN_LOCKS, "chain": chain}
    if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:lock, :chain)"), keys).scalar():
        return False
    connection.execute(sa.text("SELECT pg_advisory_unlock(:lock, :chain)"), keys)
    return True


def _ending(hold: OpenHold, now_us: int) -> Settle | Release:
    reason = RESTARTED if hold.dispatched else NEVER_SENT
    record = record_of_hold(hold, ended_us=now_us, charged=hold.dispatched, reason=reason)
    if hold.dispatched:
        return Settle(hold.id, None, now_us, provisional=True, reason=reason, record=record)
    return Release(hold.id, now_us, reason, record)
