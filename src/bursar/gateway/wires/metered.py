"""What every meter learns from an answer, whichever wire it is on."""

from __future__ import annotations

from bursar.gateway.wires.sse import EventStream
from bursar.usage import Usage

LONGEST_NAME = 200


class MeteredStream(EventStream):
    """The findings of a `bursar.gateway.wires.base.Meter`, of which nothing is known at first."""

    def __init__(self, *, strips: bool = False) -> None:
        super().__init__(strips=strips)
        self.usage: Usage | None = None
        self.partial: Usage | None = None
        self.complete = False
        self.failed = False
        self.model: str | None = None
        self.message = ""

    def _named(self, message: object) -> None:
        """Take the name that the provider gave its answer."""
        if isinstance(message, str):
            self.message = message[:LONGEST_NAME]
