"""A ledger in memory: `decide()`, then `apply()`, and nothing else. What the journal does, without a database."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from bursar.ledger import decide as real
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Command, Decision, OpenHold, Posting
from tests.ledger.tables import Books


class PureBooks(Books):
    """Books on a module with `decide` and `apply`: the real one, or a mutant of it."""

    def __init__(self, module: ModuleType = real) -> None:
        super().__init__(self._post, lambda: self.state)
        self._decide: Callable[..., Decision | None] = module.decide
        self._apply: Callable[..., None] = module.apply
        self.state: dict[int, Balance] = {}
        self.holds: dict[str, OpenHold] = {}

    def _post(self, command: Command) -> Decision | None:
        answer = self._decide(self.state, self.holds, command, len(self.state) + 1)
        if isinstance(answer, Posting):
            if answer.opens is not None:
                self.state[answer.opens.id] = answer.opens
            self._apply(self.state, answer.transfers)
            if answer.extends is not None:
                balance_id, until_us = answer.extends
                self.state[balance_id].expires_us = until_us
            if answer.begins is not None:
                self.holds[answer.begins.id] = answer.begins
            if answer.ends is not None:
                del self.holds[answer.ends]
        return answer
