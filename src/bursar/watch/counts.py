"""Plain counters: what the event loop adds to at each call, read when somebody asks.

They are dictionaries and lists, because a call may spend no more than some microseconds on being counted. Every label
is one of a bounded set (wires, configured providers, outcomes, refusals), so nothing grows with people or models.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from operator import attrgetter

from bursar.store.records import CallRecord

REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
COMMIT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_MEMO = "reasoning_tokens"
"""Those tokens are in the output's already."""
COUNTED = tuple(
    name
    for name in CallRecord.__struct_fields__
    if (name.endswith("_tokens") and name != _MEMO) or name == "web_searches"
)
"""The billable buckets, as a call's record names them."""
_counted = attrgetter(*COUNTED)


class Histogram:
    """How often something took how long. `counts[i]` are those of up to `bounds[i]` seconds, the last all others."""

    __slots__ = ("bounds", "counts", "total_s")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total_s += seconds


class Latencies(dict[str, Histogram]):
    """A histogram for each value of one label."""

    def observe(self, label: str, seconds: float) -> None:
        """Count one."""
        found = self.get(label)
        if found is None:
            found = self[label] = Histogram(REQUEST_S)
        found.observe(seconds)


class Counts:
    """Everything that is counted in one process, from its start.

    `requests` by wire and status; `calls` by wire, provider and outcome: their number, their cost in nano-USD, then
    the buckets of `COUNTED`.
    """

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = defaultdict(int)
        self.refusals: dict[str, int] = defaultdict(int)
        self.calls: dict[tuple[str, str, str], list[int]] = {}
        self.attempts: dict[tuple[str, str], int] = defaultdict(int)
        """Further attempts at a request, by the provider that failed and the one that was tried next."""
        self.request_s = Latencies()
        self.first_byte_s = Latencies()
        self.commit_s = Histogram(COMMIT_S)

    def ended(self, record: CallRecord) -> None:
        """Count a call whose hold has ended."""
        label = (record.wire, record.provider, record.outcome)
        row = self.calls.get(label)
        if row is None:
            row = self.calls[label] = [0] * (2 + len(COUNTED))
        row[0] += 1
        row[1] += record.cost_nanos
        for place, count in enumerate(_counted(record), 2):
            if count:
                row[place] += count
