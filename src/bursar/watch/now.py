"""What is the case in a server at one moment."""

from __future__ import annotations

import msgspec


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """A server at the moment that somebody asks.

    `holds` and `held_nanos` are of all processes on the database; None when it did not answer.
    """

    version: str
    engine: str
    price_book: str
    ready: bool
    running: int
    waiting: int
    queue: int
    groups: int
    dropped: int
    holds: int | None
    held_nanos: int | None
