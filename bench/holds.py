"""Durable holds a second: the journal alone, in this process, on a real disk, loaded as many clients would.

On SQLite, and on a PostgreSQL of Debian's that is started for the while.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from tests.support.postgres import PostgresServer

from bench.field import Say
from bench.figure import Cell, Figure, Spread, spread
from bench.processes import BenchError
from bursar.ledger.accounts import Kind
from bursar.ledger.postings import Command, Hold, Open, Posting, Settle
from bursar.store.batch import Outcome
from bursar.store.database import Database
from bursar.store.journal import Journal
from bursar.store.records import CallNote, unsettled_record
from bursar.store.verify import verify

FOLDER = Path(__file__).parent / "results"
"""Where the journal is written for the while: temporary folders may be in memory, where an fsync costs nothing."""
PEOPLE = 100
ROUNDS = 3
CALLS = 20_000
WAITERS = 4
IN_FLIGHT = (1_000, 64)
"""Commands that wait for their answers at any time, over all waiters together."""
BOUND_NANOS, COST_NANOS = 20_000_000, 5_000_000
NOTE = CallNote(1, "openai", "openai", "gpt-4o-mini", "standard", "pb-0123456789ab")


Opened = Callable[[], AbstractContextManager[Database]]


class Share(NamedTuple):
    """What one waiter posts: its calls' holds, then the settlements that end them."""

    holds: list[Command]
    settles: list[Command]


def holds(say: Say) -> Figure:
    """Holds and settlements a second on each engine, with the disk's own fsyncs a second beside them."""
    FOLDER.mkdir(exist_ok=True)
    say("durable holds: starting PostgreSQL")
    postgres = PostgresServer()
    try:
        engines: dict[str, Opened] = {"SQLite": in_a_folder, "PostgreSQL": partial(on_a_server, postgres)}
        rows = [row(engine, opened, in_flight, say) for engine, opened in engines.items() for in_flight in IN_FLIGHT]
    finally:
        postgres.remove()
    note = (
        f"SQLite with WAL and synchronous=FULL, PostgreSQL with fsync and synchronous_commit; one process, {WAITERS} "
        f"waiting threads, {CALLS:,} calls a round over {PEOPLE} people, their holds first, then their settlements. "
        "Every answer comes after its commit; each round's journal is verified. CPU time is this process's. "
        f"{ROUNDS} rounds: median (lowest..highest)."
    )
    return Figure("Durable holds a second", note, rows)


def row(engine: str, opened: Opened, in_flight: int, say: Say) -> dict[str, Cell | Spread]:
    """One line of the table: some rounds on one engine."""
    rates: list[tuple[float, float, float, float]] = []
    for turn in range(1, ROUNDS + 1):
        say(f"durable holds on {engine}, {in_flight} in flight, round {turn} of {ROUNDS}")
        with opened() as database:
            rates.append(one_round(database, in_flight))
    held, settled, cpu_us, fsyncs = zip(*rates, strict=True)
    return {
        "program": f"bursar's journal on {engine}",
        "in flight": in_flight,
        "holds/s": spread(held),
        "settles/s": spread(settled),
        "CPU µs/hold": spread(cpu_us),
        "the disk's fsyncs/s": spread(fsyncs),
    }


@contextmanager
def in_a_folder() -> Iterator[Database]:
    """A fresh SQLite database on the disk that the checkout is on."""
    with tempfile.TemporaryDirectory(prefix="holds-", dir=FOLDER) as name:
        database = Database.in_folder(Path(name))
        database.migrate()
        yield database
        database.close()


@contextmanager
def on_a_server(postgres: PostgresServer) -> Iterator[Database]:
    """A fresh PostgreSQL database."""
    name = postgres.fresh()
    database = Database(postgres.url(name))
    yield database
    database.close()
    postgres.drop(name)


