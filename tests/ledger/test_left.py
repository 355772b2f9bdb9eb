"""What a hold says that it leaves: what is free afterwards in the lots that it may draw on, within no limit."""

from __future__ import annotations

from random import Random

from bursar.ledger.postings import Hold, Posting
from tests.ledger.histories import History, expected, told
from tests.ledger.model import Model
from tests.ledger.pure import PureBooks


def test_what_is_left_is_what_is_free() -> None:
    holds = 0
    for seed in range(40):
        books, model, history = PureBooks(), Model(), History(Random(seed))
        for _ in range(80):
            command = history.command(model)
            answer = books.post(command)
            assert told(answer) == expected(model, command, len(books.state))
            if not isinstance(answer, Posting):
                continue
            if answer.opens is not None:
                history.opened(answer.opens.id, answer.opens.kind, answer.opens.person_id)
            if isinstance(command, Hold):
                lots = [books.state[number] for number in command.lots]
                assert answer.left == sum(lot.available for lot in lots if lot.usable(command.at_us))
                holds += 1
            else:
                assert answer.left is None
    assert holds > 100
