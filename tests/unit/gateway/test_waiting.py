"""Queues for what is held: in order, woken when something is freed, empty when nobody waits, whatever happens."""

from __future__ import annotations

import asyncio
import random
import time

import msgspec
import pytest

from bursar.gateway.waiting import Waiting
from bursar.ledger.postings import Hold
from bursar.refusals import Refusal, Why, refuse

HELD = refuse(Why.BUDGET_HELD, left_nanos=0, held_nanos=1, bound_nanos=1)
LIMIT_HELD = refuse(Why.LIMIT_HELD, limit="a key", left_nanos=0, held_nanos=1, bound_nanos=1)


def hold(number: int, *, lots: tuple[int, ...] = (1,), limits: tuple[int, ...] = ()) -> Hold:
    return Hold(f"h{number}", 1, lots, limits, 10 + number, 10, 0)


def held_for(number: int) -> Refusal:
    return msgspec.structs.replace(HELD, facts={**HELD.facts, "bound_nanos": str(hold(number).amount)})


class Money:
    """So many calls can be held for at one time; who was served, in order."""

    def __init__(self, waiting: Waiting, places: int) -> None:
        self.waiting = waiting
        self.free = places
        self.served: list[int] = []

    def take(self, number: int) -> int | Refusal:
        if not self.free:
            return held_for(number)
        self.free -= 1
        self.served.append(number)
        return number

    def give(self, number: int) -> None:
        self.free += 1
        self.waiting.ended(hold(number))

    async def call(self, number: int, *, wait_s: float = 5.0, most: int = 1_000) -> int | Refusal:
        """Take a place as the relay does: at once when nobody waits, else in line."""
        asked = hold(number)
        endings = self.waiting.endings
        refusal: Refusal | None = None
        if self.waiting.queue_of(asked) is None:
            outcome = self.take(number)
            if not isinstance(outcome, Refusal):
                return outcome
            refusal = outcome

        async def again() -> int | Refusal:
            await asyncio.sleep(0)
            return self.take(number)

        return await self.waiting.turn(asked, 7, refusal, again, most=most, wait_s=wait_s, endings=endings)


def test_each_in_its_turn() -> None:
    async def run() -> None:
        money = Money(Waiting(), 1)
        assert await money.call(0) == 0
        tasks = [asyncio.create_task(money.call(number)) for number in range(1, 6)]
        await asyncio.sleep(0.01)
        assert money.waiting.count == 5
        for number in range(5):
            money.give(number)
            assert await tasks[number] == number + 1
        assert money.served == list(range(6))
        assert money.waiting.queue_of(hold(9)) is None

    asyncio.run(run())


def test_much_that_is_freed_at_once_serves_all_who_wait() -> None:
    async def run() -> None:
        money = Money(Waiting(), 0)
        tasks = [asyncio.create_task(money.call(number)) for number in range(8)]
        await asyncio.sleep(0.01)
        money.free = 7
        money.give(0)
        assert await asyncio.wait_for(asyncio.gather(*tasks), 1) == list(range(8))

    asyncio.run(run())


def test_what_ended_between_the_refusal_and_the_queue_is_not_missed() -> None:
    async def run() -> None:
        waiting = Waiting()
        endings = waiting.endings
        waiting.ended(hold(0))

        async def again() -> int:
            return 1

        began_s = time.monotonic()
        assert await waiting.turn(hold(1), 7, HELD, again, most=9, wait_s=5, endings=endings) == 1
        assert time.monotonic() - began_s < 1

    asyncio.run(run())


def test_the_last_refusal_is_the_answer_with_the_calls_own_bound() -> None:
    async def run() -> None:
        money = Money(Waiting(), 0)
        answers = await asyncio.gather(*(money.call(number, wait_s=0.05) for number in range(3)))
        assert [answer.why for answer in answers if isinstance(answer, Refusal)] == [Why.BUDGET_HELD] * 3
        assert isinstance(answers[2], Refusal)
        assert answers[2].facts["bound_nanos"] == "12"
        assert money.waiting.count == 0

    asyncio.run(run())


