"""The simulated providers' own bill: one line for each call that they charge, and exact totals."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from bursar.usage import Usage

KEEP_LINES = 500_000
"""The newest lines are kept, at most this many; totals count every line for ever."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One charged call. `at` is Unix time in seconds; `finished` says how the call ended.

    `finished` is "complete", "client_left", or the name of the fault that ended it. `client_request` is what the
    client called its request (`x-client-request-id`), as providers log it.
    """

    call: str
    key: str
    wire: str
    model: str
    variant: str | None
    usage: Usage
    cost_nanos: int
    finished: str
    at: float
    client_request: str = ""


class Total(msgspec.Struct):
    """What one key (or all of them) was charged."""

    calls: int = 0
    nanos: int = 0


class BillReport(msgspec.Struct, frozen=True):
    """The bill as `GET /sim/bill` tells it. Ask for `since=next` to read on."""

    total_nanos: int
    calls: int
    keys: dict[str, Total]
    lines: list[Line]
    next: int


class Bill:
    """Charged calls in memory, readable from any thread; each line also goes to `file`, when one is given."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque(maxlen=KEEP_LINES)
        self._totals: dict[str, Total] = {}
        self._total = Total()
        self._file: IO[bytes] | None = path.open("ab") if path is not None else None

    def add(self, line: Line) -> None:
        """Charge a call. Returns when the line can be read and, with a file, is flushed to it."""
        with self._lock:
            self._lines.append(line)
            for total in (self._total, self._totals.setdefault(line.key, Total())):
                total.calls += 1
                total.nanos += line.cost_nanos
            if self._file is not None:
                self._file.write(msgspec.json.encode(line) + b"\n")
                self._file.flush()

    def total_nanos(self, key: str | None = None) -> int:
        """Nano-dollars charged to a key, or to all of them."""
        with self._lock:
            return (self._total if key is None else self._totals.get(key, Total())).nanos

    def lines(self, key: str | None = None) -> list[Line]:
        """The lines of a key, or all of them, oldest first."""
        with self._lock:
            return [line for line in self._lines if key is None or line.key == key]

    def report(self, key: str | None = None, since: int = 0) -> BillReport:
        """Totals and the lines from number `since` on; lines are numbered from 0 in the order they were charged."""
        with self._lock:
            first = self._total.calls - len(self._lines)
            newer = islice(self._lines, max(0, since - first), None)
            total = self._total if key is None else self._totals.get(key, Total())
            return BillReport(
                total_nanos=total.nanos,
                calls=total.calls,
                keys={name: Total(each.calls, each.nanos) for name, each in self._totals.items()},
                lines=[line for line in newer if key is None or line.key == key],
                next=self._total.calls,
            )

    def reset(self) -> None:
        """Forget every line and total. The file keeps what it has."""
        with self._lock:
            self._lines.clear()
            self._totals.clear()
            self._total = Total()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
