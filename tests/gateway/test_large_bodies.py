"""Large bodies: refused as soon as they pass the limit, without the server's memory growing by them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sim.raw import CHAT, MESSAGES

from .place import Place, opened
from .raw import OPENAI_MODEL, call, read_to_the_end, request, send
from .upstream import Upstream

MIB = 2**20
LARGE_BYTES = 100 * MIB
PIECE = bytes(MIB)
ROUNDS = 20
GROWTH_MIB = 60
HELD_AT_MOST_MIB = 200
"""One body up to its limit of 32 MiB, what it is decoded and written into, and what the allocator keeps of that."""

RECORDED = """
[providers.recorded]
wire = "openai"
base_url = "{url}/v1"
key_file = "provider.key"
models = ["gpt-4o-mini"]
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Place]:
    more = RECORDED.format(url=upstream.url)
    with opened(tmp_path_factory.mktemp("large"), amount="50.00", more=more) as made:
        yield made
        made.until_quiet()
        assert len(made.ended()) == len(upstream.requests)


def memory_mib(place: Place, what: str = "VmRSS") -> int:
    """The server's memory: what it has now, or (VmHWM) the most that it had."""
    lines = Path(f"/proc/{place.server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(what))


def pour(place: Place, key: str, *, chunked: bool) -> tuple[int, bytes]:
    """Send a body of 100 MB as far as it is taken; how many MB that was, and the answer."""
    length = "transfer-encoding: chunked" if chunked else f"content-length: {LARGE_BYTES}"
    framed = b"%x\r\n%s\r\n" % (MIB, PIECE) if chunked else PIECE
    with send(place.url, request(CHAT, key, b"", length)) as link:
        sent = 0
        try:
            while sent < LARGE_BYTES:
                link.sendall(framed)
                sent += MIB
        except ConnectionError:
            pass
        return sent // MIB, read_to_the_end(link)


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_100_mb(place: Place, chunked: bool) -> None:
    before = memory_mib(place)
    for _ in range(ROUNDS):
        sent, seen = pour(place, place.key, chunked=chunked)
        assert seen.startswith(b"HTTP/1.1 413 ")
        assert b'"body_too_large"' in seen
        assert b"larger than 33554432 bytes" in seen
        assert sent < (45 if chunked else 10), "it was read on after it was refused"
    print(f"memory {before} MiB, then {memory_mib(place)}, at most {memory_mib(place, 'VmHWM')}")
    assert memory_mib(place) < before + GROWTH_MIB
    assert memory_mib(place, "VmHWM") < before + HELD_AT_MOST_MIB


def test_a_body_without_a_key_is_not_read(place: Place) -> None:
    before = memory_mib(place)
    for chunked in (False, True):
        for _ in range(ROUNDS // 2):
            sent, seen = pour(place, "bsr_nobody", chunked=chunked)
            assert seen.startswith(b"HTTP/1.1 401 ")
            assert sent < 10
    assert memory_mib(place) < before + GROWTH_MIB


def test_a_body_that_says_it_is_huge_and_stays_away(place: Place) -> None:
    """The length alone is enough to refuse; nobody waits for what was announced."""
    with send(place.url, request(MESSAGES, place.key, b"{", f"content-length: {2**62}")) as link:
        assert read_to_the_end(link).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_that_is_allowed_arrives_as_it_was(place: Place, upstream: Upstream) -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * (20 * MIB // 11)
    messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]
    got = call(place.url, place.key, "openai", messages=messages)
    assert got.status == 200
    [arrived] = upstream.requests
    assert arrived.json()["messages"] == messages
    assert arrived.json()["model"] == OPENAI_MODEL
