"""A budget that running calls hold: the next call waits for one of them to end, in its turn and not for ever."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from bursar.books import Books
from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from tests.gateway.people import person
from tests.gateway.place import Place, opened
from tests.gateway.raw import WIRES, body_of, call, request, send
from tests.support.books import assert_proved, sums
from tests.support.company import found
from tests.support.kills import compare_with_bill
from tests.support.postgres import PostgresServer
from tests.support.running import Running
from tests.unit.sim.raw import Got, until

BOTH = pytest.mark.parametrize("wire", list(WIRES))
STRICT = "clamp = false"
ONE_CALL = "0.0004"
"""Pays for one call of gpt-4o-mini with 500 tokens of output, and not for two."""
LONG = "output_tokens=20;delay_ms=700"
LIMIT_NANOS = 400_000


def limited(books: Books) -> dict[str, str]:
    """Somebody with money whose keys have limits that pay for one call each; and somebody else with money."""
    person(books, "bea", 'amount = "1.00"\nclamp = false')
    keys = {
        name: books.create_key("bea@example.com", name, limit_nanos=LIMIT_NANOS).secret for name in ("one", "two")
    }
    keys["free"] = books.create_key("bea@example.com", "free").secret
    return keys


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as made:
        yield made


def asked(place: Place, pool: ThreadPoolExecutor, directive: str = "", **fields: object) -> Future[Got]:
    """A call that runs in a thread of its own."""
    return pool.submit(call, place.url, place.key, "openai", directive=directive, **fields)  # type: ignore[arg-type]


def test_it_gets_what_the_running_call_gives_back(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount=ONE_CALL, plan=STRICT) as place:
        first = asked(place, pool, LONG)
        until(lambda: place.running() == 1)
        began_s = time.monotonic()
        second = call(place.url, place.key, "openai", directive="output_tokens=20")
        assert (first.result().status, second.status) == (200, 200)
        assert time.monotonic() - began_s < 2, "it is woken when the call ends, not by a clock"
        place.assert_books_are_the_bill()


@BOTH
def test_it_is_told_to_try_again_when_it_has_waited_long_enough(
    tmp_path: Path, pool: ThreadPoolExecutor, wire: str
) -> None:
    more = "[server]\nwait_for_budget_s = 1\n"
    amount = ONE_CALL if wire == "openai" else "0.005"
    with opened(tmp_path, amount=amount, plan=STRICT, more=more) as place:
        running = pool.submit(call, place.url, place.key, wire, directive="output_tokens=20;delay_ms=3000")
        until(lambda: place.running() == 1)
        began_s = time.monotonic()
        got = call(place.url, place.key, wire)
        assert 0.9 < time.monotonic() - began_s < 2.5
        assert (got.status, got.headers["x-bursar-refusal"]) == (429, "budget_held")
        assert got.headers["retry-after"] == "1"
        assert running.result().status == 200
        place.assert_books_are_the_bill()


def test_a_budget_that_is_gone_is_not_waited_for(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """What runs could not give back enough, even all of it: waiting would be for nothing."""
    with opened(tmp_path, amount=ONE_CALL, plan=STRICT) as place:
        running = asked(place, pool, LONG)
        until(lambda: place.running() == 1)
        began_s = time.monotonic()
        got = call(place.url, place.key, "openai", max_tokens=5_000)
        assert (got.status, got.headers["x-bursar-refusal"]) == (402, "budget_exhausted")
        assert time.monotonic() - began_s < 0.5
        running.result()


def test_who_waits_and_then_finds_the_budget_gone_is_told_so(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount=ONE_CALL, plan=STRICT) as place:
        running = asked(place, pool, "output_tokens=490;delay_ms=500")
        until(lambda: place.running() == 1)
        got = call(place.url, place.key, "openai")
        assert (got.status, got.headers["x-bursar-refusal"]) == (402, "budget_exhausted")
        assert running.result().status == 200


def test_first_come_first_served(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Twelve calls, one at a time, in the order in which they came: none overtakes."""
    with opened(tmp_path, amount="0.0006", plan=STRICT) as place:
        running = [asked(place, pool, LONG)]
        until(lambda: place.running() == 1)
        for number in range(12):
            running.append(asked(place, pool, "output_tokens=2;delay_ms=30", max_tokens=500 - number))
            time.sleep(0.05)
        assert {each.result().status for each in running} == {200}
        served = [each.id for each in place.ended()]
        order = [each.result().headers["x-bursar-call"] for each in running]
        assert served == order
        place.assert_books_are_the_bill()


def test_a_client_that_leaves_gives_up_its_place(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount=ONE_CALL, plan=STRICT) as place:
        running = asked(place, pool, LONG)
        until(lambda: place.running() == 1)
        links = [send(place.url, request(WIRES["openai"], place.key, body_of("openai"))) for _ in range(5)]
        time.sleep(0.2)
        for link in links:
            link.close()
        time.sleep(0.1)
        assert call(place.url, place.key, "openai", directive="output_tokens=5").status == 200
        assert running.result().status == 200
        place.until_quiet()
        assert len(place.ended()) == place.billed() == 2, "nothing was sent for those who left"
        place.assert_books_are_the_bill()


