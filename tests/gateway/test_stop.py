"""Stopping: running calls end and are settled; what takes too long is cut and charged; nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from bursar.sim.server import SimSettings
from tests.support.books import assert_proved, sums
from tests.support.kills import compare_with_bill

from .place import Ended, Place, opened
from .raw import WIRES, body_of, call, read_to_the_end, read_until, request, send

CALLS = 6
SLOW = SimSettings(event_delay_ms=25)
SHORT, LONG = "output_tokens=100", "output_tokens=400"
"""A stream of some three seconds, and one of ten."""
PATIENT, HASTY = "[server]\nstop_timeout_s = 20\n", "[server]\nstop_timeout_s = 1\n"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


def begun(place: Place, directive: str) -> list[socket.socket]:
    """Clients of both wires whose streams have begun."""
    links = []
    for number in range(CALLS):
        wire = list(WIRES)[number % 2]
        body = body_of(wire, stream=True, directive=directive)
        links.append(send(place.url, request(WIRES[wire], place.key, body, "connection: close"), timeout_s=30))
    for link in links:
        assert read_until(link, b"data: ").startswith(b"HTTP/1.1 200 ")
    return links


def rest_of(link: socket.socket) -> bytes:
    """What still comes, up to the connection's end."""
    with link:
        return read_to_the_end(link)


def stopping(place: Place, pool: ThreadPoolExecutor) -> Future[int]:
    """The server, asked to stop; its exit code."""
    code = pool.submit(place.server.stop)
    time.sleep(0.2)
    return code


def ended_in_order(place: Place) -> list[Ended]:
    """What the books say once the server has gone: everything has ended, nothing is held, and the proof holds."""
    assert not (place.folder / "server.json").exists()
    assert (place.running(), sums(place.database).held) == (0, 0)
    assert_proved(place.database)
    compare_with_bill(place.database, place.sim.bill.lines())
    assert "Traceback" not in place.server.log.read_text()
    return place.ended()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_with_nothing_to_wait_for(tmp_path: Path, number: signal.Signals) -> None:
    with opened(tmp_path, more=PATIENT) as place:
        assert call(place.url, place.key, "openai").status == 200
        began_s = time.monotonic()
        os.kill(place.server.pid, number)
        assert place.server.stop() == 0
        assert time.monotonic() - began_s < 5
        assert [each.outcome for each in ended_in_order(place)] == ["settled"]


def test_running_calls_end_and_new_ones_are_refused(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount="50.00", more=PATIENT, settings=SLOW) as place:
        links = begun(place, SHORT)
        code = stopping(place, pool)
        for wire in WIRES:
            refused = call(place.url, place.key, wire)
            assert (refused.status, refused.json()["error"]["code"]) == (503, "stopping")
            assert refused.headers["retry-after"] == "1"
        rests = [rest_of(link) for link in links]
        assert [b"[DONE]" in rest or b"message_stop" in rest for rest in rests] == [True] * CALLS
        assert code.result() == 0
        assert {(each.outcome, each.reason) for each in ended_in_order(place)} == {("settled", "")}
        assert place.billed() == len(place.ended()) == CALLS
        assert sums(place.database).spent == place.sim.bill.total_nanos()


@pytest.mark.parametrize("asked_again", [False, True])
def test_calls_that_take_too_long_are_cut_and_charged(
    tmp_path: Path, pool: ThreadPoolExecutor, asked_again: bool
) -> None:
    """After `stop_timeout_s`, or at once when the operator asks a second time."""
    with opened(tmp_path, amount="50.00", more=PATIENT if asked_again else HASTY, settings=SLOW) as place:
        links = begun(place, LONG)
        began_s = time.monotonic()
        code = stopping(place, pool)
        if asked_again:
            os.kill(place.server.pid, signal.SIGINT)
        rests = [rest_of(link) for link in links]
        assert code.result() == 0
        assert time.monotonic() - began_s < 9
        assert [b'"code":"stopping"' in rest for rest in rests] == [True] * CALLS
        ended = ended_in_order(place)
        assert {each.outcome for each in ended} == {"provisional"}
        assert {each.reason for each in ended} == {"Bursar stopped while the call was running"}
        assert [each.cost for each in ended] == [each.bound for each in ended]


def test_a_client_that_does_not_read_holds_nobody_up(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with opened(tmp_path, amount="50.00", more=HASTY) as place:
        body = body_of("anthropic", stream=True, max_tokens=60_000, directive="output_tokens=60000")
        with send(place.url, request(WIRES["anthropic"], place.key, body)) as link:
            link.recv(100)
            assert stopping(place, pool).result() == 0
        assert [each.outcome for each in ended_in_order(place)] == ["provisional"]
