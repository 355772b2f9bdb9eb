"""Calls to providers: connections kept alive, no redirects, no cookies, no proxies from the environment."""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohappyeyeballs

from bursar.config import ServerConfig
from bursar.gateway.http1 import Answer, Connection, Lost

KEEP_IDLE_S = 60.0
_TARGET = re.compile(r"/[!-~]*")


class NotConnected(OSError):  # noqa: N818 - what it is
    """The provider could not be reached: nothing was sent."""


LOST = (Lost, OSError, TimeoutError)
"""What a request that may have been sent can fail with."""


class Origin(NamedTuple):
    """Where a provider is. `authority` is the value of the header `host`."""

    host: str
    port: int
    secure: bool
    authority: str


class Address(NamedTuple):
    """What to ask, and of whom."""

    origin: Origin
    target: str


def origin_of(base_url: str) -> tuple[Origin, str]:
    """The origin of a configured URL, and the path that it begins with."""
    parts = urlsplit(base_url)
    secure = parts.scheme == "https"
    assert parts.hostname, "the configuration was checked"
    usual = 443 if secure else 80
    host, port = parts.hostname, parts.port or usual
    named = f"[{host}]" if ":" in host else host
    return Origin(host, port, secure, named if port == usual else f"{named}:{port}"), parts.path


class Upstream:
    """The connections to all providers. Must be used in one running loop.

    Only connecting has a timeout here: how long a call may be silent or last, the relay looks after.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._connect_timeout_s = config.connect_timeout_s
        self._idle: dict[Origin, list[Connection]] = {}
        self._loop = asyncio.get_running_loop()

    def reconfigure(self, config: ServerConfig) -> None:
        """Connect within another time from now on."""
        self._connect_timeout_s = config.connect_timeout_s

    async def post(self, address: Address, headers: list[str], body: bytes) -> Answer:
        """Send a request with these header lines; answers when the provider's head is there.

        Raises NotConnected, or Lost.
        """
        origin, target = address
        head = _head(origin, target, headers, len(body))
        connection = self._kept(origin) or await self._connect(origin)
        answer = connection.send(head, body)
        try:
            await answer.begun()
        except BaseException:
            answer.leave()
            raise
        return answer

    async def close(self) -> None:
        """Close all connections that carry nothing."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    def _kept(self, origin: Origin) -> Connection | None:
        """A connection that is still open, the one used last first: the others may grow old and go."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_open:
                if self._loop.time() - connection.idle_since_s < KEEP_IDLE_S:
                    return connection
                connection.abort()
        return None

    async def _connect(self, origin: Origin) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                found = await self._loop.getaddrinfo(origin.host, origin.port, type=1)
                sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=0.25)
                try:
                    _, connection = await self._loop.create_connection(
                        lambda: Connection(lambda one: self._free(origin, one)),
                        sock=sock,
                        ssl=_tls() if origin.secure else None,
                        server_hostname=origin.host if origin.secure else None,
                    )
                except BaseException:
                    sock.close()
                    raise
        except (OSError, TimeoutError) as problem:
            raise NotConnected(f"{origin.host} cannot be reached: {type(problem).__name__}") from None
        return connection

    def _free(self, origin: Origin, connection: Connection) -> None:
        connection.idle_since_s = self._loop.time()
        idle = self._idle.setdefault(origin, [])
        idle.append(connection)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _head(origin: Origin, target: str, headers: list[str], length: int) -> bytes:
    """A request's line and headers. Nothing that a client sends can add a line to them."""
    lines = "\r\n".join(headers)
    if _TARGET.fullmatch(target) is None or lines.count("\n") != len(headers) - 1 or "\0" in lines:
        raise ValueError("a request's path or headers have characters that they must not have")
    return (
        f"POST {target} HTTP/1.1\r\nhost: {origin.authority}\r\ncontent-length: {length}\r\n{lines}\r\n\r\n"
    ).encode("latin-1")
