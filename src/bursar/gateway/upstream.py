"""Calls to providers: connections kept alive, no redirects, no cookies, no proxies from the environment."""

from __future__ import annotations

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from bursar.config import ServerConfig


class Upstream:
    """One pool of connections for all providers. Must be opened and closed in the running loop.

    Only connecting has a timeout here: how long a call may be silent or last, the relay looks after.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=config.connect_timeout_s),
            skip_auto_headers=("User-Agent", "Content-Type", "Accept"),
            trust_env=False,
            read_bufsize=2**16,
            max_line_size=32_768,
            max_field_size=32_768,
        )

    async def post(self, url: URL, headers: CIMultiDict[str], body: bytes) -> aiohttp.ClientResponse:
        """Send a request; answers when the provider's headers are there. Raises aiohttp's errors."""
        return await self._session.post(url, data=body, headers=headers, allow_redirects=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
