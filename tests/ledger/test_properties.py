"""Random histories on `decide()` and `apply()`, step by step against a model that moves one nano-dollar at a time."""

from __future__ import annotations

from random import Random
from types import ModuleType

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bursar.ledger import decide as real
from bursar.ledger.accounts import SHARED, account_of
from bursar.ledger.postings import Command, Hold, Posting, Settle
from tests.ledger.histories import History, assert_agrees, assert_bounded, expected, told
from tests.ledger.model import Model
from tests.ledger.pure import PureBooks

STEPS_PER_RULE = 5


class Walk:
    """One history on books and model at once."""

    def __init__(self, chance: Random, module: ModuleType = real) -> None:
        self.books, self.model, self.history = PureBooks(module), Model(), History(chance)

    def step(self) -> None:
        """Draw a command, ask both, and compare answer and balances."""
        command = self.history.command(self.model)
        before = {number: list(balance.amounts) for number, balance in self.books.state.items()}
        answer = self.books.post(command)
        assert told(answer) == expected(self.model, command, len(self.books.state))
        self._check(command, answer, before)

    def _check(self, command: Command, answer: object, before: dict[int, list[int]]) -> None:
        if not isinstance(answer, Posting):
            assert {number: balance.amounts for number, balance in self.books.state.items()} == before
            return
        assert answer.op == command.op
        if answer.opens is not None:
            self.history.opened(answer.opens.id, answer.opens.kind, answer.opens.person_id)
        for debit, credit, amount in answer.transfers:
            assert type(amount) is int
            assert amount > 0
            assert debit != credit
            assert account_of(debit)[0] == account_of(credit)[0]
            assert self.books.state[account_of(debit)[0]].person_id in (answer.person_id, SHARED)
        if isinstance(command, Hold):
            assert command.minimum <= answer.amount <= command.amount
        assert_agrees(self.model, self.books.state)
        assert_bounded(self.model, self.books.state)


def walk(chance: Random, steps: int, module: ModuleType = real) -> None:
    """A whole history. The mutants' test runs it too."""
    walked = Walk(chance, module)
    for _ in range(steps):
        walked.step()


class Ledger(RuleBasedStateMachine):
    """Hypothesis chooses what happens; five steps a rule, so that 500 histories of 50 steps stay quick."""

    @initialize()
    def begin(self) -> None:
        self.walk = Walk(Random(0))

    @rule(seed=st.integers(0, 2**32))
    def go_on(self, seed: int) -> None:
        self.walk.history.chance = Random(seed)
        for _ in range(STEPS_PER_RULE):
            self.walk.step()

    @precondition(lambda self: self.walk.books.holds)
    @rule()
    def settle_everything(self) -> None:
        for hold_id, held in list(self.walk.books.holds.items()):
            settle = Settle(hold_id, held.amount, self.walk.history.at_us)
            assert told(self.walk.books.post(settle)) == expected(self.walk.model, settle, 0)
        assert not any(balance.held for balance in self.walk.books.state.values())

    @invariant()
    def nothing_is_held_by_nobody(self) -> None:
        held: dict[int, int] = {}
        for hold in self.walk.books.holds.values():
            for number, amount in hold.legs:
                held[number] = held.get(number, 0) + amount
        assert {n: balance.held for n, balance in self.walk.books.state.items() if balance.held} == held


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=500, stateful_step_count=50 // STEPS_PER_RULE)


@pytest.mark.soak
def test_a_hundred_thousand_histories() -> None:
    for seed in range(100_000):
        print(f"seed {seed}")
        walk(Random(seed), 100)
