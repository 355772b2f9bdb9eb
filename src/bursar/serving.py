"""The server process: one event loop that serves the gateway and the API, from its start to its last settlement."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from bursar.app import SERVER_FILE, Bursar, announce
from bursar.gateway.gateway import Gateway
from bursar.watch import Watch

log = logging.getLogger("bursar")
BRING_UP_EVERY_S = 60
BACKLOG = 1024
GC_THRESHOLDS = (20_000, 20, 50)
"""A call makes some hundreds of objects and leaves no cycles; looking for them every 700 objects is wasted."""
_ROOT = msgspec.json.encode({"bursar": "AI tokens as pay", "openai": "/v1", "anthropic": "/", "api": "/api"})


class App:
    """The ASGI application: the gateway under /v1, the API under /api."""

    def __init__(self, bursar: Bursar) -> None:
        self._bursar = bursar
        self.watch = Watch()
        self.gateway = Gateway(bursar.books, bursar.config, self.watch)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request to the part that serves it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"].startswith("/api"):
            await self._bursar.api(scope, receive, send)
        elif scope["path"] == "/" and scope["method"] in {"GET", "HEAD"}:
            await _say(send, b"" if scope["method"] == "HEAD" else _ROOT)
        else:
            await self.gateway(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def _say(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def serve(bursar: Bursar, *, host: str, port: int, ready: Callable[[str], None]) -> int:
    """Serve an open data folder until SIGINT or SIGTERM; `ready` is called with the address when it answers."""
    try:
        uvloop.run(_serve(bursar, host, port, ready))
    finally:
        (bursar.folder / SERVER_FILE).unlink(missing_ok=True)
    return 0


async def _serve(bursar: Bursar, host: str, port: int, ready: Callable[[str], None]) -> None:
    app = App(bursar)
    await app.gateway.open()
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        log_level=LogLevels.error,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, _on_signal, stop, app.gateway)
    serving = asyncio.create_task(server.serve())
    upkeep = asyncio.create_task(_keep_up(bursar))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    await _answering(host, port, serving)
    announce(bursar.folder, url, bursar.local_token)
    ready(url)
    try:
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
    finally:
        upkeep.cancel()
        await app.gateway.close()
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({serving}, timeout=5)


def _on_signal(stop: asyncio.Event, gateway: Gateway) -> None:
    """Stop; asked a second time, without waiting for the calls that are running."""
    if stop.is_set():
        gateway.cut()
    stop.set()


async def _answering(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """Wait until the server takes connections."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    serving.result()


async def _keep_up(bursar: Bursar) -> None:
    """Expire lots whose period has ended, soon after it has; nobody's budget waits for this to renew."""
    while True:
        try:
            await asyncio.to_thread(bursar.books.bring_up)
        except Exception:
            log.exception("lots could not be brought up to date")
        await asyncio.sleep(BRING_UP_EVERY_S)
