"""Many clients at once, of both wires, streaming and not, as real SDKs talk: over sockets, until told to stop."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

import aiohttp
import msgspec

OPENAI_MODEL = "gpt-4o-mini"
ANTHROPIC_MODEL = "claude-haiku-4-5"


class Load:
    """Clients against one address. `seen` counts answers by status; connection errors count as "gone"."""

    def __init__(
        self, url: str, key: str, *, clients: int, seed: int, output_tokens: tuple[int, int] = (1, 60)
    ) -> None:
        print(f"load seed {seed}")
        self._url = url
        self._key = key
        self._clients = clients
        self._random = random.Random(seed)
        self._output_tokens = output_tokens
        self.seen: Counter[int | str] = Counter()

    def run(self, seconds: float, *, until_refused: bool = False) -> None:
        """Run all clients for a time, or until each has been told that the budget is gone."""
        asyncio.run(self._run(time.monotonic() + seconds, until_refused=until_refused))

    async def _run(self, deadline: float, *, until_refused: bool) -> None:
        timeout = aiohttp.ClientTimeout(total=60)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            clients = [self._client(session, number, deadline, until_refused) for number in range(self._clients)]
            await asyncio.gather(*clients)

    async def _client(
        self, session: aiohttp.ClientSession, number: int, deadline: float, until_refused: bool
    ) -> None:
        while time.monotonic() < deadline:
            status = await self.one(session, anthropic=number % 2 == 0, stream=number % 4 >= 2)
            self.seen[status] += 1
            if status == 402 and until_refused:
                return
            if status != 200:
                await asyncio.sleep(0.02)

    async def one(self, session: aiohttp.ClientSession, *, anthropic: bool, stream: bool) -> int | str:
        """One call; its status, or "gone" when the connection broke."""
        tokens = self._random.randint(*self._output_tokens)
        words = "word " * self._random.randint(1, 40)
        body = {
            "model": ANTHROPIC_MODEL if anthropic else OPENAI_MODEL,
            "max_tokens": self._random.randint(tokens, 100),
            "stream": stream,
            "messages": [{"role": "user", "content": f"{words} {self._random.random()}"}],
        }
        note = f"sim:output_tokens={tokens}"
        body |= {"metadata": {"user_id": note}} if anthropic else {"user": note}
        path = "/v1/messages" if anthropic else "/v1/chat/completions"
        headers = {"x-api-key": self._key, "anthropic-version": "2023-06-01"}
        if not anthropic:
            headers = {"authorization": f"Bearer {self._key}"}
        try:
            async with session.post(
                self._url + path,
                data=msgspec.json.encode(body),
                headers=headers | {"content-type": "application/json"},
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return "gone"
