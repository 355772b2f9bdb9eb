"""The journal: the one writer, which queues commands and commits them in groups.

Commands wait in a queue; a thread takes all that wait, runs them as one `Batch` in one transaction, and only after
the commit hands out the answers. Under load a group shares one fsync; alone, a command is committed at once.

When the database fails, nothing is acknowledged: every command of the group is answered `store_unavailable` and the
next group tries afresh. When the queue is full, a command is refused as `busy` before it waits.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

import psycopg
import sqlalchemy as sa

from bursar.ledger.postings import Command
from bursar.refusals import Refused, Why, refuse
from bursar.store.batch import Batch, Outcome
from bursar.store.database import Database
from bursar.store.doubt import Doubt
from bursar.store.writer import Writer

log = logging.getLogger("bursar.journal")
T = TypeVar("T")
MAX_BATCH = 1_000
MAX_WAITING = 20_000
BUSY, GATHERED, GATHER_S = 16, 64, 0.003
"""After a group of BUSY commands the next waits GATHER_S for more, unless GATHERED wait already (decision 0008)."""
RETRIES = 5
"""How often a group is run again when PostgreSQL could not serialise it with another node's."""


_NOTHING: Any = object()
DATABASE_FAILED = (sqlite3.OperationalError, psycopg.OperationalError, sa.exc.OperationalError, OSError)
LOOK_AGAIN = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)


class Waiter(Protocol):
    """Where answers go. Called from the journal's thread, once for each group, with all of this waiter's answers."""

    def deliver(self, answers: list[tuple[Any, Outcome]]) -> None:
        """Take (token, outcome) pairs."""


