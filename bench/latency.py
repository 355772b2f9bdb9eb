"""Latency at 50 connections: at a pace that every program keeps, and with each connection asking all the time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.field import Contestant, Say, Settings
from bench.figure import Cell, Figure, Spread, spread
from bench.load import Load, apply_load

CONNECTIONS = 50
PAUSE_MS = 1000
"""Mean pause of a connection between two requests, so about 50 requests a second come in all."""

LOADS = {"paced": PAUSE_MS, "flat out": 0}


def latency(field: Sequence[Contestant], body: Path, settings: Settings, say: Say) -> Figure:
    """Medians over the rounds of p50 and p99, and how much of each comes on top of nginx's plain proxy."""
    seconds = max(2, settings.seconds // 2)
    loads: dict[tuple[str, str], list[Load]] = {(kind, one.name): [] for kind in LOADS for one in field}
    for turn in range(1, settings.rounds + 1):
        for one in field:
            for kind, pause_ms in LOADS.items():
                say(f"latency {kind}, round {turn} of {settings.rounds}: {one.name}")
                served_before = one.upstream.served()
                load = apply_load(
                    one.running.url,
                    one.running.headers,
                    body,
                    seconds=seconds,
                    connections=CONNECTIONS,
                    pause_ms=pause_ms,
                )
                one.running.tree.wait_until_quiet()
                one.counted(load.requests, served_before, CONNECTIONS)
                loads[kind, one.name].append(load)
    return Figure(
        "Latency at 50 connections, ms",
        f"wrk's own times, {seconds} s a round: median of the rounds. Paced: a connection waits 0 to "
        f"{2 * PAUSE_MS / 1000:.0f} s before each request, about {CONNECTIONS * 1000 // PAUSE_MS} requests a "
        "second in all. Flat out: each asks again at once, so these times are queues. Added: on top of nginx's "
        "plain proxy.",
        [row(kind, one.name, loads) for kind in LOADS for one in field],
    )


def row(kind: str, name: str, loads: dict[tuple[str, str], list[Load]]) -> dict[str, Cell | Spread]:
    """One program under one kind of load, in milliseconds."""
    cells: dict[str, Cell | Spread] = {"program": name, "load": kind}
    for percentile in ("p50", "p99"):
        own = spread(milliseconds(loads[kind, name], percentile))
        floor = loads.get((kind, "nginx"))
        added = own.median - spread(milliseconds(floor, percentile)).median if floor else None
        cells |= {percentile: own, f"added {percentile}": added}
    return cells


def milliseconds(loads: Sequence[Load], percentile: str) -> list[float]:
    """One percentile of every round."""
    return [(one.p50_us if percentile == "p50" else one.p99_us) / 1000 for one in loads]
