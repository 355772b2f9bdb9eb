"""The programs of one run, all started, each before an upstream of its own that counts its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.processes import BenchError
from bench.program import Program, Running, Upstream

Say = Callable[[str], None]
"""Tells the person what is happening now."""


class Settings(NamedTuple):
    """How much is measured. A round's load lasts `seconds` for each program."""

    seconds: int
    rounds: int
    connections: int


class Contestant(NamedTuple):
    """A running program and the upstream behind it."""

    program: Program
    upstream: Upstream
    running: Running

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    def counted(self, requests: int, served_before: int, in_flight: int) -> int:
        """Completions that the upstream served since `served_before`: the work done, cut-off answers included.

        Raises BenchError when they are fewer than `requests`, what the load saw answered, or exceed it by more than
        `in_flight`, what the load's end can have cut off: answers not from the upstream, or calls tried again.
        """
        served = self.upstream.served() - served_before
        if not requests <= served <= requests + in_flight:
            raise BenchError(f"{self.name}: {requests} answers, but {served} completions served upstream")
        return served


@contextmanager
def running_field(
    programs: Sequence[Program],
    upstream: Callable[[Path], AbstractContextManager[Upstream]],
    folder: Path,
    say: Say,
) -> Iterator[list[Contestant]]:
    """Start each program before its own upstream; all are stopped on the way out, the programs first."""
    with ExitStack() as stack:
        contestants: list[Contestant] = []
        for program in programs:
            say(f"starting {program.name}")
            own = folder / program.name
            own.mkdir(parents=True)
            mock = stack.enter_context(upstream(own / "mock"))
            contestants.append(Contestant(program, mock, stack.enter_context(program.start(mock, own))))
        yield contestants
        say("stopping and verifying")
