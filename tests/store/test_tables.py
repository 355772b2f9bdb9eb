"""The ledger tables again, on the journal, on both engines; and those about the same operation asked again."""

from __future__ import annotations

import pytest

from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.ledger.tables import Books, Scenario, run, scenarios
from tests.store.seen import assert_sound, balances

ALL = [scenario for name in ("holds.txt", "endings.txt", "shared.txt", "again.txt") for scenario in scenarios(name)]


@pytest.mark.parametrize("scenario", ALL, ids=[f"{scenario.where} {scenario.title}" for scenario in ALL])
def test_table(scenario: Scenario, journal: Journal, database: Database) -> None:
    run(scenario, Books(journal.post, lambda: balances(database)))
    assert_sound(database)
