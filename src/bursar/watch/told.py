"""One call, or one request that was refused, as logs and traces tell it: facts about it, nothing of what it said."""

from __future__ import annotations

from typing import Protocol

import msgspec

from bursar.store.records import CallRecord


class ToldCall(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request. Without a `record` it never came to a call that was sent.

    `parent` is the W3C traceparent that the client sent; `key` the shown part of its key; `delivered` the model that
    the provider named. `status` is that of the answer, 0 when the client left before there was one. Durations in
    seconds: from the request's arrival to its end, and from the sending of the call to the provider's first byte.
    """

    wire: str
    key: str
    status: int
    refusal: str
    stream: bool
    duration_s: float
    first_byte_s: float | None
    delivered: str
    parent: bytes
    record: CallRecord | None


class Teller(Protocol):
    """Tells of calls that have ended: to a log, to a collector of traces."""

    def tell(self, call: ToldCall) -> None:
        """Tell of one, without waiting for anything."""

    def close(self) -> None:
        """Pass on what was not yet."""
