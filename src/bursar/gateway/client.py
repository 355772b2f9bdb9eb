"""The client's end of a call: what has been sent to it, and whether it is still there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

from bursar.gateway.wires.base import Wire
from bursar.refusals import Refusal, Why
from bursar.watch import Sight

T = TypeVar("T")
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = list[tuple[bytes, bytes]]
JSON = (b"content-type", b"application/json")


class ClientGone(Exception):  # noqa: N818 - no error: clients may leave
    """The client left before it could be answered; there is nobody to answer."""


class Client:
    """Sends an answer. A client that leaves is noted, never an error: the call goes on and is settled."""

    __slots__ = ("_dropped", "_leaving", "_receive", "_send", "_since_s", "gone", "sight", "started")

    def __init__(self, receive: Receive, send: Send, sight: Sight) -> None:
        self._receive = receive
        self._send = send
        self._leaving: asyncio.Task[None] | None = None
        self.sight = sight
        self._since_s: float | None = None
        self._dropped: asyncio.Task[None] | None = None
        self.started = False
        self.gone = False

    @property
    def is_sending(self) -> bool:
        """Whether something waits for the client to take it."""
        return self._since_s is not None

    def drop_if_slow(self, before_s: float, task: asyncio.Task[None]) -> None:
        """Free the task that sends, when the client has taken nothing since then; nothing is sent to it again."""
        if self._since_s is not None and self._since_s < before_s and self._dropped is None:
            self._dropped = task
            task.cancel()

    async def stays_for(self, something: Coroutine[Any, Any, T]) -> T:
        """What a wait comes to. Raises ClientGone when the client leaves first, and then nothing waits any more.

        Only for requests whose body was read. The server is asked about its connection from the first wait on.
        """
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())
        wait = asyncio.create_task(something)
        try:
            await asyncio.wait({wait, self._leaving}, return_when=asyncio.FIRST_COMPLETED)
            if wait.done():
                return wait.result()
            raise ClientGone
        finally:
            if not wait.done():
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait

    async def _leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def over(self) -> None:
        """The request is served: its connection is no concern any more."""
        if self._leaving is not None:
            self._leaving.cancel()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        headers.append((b"content-length", b"%d" % len(body)))
        self.started = True
        self.sight.status = status
        await self._deliver(
            {"type": "http.response.start", "status": status, "headers": headers},
            {"type": "http.response.body", "body": body, "more_body": False},
        )

    async def refuse(self, wire: Wire, refusal: Refusal, request_id: str) -> None:
        """A refusal in the wire's own shape; within a stream that has begun, as an error event that ends it."""
        self.sight.refusal = refusal
        if self.started:
            await self.chunk(wire.error_event(refusal, request_id), more=False)
            return
        headers = [JSON, (b"request-id", request_id.encode()), (b"x-bursar-refusal", refusal.why.encode())]
        if refusal.retryable:
            headers.append((b"retry-after", b"1"))
        else:
            headers.append((b"x-should-retry", b"false"))
        if refusal.why is Why.WEBSOCKET_UNKNOWN:
            headers.append((b"upgrade", b"HTTP/1.1"))  # RFC 9110, 15.5.22: the status 426 says what to use
        await self.answer(refusal.status, headers, wire.error(refusal, request_id))

    async def start(self, status: int, headers: Headers) -> None:
        """Status and headers."""
        self.started = True
        self.sight.status = status
        await self._deliver({"type": "http.response.start", "status": status, "headers": headers})

    async def chunk(self, body: bytes, *, more: bool = True) -> None:
        """A part of the body."""
        if not self.gone:
            await self._deliver({"type": "http.response.body", "body": body, "more_body": more})

    async def _deliver(self, *messages: dict[str, Any]) -> None:
        self._since_s = time.monotonic()
        try:
            for message in messages:
                await self._send(message)
        except (OSError, RuntimeError):
            self.gone = True
        except asyncio.CancelledError:
            if self._dropped is None or self.gone:
                raise
            self.gone = True
            if self._dropped.uncancel():  # by `drop_if_slow`: the call itself goes on, unless it was cut off, too
                raise
        finally:
            self._since_s = None
