"""A budget under load is never overspent, to the nano-dollar, and none of it is stranded (invariants 5 and 6)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest

from bursar.money import NANOS_PER_USD
from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from tests.support.books import assert_proved, sums, total_calls
from tests.support.company import found
from tests.support.load import OPENAI_MODEL, Load
from tests.support.running import Running

SECONDS = float(os.environ.get("BURSAR_TEST_LOAD_S", "8"))
SMALLEST = b'{"model":"%s","max_tokens":1,"messages":[{"role":"user","content":"a"}]}' % OPENAI_MODEL.encode()


@pytest.mark.parametrize("budget", ["1.00", "0.02"])
def test_spent_equals_the_providers_bill_and_never_passes_the_budget(tmp_path: Path, budget: str) -> None:
    granted = round(float(budget) * NANOS_PER_USD)
    with SimServer(SimSettings(tokenizer="bytes")) as sim:
        key = found(tmp_path, sim.url, amount=budget)
        with Running(tmp_path) as server:
            load = Load(server.url, key, clients=64, seed=int.from_bytes(os.urandom(4)))
            load.run(SECONDS)
            print(dict(load.seen))
            spend_the_rest(server.url, key)
        database = Database.in_folder(tmp_path)
        books = sums(database)
        assert sim.bill.total_nanos() == books.spent
        assert books.spent <= granted
        assert books.held == 0
        assert books.overrun == 0
        assert total_calls(database, "provisional") == (0, 0)
        assert books.available < bound_of_smallest(), "what is left could still have paid for a call"
        assert set(load.seen) <= {200, 402, 429}
        assert load.seen[200] > 20
        assert_proved(database)
        database.close()


def spend_the_rest(url: str, key: str) -> None:
    """Call until the smallest call is refused: first with long answers, clamped as need be, then with short ones."""

    async def run(tokens: int) -> int:
        body = SMALLEST.replace(b'"max_tokens":1', b'"max_tokens":%d' % tokens)
        headers = {"authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.post(url + "/v1/chat/completions", data=body, headers=headers) as answer:
                    await answer.read()
                    if answer.status != 200:
                        return answer.status

    assert [asyncio.run(run(tokens)) for tokens in (4096, 1)] == [402, 402]


def bound_of_smallest() -> int:
    """What the smallest call can cost: its bytes as input, one token as output, at gpt-4o-mini's prices.

    The simulated provider counts a token for each byte of the body, so for it this is the call's cost, too.
    """
    return -(-(len(SMALLEST) * 150_000_000 + 600_000_000) // 1_000_000)
