"""Runs the simulated providers on a socket: in a thread for tests, or in a process of their own (`__main__`)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvloop
from aiohttp import web

from bursar.sim.bill import Bill
from bursar.sim.service import Service
from bursar.sim.settings import SimSettings

__all__ = ["Bill", "SimServer", "SimSettings", "serve"]

HOST = "127.0.0.1"
MAX_BODY_BYTES = 64 * 1024 * 1024
STOP_WITHIN_S = 1.0


async def serve(service: Service, port: int, until: asyncio.Event, ready: Callable[[int], None]) -> None:
    """Serve on 127.0.0.1 until an event is set; `ready` is told the port (a free one, when 0 was asked for)."""
    loop = asyncio.get_running_loop()

    def request_factory(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY_BYTES)

    server = web.Server(
        service.handle,
        request_factory=request_factory,
        handler_cancellation=True,
        access_log=None,
        keepalive_timeout=3600.0,
    )
    runner = web.ServerRunner(server, shutdown_timeout=STOP_WITHIN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port, backlog=1024, reuse_address=True)
        await site.start()
        ready(site.port)
        await until.wait()
    finally:
        await runner.cleanup()


class SimServer:
    """Simulated providers in a thread with an event loop of its own, on a real socket of 127.0.0.1.

    `url` is known once started. The bill can be read at any time, also after `stop`.
    """

    def __init__(self, settings: SimSettings | None = None, port: int = 0, *, bill_file: Path | None = None) -> None:
        self.bill = Bill(bill_file)
        self.url = ""
        self._service = Service(settings or SimSettings(), self.bill)
        self._port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    @property
    def settings(self) -> SimSettings:
        """The settings in force."""
        return self._service.settings

    def configure(self, **changes: Any) -> None:
        """Change settings for the calls that come from now on. Raises msgspec.ValidationError."""
        self._service.settings = self._service.settings.changed(changes)

    def reset(self) -> None:
        """Forget the bill and the prompt caches; done when this returns."""
        assert self._loop is not None, "the server is not running"
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result()

    def start(self) -> Self:
        """Start the thread and return when the socket listens. Raises what kept it from doing so."""
        assert self._thread is None, "the server was started before"
        self._thread = threading.Thread(target=self._run, name="simulated-providers", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Close every connection and wait for the thread. Does nothing the second time."""
        if self._thread is None or not self._thread.is_alive():
            return
        assert self._loop is not None
        assert self._until is not None
        self._loop.call_soon_threadsafe(self._until.set)
        self._thread.join()
        self.bill.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _reset(self) -> None:
        self._service.reset()

    def _run(self) -> None:
        try:
            uvloop.run(self._main())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = asyncio.Event()
        await serve(self._service, self._port, self._until, self._listening)

    def _listening(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self._ready.set()
