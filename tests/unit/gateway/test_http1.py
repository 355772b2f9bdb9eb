"""The connection to a provider, against servers that speak every kind of HTTP/1.1, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bursar.config import ServerConfig
from bursar.gateway.http1 import PAUSE_ABOVE_BYTES, Answer, Lost
from bursar.gateway.upstream import Address, NotConnected, Upstream, _tls, origin_of

MIB = 2**20
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-type: Text/Plain; charset=utf-8\r\n"


async def asked(reader: asyncio.StreamReader) -> bytes:
    """One request with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


def within(
    serve: Serve, use: Callable[[Upstream, Address], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> None:
    """Run `use` with an Upstream and the address of a server that serves each connection by `serve`."""

    async def run() -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        origin, path = origin_of(f"{'https' if tls else 'http'}://localhost:{port}/base")
        upstream = Upstream(ServerConfig(connect_timeout_s=2))
        async with asyncio.timeout(20):
            await use(upstream, Address(origin, path + "/x?y=1"))
        await upstream.close()
        server.close()

    asyncio.run(run())


def answers(*replies: bytes, close: bool = False) -> Serve:
    """Answer each request of a connection with the next reply; then, perhaps, close."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await asked(reader)
            writer.write(reply)
            await writer.drain()
        if not close:
            await reader.read()

    return serve


async def post(upstream: Upstream, address: Address, body: bytes = b"{}") -> Answer:
    return await upstream.post(address, ["x-one: 1"], body)


@pytest.mark.parametrize(
    ("reply", "close"),
    [
        (OK + b"content-length: 5\r\n\r\nhello", False),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\ntrailer: z\r\n\r\n", False),
        (OK + b"connection: close\r\n\r\nhello", True),
        (b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nhello", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 5\r\n\r\nhello", False),
        (b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + OK + b"content-length: 5\r\n\r\nhello", False),
        (OK + b"content-encoding: gzip\r\ncontent-length: 25\r\n\r\n" + gzip.compress(b"hello", mtime=0), False),
    ],
    ids=["length", "chunked", "until closed", "HTTP/1.0", "continue", "hints", "gzip"],
)
def test_an_answer_is_read_however_it_is_framed(reply: bytes, close: bool) -> None:
    async def use(upstream: Upstream, address: Address) -> None:
        async with await post(upstream, address) as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")
            assert "link" not in answer.headers
            assert await answer.read() == b"hello"

    within(answers(reply, close=close), use)


def test_the_request_is_what_was_given() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await asked(reader))
        writer.write(OK + b"content-length: 0\r\n\r\n")

    async def use(upstream: Upstream, address: Address) -> None:
        body = b"x" * 100_000
        async with await post(upstream, address, body) as answer:
            assert await answer.read() == b""
        [request] = seen
        head, _, sent = request.partition(b"\r\n\r\n")
        port = address.origin.port
        assert head.split(b"\r\n") == [
            b"POST /base/x?y=1 HTTP/1.1",
            b"host: localhost:%d" % port,
            b"content-length: 100000",
            b"x-one: 1",
        ]
        assert sent == body

    within(serve, use)


@pytest.mark.parametrize("value", ["a\r\nx-two: 2", "a\nb", "a\0b"])
def test_no_header_can_add_a_line(value: str) -> None:
    async def use(upstream: Upstream, address: Address) -> None:
        with pytest.raises(ValueError, match="must not have"):
            await upstream.post(address, [f"x-one: {value}"], b"")

    within(answers(), use)


@pytest.mark.parametrize("target", ["/a b", "/a\r\nhost: b", "a", "/ä"])
def test_no_path_can_add_a_line(target: str) -> None:
    async def use(upstream: Upstream, address: Address) -> None:
        with pytest.raises(ValueError, match="must not have"):
            await upstream.post(Address(address.origin, target), ["x-one: 1"], b"")

    within(answers(), use)


def test_a_connection_is_used_again_and_a_closed_one_is_not() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            await asked(reader)
            writer.write(OK + b"content-length: 2\r\n\r\nok")

    async def use(upstream: Upstream, address: Address) -> None:
        for turn in range(5):
            async with await post(upstream, address) as answer:
                assert await answer.read() == b"ok"
            if turn % 2:
                await asyncio.sleep(0.05)  # the server closes after two, and its end has to arrive
        assert connections == 3

    within(serve, use)


def test_an_answer_that_nobody_wants_closes_its_connection() -> None:
    left: list[bytes] = []
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(OK + b"content-length: 1000\r\n\r\nabc")
        left.append(await reader.read())
        gone.set()

    async def use(upstream: Upstream, address: Address) -> None:
        async with await post(upstream, address) as answer:
            assert await anext(answer) == b"abc"
        await gone.wait()
        assert left == [b""]

    within(serve, use)


def test_a_provider_that_is_faster_than_its_reader_waits() -> None:
    size = 64 * MIB
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await asked(reader)
        writer.write(OK + b"content-length: %d\r\n\r\n" % size)
        for _ in range(64):
            writer.write(b"x" * MIB)
            await writer.drain()
            sent += MIB

    async def use(upstream: Upstream, address: Address) -> None:
        async with await post(upstream, address) as answer:
            await asyncio.sleep(0.3)
            assert sent < size // 2, "the server could send everything to somebody who reads nothing"
            got = 0
            async for part in answer:
                got += len(part)
            assert got == size

    within(serve, use)


def test_a_whole_body_is_read_though_it_is_large() -> None:
    size = 8 * PAUSE_ABOVE_BYTES

    async def use(upstream: Upstream, address: Address) -> None:
        async with await post(upstream, address) as answer:
            assert len(await answer.read()) == size
        async with await post(upstream, address) as answer:
            assert len(await answer.read(1_000)) == 1_000

    reply = OK + b"content-length: %d\r\n\r\n" % size + b"x" * size
    within(answers(reply, reply), use)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nx: y",
        OK + b"x-long: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "not HTTP", "half a head", "a long head"],
)
def test_no_head_is_a_loss(reply: bytes) -> None:
    async def use(upstream: Upstream, address: Address) -> None:
        with pytest.raises(Lost):
            await post(upstream, address)

    within(answers(reply, close=True), use)


@pytest.mark.parametrize(
    "reply",
    [
        OK + b"content-length: 50\r\n\r\nhello",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        OK + b"content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ids=["short", "no last chunk", "no chunk", "not gzip"],
)
def test_a_broken_body_is_a_loss(reply: bytes) -> None:
    async def use(upstream: Upstream, address: Address) -> None:
        with pytest.raises(Lost):
            async with await post(upstream, address) as answer:
                await answer.read()

    within(answers(reply, close=True), use)


def test_nobody_there_is_told_apart_from_a_loss() -> None:
    async def use(upstream: Upstream, address: Address) -> None:
        nobody = Address(address.origin._replace(port=1), "/")
        with pytest.raises(NotConnected):
            await post(upstream, nobody)
        with pytest.raises(NotConnected):
            await post(upstream, Address(address.origin._replace(host="no-such-host.invalid"), "/"))

    within(answers(), use)


def test_tls_is_spoken_and_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words.split(), *more], check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)

    async def trusted(upstream: Upstream, address: Address) -> None:
        async with await post(upstream, address) as answer:
            assert await answer.read() == b"ok"

    async def unknown(upstream: Upstream, address: Address) -> None:
        with pytest.raises(NotConnected):
            await post(upstream, address)

    try:
        within(answers(OK + b"content-length: 2\r\n\r\nok"), trusted)
        within(answers(), unknown, server)
        _tls.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        within(answers(OK + b"content-length: 2\r\n\r\nok"), trusted, server)
    finally:
        _tls.cache_clear()
