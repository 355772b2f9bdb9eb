"""The main figure: CPU time per request of each program's whole process tree, measured in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.field import Contestant, Say, Settings
from bench.figure import Cell, Figure, Spread, spread
from bench.load import apply_load


class Work(NamedTuple):
    """What one load did. `in_flight` is the most that its end can have cut off."""

    requests: int
    per_second: float
    in_flight: int


class Round(NamedTuple):
    """One program's share of one round. Costs are microseconds of CPU time per completion."""

    cost_us: float
    upstream_cost_us: float
    per_second: float


Apply = Callable[[Contestant], Work]
"""Puts one round's load on a program. Raises BenchError when an answer was not right."""


def measure(one: Contestant, apply: Apply) -> Round:
    """Load one program and divide the CPU time that it used by the completions that its upstream served.

    The trees are read before the load and once they are quiet after it: work done after an answer counts.
    """
    program, upstream = one.running.tree, one.upstream.tree
    served_before = one.upstream.served()
    before_us, upstream_before_us = program.cpu_us(), upstream.cpu_us()
    work = apply(one)
    program.wait_until_quiet()
    cost_us, upstream_cost_us = program.cpu_us() - before_us, upstream.cpu_us() - upstream_before_us
    served = one.counted(work.requests, served_before, work.in_flight)
    return Round(cost_us / served, upstream_cost_us / served, work.per_second)


def measure_in_turn(
    field: Sequence[Contestant], apply: Apply, settings: Settings, say: Say
) -> dict[str, list[Round]]:
    """Warm every program up with a load that does not count, then measure all of them round by round."""
    rounds: dict[str, list[Round]] = {one.name: [] for one in field}
    for turn in range(settings.rounds + 1):
        for one in field:
            say(f"round {turn} of {settings.rounds}: {one.name}" if turn else f"warming up {one.name}")
            measured = measure(one, apply)
            if turn:
                rounds[one.name].append(measured)
    return rounds


def floor_us(rounds: dict[str, list[Round]]) -> list[float] | None:
    """The floor of each round: nginx's plain proxy, its mock upstream included; None when it does not run."""
    return [one.cost_us + one.upstream_cost_us for one in rounds["nginx"]] if "nginx" in rounds else None


def ratio(above: Sequence[float] | None, below: Sequence[float] | None) -> Spread | None:
    """The ratio of two programs, round by round."""
    if above is None or below is None:
        return None
    return spread([one / other for one, other in zip(above, below, strict=True)])


def cost(field: Sequence[Contestant], versions: dict[str, str], body: Path, settings: Settings, say: Say) -> Figure:
    """CPU time per request, with ratios to nginx's floor and of Bursar to each program."""

    def apply(one: Contestant) -> Work:
        load = apply_load(
            one.running.url,
            one.running.headers,
            body,
            seconds=settings.seconds,
            connections=settings.connections,
        )
        return Work(load.requests, load.per_second, settings.connections)

    rounds = measure_in_turn(field, apply, settings, say)
    floor = floor_us(rounds)
    costs = {name: [one.cost_us for one in several] for name, several in rounds.items()}
    if floor is not None:
        alone = spread(costs["nginx"])
        costs["nginx"] = floor
    rows: list[dict[str, Cell | Spread]] = [
        {
            "program": f"{one.name} {versions[one.name]}",
            "budgets": one.program.budgets,
            "CPU µs/request": spread(costs[one.name]),
            "× nginx": ratio(costs[one.name], floor),
            "bursar ÷ it": ratio(costs.get("bursar"), costs[one.name]),
            "requests/s": spread([several.per_second for several in rounds[one.name]]),
            "resident MB": one.running.tree.resident_mb(),
            "first answer s": one.running.start_s,
        }
        for one in field
    ]
    note = (
        f"User + system time of the whole process tree, from /proc; {settings.connections} connections, 1 KB "
        f"chat completions, {settings.seconds} s a round, rounds in turn: {settings.rounds}, after one to warm up; "
        "median (lowest..highest)."
    )
    if floor is not None:
        note += (
            f" nginx's line, the floor, includes its mock upstream; its proxy alone takes {alone} µs. "
            "The other lines are the program alone."
        )
    return Figure("CPU time per request", note, rows)
