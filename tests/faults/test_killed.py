"""A key that is revoked stops: its running calls are cut and charged, their clients told, others go on."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bursar.books import Books
from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from tests.gateway.people import person
from tests.gateway.place import Place, opened
from tests.gateway.raw import WIRES, body_of, call, read_to_the_end, read_until, request, send
from tests.support.books import assert_proved, sums
from tests.support.company import found, open_books
from tests.support.kills import compare_with_bill
from tests.support.postgres import PostgresServer
from tests.support.running import Running
from tests.unit.sim.raw import ask, until

BOTH = pytest.mark.parametrize("wire", list(WIRES))
LONG = "output_tokens=400;event_delay_ms=20"
"""A stream of eight seconds."""
WITHIN_S = 1.0
"""Invariant 14."""


def keys(books: Books) -> dict[str, str]:
    person(books, "bea", 'amount = "50.00"')
    return {name: books.create_key("bea@example.com", name).secret for name in ("openai", "anthropic", "whole")}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("killed"), amount="50.00", fill=keys) as made:
        yield made
        made.until_quiet()
        compare_with_bill(made.database, made.sim.bill.lines())
        assert sums(made.database).held == 0
        assert_proved(made.database)
        assert "Traceback" not in made.server.log.read_text()


def rest_of(link: socket.socket) -> bytes:
    with link:
        return read_to_the_end(link)


def revoke(place: Place, name: str) -> None:
    [key] = [each for each in place.operator("GET", "/keys").json() if each["name"] == name]
    assert place.operator("DELETE", f"/keys/{key['id']}").status == 200


@BOTH
def test_a_stream_ends_with_an_error_event(place: Place, wire: str) -> None:
    before, billed = len(place.ended()), place.billed()
    body = body_of(wire, stream=True, directive=LONG)
    with send(place.url, request(WIRES[wire], place.keys[wire], body, "connection: close")) as link:
        read_until(link, b"data: ")
        other = send(place.url, request(WIRES[wire], place.key, body_of(wire, stream=True), "connection: close"))
        began_s = time.monotonic()
        revoke(place, wire)
        rest = read_to_the_end(link)
    assert time.monotonic() - began_s < WITHIN_S
    assert b'"code":"call_killed"' in rest
    assert b"charged provisionally at up to $" in rest
    with other:
        assert read_to_the_end(other).startswith(b"HTTP/1.1 200 ")
    place.until_quiet(before + 2)
    cut, unharmed = sorted(place.ended()[before:], key=lambda ended: ended.outcome)
    assert (cut.outcome, cut.cost, unharmed.outcome) == ("provisional", cut.bound, "settled")
    assert cut.reason == "its key was revoked or its agent run killed while the call was running"
    until(lambda: place.billed() == billed + 2)
    assert {line.finished for line in place.sim.bill.lines()[billed:]} == {"client_left", "complete"}
    refused = ask(place.url, "POST", WIRES[wire], body_of(wire), key=place.keys[wire])
    assert (refused.status, refused.headers["x-should-retry"]) == (401, "false")


def test_an_answer_that_has_not_begun_is_a_refusal(place: Place, pool: ThreadPoolExecutor) -> None:
    before = len(place.ended())
    running = pool.submit(call, place.url, place.keys["whole"], "openai", directive="delay_ms=5000")
    until(lambda: place.running() == 1)
    began_s = time.monotonic()
    revoke(place, "whole")
    got = running.result()
    assert time.monotonic() - began_s < WITHIN_S
    assert (got.status, got.headers["x-bursar-refusal"]) == (403, "call_killed")
    assert got.headers["x-should-retry"] == "false"
    assert place.last(before).outcome == "provisional"


def test_a_call_whose_body_is_still_arriving_is_not_sent(tmp_path: Path) -> None:
    with opened(tmp_path, fill=keys) as place:
        whole = request(WIRES["openai"], place.keys["whole"], body_of("openai"), "connection: close")
        with send(place.url, whole[:-5]) as link:
            time.sleep(0.2)
            revoke(place, "whole")
            link.sendall(whole[-5:])
            seen = read_to_the_end(link)
        assert seen.startswith(b"HTTP/1.1 401 ")
        assert place.billed() == 0
        assert [each.outcome for each in place.ended()] == ["released"]


def test_under_load_on_every_node(tmp_path: Path, postgres: PostgresServer, pool: ThreadPoolExecutor) -> None:
    """Streams on two nodes of one database; the key is revoked on one of them."""
    name = postgres.fresh()
    first, second = tmp_path / "first", tmp_path / "second"
    with SimServer(SimSettings(event_delay_ms=20)) as sim:
        found(first, sim.url, amount="50.00", url=postgres.url(name))
        books = open_books(first, postgres.url(name))
        secret = books.create_key("ada@example.com", "doomed").secret
        books.close()
        second.mkdir()
        for file in ("bursar.toml", "provider.key"):
            shutil.copy(first / file, second / file)
        nodes = [Running(first).start(), Running(second).start()]
        body = request(WIRES["openai"], secret, body_of("openai", stream=True, directive=LONG), "connection: close")
        links = [send(nodes[number % 2].url, body, timeout_s=30) for number in range(12)]
        for link in links:
            read_until(link, b"data: ")
        place = Place.__new__(Place)
        place.folder, place.url = first, nodes[0].url
        began_s = time.monotonic()
        revoke(place, "doomed")
        rests = list(pool.map(rest_of, links))
        assert time.monotonic() - began_s < WITHIN_S
        assert [b'"code":"call_killed"' in rest for rest in rests] == [True] * 12
        for node in nodes:
            assert call(node.url, secret, "openai").status == 401
        assert [node.stop() for node in nodes] == [0, 0]
        database = Database(postgres.url(name))
        assert sums(database).held == 0
        compare_with_bill(database, sim.bill.lines())
        assert_proved(database)
        database.close()
    postgres.drop(name)
