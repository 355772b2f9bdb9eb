"""The database hangs, is away, locked or full: 503 quickly, nothing sent without a durable hold, then on it goes."""

from __future__ import annotations

import os
import resource
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from tests.gateway.place import Place, opened
from tests.gateway.raw import body_of, call, read_to_the_end, read_until, request, send
from tests.support.books import assert_proved, sums
from tests.support.company import found
from tests.support.kills import compare_with_bill
from tests.support.load import Load
from tests.support.postgres import PostgresServer
from tests.support.running import Running
from tests.unit.sim.raw import CHAT, Got, until

QUICKLY_S = 4.5
"""Three seconds of patience, and what a busy machine adds."""


class Node(NamedTuple):
    """A server on a PostgreSQL of its own."""

    server: Running
    sim: SimServer
    key: str
    database: Database

    def call(self) -> Got:
        return call(self.server.url, self.key, "openai", directive="output_tokens=5")


@contextmanager
def node(folder: Path, url: str) -> Iterator[Node]:
    with SimServer(SimSettings(event_delay_ms=5)) as sim:
        key = found(folder, sim.url, amount="50.00", url=url)
        database = Database(url)
        with Running(folder) as server:
            yield Node(server, sim, key, database)
        assert sums(database).held == 0
        compare_with_bill(database, sim.bill.lines())
        assert_proved(database)
        database.close()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server that a test may stop without harm to others."""
    made = PostgresServer()
    yield made
    made.remove()


def test_postgres_hangs_under_load(tmp_path: Path, own_postgres: PostgresServer) -> None:
    with node(tmp_path, own_postgres.url(own_postgres.fresh())) as place:
        assert place.call().status == 200
        load = Load(place.server.url, place.key, clients=16, seed=int.from_bytes(os.urandom(4)))
        clients = threading.Thread(target=load.run, args=(9.0,))
        clients.start()
        time.sleep(1)
        with own_postgres.hanging():
            time.sleep(0.3)
            billed = len(place.sim.bill.lines())
            began_s = time.monotonic()
            got = place.call()
            assert time.monotonic() - began_s < QUICKLY_S
            assert (got.status, got.headers["x-bursar-refusal"]) == (503, "store_unavailable")
            assert got.headers["retry-after"] == "1"
            began_s = time.monotonic()
            assert {place.call().status for _ in range(20)} == {503}
            assert time.monotonic() - began_s < QUICKLY_S, "once it is known, only one call tries now and then"
            assert len(place.sim.bill.lines()) - billed <= 16, "only what was held before was sent"
        clients.join()
        assert set(load.seen) == {200, 503}
        until(lambda: place.call().status == 200, timeout_s=10)


def test_a_stream_ends_though_postgres_hangs(tmp_path: Path, own_postgres: PostgresServer) -> None:
    """Its settlement is written when the database answers again; the client has its answer before."""
    with node(tmp_path, own_postgres.url(own_postgres.fresh())) as place:
        body = body_of("openai", stream=True, directive="output_tokens=60")
        with send(place.server.url, request(CHAT, place.key, body, "connection: close"), timeout_s=20) as link:
            read_until(link, b"data: ")
            with own_postgres.hanging():
                began_s = time.monotonic()
                rest = read_to_the_end(link)
                assert time.monotonic() - began_s < 9
                assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        until(lambda: sums(place.database).held == 0, timeout_s=20)
        assert sums(place.database).spent == place.sim.bill.total_nanos()


def test_postgres_crashes_under_load(tmp_path: Path, own_postgres: PostgresServer) -> None:
    with node(tmp_path, own_postgres.url(own_postgres.fresh())) as place:
        load = Load(place.server.url, place.key, clients=16, seed=int.from_bytes(os.urandom(4)))
        clients = threading.Thread(target=load.run, args=(6.0,))
        clients.start()
        time.sleep(1)
        own_postgres.stop()
        try:
            until(lambda: place.call().status == 503)
            began_s = time.monotonic()
            assert {place.call().status for _ in range(10)} == {503}
            assert time.monotonic() - began_s < QUICKLY_S
        finally:
            own_postgres.start()
        clients.join()
        assert load.seen[200] > 0
        assert set(load.seen) == {200, 503}
        until(lambda: place.call().status == 200, timeout_s=10)
        until(lambda: sums(place.database).held == 0, timeout_s=20)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path, amount="50.00") as made:
        yield made
        made.assert_books_are_the_bill()


def statuses(place: Place, count: int) -> Counter[int]:
    """What so many calls at once are answered."""
    with ThreadPoolExecutor(count) as pool:
        return Counter(got.status for got in pool.map(lambda _: call(place.url, place.key, "openai"), range(count)))


def test_sqlite_is_locked_by_another_process(place: Place) -> None:
    assert call(place.url, place.key, "openai").status == 200
    billed = place.billed()
    other = sqlite3.connect(place.folder / "bursar.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        began_s = time.monotonic()
        assert statuses(place, 8) == {503: 8}
        assert time.monotonic() - began_s < QUICKLY_S
        assert place.billed() == billed
    finally:
        other.execute("ROLLBACK")
        other.close()
    until(lambda: call(place.url, place.key, "openai").status == 200, timeout_s=20)


def test_the_disk_is_full(place: Place) -> None:
    """The kernel fails every write beyond a size, as a full disk does; then there is space again."""
    assert call(place.url, place.key, "openai").status == 200
    size = (place.folder / "bursar.sqlite-wal").stat().st_size
    soft, hard = resource.prlimit(place.server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(place.server.pid, resource.RLIMIT_FSIZE, (size + 60_000, hard))
    try:
        seen: Counter[int] = Counter()
        while seen[503] < 5:
            seen[call(place.url, place.key, "openai").status] += 1
            assert seen.total() < 60
        billed = place.billed()
        began_s = time.monotonic()
        assert statuses(place, 8) == {503: 8}
        assert time.monotonic() - began_s < QUICKLY_S
        assert place.billed() == billed
        assert set(seen) == {200, 503}
    finally:
        resource.prlimit(place.server.pid, resource.RLIMIT_FSIZE, (soft, hard))
    until(lambda: call(place.url, place.key, "openai").status == 200, timeout_s=10)
    place.until_quiet()