def test_only_so_many_wait(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount=ONE_CALL, plan=STRICT, more="[server]\nmost_waiting = 2\n") as place:
        running = asked(place, pool, "output_tokens=2;delay_ms=1500")
        until(lambda: place.running() == 1)
        waiting = [asked(place, pool, "output_tokens=2") for _ in range(2)]
        time.sleep(0.3)
        began_s = time.monotonic()
        got = call(place.url, place.key, "openai")
        assert (got.status, got.headers["x-bursar-refusal"]) == (429, "budget_held")
        assert time.monotonic() - began_s < 0.5
        assert {each.result().status for each in (running, *waiting)} == {200}


def test_a_limit_that_is_held(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Those who wait for a key's limit hold up nobody who does not spend from it."""
    with opened(tmp_path, fill=limited) as place:
        place_keys = place.keys
        running = pool.submit(call, place.url, place_keys["one"], "openai", directive=LONG)
        until(lambda: place.running() == 1)
        waits = pool.submit(call, place.url, place_keys["one"], "openai", directive="output_tokens=2")
        time.sleep(0.2)
        assert not waits.done()
        for other in ("two", "free"):
            began_s = time.monotonic()
            assert call(place.url, place_keys[other], "openai", directive="output_tokens=2").status == 200
            assert time.monotonic() - began_s < 0.4
        assert (running.result().status, waits.result().status) == (200, 200)
        place.assert_books_are_the_bill()


def test_a_key_that_is_revoked_waits_no_longer(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, fill=limited) as place:
        running = pool.submit(call, place.url, place.keys["one"], "openai", directive="output_tokens=2;delay_ms=3000")
        until(lambda: place.running() == 1)
        waits = pool.submit(call, place.url, place.keys["one"], "openai")
        time.sleep(0.2)
        key_id = next(each["id"] for each in keys_of(place) if each["name"] == "one")
        began_s = time.monotonic()
        assert place.operator("DELETE", f"/keys/{key_id}").status == 200
        got = waits.result()
        assert time.monotonic() - began_s < 0.7
        assert (got.status, got.headers["x-bursar-refusal"]) == (401, "key_revoked")
        assert running.result().status == 403


def test_stopping_sends_those_who_wait_away(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount=ONE_CALL, plan=STRICT) as place:
        running = asked(place, pool, "output_tokens=2;delay_ms=1500")
        until(lambda: place.running() == 1)
        waits = asked(place, pool)
        time.sleep(0.2)
        stopped = pool.submit(place.server.stop)
        got = waits.result()
        assert (got.status, got.headers["x-bursar-refusal"]) == (503, "stopping")
        assert running.result().status == 200
        assert stopped.result() == 0
        place.assert_books_are_the_bill()


def keys_of(place: Place) -> list[dict[str, str]]:
    """The keys that the API lists."""
    got = place.operator("GET", "/keys")
    assert got.status == 200, got.body
    listed: list[dict[str, str]] = got.json()
    return listed


def test_twenty_at_once_all_get_their_turn(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """A budget for one call at a time, twenty clients at once, streams and whole: all are served, none is refused."""
    settings = SimSettings(output_tokens_min=2, output_tokens_max=4)
    with opened(tmp_path, amount="0.0009", plan=STRICT, settings=settings) as place:
        calls = [asked(place, pool, stream=number % 2 == 0) for number in range(20)]
        assert {each.result().status for each in calls} == {200}
        place.assert_books_are_the_bill()


def test_what_another_node_gives_back(tmp_path: Path, postgres: PostgresServer, pool: ThreadPoolExecutor) -> None:
    """Nobody tells this node that a call ended on the other; it looks."""
    name = postgres.fresh()
    first, second = tmp_path / "first", tmp_path / "second"
    with SimServer() as sim:
        key = found(first, sim.url, amount=ONE_CALL, plan=STRICT, url=postgres.url(name))
        second.mkdir()
        for file in ("bursar.toml", "provider.key"):
            shutil.copy(first / file, second / file)
        with Running(first) as one, Running(second) as other:
            running = pool.submit(call, one.url, key, "openai", directive="output_tokens=2;delay_ms=1000")
            database = Database(postgres.url(name))
            until(lambda: sums(database).held > 0)
            began_s = time.monotonic()
            assert call(other.url, key, "openai", directive="output_tokens=2").status == 200
            assert 0.5 < time.monotonic() - began_s < 2.5
            assert running.result().status == 200
        assert sums(database).held == 0
        compare_with_bill(database, sim.bill.lines())
        assert_proved(database)
        database.close()
    postgres.drop(name)
