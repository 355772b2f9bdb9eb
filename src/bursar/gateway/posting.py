"""The journal as the event loop sees it: submit a command, await its answer.

Answers of one group arrive together, with one wake-up of the loop for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bursar.ledger.postings import Command
from bursar.refusals import Why, refuse
from bursar.store.batch import Outcome
from bursar.store.journal import Journal

Answer = asyncio.Future[Outcome]
Orphan = Callable[[Outcome], None]
Token = tuple[Answer, Orphan | None]
LATE = refuse(Why.STORE_UNAVAILABLE)
"""What whoever waited too long for an answer gets in its place; the answer itself then goes to the orphan's taker."""


class LoopJournal:
    """A journal's waiter that lives on one event loop."""

    def __init__(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self._journal = journal
        self._loop = loop

    def post(self, command: Command, orphan: Orphan | None = None) -> Answer:
        """Queue a command; await the answer.

        Cancelling the wait does not take the command back: its outcome then goes to `orphan`.
        """
        answer: Answer = self._loop.create_future()
        self._journal.submit(command, self, (answer, orphan))
        return answer

    def deliver(self, answers: list[tuple[Token, Outcome]]) -> None:
        """Called from the journal's thread (or from `post`, when the journal refuses to queue)."""
        self._loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[tuple[Token, Outcome]]) -> None:
    for (answer, orphan), outcome in answers:
        if not answer.done():
            answer.set_result(outcome)
        elif orphan is not None:
            orphan(outcome)
