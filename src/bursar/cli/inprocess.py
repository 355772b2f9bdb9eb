"""Calls an ASGI application as if it were a server: what httpx needs to use the API without a network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any

import httpx

AHEAD = 8
"""How many parts of an answer may be made before the first of them is read, so that a long one takes no memory."""
PAUSE_S = 0.001


class InProcess(httpx.BaseTransport):
    """A transport whose server is an application in this process. Bodies stream as they are made."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application on a request, in a thread with a loop of its own."""
        call = _Call(self._application, request)
        status, headers = call.start()
        return httpx.Response(status, headers=headers, stream=call, request=request)


class _Call(httpx.SyncByteStream):
    """One request while it runs, and the body of its answer."""

    def __init__(self, application: Any, request: httpx.Request) -> None:
        self._application = application
        self._scope = _scope(request)
        self._body: bytes | None = request.read()
        self._messages: Queue[dict[str, Any] | BaseException | None] = Queue(AHEAD)
        self._thread = threading.Thread(target=self._run, name="request", daemon=True)

    def start(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Begin; returns once the answer's status and headers are known."""
        self._thread.start()
        message = self._next()
        assert message is not None, "the application ended without an answer"
        return message["status"], list(message["headers"])

    def __iter__(self) -> Iterator[bytes]:
        while (message := self._next()) is not None:
            yield message.get("body", b"")

    def close(self) -> None:
        """Tell the application that nobody listens any more, and wait until it has ended."""
        with suppress(RuntimeError):  # it has ended already, and its loop with it
            self._loop.call_soon_threadsafe(self._over.set)
        while self._thread.is_alive():  # it may be waiting for room for what nobody reads any more
            with suppress(Empty):
                self._messages.get(timeout=PAUSE_S)

    def _next(self) -> dict[str, Any] | None:
        message = self._messages.get()
        if isinstance(message, BaseException):
            raise message
        return message

    def _run(self) -> None:
        try:
            asyncio.run(self._answer())
        except BaseException as problem:  # raised again where the answer is awaited
            self._messages.put(problem)
        else:
            self._messages.put(None)

    async def _answer(self) -> None:
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        await self._application(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self._body is None:
            await self._over.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: dict[str, Any]) -> None:
        while not self._over.is_set():
            with suppress(Full):
                self._messages.put_nowait(message)
                break
            await asyncio.sleep(PAUSE_S)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._over.set()


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "root_path": "",
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (url.host, url.port or 80),
    }
