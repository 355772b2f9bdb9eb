"""Reading a request's body: counted as it arrives, never too much in memory, never waited for without end."""

from __future__ import annotations

import asyncio

from bursar.config import ServerConfig
from bursar.gateway.client import ClientGone, Receive
from bursar.gateway.headers import Incoming
from bursar.gateway.room import Share
from bursar.refusals import Refusal, Why, refuse

_SLOW = "the body is too slow"
_NO_ROOM = "the requests that are in memory have all the room there is for them"


async def read_body(receive: Receive, incoming: Incoming, config: ServerConfig, share: Share) -> bytes | Refusal:
    """The whole body, for which `share` has room, or why it is refused. Raises ClientGone."""
    if incoming.content_encoding:
        return refuse(Why.BODY_ENCODED, encoding=incoming.content_encoding)
    if incoming.content_length is not None and incoming.content_length > config.max_body_bytes:
        return refuse(Why.BODY_TOO_LARGE, limit=config.max_body_bytes)
    if incoming.content_length and not await share.grow(incoming.content_length):
        return refuse(Why.BUSY, what=_NO_ROOM)
    task = asyncio.current_task()
    assert task is not None, "a body is read in a task"
    # A timer and a cancellation: what asyncio.timeout does, at a third of its cost, once for every request.
    guard = asyncio.get_running_loop().call_later(config.body_timeout_s, task.cancel, _SLOW)
    try:
        return await _collect(receive, config.max_body_bytes, incoming.content_length, share)
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_SLOW,):
            raise
        task.uncancel()
        return refuse(Why.BODY_TOO_SLOW, seconds=config.body_timeout_s)
    finally:
        guard.cancel()


async def _collect(receive: Receive, limit: int, expected: int | None, share: Share) -> bytes | Refusal:
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
        if expected is None and not await share.grow(size):
            return refuse(Why.BUSY, what=_NO_ROOM)
        parts.append(part)
        if size == expected or not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
