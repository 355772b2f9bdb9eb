"""Everything at once, for as long as it is given: faults at random, clients that leave, keys that are revoked.

At the end nothing is held, the books are the bill (provisional charges listed), and the server's memory is flat.
`BURSAR_TEST_SOAK_S` says for how long (600 s).
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from bursar.books import Books
from bursar.sim.bill import Line
from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from bursar.store.schema import calls
from tests.gateway.people import person
from tests.gateway.place import Place, opened
from tests.gateway.raw import ALL, body_of, path_of
from tests.support.books import assert_proved, sums
from tests.support.kills import compare_with_bill

SECONDS = float(os.environ.get("BURSAR_TEST_SOAK_S", "600"))
CLIENTS = 64
FLAT = 1.10
"""How much more memory the last third of the run may take than the second, on average."""
WIRES = (*ALL, "embeddings", "completions")
FAULTS: dict[str, float] = {
    "refuse": 0.03,
    "rate_limited": 0.02,
    "overloaded": 0.03,
    "html_error": 0.02,
    "redirect": 0.01,
    "error_event_after": 0.03,
    "cut_midstream": 0.02,
    "cut_before_usage": 0.02,
    "cut_before_headers": 0.02,
    "silence": 0.01,
    "drip": 0.03,
    "no_usage": 0.01,
    "usage_bare": 0.03,
    "usage_zero_cached": 0.03,
    "garbage": 0.01,
    "huge_header": 0.01,
}
CALM = SimSettings(output_tokens_min=1, output_tokens_max=60, drip_ms=1)
STATUSES = {200, 400, 401, 402, 403, 404, 429, 500, 502, 503, 504, 529, "left"}
SECOND = """
[providers.second-{wire}]
wire = "{wire}"
base_url = "{url}{version}"
key_file = "provider.key"
models = ["gpt-*", "text-embedding-*", "claude-*", "gemini-*"]
"""
SERVER = "[server]\nidle_timeout_s = 1\nwait_for_budget_s = 2\nmax_bodies_bytes = 33554432\n"


def fill(books: Books) -> dict[str, str]:
    """Somebody whose budget pays for few calls at a time."""
    person(books, "thrifty", 'amount = "0.05"\nclamp = false')
    return {"thrifty": books.create_key("thrifty@example.com", "thrifty").secret}


class Soak:
    """Clients, a provider that is now well and now ill, and keys that come and go."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.seen: Counter[int | str] = Counter()
        self.memory_kib: list[int] = []
        self._chance = random.Random(seed)
        self._keys = [place.key, place.keys["thrifty"], *self._new_key()]

    def run(self, seconds: float) -> None:
        stop = threading.Event()
        trouble = threading.Thread(target=self._trouble, args=(stop,))
        trouble.start()
        try:
            asyncio.run(self._clients(time.monotonic() + seconds))
        finally:
            stop.set()
            trouble.join()

    def _new_key(self) -> list[str]:
        made = self.place.operator("POST", "/keys", {"person": "ada@example.com", "name": "short-lived"})
        assert made.status == 201, made.body
        self._last_id = made.json()["key"]["id"]
        return [made.json()["secret"]]

    def _trouble(self, stop: threading.Event) -> None:
        """Every second the memory; every few the provider's health and a key change."""
        for second in range(10**6):
            if stop.wait(1):
                return
            self.memory_kib.append(memory_kib(self.place))
            if second % 7 == 0:
                self.place.sim.configure(faults={"overloaded": 1.0} if second % 3 == 0 else FAULTS)
            if second % 5 == 4:
                last = self._last_id
                self._keys[2:] = self._new_key()
                assert self.place.operator("DELETE", f"/keys/{last}").status == 200

    async def _clients(self, deadline_s: float) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(self._client(session, deadline_s) for _ in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession, deadline_s: float) -> None:
        while time.monotonic() < deadline_s:
            try:
                self.seen[await self._one(session)] += 1
            except (aiohttp.ClientError, OSError, TimeoutError):
                self.seen["left"] += 1
            await asyncio.sleep(self._chance.random() / 20)

    async def _one(self, session: aiohttp.ClientSession) -> int | str:
        chance = self._chance
        wire = chance.choice(WIRES)
        stream = wire != "embeddings" and chance.random() < 0.5
        body: Any = body_of(wire, stream=stream, directive=f"event_delay_ms={chance.randrange(3)}")
        if wire == "embeddings":
            body.pop("stream")
        if chance.random() < 0.03:
            body = chance.choice([[], {"model": "gpt-4o-mini"}, {"model": 7}, body | {"model": "llama-17"}])
        headers = {"authorization": f"Bearer {chance.choice(self._keys)}"}
        leaves = chance.random() < 0.15
        url = self.place.url + path_of(wire, stream=stream)
        if leaves and chance.random() < 0.4:
            async with asyncio.timeout(chance.random() / 20):
                async with session.post(url, json=body, headers=headers) as answer:
                    await answer.read()
        async with session.post(url, json=body, headers=headers) as answer:
            if leaves:
                await answer.content.read(chance.randrange(1, 2_000))
                answer.close()
                return "left"
            await answer.read()
            return answer.status


