"""Holds of which it is not known whether they were written, because the database failed while they were.

Whoever asked for them was told that they were refused, and sent nothing. When the database is back, those that were
written after all are given back: nothing stays held for a call that nobody makes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from bursar.ledger.postings import Command, Hold, OpenHold, Release
from bursar.store.batch import open_hold
from bursar.store.records import record_of_hold
from bursar.store.writer import Writer

NEVER_SENT = "the database failed while the money was set aside, so the call was not sent"


LOOK_FOR_S = 60.0
"""A database that could not be reached may go on with what it had begun: so long its outcome is looked for."""
LOOK_EVERY_S = 1.0


class Doubt:
    """The doubtful holds of one journal. Used by its thread alone."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}
        self._next_s = 0.0

    @property
    def wait_s(self) -> float | None:
        """How long until it is time to look; None when nothing is doubtful."""
        return max(0.0, self._next_s - time.monotonic()) if self._until_s else None

    def add(self, commands: Iterable[Command]) -> None:
        """A group failed. Only holds that nobody asks for again are given back: the answer may be asked for."""
        now_s = time.monotonic()
        self._until_s |= {
            command.id: now_s + LOOK_FOR_S for command in commands if isinstance(command, Hold) and command.fresh
        }

    def looking(self) -> None:
        """It is looked now, whatever comes of it."""
        self._next_s = time.monotonic() + LOOK_EVERY_S

    def releases(self, writer: Writer, now_us: int) -> list[Command]:
        """What gives back those that were written. Raises the driver's error when the database still fails."""
        writer.begin()
        rows = writer.holds(list(self._until_s))
        writer.commit()
        return [_release(open_hold(row), now_us) for row in rows]

    def looked(self) -> None:
        """The database answered: what it did not have for so long will not come any more."""
        now_s = time.monotonic()
        self._until_s = {hold_id: until_s for hold_id, until_s in self._until_s.items() if until_s > now_s}


def _release(hold: OpenHold, now_us: int) -> Release:
    record = record_of_hold(hold, ended_us=now_us, charged=False, reason=NEVER_SENT)
    return Release(hold.id, now_us, NEVER_SENT, record)
