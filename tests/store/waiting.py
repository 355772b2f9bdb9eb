"""Many threads at once, and groups that a test puts together itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from bursar.ledger.postings import Command, Posting
from bursar.refusals import Refusal
from bursar.store.batch import Outcome
from bursar.store.journal import Journal

T = TypeVar("T")
PATIENCE_SECONDS = 60


class Collector:
    """A waiter that keeps each answer under its token; `wait` until there are as many as were asked for."""

    def __init__(self) -> None:
        self.answers: dict[Any, Outcome] = {}
        self._arrived = threading.Condition()

    def deliver(self, answers: list[tuple[Any, Outcome]]) -> None:
        with self._arrived:
            for token, answer in answers:
                assert token not in self.answers, f"{token} was answered twice"
                self.answers[token] = answer
            self._arrived.notify_all()

    def wait(self, count: int) -> dict[Any, Outcome]:
        with self._arrived:
            done = self._arrived.wait_for(lambda: len(self.answers) >= count, PATIENCE_SECONDS)
        assert done, f"only {len(self.answers)} of {count} answers came"
        return self.answers


@contextmanager
def paused(journal: Journal) -> Iterator[None]:
    """Keep the journal's thread busy, so that what is submitted meanwhile becomes one group."""
    busy, go_on = threading.Event(), threading.Event()

    def block(_connection: object) -> None:
        busy.set()
        assert go_on.wait(PATIENCE_SECONDS)

    thread = threading.Thread(target=journal.write, args=(block,))
    thread.start()
    assert busy.wait(PATIENCE_SECONDS)
    try:
        yield
    finally:
        go_on.set()
        thread.join(PATIENCE_SECONDS)


def as_one_group(journal: Journal, commands: Sequence[Command]) -> list[Outcome]:
    """The answers to commands that the journal takes as one group."""
    collector = Collector()
    groups = journal.groups
    with paused(journal):
        for index, command in enumerate(commands):
            journal.submit(command, collector, index)
    answers = collector.wait(len(commands))
    assert journal.groups == groups + 1
    return [answers[index] for index in range(len(commands))]


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run each call in a thread of its own, all let go at the same moment; their results in order."""
    barrier = threading.Barrier(len(calls))

    def one(call: Callable[[], T]) -> T:
        barrier.wait(PATIENCE_SECONDS)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def gist(answer: Outcome) -> tuple[object, ...]:
    """What makes two answers the same: the posting's content without what it opened or ended, or the refusal."""
    if isinstance(answer, Posting):
        return (answer.op, answer.verb, answer.person_id, answer.effective_us, answer.amount, answer.transfers)
    if isinstance(answer, Refusal):
        return (answer.why, answer.facts)
    return ()