def memory_kib(place: Place) -> int:
    lines = Path(f"/proc/{place.server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def assert_the_rest_is_provisional(database: Database, lines: list[Line]) -> None:
    """What the books charge beyond the bill is in the provisional calls, to the nano-dollar."""
    billed = {line.client_request: line.cost_nanos for line in lines}
    with database.reading() as connection:
        query = sa.select(calls.c.hold_id, calls.c.cost_nanos, calls.c.reason)
        rows = list(connection.execute(query.where(calls.c.outcome == "provisional")))
    for reason, count in Counter(row.reason for row in rows).most_common():
        print(f"{count:6} provisional: {reason}")
    beyond = sum(row.cost_nanos - billed.get(row.hold_id, 0) for row in rows)
    assert sums(database).spent - sum(billed.values()) == beyond


@pytest.mark.soak
def test_everything_at_once(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"soak seed {seed}, {SECONDS:.0f} s")
    ill = CALM.changed({"faults": FAULTS, "seed": seed, "silence_ms": 3_000})
    with SimServer(CALM) as second:
        wires = {"openai": "/v1", "anthropic": "", "gemini": ""}
        more = [SECOND.format(wire=wire, url=second.url, version=version) for wire, version in wires.items()]
        with opened(tmp_path, amount="100000.00", settings=ill, more="".join([*more, SERVER]), fill=fill) as place:
            place.server.stop()
            config = tmp_path / "bursar.toml"
            text = config.read_text()
            for wire in wires:
                first = f'[providers.sim-{wire}]\nretries = 1\nfallback = ["second-{wire}"]\n'
                text = text.replace(f"[providers.sim-{wire}]\n", first)
            config.write_text(text)
            place.server.start()
            soak = Soak(place, seed)
            soak.run(SECONDS)
            print(dict(soak.seen))
            place.until_quiet()
            lines = [*place.sim.bill.lines(), *second.bill.lines()]
            compare_with_bill(place.database, lines)
            assert_the_rest_is_provisional(place.database, lines)
            books = sums(place.database)
            assert (books.held, books.overrun) == (0, 0)
            assert_proved(place.database)
            assert set(soak.seen) <= STATUSES
            assert soak.seen[200] > 100
            assert second.bill.lines(), "the fallback was never needed"
            third = len(soak.memory_kib) // 3
            before, after = (
                statistics.mean(part) for part in (soak.memory_kib[third:-third], soak.memory_kib[-third:])
            )
            print(f"memory {before / 1024:.1f} MiB, then {after / 1024:.1f} MiB")
            assert after < before * FLAT
            assert "Traceback" not in place.server.log.read_text()
