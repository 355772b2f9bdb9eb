"""Many threads, and several writing processes' journals, on the same lots: exact sums, no false refusal."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from bursar.ledger.postings import Hold, Posting, Release, Settle
from bursar.refusals import Refusal, Why, refuse
from bursar.store import schema
from bursar.store.batch import Outcome
from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.store.making import hold, open_limit, open_lot
from tests.store.seen import assert_sound, balances, count
from tests.store.waiting import at_once, gist
from tests.support.clock import NOVEMBER_US, VirtualClock

THREADS = 64
SEED = 20261101


@pytest.fixture
def journals(postgres_database: Database, clock: VirtualClock) -> Iterator[list[Journal]]:
    """Three journals on one PostgreSQL database, as three processes have them."""
    made = [Journal(postgres_database, clock) for _ in range(3)]
    yield made
    for journal in made:
        journal.close()


def one_id_from_many_threads(journal: Journal, lot: int, hold_id: str, amount: int) -> None:
    """A third of the threads each: hold, the same hold with other content, and its end."""
    same, other, end = hold(hold_id, lot, amount), hold(hold_id, lot, amount + 1), Settle(hold_id, 1, NOVEMBER_US)
    answers = at_once([partial(journal.post, (same, other, end)[n % 3]) for n in range(THREADS)])
    of_same, of_other, of_end = ({repr(gist(answer)) for answer in answers[n::3]} for n in range(3))
    # An end that came before there was a hold is forgotten; there is one that ended it.
    of_end -= {repr(gist(refuse(Why.HOLD_UNKNOWN, hold=hold_id)))}
    assert len(of_same) == len(of_other) == 1
    assert len(of_end) <= 1
    first = [answers[0], answers[1]]
    # Whichever content came first is what the operation is; the other is a conflict for good.
    assert sorted(type(answer).__name__ for answer in first) == ["Posting", "Refusal"]
    refused = next(answer for answer in first if isinstance(answer, Refusal))
    assert refused.why is Why.OPERATION_CONFLICT
    assert isinstance(answers[2], Posting) or answers[2].why is Why.HOLD_UNKNOWN  # type: ignore[union-attr]


def test_one_id_from_64_threads(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 1_000)
    for n in range(20):
        one_id_from_many_threads(journal, lot, f"h{n}", 5)
    assert_sound(database)


@pytest.mark.soak
def test_5000_ids_from_64_threads(journal: Journal, database: Database) -> None:
    lot = open_lot(journal, 1_000_000)
    for n in range(5_000):
        one_id_from_many_threads(journal, lot, f"h{n}", 5)
    assert_sound(database)


@pytest.mark.parametrize("percent", [95, 100, 105])
def test_a_lot_is_neither_overspent_nor_refused_too_soon(percent: int, journal: Journal, database: Database) -> None:
    each, size = 20, 7
    asked = THREADS * each
    lot = open_lot(journal, asked * size * 100 // percent)
    fits = min(asked, balances(database)[lot].available // size)

    def client(n: int) -> list[Outcome]:
        return [journal.post(hold(f"h{n}.{i}", lot, size)) for i in range(each)]

    answers = [
        answer for each_thread in at_once([partial(client, n) for n in range(THREADS)]) for answer in each_thread
    ]
    held = [answer for answer in answers if isinstance(answer, Posting)]
    assert len(held) == fits
    assert {answer.why for answer in answers if isinstance(answer, Refusal)} <= {Why.BUDGET_HELD}
    journal.post_all([Release(answer.op.removeprefix("hold:"), NOVEMBER_US, "test") for answer in held])
    left = balances(database)[lot]
    assert (left.held, left.available) == (0, left.granted)
    assert isinstance(journal.post(hold("all of it", lot, left.granted)), Posting)
    assert_sound(database)


def test_holds_and_settles_of_many_threads_add_up(journal: Journal, database: Database) -> None:
    lot, limit = open_lot(journal, 40_000), open_limit(journal, 30_000)
    billed = at_once([partial(client, journal, n, (lot,), (limit,), 15) for n in range(THREADS)])
    stood = balances(database)
    assert stood[lot].spent == stood[limit].spent == sum(billed)
    assert stood[lot].held == stood[limit].held == 0
    assert stood[lot].overrun == stood[limit].overrun == 0
    assert_sound(database)


def client(journal: Journal, n: int, lots: tuple[int, ...], limits: tuple[int, ...], calls: int) -> int:
    """Hold, then settle, release or leave to be settled twice; returns what its provider billed."""
    chance = random.Random(f"{SEED} {n}")
    billed = 0
    for i in range(calls):
        hold_id, amount = f"h{n}.{i}", chance.randint(1, 90)
        shuffled = tuple(chance.sample(lots, len(lots)))
        answer = journal.post(Hold(hold_id, 1, shuffled, limits, amount, max(1, amount // 2), NOVEMBER_US))
        if isinstance(answer, Refusal):
            assert answer.why in {Why.BUDGET_HELD, Why.BUDGET_EXHAUSTED, Why.LIMIT_HELD, Why.LIMIT_REACHED}, answer
            continue
        assert answer is not None
        cost = chance.randint(0, answer.amount)
        if chance.random() < 0.2:
            assert isinstance(journal.post(Release(hold_id, NOVEMBER_US, "test")), Posting)
            continue
        billed += cost
        for _ in range(chance.choice((1, 2))):
            ended = journal.post(Settle(hold_id, cost, NOVEMBER_US))
            assert isinstance(ended, Posting), ended
            assert ended.amount == cost
    return billed


def test_each_journal_has_a_chain_of_its_own(journals: list[Journal], clock: VirtualClock) -> None:
    assert sorted(journal.chain for journal in journals) == [0, 1, 2]
    journals[1].close()
    again = Journal(journals[0].database, clock)
    assert again.chain == 1
    again.close()


def test_several_journals_on_the_same_lots(journals: list[Journal], postgres_database: Database) -> None:
    lots = tuple(open_lot(journals[0], 12_000, label) for label in ("a", "b", "c"))
    limit = open_limit(journals[1], 30_000)
    billed = at_once([partial(client, journals[n % 3], n, lots, (limit,), 15) for n in range(48)])
    stood = balances(postgres_database)
    assert sum(stood[lot].spent for lot in lots) == stood[limit].spent == sum(billed)
    assert stood[limit].held == sum(stood[lot].held for lot in lots) == 0
    assert count(postgres_database, schema.holds) == 0
    assert_sound(postgres_database)


def test_the_same_operation_on_several_journals_at_once(journals: list[Journal], postgres_database: Database) -> None:
    lot = open_lot(journals[0], 100 * 40 + 60)
    for n in range(40):
        # Each hold fits once, never twice: a node that decides without seeing the other's posting would refuse it.
        same = hold(f"h{n}", lot, 100 * (40 - n))
        held = at_once([partial(journal.post, same) for journal in journals * 3])
        assert {type(answer) for answer in held} == {Posting}
        assert len({repr(gist(answer)) for answer in held}) == 1
        ended = at_once([partial(journal.post, Settle(f"h{n}", 100, NOVEMBER_US)) for journal in journals * 3])
        assert len({repr(gist(answer)) for answer in ended}) == 1
        assert {type(answer) for answer in ended} == {Posting}
    stood = balances(postgres_database)[lot]
    assert (stood.spent, stood.held, stood.available) == (4_000, 0, 60)
    assert count(postgres_database, schema.refusals) == 0
    assert_sound(postgres_database)


def test_operations_in_opposite_order_do_not_stay_locked(
    journals: list[Journal], postgres_database: Database
) -> None:
    lots = [open_lot(journals[0], 10_000, label) for label in "ab"]
    for n in range(20):
        pair = [hold(f"h{n}.{i}", lot, 10) for i, lot in enumerate(lots)]
        asks = [partial(journals[0].post_all, pair), partial(journals[1].post_all, pair[::-1])]
        one, other = at_once(asks)
        assert [gist(answer) for answer in one] == [gist(answer) for answer in other[::-1]]
        assert {type(answer) for answer in one} == {Posting}
    assert sum(balances(postgres_database)[lot].held for lot in lots) == 400
    assert_sound(postgres_database)


def test_the_journal_starts_only_one_thread(database: Database, clock: VirtualClock) -> None:
    before = threading.active_count()
    journal = Journal(database, clock)
    assert threading.active_count() == before + 1
    journal.close()
    assert threading.active_count() == before