def one_round(database: Database, in_flight: int) -> tuple[float, float, float, float]:
    """A fresh journal's holds/s and settles/s, CPU time of a hold in µs, and the disk's fsyncs/s at the time."""
    fsyncs = fsyncs_per_second(FOLDER)
    journal = Journal(database, lambda: time.time_ns() // 1_000)
    try:
        lots = opened_lots(journal)
        shares = [share(waiter, lots) for waiter in range(WAITERS)]
        before_s = time.process_time()
        held = rate(journal, [one.holds for one in shares], in_flight // WAITERS)
        cpu_us = (time.process_time() - before_s) * 1e6 / CALLS
        settled = rate(journal, [one.settles for one in shares], in_flight // WAITERS)
    finally:
        journal.close()
    with database.reading() as connection:
        found = verify(connection)
    if not found.is_right or found.open_holds or found.calls != CALLS:
        raise BenchError(f"the journal is not right: {found.calls} calls, {found.faults[:3]}")
    return held, settled, cpu_us, fsyncs


def fsyncs_per_second(folder: Path, *, seconds: float = 0.5) -> float:
    """How often the disk makes an appended page durable, one after the other: the rate without group commit."""
    done = 0
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        since_s = time.perf_counter()
        while time.perf_counter() - since_s < seconds:
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - since_s)


def opened_lots(journal: Journal) -> list[int]:
    """One lot for each person, with more in it than the load uses."""
    opens = [
        Open(person, Kind.LOT, f"grant:{person}", "2026-11", 10**15, 1, opens_us=1, expires_us=10**18)
        for person in range(1, PEOPLE + 1)
    ]
    return [
        outcome.opens.id
        for outcome in journal.post_all(opens)
        if isinstance(outcome, Posting) and outcome.opens is not None
    ]


def share(waiter: int, lots: Sequence[int]) -> Share:
    """A waiter's commands, made beforehand: only the journal's work is timed."""
    made = Share([], [])
    for number in range(waiter, CALLS, WAITERS):
        hold_id, person = f"{number:032x}", number % PEOPLE
        hold = Hold(
            hold_id,
            person + 1,
            (lots[person],),
            (),
            BOUND_NANOS,
            BOUND_NANOS,
            10,
            note=msgspec.msgpack.encode(NOTE),
            fresh=True,
        )
        record = unsettled_record(
            NOTE,
            hold_id=hold_id,
            person_id=person + 1,
            started_us=10,
            ended_us=11,
            bound_nanos=BOUND_NANOS,
            cost_nanos=COST_NANOS,
            outcome="settled",
            reason="",
        )
        made.holds.append(hold)
        made.settles.append(Settle(hold_id, COST_NANOS, 11, record=record))
    return made


def rate(journal: Journal, shares: Sequence[Sequence[Command]], in_flight: int) -> float:
    """Answers a second when every waiter keeps `in_flight` of its commands waiting. All must be posted."""
    waiters = [Waiter(journal, commands) for commands in shares]
    since_s = time.perf_counter()
    for waiter in waiters:
        waiter.start(in_flight)
    for waiter in waiters:
        waiter.wait()
    return sum(map(len, shares)) / (time.perf_counter() - since_s)


class Waiter:
    """A client of the journal in a thread of its own: it asks for the next command when an answer has come."""

    def __init__(self, journal: Journal, commands: Sequence[Command]) -> None:
        self._journal = journal
        self._commands = commands
        self._answered = 0
        self._refused: list[Outcome] = []
        self._may_ask = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._ask)

    def start(self, in_flight: int) -> None:
        """Ask for the first commands."""
        self._may_ask.release(in_flight)
        self._thread.start()

    def wait(self) -> None:
        """Wait for all answers. Raises BenchError when one was a refusal."""
        self._thread.join()
        if self._refused:
            raise BenchError(f"{len(self._refused)} commands were not posted, the first: {self._refused[0]}")

    def deliver(self, answers: list[tuple[None, Outcome]]) -> None:
        """Take answers, from the journal's thread."""
        self._refused += [outcome for _, outcome in answers if not isinstance(outcome, Posting)]
        self._answered += len(answers)
        self._may_ask.release(len(answers))

    def _ask(self) -> None:
        for command in self._commands:
            self._may_ask.acquire()
            self._journal.submit(command, self, None)
        while self._answered < len(self._commands):
            self._may_ask.acquire()
