"""The line that shows, while a run's command runs, what it has spent. It has the terminal's last row to itself.

The rows above scroll by themselves (DECSTBM, as package managers do it), so the command's output stays whole.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, TextIO

from bursar.cli.show import clean, count, money
from bursar.cli.told import Told
from bursar.money import NANOS_PER_USD, people_usd
from bursar.refusals import Refused

EVERY_S = 1.0
SHARE_OF_TIME = 20
"""When asking takes long, a twentieth of the time is spent on it."""
RATE_S = 60.0
"""The rate is that of the last minute."""
LEAST_ROWS = 4


class Pace:
    """How fast a run spends, from what it had spent when it was asked."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Decimal]] = deque()

    def saw(self, at_s: float, spent: Decimal) -> None:
        """Note what had been spent at a time."""
        self._seen.append((at_s, spent))
        while len(self._seen) > 2 and self._seen[1][0] < at_s - RATE_S:
            self._seen.popleft()

    def a_minute(self) -> Decimal:
        """Dollars a minute; 0 as long as it is not known."""
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        elapsed_s = last_s - first_s
        return (last - first) * 60 / Decimal(elapsed_s) if elapsed_s > 0 else Decimal(0)


def line(run: dict[str, Any], a_minute: Decimal, now: datetime) -> str:
    """What is shown of a run at a local time: spent, left, calls, tokens, the rate, and when it ends or runs out."""
    words = [
        f"{run['name'] or run['run']}: {money(run['spent'])} of {money(run['budget'])}",
        f"{money(run['left'])} left",
        count(run["calls"], "call"),
        f"{_short(run['tokens'])} tokens",
    ]
    if run["state"] != "running":
        words.append(run["state"])
    elif a_minute > 0:
        words.append(f"{people_usd(int(a_minute * NANOS_PER_USD))} a minute")
        ends = datetime.fromisoformat(run["until"]).replace(tzinfo=UTC)
        lasts_min = Decimal(run["left"]) / a_minute
        if lasts_min < (ends - now) / timedelta(minutes=1):
            words.append(f"runs out at {now + timedelta(minutes=float(lasts_min)):%H:%M}")
    return clean(" · ".join(words))


def _short(number: int) -> str:
    """A number of tokens in three figures."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}" if number < 999.5 * size else f"{number // size}{unit}"
    return str(number)


class Live:
    """Asks now and then, in a thread of its own, and shows the line until it is left."""

    def __init__(self, ask: Callable[[], dict[str, Any]], terminal: TextIO) -> None:
        self._ask = ask
        self._terminal = terminal
        self._over = threading.Event()
        self._rows = 0
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def __enter__(self) -> Live:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(EVERY_S)  # a server that hangs is not waited for
        self._give_back()

    def _run(self) -> None:
        pace, wait_s = Pace(), EVERY_S
        while not self._over.wait(wait_s):
            began_s = time.monotonic()
            with suppress(Refused, Told):  # a server that restarts is asked again
                run = self._ask()
                pace.saw(began_s, Decimal(run["spent"]))
                self._show(line(run, pace.a_minute(), datetime.now(UTC).astimezone()))
            wait_s = max(EVERY_S, SHARE_OF_TIME * (time.monotonic() - began_s))

    def _show(self, text: str) -> None:
        with suppress(OSError):
            columns, rows = os.get_terminal_size(self._terminal.fileno())
            if rows < LEAST_ROWS:
                return
            if rows != self._rows:  # set the last row apart; what stands on it moves up
                self._write(f"\n\x1b7\x1b[1;{rows - 1}r\x1b8\x1b[1A")
                self._rows = rows
            self._write(f"\x1b7\x1b[{rows};1H\x1b[2K\x1b[7m{text[: columns - 1]}\x1b[0m\x1b8")

    def _give_back(self) -> None:
        if self._rows:
            with suppress(OSError):
                self._write(f"\x1b7\x1b[r\x1b[{self._rows};1H\x1b[2K\x1b8")

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()
