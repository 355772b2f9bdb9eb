"""Whatever is done to a journal of which a checkpoint was kept is found.

A seed is printed. `make soak` does ten thousand mutations, in some minutes, and on PostgreSQL two thousand.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from bursar.store.checkpoints import fits, take_checkpoint
from bursar.store.database import Database
from bursar.store.faults import FaultName
from bursar.store.verify import verify
from tests.store.making import write_papers
from tests.store.mutating import Mutations, Watched, unguarded
from tests.store.reporting import write_charges, write_reports
from tests.store.test_verify import NOVEMBER_LOT, fill
from tests.support.clock import NOVEMBER_US, VirtualClock

SKILFUL = ("cut off", "and seal all anew")


def find_all(database: Database, clock: VirtualClock, count: int) -> Counter[str]:
    """Do so many mutations, each to the whole journal; returns how many there were of each kind."""
    journal = Watched(database, clock)
    journal.begin(database)
    write_papers(journal)
    fill(journal)
    write_reports(journal)
    write_charges(journal, NOVEMBER_LOT)
    journal.close()
    seed = int.from_bytes(os.urandom(4))
    print(f"mutation seed {seed}")
    kinds: Counter[str] = Counter()
    with unguarded(database) as connection:
        noted = take_checkpoint(connection, NOVEMBER_US)
        mutations = Mutations(connection, journal.states, seed)
        for _ in range(count):
            with mutations.one() as told:
                found = verify(connection, checkpoint=noted)
                names = {fault.name for fault in found.faults}
                assert names, f"not found: {told} (seed {seed})"
                if any(words in told for words in SKILFUL):
                    assert names == {FaultName.CHECKPOINT_DIFFERS}, f"{told}: {found.faults}"
                    assert not fits(connection, noted), told
            kinds[told.split()[-1] if told.endswith("anew") else told.split()[0]] += 1
    with database.reading() as reading:
        assert verify(reading, checkpoint=noted).is_right, "every mutation was taken back"
        assert fits(reading, noted)
    return kinds


def test_some_mutations_are_found(database: Database, clock: VirtualClock) -> None:
    count = 150 if database.is_sqlite else 75
    kinds = find_all(database, clock, count)
    assert set(kinds) == {"edit", "delete", "copy", "swap", "cut", "anew"}
    assert sum(kinds.values()) == count


@pytest.mark.soak
def test_10000_mutations_are_found(database: Database, clock: VirtualClock) -> None:
    count = 10_000 if database.is_sqlite else 2_000
    assert sum(find_all(database, clock, count).values()) == count
