"""Compare the journal with the provider's own bill, call by call."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bursar.sim.bill import Line
from bursar.store.database import Database
from bursar.store.schema import calls


def compare_with_bill(database: Database, lines: Sequence[Line]) -> None:
    """Every call that the provider billed is in the journal, at the same cost or provisionally at no less."""
    with database.reading() as connection:
        query = sa.select(calls.c.hold_id, calls.c.outcome, calls.c.cost_nanos)
        kept = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    for line in lines:
        assert line.client_request in kept, f"the journal has no call {line.client_request}: {line}"
        outcome, cost = kept[line.client_request]
        if outcome == "settled":
            assert cost == line.cost_nanos, (line, cost)
        else:
            assert outcome == "provisional", (line, outcome)
            assert cost >= line.cost_nanos, (line, cost)
    assert len({line.client_request for line in lines}) == len(lines), "one hold paid for two calls"
