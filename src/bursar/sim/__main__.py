"""`python -m bursar.sim`: the simulated providers as a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

import msgspec
import uvloop

from bursar.sim.bill import Bill
from bursar.sim.server import HOST, serve
from bursar.sim.service import Service
from bursar.sim.settings import SimSettings

PARENT_CHECK_S = 0.5


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or, with --with-parent, the end of the parent process."""
    parser = argparse.ArgumentParser(prog="python -m bursar.sim", description="Simulated providers with a bill.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--keys", default="", help="accepted keys, with commas between; any when empty")
    parser.add_argument("--settings", default="{}", help="JSON of settings, as POST /sim/settings takes")
    parser.add_argument("--announce-file", type=Path, help="write the address to this file once it listens")
    parser.add_argument("--bill-file", type=Path, help="append each charged call to this file as a line of JSON")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
    asked = parser.parse_args(arguments)
    try:
        settings = SimSettings().changed(msgspec.json.decode(asked.settings))
    except (msgspec.DecodeError, TypeError) as problem:
        parser.error(f"--settings: {problem}")
    if asked.keys:
        settings = settings.changed({"keys": asked.keys.split(",")})
    bill = Bill(asked.bill_file)
    try:
        uvloop.run(_run(Service(settings, bill), asked.port, asked.announce_file, with_parent=asked.with_parent))
    except OSError as problem:
        parser.exit(1, f"The simulated providers did not begin: {problem.strerror}\n")
    finally:
        bill.close()


async def _run(service: Service, port: int, announce_file: Path | None, *, with_parent: bool) -> None:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    if with_parent:
        _watch_parent(os.getppid(), until, loop)
    await serve(service, port, until, lambda bound: _announce(bound, announce_file))


def _announce(port: int, file: Path | None) -> None:
    """Tell the address on standard output, and in the file at once rather than in parts."""
    url = f"http://{HOST}:{port}"
    if file is not None:
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(url, encoding="utf-8")
        draft.replace(file)
    print(f"simulated providers on {url}", flush=True)


def _watch_parent(parent: int, until: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Look again and again whether the process that started this one is still there."""
    if os.getppid() != parent:
        until.set()
        return
    loop.call_later(PARENT_CHECK_S, _watch_parent, parent, until, loop)


if __name__ == "__main__":
    main()
