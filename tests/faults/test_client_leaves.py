"""A client that goes away pays what the provider billed: the answer is read to its end without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bursar.sim.server import SimSettings
from tests.gateway.place import Place, opened
from tests.gateway.raw import ALL, WIRES, body_of, path_of, read_until, request, send
from tests.unit.sim.raw import until

SLOW = SimSettings(event_delay_ms=4)
FIRST_WORD = {
    "openai": b'"delta":{"content":"',
    "responses": b'"delta":"',
    "anthropic": b'"text_delta"',
    "gemini": b'{"text":"',
}
EACH = pytest.mark.parametrize("wire", ALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("leaves"), amount="50.00", settings=SLOW) as made:
        yield made
        made.assert_books_are_the_bill()


def assert_charged_in_full(place: Place, before: int, output_tokens: int) -> None:
    """The one call since then is settled at what the provider billed, for an answer that it finished."""
    ended = place.last(before)
    line = next(line for line in place.sim.bill.lines() if line.client_request == ended.id)
    assert (line.finished, line.usage.output) == ("complete", output_tokens)
    assert (ended.outcome, ended.cost, ended.reason) == ("settled", line.cost_nanos, "")


@EACH
def test_in_the_middle_of_a_stream(place: Place, wire: str) -> None:
    before = len(place.ended())
    body = body_of(wire, stream=True, directive="output_tokens=120")
    with send(place.url, request(path_of(wire, stream=True), place.key, body)) as link:
        seen = read_until(link, FIRST_WORD[wire])
    assert seen.startswith(b"HTTP/1.1 200 ")
    assert_charged_in_full(place, before, 120)


@EACH
def test_after_the_headers(place: Place, wire: str) -> None:
    before = len(place.ended())
    body = body_of(wire, stream=True, directive="output_tokens=60;event_delay_ms=8")
    with send(place.url, request(path_of(wire, stream=True), place.key, body)) as link:
        read_until(link, b"\r\n\r\n")
    assert_charged_in_full(place, before, 60)


@EACH
@pytest.mark.parametrize("stream", [True, False])
def test_before_the_first_byte(place: Place, wire: str, stream: bool) -> None:
    before = len(place.ended())
    body = body_of(wire, stream=stream, directive="output_tokens=30;delay_ms=400")
    with send(place.url, request(path_of(wire, stream=stream), place.key, body)):
        until(lambda: place.running() == 1)
    assert_charged_in_full(place, before, 30)


def test_before_the_request_is_whole(place: Place) -> None:
    """Nothing was asked for, so nothing is held or sent."""
    before, billed = len(place.ended()), place.billed()
    whole = request(WIRES["openai"], place.key, body_of("openai"))
    for length in (20, len(whole) - 1):
        send(place.url, whole[:length]).close()
    assert place.running() == 0
    assert (len(place.ended()), place.billed()) == (before, billed)


def test_many_of_them_at_every_moment(place: Place) -> None:
    """Forty clients, each of which reads a little more than the one before it."""
    before = len(place.ended())

    def leave(number: int) -> None:
        wire, stream = ALL[number % len(ALL)], number % 4 < 3
        body = body_of(wire, stream=stream, directive="output_tokens=40")
        with send(place.url, request(path_of(wire, stream=stream), place.key, body)) as link:
            if number:
                link.recv(number * 20)
            else:
                until(lambda: place.running() > 0)

    threads = [threading.Thread(target=leave, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place.until_quiet(before + 40)
    assert {call.outcome for call in place.ended()[before:]} == {"settled"}
    assert {line.finished for line in place.sim.bill.lines()} == {"complete"}
