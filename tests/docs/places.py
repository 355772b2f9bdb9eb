"""Where the examples of a page run: an empty folder, a served company of one, the demo company, or at another time.

Each is a folder of its own in which `bursar` is on the path and `.venv` is this environment; the data folder is
`bursar-data`, as it is by default. A server that a page calls http://localhost:8790 is asked at its own port.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from bursar.app import load_prices, now_us
from bursar.cli.main import main
from bursar.demo import install
from bursar.demo.config import simulated_providers
from bursar.periods import to_us
from bursar.sim.server import SimServer
from bursar.store.database import Database
from tests.gateway.people import person
from tests.support.company import found, open_books
from tests.support.node import BIN, PACKAGES
from tests.support.running import Running

WRITTEN_PORT = "8790"
TIMEOUT_S = 60
_PLAIN = re.compile(r"(?:\.venv/bin/)?bursar (?!up)[^|&;<>$()`\\]*")
"""A command that needs no shell."""
_TODAY = re.compile(r"# It is (\d{4}-\d{2}-\d{2})\.")
"""A step of a story that moves its clock: it is nine o'clock UTC of that day then."""
_NOT_PASSED_ON = (
    *("BURSAR_DATA", "BURSAR_URL", "BURSAR_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"),
    "PYTHONUNBUFFERED",  # or a line and its end are written apart, and those of several programs mix
)


class Place(NamedTuple):
    """A folder to run commands in, with the variables that the page speaks of, and the server's port.

    Where a story is told, `clock` has the one instant that it is now, in µs UTC.
    """

    folder: Path
    environ: dict[str, str]
    port: str
    clock: list[int] | None = None

    def run(self, command: str) -> str:
        """What a command prints, errors included; whether it succeeds is for its text to say."""
        if self.clock is not None and (today := _TODAY.fullmatch(command)):
            self.clock[0] = to_us(datetime.fromisoformat(f"{today[1]}T09:00:00+00:00"))
            return ""
        command = command.replace(WRITTEN_PORT, self.port)
        printed = self._bursar(command) if _PLAIN.fullmatch(command) else self._shell(command)
        return printed.replace(self.port, WRITTEN_PORT)

    def _shell(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.stdout

    def _bursar(self, command: str) -> str:
        """Run the program in this process, which has imported all that takes a second in a new one."""
        printed = StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(printed):
            patch.chdir(self.folder)
            if self.clock is not None:
                [at_us] = self.clock
                patch.setattr("bursar.app.now_us", lambda: at_us)
            for name in {*os.environ, *self.environ}:
                if name in self.environ:
                    patch.setenv(name, self.environ[name])
                else:
                    patch.delenv(name)
            with pytest.raises(SystemExit):
                main(shlex.split(command)[1:])
        return printed.getvalue()


def _place(folder: Path, port: str, **variables: str) -> Place:
    scripts = folder / ".venv" / "bin"
    (folder / ".venv").symlink_to(sys.prefix)
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    path = os.pathsep.join([str(scripts), str(BIN), os.environ["PATH"]])
    own = {"PATH": path, "COLUMNS": "100", "XDG_CACHE_HOME": str(folder / "cache")}
    return Place(folder, environ | variables | own, port)


@contextmanager
def empty(folder: Path, prices: Path) -> Iterator[Place]:
    """Nothing is there."""
    yield _place(folder, WRITTEN_PORT)


@contextmanager
def folder(folder: Path, prices: Path) -> Iterator[Place]:
    """A data folder with Ada, who has $2,000.00 a month, and her key in KEY; nobody serves it."""
    data = _data_folder(folder, prices)
    yield _place(folder, WRITTEN_PORT, KEY=found(data, "http://127.0.0.1:9", amount="2000.00"))


@contextmanager
def served(folder: Path, prices: Path) -> Iterator[Place]:
    """The same, served, before simulated providers."""
    data = _data_folder(folder, prices)
    with SimServer() as simulator:
        key = found(data, simulator.url, amount="2000.00")
        with Running(data) as server:
            yield _place(folder, str(server.port), KEY=key)


@contextmanager
def tools(folder: Path, prices: Path) -> Iterator[Place]:
    """The same for clients: SPENT is the key of somebody who cannot pay for a call; Node has its packages."""
    (folder / "node_modules").symlink_to(PACKAGES)
    data = _data_folder(folder, prices)
    with SimServer() as simulator:
        key = found(data, simulator.url, amount="2000.00")
        books = open_books(data)
        person(books, "grace", 'amount = "0.00001"')
        spent = books.create_key("grace@example.com", "laptop").secret
        books.close()
        with Running(data) as server:
            yield _place(folder, str(server.port), KEY=key, SPENT=spent)


@contextmanager
def demo(folder: Path, prices: Path) -> Iterator[Place]:
    """The demo company, served; KEY is of somebody with budget left, SPENT of somebody without."""
    data = _data_folder(folder, prices)
    with SimServer() as simulator:
        config = simulated_providers().replace("http://127.0.0.1:8791", simulator.url)
        (data / "bursar.toml").write_text(config.replace("[simulator]\nport = 8791\n", ""))
        (data / "simulator.key").write_text("sim_0")
        database = Database.in_folder(data)
        database.migrate()
        shown = install(data, database, load_prices(data), now_us(), lambda done, total: None)
        database.close()
        with Running(data) as server:
            yield _place(folder, str(server.port), KEY=shown.key, SPENT=shown.spent_key)


@contextmanager
def story(folder: Path, prices: Path) -> Iterator[Place]:
    """A data folder with nobody in it, on 2 November 2026; `# It is 2026-12-24.` goes on to another day."""
    _data_folder(folder, prices)
    yield _place(folder, WRITTEN_PORT)._replace(clock=[to_us(datetime.fromisoformat("2026-11-02T09:00:00+00:00"))])


def _data_folder(folder: Path, prices: Path) -> Path:
    """A data folder that need not build the price book again."""
    data = folder / "bursar-data"
    data.mkdir()
    shutil.copy(prices, data)
    return data


PLACES: dict[str, Callable[[Path, Path], AbstractContextManager[Place]]] = {
    "empty": empty,
    "folder": folder,
    "served": served,
    "tools": tools,
    "demo": demo,
    "story": story,
}
