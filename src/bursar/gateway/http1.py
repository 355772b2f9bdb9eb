"""One HTTP/1.1 connection to a provider: an asyncio protocol around httptools' parser (llhttp, Node's own).

What a general client does besides (redirects, cookies, proxies, retries, forms) is what the gateway must not do.
Measured in docs/decisions/0010.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import cast

from httptools import HttpParserError, HttpResponseParser

MOST_HEADER_BYTES = 64 * 1024
PAUSE_ABOVE_BYTES = 16 * 1024
"""How much of an answer may wait to be taken; a provider that is faster than its reader is made to wait."""
JOINED_BYTES = 64 * 1024
"""A request up to this size goes out in one piece."""
_GUNZIP_OR_INFLATE = zlib.MAX_WBITS | 32


class Lost(OSError):  # noqa: N818 - the word of the field
    """The connection failed after the request may have been read: what became of it is not known."""


class Answer:
    """A provider's answer: status and headers at once, the body as it comes. Leave it by `async with`.

    Headers are by their names in lower case; of one that comes twice the last counts.
    """

    __slots__ = (
        "_buffered",
        "_connection",
        "_decoder",
        "_ended",
        "_error",
        "_parts",
        "_waiter",
        "headers",
        "status",
    )

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._connection = connection
        self._parts: list[bytes] = []
        self._buffered = 0
        self._ended = False
        self._error: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._decoder: Callable[[bytes], bytes] | None = None

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """What is still to come is not wanted."""
        if not self._ended:
            self._connection.abort()

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> bytes:
        """All that has arrived since the last time. Raises Lost when the connection fails."""
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            await self._wait()
        return self._take()

    async def read(self, most: int | None = None) -> bytes:
        """The body, to its end, or to `most` bytes. Raises Lost when the connection fails before that."""
        while not self._ended and (most is None or self._buffered < most):
            if self._error is not None:
                raise self._error
            if most is None:
                self._connection.keep_reading()
            await self._wait()
        return self._take() if most is None else self._take()[:most]

    async def begun(self) -> None:
        """Wait for the head. Raises Lost when the connection fails before it."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def _wait(self) -> None:
        """Wait until something new has arrived: the head, a part, the end, or an error."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _take(self) -> bytes:
        parts = self._parts
        taken = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._buffered = 0
        if not self._ended:
            self._connection.keep_reading()
        return taken

    # --- fed by the connection --------------------------------------------------------------------------------

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """The head has arrived."""
        self.status = status
        self.headers = headers
        if "content-encoding" in headers and headers["content-encoding"].lower() in {"gzip", "deflate", "x-gzip"}:
            # We asked for none. A provider that compresses all the same must be understood, or nothing is metered.
            self._decoder = zlib.decompressobj(_GUNZIP_OR_INFLATE).decompress
        self._wake()

    def feed(self, part: bytes) -> bool:
        """A part of the body has arrived. Says whether more can be taken now."""
        if self._decoder is not None:
            try:
                part = self._decoder(part)
            except zlib.error:
                self.fail(Lost("the answer's compression is broken"))
                return False
        self._parts.append(part)
        self._buffered += len(part)
        self._wake()
        return self._buffered < PAUSE_ABOVE_BYTES

    def end(self) -> None:
        """The body is complete."""
        if self._error is None:
            self._ended = True
            self._wake()

    def fail(self, error: OSError) -> None:
        """The connection failed."""
        if not self._ended:
            self._error = error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Connection(asyncio.Protocol):
    """Carries one request at a time. `free` is called when it can carry the next."""

    def __init__(self, free: Callable[[Connection], None]) -> None:
        self._free = free
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = None
        self._answer: Answer | None = None
        self._fields: dict[str, str] = {}
        self._field_bytes = 0
        self._until_eof = False
        self._paused = False
        self.idle_since_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a request may be written."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, head: bytes, body: bytes) -> Answer:
        """Write a request; the answer fills as it arrives."""
        assert self._transport is not None, "the connection was never made"
        self._answer = answer = Answer(self)
        self._parser = HttpResponseParser(self)
        if len(body) < JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return answer

    def abort(self) -> None:
        """Close at once; whatever is still to come is not wanted."""
        if self._transport is not None:
            self._transport.abort()

    def keep_reading(self) -> None:
        """There is room again for what comes."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # --- asyncio's side ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._parser is None:
            self.abort()  # nothing was asked
            return
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self._fail("the answer is not HTTP")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._transport = None
        answer = self._answer
        if answer is not None and self._until_eof and exc is None:
            self._answer = None
            answer.end()
        self._fail("the connection was closed")

    def _fail(self, problem: str) -> None:
        answer, self._answer, self._parser = self._answer, None, None
        if answer is not None:
            answer.fail(Lost(problem))

    # --- the parser's side ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A head begins: an interim one (1xx), or the answer's."""
        self._fields = {}
        self._field_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > MOST_HEADER_BYTES:
            raise ValueError("the headers are too long")  # reaches `data_received` as an HttpParserError
        self._fields[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is complete."""
        assert self._parser is not None, "the parser runs only within an exchange"
        status = self._parser.get_status_code()
        if status < 200 or self._answer is None:
            return
        fields = self._fields
        framed = "content-length" in fields or "transfer-encoding" in fields
        self._until_eof = not framed and status not in {204, 304}
        self._answer.begin(status, fields)

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        if self._answer is not None and not self._answer.feed(part) and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is complete, and the connection free if it may be kept."""
        answer, parser = self._answer, self._parser
        if answer is None or parser is None or not answer.status:
            return  # an interim answer
        self._answer = self._parser = None
        keep = parser.should_keep_alive() and not self._until_eof
        self.keep_reading()
        if keep and self.is_open:
            self._free(self)
        else:
            self.abort()
        answer.end()
