"""The watch over one server: its counters, and whoever is told of its calls."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bursar.watch.counts import Counts
from bursar.watch.sight import Sight
from bursar.watch.told import Teller, ToldCall

log = logging.getLogger("bursar.watch")


class Watch:
    """Counts always; tells of single calls when there are `tellers`."""

    def __init__(self, tellers: tuple[Teller, ...] = ()) -> None:
        self.counts = Counts()
        self.tellers = tellers

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> Sight:
        """A request has arrived."""
        parent = b""
        if self.tellers:
            parent = next((value for name, value in headers if name == b"traceparent"), b"")
        return Sight(self, parent)

    def tell(self, call: ToldCall) -> None:
        """Tell all tellers. That one of them fails is no affair of the call's."""
        for teller in self.tellers:
            try:
                teller.tell(call)
            except Exception:
                log.exception("a call could not be told of")

    def close(self) -> None:
        """Pass on what the tellers have."""
        for teller in self.tellers:
            teller.close()
