"""`bursar up`: from a data folder, perhaps an empty one, to a server that answers, and back."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bursar.app import Bursar, now_us
from bursar.config import FILE_NAME
from bursar.demo import Demo, install, load_demo
from bursar.demo.config import real_providers, simulated_providers
from bursar.demo.welcome import welcome
from bursar.pricing.book import PriceBook
from bursar.refusals import Refused, Why, refuse
from bursar.serving import serve
from bursar.store import directory
from bursar.store.database import Database

SIMULATOR_KEY_FILE = "simulator.key"
SIMULATOR_START_S = 15.0


def up(folder: Path, *, host: str, port: int, demo: bool) -> int:
    """Serve a data folder until SIGINT or SIGTERM. With `demo`, an empty folder gets the demo company first."""
    console = Console(stderr=True)
    _free(host, port)
    if demo:
        _configure_demo(folder)
    fill = partial(_fill, folder, console) if demo else None
    bursar = Bursar.open(folder, create=demo, to_serve=True, prepare=fill)
    shown = load_demo(folder) if demo else None
    try:
        with _simulator(bursar):
            return serve(bursar, host=host, port=port, ready=lambda url: _say(url, folder, shown, console))
    finally:
        bursar.close()


def _free(host: str, port: int) -> None:
    """Refuse an address that cannot be had, before anything else is done."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            raise Refused(refuse(Why.ADDRESS_TAKEN, address=f"{host}:{port}")) from None


def _configure_demo(folder: Path) -> None:
    """Write the demo's configuration where there is none: the real providers if there are keys for them."""
    if (folder / FILE_NAME).exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    real = real_providers(os.environ)
    if real is None:
        key = folder / SIMULATOR_KEY_FILE
        key.touch(mode=0o600)
        key.write_text("sim_" + secrets.token_hex(16) + "\n")
    (folder / FILE_NAME).write_text(real or simulated_providers())


def _fill(folder: Path, console: Console, database: Database, prices: PriceBook) -> None:
    """Install the demo company, once, where nobody is yet."""
    if load_demo(folder) is not None:
        return
    with database.reading() as connection:
        if directory.has_people(connection):
            console.print("This data folder has real data, so no demo company was added.")
            return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Making the demo company", total=None)
        install(
            folder,
            database,
            prices,
            now_us(),
            lambda done, total: progress.update(task, completed=done, total=total),
        )


@contextmanager
def _simulator(bursar: Bursar) -> Iterator[None]:
    """The simulated providers as a child process, when the configuration asks for them."""
    port = bursar.config.simulator_port
    if port is None:
        yield
        return
    command = [sys.executable, "-m", "bursar.sim", "--port", str(port), "--with-parent"]
    # A session of its own: Ctrl-C is for Bursar, which lets running calls end first.
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    try:
        _wait_for(port, child)
        yield
    finally:
        child.terminate()
        child.wait(timeout=10)


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SIMULATOR_START_S
    while child.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise Refused(refuse(Why.ADDRESS_TAKEN, address=f"127.0.0.1:{port} (the simulated providers)"))


def _say(url: str, folder: Path, demo: Demo | None, console: Console) -> None:
    if demo is not None:
        print(welcome(url, folder, demo), flush=True)
    else:
        console.print(f"Bursar serves {folder} on [bold]{url}[/]  (Ctrl-C stops it)")
