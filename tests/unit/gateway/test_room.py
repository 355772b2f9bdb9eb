"""Bytes of bodies: counted, never more than there are, given back once, in the order of those who wait."""

from __future__ import annotations

import asyncio
import random

import pytest

from bursar.gateway.room import Room, Share


async def taken(room: Room, size_bytes: int) -> Share:
    share = Share(room)
    assert await share.grow(size_bytes)
    return share


def test_what_is_free_is_taken_at_once_and_given_back_once() -> None:
    async def run() -> None:
        room = Room(100)
        share = await taken(room, 60)
        assert not room.take(41)
        share.done()
        share.done()
        assert room.take(100)
        assert not room.take(1)

    asyncio.run(run())


def test_a_body_that_is_being_sent_keeps_its_room_until_it_is() -> None:
    async def run() -> None:
        room = Room(100)
        share = await taken(room, 100)
        share.sending()
        share.done()
        assert not room.take(1)
        share.sent()
        assert room.take(100)

    asyncio.run(run())


def test_those_who_wait_are_served_in_order_and_nobody_overtakes() -> None:
    async def run() -> None:
        room = Room(100)
        first = await taken(room, 80)
        order: list[int] = []

        async def wait(size_bytes: int) -> None:
            await taken(room, size_bytes)
            order.append(size_bytes)

        waiting = [asyncio.create_task(wait(size)) for size in (90, 5, 5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not room.take(1), "it would overtake"
        first.done()
        await asyncio.wait_for(asyncio.gather(*waiting), 1)
        assert order == [90, 5, 5]

    asyncio.run(run())


def test_whoever_gives_up_frees_the_way() -> None:
    async def run() -> None:
        room = Room(100)
        await taken(room, 80)
        large = asyncio.create_task(taken(room, 90))
        await asyncio.sleep(0)
        small = asyncio.create_task(taken(room, 20))
        await asyncio.sleep(0)
        assert not small.done()
        large.cancel()
        await asyncio.wait_for(small, 1)
        assert not room.take(1)

    asyncio.run(run())


def test_nothing_is_lost_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded clients that take, grow, wait, give up at any moment and give back: in the end all of it is free."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"room seed {seed}")
    monkeypatch.setattr("bursar.gateway.room.WAIT_S", 0.05)
    chance = random.Random(seed)

    async def client(room: Room) -> None:
        share = Share(room)
        try:
            for _ in range(chance.randrange(1, 4)):
                size = share._size_bytes + chance.randrange(1, 40)
                if not await share.grow(size):
                    return
                await asyncio.sleep(chance.random() / 1000)
        finally:
            share.done()

    async def run() -> None:
        room = Room(150)
        tasks = [asyncio.create_task(client(room)) for _ in range(300)]
        for task in tasks:
            await asyncio.sleep(chance.random() / 2000)
            if chance.random() < 0.4:
                task.cancel()
        for task in tasks[::2]:
            task.cancel()
        await asyncio.wait(tasks, timeout=10)
        assert all(task.done() for task in tasks)
        assert room.take(150)

    asyncio.run(run())
