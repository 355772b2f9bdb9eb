"""A call that is cut off at any step of its task, also before the first, ends its hold exactly once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bursar.config import load_config
from bursar.gateway.gateway import Gateway
from bursar.refusals import Why
from bursar.sim.server import SimServer
from bursar.store.database import Database
from bursar.watch import Watch
from tests.gateway.raw import body_of
from tests.support.books import assert_proved, sums, total_calls
from tests.support.company import found, open_books
from tests.support.kills import compare_with_bill

CALLS = 16


class Cutter:
    """Runs once in every turn of the event loop and cuts off whatever has run for so many turns."""

    def __init__(self, gateway: Gateway, why: Why, turns: int) -> None:
        self._gateway = gateway
        self._why = why
        self._turns = turns
        self._seen: dict[Any, int] = {}
        self._next: asyncio.Handle | None = None

    def __call__(self) -> None:
        relay = self._gateway._relay
        assert relay is not None
        for task, run in relay._tasks.items():
            turns = self._seen[task] = self._seen.get(task, 0) + 1
            if turns == self._turns + 1:
                run.stop() if self._why is Why.STOPPING else run.cut_off(self._why)
        self._next = asyncio.get_running_loop().call_soon(self)

    def stop(self) -> None:
        assert self._next is not None
        self._next.cancel()


async def one(gateway: Gateway, secret: str, stream: bool) -> list[dict[str, Any]]:
    """One request, as a server hands it to the gateway."""
    body = json.dumps(body_of("openai", stream=stream, directive="output_tokens=3")).encode()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"host", b"bursar"), (b"authorization", f"Bearer {secret}".encode())],
    }
    await asyncio.wait_for(gateway(scope, receive, send), 10)
    return sent


@pytest.mark.parametrize("why", [Why.CALL_KILLED, Why.UPSTREAM_TIMEOUT, Why.STOPPING])
@pytest.mark.parametrize("turns", range(8))
def test_cut_off_at_every_turn(tmp_path: Path, why: Why, turns: int) -> None:
    with SimServer() as sim:
        secret = found(tmp_path, sim.url, amount="50.00")
        books = open_books(tmp_path)
        answers: list[list[dict[str, Any]]] = []

        async def run() -> None:
            gateway = Gateway(books, load_config(tmp_path), Watch())
            await gateway.open()
            cutter = Cutter(gateway, why, turns)
            cutter()
            for number in range(CALLS):
                answers.append(await one(gateway, secret, stream=number % 2 == 0))
            cutter.stop()
            await gateway.close()

        asyncio.run(run())
        assert all(answer[-1].get("more_body") is False for answer in answers), "every client was told"
        books.close()  # which writes the endings that the loop did not wait for any more
        database = Database.in_folder(tmp_path)
        assert sums(database).held == 0
        ended = sum(total_calls(database, outcome)[0] for outcome in ("settled", "provisional", "released"))
        assert ended == CALLS
        compare_with_bill(database, sim.bill.lines())
        assert_proved(database)
        database.close()
