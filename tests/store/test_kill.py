"""A writing process is killed: what it acknowledged is in the journal, and the rest is there whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from bursar.store import schema
from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.store.making import hold, open_lot
from tests.store.seen import assert_sound, balances
from tests.support.clock import VirtualClock

ROOT = Path(__file__).parents[2]


def killed_after(lines: int, database: Database, lot: int) -> list[str]:
    """Let a process write, kill it after so many acknowledgements, and return all that it acknowledged."""
    command = [sys.executable, "-m", "tests.store.killed", database.url, str(lot)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    return [line.strip() for line in told]


def test_acknowledged_is_written(database: Database, clock: VirtualClock) -> None:
    journal = Journal(database, clock)
    lot = open_lot(journal, 1_000_000)
    journal.close()
    told = killed_after(200, database, lot)
    with database.reading() as connection:
        written = set(connection.execute(sa.select(schema.postings.c.op)).scalars())
    held = {f"hold:{line.split()[1]}" for line in told if line.startswith("held")}
    settled = {f"end:{line.split()[1]}" for line in told if line.startswith("settled")}
    assert len(held) + len(settled) == len(told) >= 200
    assert held | settled <= written
    # At most one command of each of the eight threads was under way.
    assert len(written - held - settled - {"open:test:1:2026-11"}) <= 8
    assert_sound(database)
    again = Journal(database, clock)
    left = balances(database)[lot].available
    again.post(hold("rest", lot, left))
    again.close()
    assert balances(database)[lot].available == 0
    assert_sound(database)