class Journal:
    """Accepts commands from any thread, answers each exactly once, and writes them durably before it does."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        """Start writing. `clock` tells the instant (µs) at which a group is recorded."""
        self.database = database
        self._clock = clock
        self._queue: SimpleQueue[tuple[Command | Callable[[sa.Connection], Any], Waiter, Any] | None] = SimpleQueue()
        self._writer: Writer | None = Writer.open(database)
        self.chain = self._writer.chain
        """The hash chain that this process extends; its open holds are marked with it."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._stopped = False
        self._doubt = Doubt()
        self.groups = 0
        self.on_group: Callable[[float], None] = _nobody_asks
        """Told how long a group took (s), from the journal's thread."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many commands wait to be written."""
        return self._queue.qsize()

    def submit(self, command: Command, waiter: Waiter, token: Any) -> None:
        """Queue a command; its answer goes to `waiter.deliver` with the token."""
        if self._stopped:
            waiter.deliver([(token, refuse(Why.STORE_UNAVAILABLE))])
        elif self._queue.qsize() >= MAX_WAITING:
            waiter.deliver([(token, refuse(Why.BUSY, waiting=MAX_WAITING))])
        else:
            self._put(command, waiter, token)

    def post(self, command: Command) -> Outcome:
        """Queue a command and wait for its answer."""
        return self.post_all([command])[0]

    def post_all(self, commands: Sequence[Command]) -> list[Outcome]:
        """Queue commands and wait for all answers, in the commands' order."""
        waiter = _Blocked(len(commands))
        for index, command in enumerate(commands):
            self.submit(command, waiter, index)
        return waiter.wait()

    def write(self, change: Callable[[sa.Connection], T]) -> T:
        """Run a change to the directory in a transaction of its own on the writing connection; wait for it.

        What it adds to the papers is sealed by a link of the chain (see `store.seals`). It may be run again, when
        another node writes the same at the same moment; so what it does is a matter of the connection alone.

        Raises whatever the change raises, or Refused(STORE_UNAVAILABLE) when the database fails; then nothing of it
        was written, unless the connection broke while it was being committed.
        """
        if self._stopped:
            raise Refused(refuse(Why.STORE_UNAVAILABLE))
        waiter = _Blocked(1)
        self._put(change, waiter, 0)
        result: Any = waiter.wait()[0]
        if isinstance(result, _Raised):
            raise result.error
        return result  # type: ignore[no-any-return]

    def close(self) -> None:
        """Write what waits, then stop. Commands that come later are refused."""
        if not self._stopped:
            self._stopped = True
            self._queue.put(None)
            self._thread.join()
            self._drop_connection()
            self._refuse_rest()

    def _put(self, item: Command | Callable[[sa.Connection], Any], waiter: Waiter, token: Any) -> None:
        self._queue.put((item, waiter, token))
        if self._stopped:
            # `close` came in between, and the thread may have passed by already.
            self._refuse_rest()

    def _refuse_rest(self) -> None:
        """Answer what was queued behind the end, so that nobody waits forever."""
        if threading.current_thread() is self._thread:
            return  # a waiter asks for more as it is answered; `close` will come to it
        self._thread.join()
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if item is not None:
                refusal = refuse(Why.STORE_UNAVAILABLE)
                is_command = isinstance(item[0], Command)
                _deliver(item[1], [(item[2], refusal if is_command else _Raised(Refused(refusal)))])

    # --- the writing thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        busy = False
        while True:
            group: list[tuple[Any, Waiter, Any]] = []
            item = self._take(self._next(), group)
            if busy and item is _NOTHING and len(group) < GATHERED:
                time.sleep(GATHER_S)
                item = self._take(_NOTHING, group)
            busy = len(group) >= BUSY
            if group:
                self._post_group(group)
            if item is None:
                return
            if item is not _NOTHING:
                self._change(*item)

    def _next(self) -> Any:
        """What was queued first. While some holds are doubtful, the database is asked about them now and then."""
        while (wait_s := self._doubt.wait_s) is not None:
            if wait_s == 0.0:
                self._settle_doubt()
            else:
                try:
                    return self._queue.get(timeout=wait_s)
                except Empty:
                    continue
        return self._queue.get()

    def _settle_doubt(self) -> None:
        self._doubt.looking()
        try:
            releases = self._doubt.releases(self._connected(), self._clock())
            if releases:
                log.warning("%d holds were written though the database failed; they are given back", len(releases))
                self._attempt(releases)
            self._doubt.looked()
        except DATABASE_FAILED:
            self._drop_connection()
        except Exception:
            log.exception("doubtful holds could not be looked into")

    def _take(self, item: Any, group: list[tuple[Any, Waiter, Any]]) -> Any:
        """Move waiting commands into the group. Returns what follows them: the end, a change, or _NOTHING yet."""
        try:
            while len(group) < MAX_BATCH:
                if item is _NOTHING:
                    item = self._queue.get_nowait()
                if item is None or not isinstance(item[0], Command):
                    return item
                group.append(item)
                item = _NOTHING
        except Empty:
            pass
        return _NOTHING

    def _post_group(self, group: list[tuple[Any, Waiter, Any]]) -> None:
        began_s = time.perf_counter()
        outcomes = self._post_together([item[0] for item in group])
        self.on_group(time.perf_counter() - began_s)
        self.groups += 1
        answers: dict[int, tuple[Waiter, list[tuple[Any, Outcome]]]] = {}
        for (_, waiter, token), outcome in zip(group, outcomes, strict=True):
            answers.setdefault(id(waiter), (waiter, []))[1].append((token, outcome))
        for waiter, delivered in answers.values():
            _deliver(waiter, delivered)

    def _post_together(self, commands: list[Command]) -> Sequence[Outcome]:
        """Run a group; when one of its commands breaks it, run each alone, so that only that one fails."""
        try:
            return self._attempt(commands)
        except DATABASE_FAILED:
            log.exception("the database failed; %d commands are refused", len(commands))
            self._doubt.add(commands)
            self._drop_connection()
            return [refuse(Why.STORE_UNAVAILABLE)] * len(commands)
        except Exception:
            log.exception("a command broke its group of %d", len(commands))
            if len(commands) == 1:
                return [refuse(Why.STORE_UNAVAILABLE)]
            return [self._post_together([command])[0] for command in commands]

    def _attempt(self, commands: list[Command]) -> list[Outcome]:
        for _ in range(RETRIES):
            try:
                return Batch(self._connected(), commands, self._clock()).run()
            except LOOK_AGAIN as conflict:
                # Another node did the same operation, or locked in our way, at the same moment: look again.
                log.info("a group is run again: %s", type(conflict).__name__)
        return Batch(self._connected(), commands, self._clock()).run()

    def _change(self, change: Callable[[sa.Connection], Any], waiter: Waiter, token: Any) -> None:
        result: Any
        try:
            result = self._changed(change)
        except DATABASE_FAILED:
            log.exception("the database failed; a change to the directory is refused")
            self._drop_connection()
            result = _Raised(Refused(refuse(Why.STORE_UNAVAILABLE)))
        except Exception as error:  # handed to whoever waits
            result = _Raised(error)
        _deliver(waiter, [(token, result)])

    def _changed(self, change: Callable[[sa.Connection], Any], tries: int = RETRIES) -> Any:
        """Run a change in a transaction; anew when another node wrote the same, or locked in our way, just then."""
        writer = self._connected()
        writer.begin()
        try:
            result = change(writer.connection)
            head = writer.seal(self._clock())
            writer.commit()
        except BaseException as problem:
            writer.rollback()
            if tries and isinstance(problem, sa.exc.DBAPIError) and isinstance(problem.orig, LOOK_AGAIN):
                log.info("a change is made again: %s", type(problem.orig).__name__)
                return self._changed(change, tries - 1)
            raise
        if head is not None:
            writer.advance(head)
        return result

    def _connected(self) -> Writer:
        """The writer; a new one when the last connection failed."""
        if self._writer is None:
            self._writer = Writer.open(self.database)
            self.chain = self._writer.chain
        return self._writer

    def _drop_connection(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            except Exception:
                log.debug("a failed connection did not close", exc_info=True)


def _nobody_asks(_seconds: float) -> None:
    """Until somebody wants to know."""


def _deliver(waiter: Waiter, answers: list[tuple[Any, Any]]) -> None:
    """Hand answers over. A waiter that fails (its event loop is gone) must not stop the journal for the others."""
    try:
        waiter.deliver(answers)
    except Exception:
        log.exception("%d answers could not be delivered", len(answers))


class _Raised:
    def __init__(self, error: Exception) -> None:
        self.error = error


class _Blocked:
    """A thread that waits for a number of answers."""

    def __init__(self, count: int) -> None:
        self._answers: list[Any] = [None] * count
        self._missing = count
        self._lock = threading.Lock()
        self._done = threading.Event()
        if not count:
            self._done.set()

    def deliver(self, answers: list[tuple[Any, Outcome]]) -> None:
        for index, outcome in answers:
            self._answers[index] = outcome
        # The journal's thread answers, and so does the waiting thread itself when the queue is full.
        with self._lock:
            self._missing -= len(answers)
            if self._missing == 0:
                self._done.set()

    def wait(self) -> list[Any]:
        self._done.wait()
        return self._answers
