"""Groups of commands, to post at once."""

from __future__ import annotations

import msgspec

from bursar.ledger.postings import Command, Hold, Settle
from bursar.store.records import unsettled_record
from tests.support.calls import NOTE


def group_of_calls(lot: int, count: int, at_us: int, *, person_id: int = 1, prefix: str = "") -> list[Command]:
    """Calls that each hold 1,000 nano-dollars and cost 600, begun and ended in the same group."""
    commands: list[Command] = []
    for index in range(count):
        hold_id = f"{prefix}{index:06d}"
        record = unsettled_record(
            NOTE,
            hold_id=hold_id,
            person_id=person_id,
            started_us=at_us,
            ended_us=at_us + 1,
            bound_nanos=1_000,
            cost_nanos=600,
            outcome="settled",
            reason="",
        )
        note = msgspec.msgpack.encode(NOTE)
        commands.append(Hold(hold_id, person_id, (lot,), (), 1_000, 1_000, at_us, note=note))
        commands.append(Settle(hold_id, 600, at_us + 1, record=record))
    return commands
