"""A client that does not read what it asked for: the provider is made to wait, and nothing piles up in between."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bursar.sim.server import SimSettings

from .place import Place, opened
from .raw import WIRES, body_of, call, read_until, request

CLIENTS = 12
LONGEST = {"openai": 16_000, "anthropic": 60_000}
"""Tokens of an answer: some five megabytes as a stream of either wire."""
GROWTH_MIB = 40
"""All of it would be above 60 MiB."""
END = {"openai": b"data: [DONE]\n\n", "anthropic": b"event: message_stop\n"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    settings = SimSettings(events_per_write=100)
    with opened(tmp_path_factory.mktemp("slow-client"), amount="500.00", settings=settings) as made:
        yield made
        made.assert_books_are_the_bill()


def memory_mib(place: Place) -> int:
    lines = Path(f"/proc/{place.server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def asking(place: Place, wire: str) -> socket.socket:
    """A client with a small buffer that has asked for a long stream."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    link.settimeout(60)
    link.connect(("127.0.0.1", place.server.port))
    directive = f"output_tokens={LONGEST[wire]}"
    body = body_of(wire, stream=True, max_tokens=LONGEST[wire], directive=directive)
    link.sendall(request(WIRES[wire], place.key, body))
    return link


def test_clients_that_do_not_read(place: Place) -> None:
    """Memory stays; when they hang up, their calls are read to the end without them and cost what was billed."""
    memory, before = memory_mib(place), len(place.ended())
    links = [asking(place, list(WIRES)[number % 2]) for number in range(CLIENTS)]
    most = 0
    for _ in range(15):
        time.sleep(0.1)
        most = max(most, memory_mib(place))
    print(f"memory {memory} MiB, at most {most} MiB for {CLIENTS} clients")
    assert place.running() == CLIENTS, "the provider was read to the end although nobody took what it said"
    assert most < memory + GROWTH_MIB
    for link in links:
        link.close()
    place.until_quiet(before + CLIENTS)
    assert {ended.outcome for ended in place.ended()[before:]} == {"settled"}
    assert memory_mib(place) < memory + GROWTH_MIB


@pytest.mark.parametrize("wire", list(WIRES))
def test_a_client_that_begins_to_read_later_gets_all_of_it(place: Place, wire: str) -> None:
    before = len(place.ended())
    with asking(place, wire) as link:
        time.sleep(0.5)
        assert place.running() == 1
        seen = read_until(link, END[wire])
    assert seen.count(b"data: ") > LONGEST[wire]
    assert place.last(before).outcome == "settled"


def test_others_are_served_meanwhile(place: Place) -> None:
    before = len(place.ended())
    with asking(place, "openai"), asking(place, "anthropic"):
        assert call(place.url, place.key, "openai").status == 200
        assert len(place.ended()) == before + 1
    place.until_quiet()


def test_a_client_that_never_reads_is_given_up(tmp_path: Path) -> None:
    """Its call is read to the end without it, and settled, while it still holds the connection."""
    with opened(tmp_path, amount="50.00", more="[server]\nclient_timeout_s = 1\n") as place:
        with asking(place, "openai"):
            assert place.last(0).outcome == "settled"
        assert [line.finished for line in place.sim.bill.lines()] == ["complete"]
        place.assert_books_are_the_bill()
        assert "Traceback" not in place.server.log.read_text()
