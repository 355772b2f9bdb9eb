"""Records in columns: what a file has to tell, in a tenth of the room and time that an object for each takes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from bursar.importers.record import STANDARD, UsageRecord
from bursar.usage import Usage

NO_COST = -1
COUNTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_searches", "reasoning")
"""The counts that logs have, in the order of their columns; they are those of `Usage`."""

Counts = tuple[int, int, int, int, int, int, int]


class Whose(NamedTuple):
    """What many records of a file have in common; see UsageRecord."""

    catalog: str
    model: str
    variant: str = STANDARD
    session: str | None = None
    project: str | None = None
    person: str | None = None
    sidechain: bool = False


class Rows:
    """Records of one source, a list for each column; `whose` is the index of what a record shares with others."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.shared: list[Whose] = []
        self.keys: list[str] = []
        self.requests: list[str | None] = []
        self.messages: list[str | None] = []
        self.at_us: list[int] = []
        self.whose: list[int] = []
        self.cost_nanos: list[int] = []
        self.counts: list[Counts] = []
        self._index: dict[Whose, int] = {}
        self._last: Whose | None = None
        self._last_index = 0

    def __len__(self) -> int:
        return len(self.keys)

    def add(  # noqa: PLR0917 - called for each record, and names cost time
        self,
        key: str,
        at_us: int,
        whose: Whose,
        counts: Counts,
        request_id: str | None = None,
        message_id: str | None = None,
        cost_nanos: int | None = None,
    ) -> None:
        """Put a record at the end; `counts` are in the order of COUNTS and 0 or more."""
        if whose is not self._last:  # it mostly is, and to hash its texts takes longer than all the rest
            self._last, self._last_index = whose, self._index_of(whose)
        self.keys.append(key)
        self.requests.append(request_id)
        self.messages.append(message_id)
        self.at_us.append(at_us)
        self.whose.append(self._last_index)
        self.cost_nanos.append(NO_COST if cost_nanos is None else cost_nanos)
        self.counts.append(counts)

    def _index_of(self, whose: Whose) -> int:
        index = self._index.setdefault(whose, len(self.shared))
        if index == len(self.shared):
            self.shared.append(whose)
        return index

    def columns(self) -> list[array[int]]:
        """The numbers, a column each: instant, whose, cost, then the counts in the order of COUNTS."""
        counts = [array("q", column) for column in zip(*self.counts, strict=True)] or [array("q") for _ in COUNTS]
        return [array("q", self.at_us), array("q", self.whose), array("q", self.cost_nanos), *counts]

    def records(self) -> Iterator[UsageRecord]:
        """The records, one after the other."""
        for row, key in enumerate(self.keys):
            whose = self.shared[self.whose[row]]
            cost_nanos = self.cost_nanos[row]
            yield UsageRecord(
                self.source,
                key,
                self.at_us[row],
                whose.catalog,
                whose.model,
                Usage(**dict(zip(COUNTS, self.counts[row], strict=True))),
                whose.variant,
                self.requests[row],
                self.messages[row],
                whose.session,
                whose.project,
                None if cost_nanos == NO_COST else cost_nanos,
                whose.person,
                whose.sidechain,
            )
