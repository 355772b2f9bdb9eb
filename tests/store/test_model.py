"""Random histories on the journal, on both engines, against the model that moves one nano-dollar at a time.

Commands come in groups; some come again, with the same or with other content.
"""

from __future__ import annotations

from itertools import count
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bursar.ledger.accounts import account_of
from bursar.ledger.postings import Command, Hold, Open, Posting, Settle
from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.ledger.histories import History, assert_agrees, assert_bounded, expected, told
from tests.ledger.model import Model, Told
from tests.store.seen import assert_sound, balances


class Conversation:
    """A few people's history on a journal, and what every operation was answered when it was asked first."""

    def __init__(self, journal: Journal, people: tuple[int, ...], chance: Random) -> None:
        self.journal, self.model, self.chance = journal, Model(), chance
        self.history = History(chance, people)
        self.answered: dict[str, tuple[Command, Told]] = {}

    def group(self) -> None:
        """Ask a few commands together, and compare each answer."""
        asked: list[tuple[Command, Told]] = []
        for _ in range(self.chance.randint(1, 6)):
            if self.answered and self.chance.random() < 0.25:
                asked.append(self._again())
                continue
            command = self.history.command(self.model)
            if isinstance(command, Open):
                self._open(command)
            else:
                asked.append((command, self._first(command)))
        answers = self.journal.post_all([command for command, _ in asked])
        assert [told(answer) for answer in answers] == [answer for _, answer in asked]

    def _open(self, command: Open) -> None:
        posting = self.journal.post(command)
        assert isinstance(posting, Posting)
        number = account_of(posting.transfers[0].debit)[0]
        assert told(posting) == self._first(command, number)
        self.history.opened(number, command.kind, command.person_id)

    def _first(self, command: Command, number: int = 0) -> Told:
        """The answer to a command, which may be an operation that was done before under the same name."""
        known = self.answered.get(command.op)
        if known is not None:
            return known[1] if known[0].content == command.content else "operation_conflict"
        answer = expected(self.model, command, number)
        if answer not in {"nothing", "hold_unknown"}:
            self.answered[command.op] = (command, answer)
        return answer

    def _again(self) -> tuple[Command, Told]:
        command, answer = self.chance.choice(list(self.answered.values()))
        later = replace(command, at_us=self.history.at_us)
        if self.chance.random() < 0.3 and isinstance(later, Hold | Open):
            return replace(later, amount=later.amount + 1), "operation_conflict"
        if self.chance.random() < 0.3 and isinstance(later, Settle):
            return replace(later, provisional=not later.provisional), "operation_conflict"
        return later, answer


def test_the_journal_agrees_with_the_model(journal: Journal, database: Database) -> None:
    numbers = count(1, 3)

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        first = next(numbers)
        conversation = Conversation(journal, (first, first + 1, first + 2), Random(seed))
        for _ in range(15):
            conversation.group()
        mine = {n: balance for n, balance in balances(database).items() if n in conversation.model.purses}
        assert_agrees(conversation.model, mine)
        assert_bounded(conversation.model, mine)

    check()
    assert_sound(database)
