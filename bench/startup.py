"""Start-up of the command line. How soon each program answers after its start is in the main table."""

from __future__ import annotations

import time

from bench.bursar import BURSAR
from bench.field import Say
from bench.figure import Cell, Figure, Spread, spread
from bench.processes import run

RUNS = 5


def startup(say: Say) -> Figure:
    """Wall time of `bursar --help`, after one run that does not count."""
    say("bursar --help")
    times_s = []
    for _ in range(RUNS + 1):
        since_s = time.perf_counter()
        run([BURSAR, "--help"])
        times_s.append(time.perf_counter() - since_s)
    row: dict[str, Cell | Spread] = {"program": "bursar --help", "wall s": spread(times_s[1:])}
    return Figure("Start-up", f"{RUNS} runs after one to warm up: median (lowest..highest).", [row])
