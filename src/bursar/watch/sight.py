"""One request as it is watched, from its arrival to the end of the last call that was made for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bursar.refusals import Refusal
from bursar.store.records import CallRecord
from bursar.watch.told import ToldCall

if TYPE_CHECKING:
    from bursar.watch.watch import Watch

LONGEST_NAME = 100


class Sight:
    """What is noted while a request is served. Every method is cheap: it is on the path of every call."""

    __slots__ = (
        "_began_s",
        "_first_byte_s",
        "_parent",
        "_provider",
        "_record",
        "_watch",
        "_wire",
        "delivered",
        "key",
        "refusal",
        "status",
        "stream",
    )

    def __init__(self, watch: Watch, parent: bytes) -> None:
        self._watch = watch
        self._parent = parent
        self._began_s = time.monotonic()
        self._first_byte_s: float | None = None
        self._record: CallRecord | None = None
        self._provider = ""
        self._wire = ""
        self.key = ""
        """The shown part of the client's key."""
        self.status = 0
        """The status of the answer that was begun; 0 when there is none yet."""
        self.stream = False
        self.delivered = ""
        """The model that the provider says it used."""
        self.refusal: Refusal | None = None
        """What the client was told instead of an answer, or at the end of one."""

    def answered(self, wire: str) -> None:
        """The client has its answer, or has left."""
        counts = self._watch.counts
        self._wire = wire
        counts.requests[wire, self.status] += 1
        counts.request_s.observe(wire, time.monotonic() - self._began_s)
        if self.refusal is not None:
            counts.refusals[self.refusal.why] += 1
            if not self._provider:
                self._tell(None)

    def first_byte(self, provider: str, seconds: float) -> None:
        """The provider began to answer."""
        self._first_byte_s = seconds
        self._watch.counts.first_byte_s.observe(provider, seconds)

    def ended(self, record: CallRecord) -> None:
        """A call's hold has ended, durably. One request may lead to several calls: attempts, one after another."""
        counts = self._watch.counts
        counts.ended(record)
        if self._provider:
            counts.attempts[self._provider, record.provider] += 1
        self._provider = record.provider
        self._record = record

    def finished(self) -> None:
        """All is said and done about a call whose hold has ended."""
        record, self._record = self._record, None
        if record is not None:
            self._tell(record)

    def _tell(self, record: CallRecord | None) -> None:
        if not self._watch.tellers:
            return
        self._watch.tell(
            ToldCall(
                wire=self._wire if record is None else record.wire,
                key=self.key,
                status=self.status,
                refusal="" if self.refusal is None else self.refusal.why.value,
                stream=self.stream,
                duration_s=time.monotonic() - self._began_s,
                first_byte_s=self._first_byte_s,
                delivered=_clean(self.delivered),
                parent=self._parent,
                record=record,
            )
        )


def _clean(name: str) -> str:
    """A name that somebody else chose, as it may stand in a log: on one line, and no longer than names are."""
    return "".join(letter for letter in name[:LONGEST_NAME] if letter.isprintable() and letter != " ")
