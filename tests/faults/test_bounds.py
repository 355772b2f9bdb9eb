"""How much the gateway takes on at one time: so many calls, so many bytes of bodies; beyond that, 503."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.place import opened
from tests.gateway.raw import body_of, call, read_to_the_end, read_until, request, send
from tests.unit.sim.raw import CHAT, ask, until

MIB = 2**20
ROOM = f"[server]\nmax_bodies_bytes = {4 * MIB}\n"
LONG = "output_tokens=2;delay_ms=1500"


def large(mib: int, **fields: Any) -> dict[str, Any]:
    """A request with a field of so many MiB that no model reads."""
    return body_of("openai", max_tokens=20, logit_bias={"x" * (mib * MIB): 1}, **fields)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


def test_so_many_calls_and_no_more(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount="50.00", more="[server]\nmost_calls = 3\n") as place:
        running = [pool.submit(call, place.url, place.key, "openai", directive=LONG) for _ in range(3)]
        until(lambda: place.running() == 3)
        got = call(place.url, place.key, "openai")
        assert (got.status, got.headers["x-bursar-refusal"]) == (503, "busy")
        assert got.headers["retry-after"] == "1"
        assert "3 calls are running" in got.json()["error"]["message"]
        assert {each.result().status for each in running} == {200}
        assert call(place.url, place.key, "openai").status == 200
        assert place.billed() == 4
        place.assert_books_are_the_bill()


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_that_do_not_fit_wait_and_are_then_refused(tmp_path: Path, chunked: bool) -> None:
    with opened(tmp_path, amount="50.00", more=ROOM) as place, ExitStack() as stack:
        half = b"{" + b" " * (3 * MIB)
        begun = request(CHAT, place.key, half, f"content-length: {3 * MIB + 100}")
        stack.enter_context(send(place.url, begun))
        time.sleep(1.0)
        second = half[: 2 * MIB]
        framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(second), second) if chunked else second
        length = "transfer-encoding: chunked" if chunked else f"content-length: {len(second)}"
        began_s = time.monotonic()
        with send(place.url, request(CHAT, place.key, framed, length, "connection: close"), timeout_s=20) as link:
            seen = read_to_the_end(link)
        assert 4 < time.monotonic() - began_s < 8
        assert seen.startswith(b"HTTP/1.1 503 ")
        assert b'"busy"' in seen
        assert call(place.url, place.key, "openai").status == 200, "what is small fits"


def test_a_body_waits_for_another_to_be_sent(tmp_path: Path) -> None:
    with opened(tmp_path, amount="50.00", more=ROOM) as place:
        whole = request(CHAT, place.key, b"{" + b" " * (3 * MIB), "connection: close")
        with send(place.url, whole[:-5]) as first, send(place.url, whole, timeout_s=20) as second:
            time.sleep(0.5)
            first.sendall(whole[-5:])
            began_s = time.monotonic()
            for link in (first, second):
                assert read_to_the_end(link).startswith(b"HTTP/1.1 400 ")
            assert time.monotonic() - began_s < 2


def test_a_running_call_keeps_no_room_for_its_body(tmp_path: Path) -> None:
    """Answers may take an hour; what was asked is not kept for so long."""
    with opened(tmp_path, amount="500.00", more=ROOM) as place:
        body = large(3, stream=True, directive="output_tokens=20;event_delay_ms=100")
        link = send(place.url, request(CHAT, place.key, body, "connection: close"), timeout_s=20)
        with link:
            read_until(link, b"data: ")
            began_s = time.monotonic()
            assert ask(place.url, "POST", CHAT, large(3, directive="output_tokens=1"), key=place.key).status == 200
            assert time.monotonic() - began_s < 1.5
            assert b"[DONE]" in read_to_the_end(link)
        place.assert_books_are_the_bill()


def test_clients_that_leave_give_their_room_back(tmp_path: Path) -> None:
    with opened(tmp_path, amount="50.00", more=ROOM) as place:
        for _ in range(4):
            begun = request(CHAT, place.key, b"{" + b" " * MIB, f"content-length: {3 * MIB}")
            send(place.url, begun).close()
        time.sleep(0.5)
        began_s = time.monotonic()
        assert ask(place.url, "POST", CHAT, large(3), key=place.key).status == 200
        assert time.monotonic() - began_s < 2
