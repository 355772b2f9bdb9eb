"""A proxy before a Bursar that passes everything on as it is and notes what was asked and how it was answered."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import NamedTuple

from aiohttp import ClientSession, ClientTimeout, web

_OWN = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "content-length"})
"""Headers that each connection has of its own."""
_LARGEST_BYTES = 1 << 27


class Seen(NamedTuple):
    """A request, without its query, and the status of its answer."""

    method: str
    path: str
    status: int


class Recorder:
    """Listens on a port of its own while it is entered; `seen` is in the order in which requests were answered."""

    def __init__(self, target: str) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        assert self._ready.wait(10), "the proxy did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def calls(self, path: str) -> list[int]:
        """The statuses of the answers from one path."""
        return [seen.status for seen in self.seen if seen.path == path]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner, session = self._loop.run_until_complete(self._serve())
        self._loop.call_soon(self._ready.set)  # not before: a stop in the meantime would be lost
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.run_until_complete(session.close())
        self._loop.close()

    async def _serve(self) -> tuple[web.AppRunner, ClientSession]:
        session = ClientSession(auto_decompress=False, timeout=ClientTimeout(total=None))
        app = web.Application(client_max_size=_LARGEST_BYTES)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._pass_on(session, request)

        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner, session

    async def _pass_on(self, session: ClientSession, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
        body = await request.read() if request.can_read_body else None
        url = self._target + str(request.rel_url)
        async with session.request(request.method, url, headers=headers, data=body) as answer:
            self.seen.append(Seen(request.method, request.path, answer.status))
            told = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
            response = web.StreamResponse(status=answer.status, headers=told)
            await response.prepare(request)
            async for part in answer.content.iter_any():
                await response.write(part)
            await response.write_eof()
            return response
