"""Reading a request's body: counted as it arrives, never too much in memory, never waited for without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bursar.config import ServerConfig
from bursar.gateway.headers import Incoming
from bursar.refusals import Refusal, Why, refuse

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


_SLOW = "the body is too slow"


class ClientGone(Exception):  # noqa: N818 - no error: clients may leave
    """The client left before its request was complete; there is nobody to answer."""


async def read_body(receive: Receive, incoming: Incoming, config: ServerConfig) -> bytes | Refusal:
    """The whole body, or why it is refused. Raises ClientGone."""
    if incoming.content_encoding:
        return refuse(Why.BODY_ENCODED, encoding=incoming.content_encoding)
    if incoming.content_length is not None and incoming.content_length > config.max_body_bytes:
        return refuse(Why.BODY_TOO_LARGE, limit=config.max_body_bytes)
    task = asyncio.current_task()
    assert task is not None, "a body is read in a task"
    # A timer and a cancellation: what asyncio.timeout does, at a third of its cost, once for every request.
    guard = asyncio.get_running_loop().call_later(config.body_timeout_s, task.cancel, _SLOW)
    try:
        return await _collect(receive, config.max_body_bytes, incoming.content_length)
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_SLOW,):
            raise
        task.uncancel()
        return refuse(Why.BODY_TOO_SLOW, seconds=config.body_timeout_s)
    finally:
        guard.cancel()


async def _collect(receive: Receive, limit: int, expected: int | None) -> bytes | Refusal:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return refuse(Why.BODY_TOO_LARGE, limit=limit)
        parts.append(part)
        if size == expected or not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
