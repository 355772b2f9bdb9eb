"""The live line: its words, its rate, and what it writes to a terminal."""

from __future__ import annotations

import io
import os
import pty
import termios
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bursar.cli.live import Live, Pace, line

RUN: dict[str, Any] = {
    "run": "r1",
    "name": "nightly",
    "state": "running",
    "budget": "20.00",
    "spent": "3.21",
    "left": "16.79",
    "until": "2026-11-24T06:00:00Z",
    "calls": 42,
    "tokens": 1_234_567,
}
NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
BEGINS = "nightly: $3.21 of $20.00 · $16.79 left · 42 calls · 1.23M tokens"


@pytest.mark.parametrize(
    ("more", "a_minute", "ends"),
    [
        ({}, "0", ""),
        ({}, "0.01", " · $0.01 a minute"),
        ({}, "0.42", " · $0.42 a minute · runs out at 22:39"),
        ({"state": "killed"}, "0.42", " · killed"),
    ],
)
def test_what_is_said_of_a_run(more: dict[str, Any], a_minute: str, ends: str) -> None:
    assert line(RUN | more, Decimal(a_minute), NOW) == BEGINS + ends


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1_000, "1k"), (12_345, "12.3k"), (999_999, "999k"), (2_500_000_000, "2.5G")],
)
def test_tokens_in_three_figures(number: int, text: str) -> None:
    assert f" · {text} tokens" in line(RUN | {"tokens": number}, Decimal(0), NOW)


def test_a_name_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in line(RUN | {"name": "a\x1b[2Jb"}, Decimal(0), NOW)


def test_the_rate_is_the_last_minutes() -> None:
    pace = Pace()
    pace.saw(0, Decimal(0))
    assert pace.a_minute() == 0, "nothing is known yet"
    for second in range(1, 31):
        pace.saw(second, Decimal(second) / 10)
    assert pace.a_minute() == 6
    for second in range(31, 200):
        pace.saw(second, Decimal(3))
    assert pace.a_minute() == 0, "it has paused for more than a minute"


def test_it_keeps_the_last_row_and_gives_it_back() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 60))
    asked = 0

    def ask() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return RUN

    with open(theirs, "w") as terminal, Live(ask, terminal):
        time.sleep(1.3)
    seen = _written(ours)
    assert asked == 1, "once a second at most"
    assert "\x1b[1;23r" in seen
    assert "\x1b[24;1H\x1b[2K" in seen
    assert BEGINS[:59] in seen
    assert BEGINS[:60] not in seen, "it is cut to the row"
    assert seen.index("\x1b[r") > seen.index("nightly")
    assert seen.endswith("\x1b[24;1H\x1b[2K\x1b8")


def _written(ours: int) -> str:
    """All that was written to a terminal that has been closed."""
    seen = b""
    with suppress(OSError):  # the end of what a terminal has
        while part := os.read(ours, 10_000):
            seen += part
    os.close(ours)
    return seen.decode()


def test_what_is_no_terminal_gets_nothing() -> None:
    written = io.StringIO()
    with Live(lambda: RUN, written):
        time.sleep(1.1)
    assert written.getvalue() == ""