def test_no_more_than_so_many() -> None:
    async def run() -> None:
        money = Money(Waiting(), 0)
        assert await money.call(0, most=0) == held_for(0)
        tasks = [asyncio.create_task(money.call(number, most=2)) for number in range(4)]
        await asyncio.sleep(0.01)
        assert [task.done() for task in tasks] == [False, False, True, True]
        money.waiting.send_away()
        await asyncio.sleep(0.01)
        for task in tasks[:2]:
            task.cancel()
        await asyncio.wait(tasks)
        assert money.waiting.count == 0

    asyncio.run(run())


def test_a_limits_queue_holds_up_only_who_has_the_limit() -> None:
    async def run() -> None:
        waiting = Waiting()
        limited = hold(1, limits=(5,))

        async def again() -> int:
            return 1

        task = asyncio.create_task(waiting.turn(limited, 7, LIMIT_HELD, again, most=9, wait_s=5, endings=0))
        await asyncio.sleep(0.01)
        assert waiting.queue_of(limited) is not None
        assert waiting.queue_of(hold(2)) is None
        assert waiting.queue_of(hold(2, limits=(6,))) is None
        waiting.ended(hold(3, lots=(9,), limits=(5,)))
        assert await asyncio.wait_for(task, 1) == 1

    asyncio.run(run())


def test_sent_away_a_call_tries_once_and_says_what_it_is_told() -> None:
    async def run() -> None:
        money = Money(Waiting(), 0)
        first = asyncio.create_task(money.call(0))
        refused = refuse(Why.KEY_REVOKED, key="bsr_…")

        async def again() -> Refusal:
            return refused

        second = asyncio.create_task(
            money.waiting.turn(hold(1), 8, None, again, most=9, wait_s=5, endings=money.waiting.endings)
        )
        await asyncio.sleep(0.01)
        money.waiting.send_away({8})
        assert await asyncio.wait_for(second, 1) == refused
        assert not first.done()
        money.give(0)
        assert await asyncio.wait_for(first, 1) == 0

    asyncio.run(run())


@pytest.mark.parametrize("places", [1, 3])
def test_whatever_happens_nobody_is_forgotten(places: int) -> None:
    """Clients that come, leave and end at random: at the end all places are free and nobody waits."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"waiting seed {seed}")
    chance = random.Random(seed)

    async def client(money: Money, number: int) -> None:
        taken = await money.call(number)
        assert not isinstance(taken, Refusal), "there was money for everybody in time"
        try:
            await asyncio.sleep(chance.random() / 1_000)
        finally:
            money.give(number)

    async def run() -> None:
        money = Money(Waiting(), places)
        tasks = []
        for number in range(400):
            tasks.append(asyncio.create_task(client(money, number)))
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() / 2_000)
            if chance.random() < 0.2:
                chance.choice(tasks).cancel()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
        assert not [each for each in results if isinstance(each, Exception)]
        assert (money.free, money.waiting.count) == (places, 0)
        assert money.waiting.queue_of(hold(0)) is None

    asyncio.run(run())


@pytest.mark.parametrize("places", [0, 1])
def test_the_line_may_be_gone_before_somebody_stands_in_it(places: int) -> None:
    """The relay queues in a task of its own, which begins a little later than it was decided."""

    async def run() -> int | Refusal:
        waiting = Waiting()
        money = Money(waiting, places)

        async def again() -> int | Refusal:
            return money.take(2)

        assert waiting.queue_of(hold(2)) is None
        turn = waiting.turn(hold(2), 7, None, again, most=9, wait_s=0.05, endings=waiting.endings)
        return await asyncio.create_task(turn)

    outcome = asyncio.run(run())
    if places:
        assert outcome == 2
    else:
        assert isinstance(outcome, Refusal)
        assert outcome.why is Why.BUDGET_HELD
