"""The server process: one event loop that serves the gateway and the API, from its start to its last settlement."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from bursar.app import SERVER_FILE, Bursar, announce
from bursar.books.holds import give_up
from bursar.books.imports import settle_pending
from bursar.books.upkeep import prune
from bursar.books.uploads import finish_uploads
from bursar.config import Config
from bursar.gateway.gateway import Gateway
from bursar.refusals import Refused
from bursar.reload import Reload
from bursar.status import Status
from bursar.watch.logs import Log
from bursar.watch.watching import Watching

log = logging.getLogger("bursar")
BRING_UP_EVERY_S = 60
PRUNE_EVERY_S = 3600
GIVE_UP_EVERY_S = 5
CHECKPOINT_EVERY_S = 60
"""How often it is looked whether there is one of today."""
STDIN = 0
BACKLOG = 1024
GC_THRESHOLDS = (20_000, 20, 50)
"""A call makes some hundreds of objects and leaves no cycles; looking for them every 700 objects is wasted."""
_ROOT = msgspec.json.encode({"bursar": "AI tokens as pay", "openai": "/v1", "anthropic": "/", "api": "/api"})


class App:
    """The ASGI application: the gateway under /v1, the API under /api, and what machines ask of a server."""

    def __init__(self, bursar: Bursar, log: Log) -> None:
        self._bursar = bursar
        self.watching = Watching(bursar.config, log)
        self.gateway = Gateway(bursar.books, bursar.config, self.watching.watch)
        self.status = Status(bursar, self.gateway, self.watching.watch, log)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request to the part that serves it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path = scope["path"]
        is_read = scope["method"] in {"GET", "HEAD"}
        if path.startswith("/api"):
            await self._bursar.api(scope, receive, send)
        elif is_read and path in Status.PATHS:
            await self.status(scope, send)
        elif is_read and path == "/":
            await _say(send, b"" if scope["method"] == "HEAD" else _ROOT)
        else:
            await self.gateway(scope, receive, send)

    def reconfigure(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self.gateway.reconfigure(config)
        self.watching.reconfigure(config)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


class Stop:
    """What signals ask for: to stop, or, asked a second time, to stop at once."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.wanted = asyncio.Event()
        self._now = asyncio.Event()

    def ask(self) -> None:
        """Stop; asked a second time, without waiting for the calls that are running."""
        if self.wanted.is_set():
            self._now.set()
            self._app.gateway.cut()
        self._app.status.stopping = True
        self.wanted.set()

    async def announced(self, seconds: float) -> None:
        """Wait while /readyz says that this server stops, so that calls may be sent elsewhere."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._now.wait()


async def _say(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def serve(bursar: Bursar, *, host: str, port: int, ready: Callable[[str], None]) -> int:
    """Serve an open data folder until SIGINT or SIGTERM; `ready` is called with the address when it answers."""
    lines = Log()
    lines.open(bursar.config.log)
    bursar.api.whole()  # before anybody waits for it
    try:
        uvloop.run(_serve(bursar, lines, host, port, ready))
    finally:
        (bursar.folder / SERVER_FILE).unlink(missing_ok=True)
        lines.close()
    return 0


async def _serve(bursar: Bursar, lines: Log, host: str, port: int, ready: Callable[[str], None]) -> None:
    app = App(bursar, lines)
    await app.gateway.open()
    bursar.books.journal.on_group = app.watching.watch.counts.commit_s.observe
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
    stop = Stop(app)
    loop = asyncio.get_running_loop()
    bursar.reloader = Reload(bursar, loop, app.reconfigure)
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.ask)
    loop.add_signal_handler(signal.SIGHUP, Hangup(bursar, stop))
    serving = asyncio.create_task(server.serve())
    upkeep = [asyncio.create_task(work(bursar)) for work in (_keep_up, _give_up, _keep_checkpoints)]
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    await _answering(host, port, serving)
    announce(bursar.folder, url, bursar.local_token)
    ready(url)
    try:
        stopped = asyncio.create_task(stop.wanted.wait())
        await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await stop.announced(bursar.config.server.announce_stop_s)
    finally:
        for work in upkeep:
            work.cancel()
        await app.gateway.close()
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({serving}, timeout=5)
        await asyncio.to_thread(app.watching.watch.close)


class Hangup:
    """What SIGHUP means: to reload; or to stop, when it comes because the terminal was closed."""

    def __init__(self, bursar: Bursar, stop: Stop) -> None:
        self._bursar = bursar
        self._stop = stop
        self._had_terminal = os.isatty(STDIN)
        self._reloads: set[asyncio.Task[None]] = set()

    def __call__(self) -> None:
        """Do it."""
        if self._had_terminal and not os.isatty(STDIN):
            self._stop.ask()
            return
        task = asyncio.create_task(_reload(self._bursar))
        self._reloads.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._reloads.discard)


async def _reload(bursar: Bursar) -> None:
    """Reload because of a signal: what came of it is in the log."""
    try:
        done = await asyncio.to_thread(bursar.reload)
    except Refused as refused:
        log.error("nothing is reloaded: %s", refused)  # noqa: TRY400 - the refusal says all
    except Exception:
        log.exception("nothing is reloaded")
    else:
        log.info("reloaded: %s", "; ".join(done.changed) or "nothing has changed")
        if done.restart:
            log.warning("after a restart only: %s", ", ".join(done.restart))


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
    """Expire lots whose period has ended, soon after it has; nobody's budget waits for this to renew.

    Decide what was reported and not decided because a process ended. Now and then forget what need not be kept.
    """
    pruned_s = time.monotonic() - PRUNE_EVERY_S
    while True:
        try:
            await asyncio.to_thread(bursar.books.bring_up)
            await asyncio.to_thread(settle_pending, bursar.books)
            await asyncio.to_thread(finish_uploads, bursar.books)
            if time.monotonic() - pruned_s >= PRUNE_EVERY_S:
                await asyncio.to_thread(prune, bursar.books)
                pruned_s = time.monotonic()
        except Exception:
            log.exception("lots could not be brought up to date")
        await asyncio.sleep(BRING_UP_EVERY_S)


async def _give_up(bursar: Bursar) -> None:
    """Charge the holds of other gateways that were not settled in time."""
    while True:
        try:
            given_up = await asyncio.to_thread(give_up, bursar.books)
            if given_up:
                log.warning("%d holds of other gateways were not settled in time and are charged", given_up)
        except Exception:
            log.exception("holds of other gateways could not be looked through")
        await asyncio.sleep(GIVE_UP_EVERY_S)


async def _keep_checkpoints(bursar: Bursar) -> None:
    """Note each day what the journal is, apart from all else: the folder may be on another machine that hangs."""
    while True:
        try:
            await asyncio.to_thread(bursar.keep_checkpoint)
        except Exception:
            log.exception("no checkpoint of the journal could be put into its folder")
        await asyncio.sleep(CHECKPOINT_EVERY_S)
