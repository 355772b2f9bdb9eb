"""A Bursar server as a process of its own, on a data folder; it can be stopped, and killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from types import TracebackType

from tests.support.forks import Forked

START_S = 60.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """`bursar up` on a folder."""

    def __init__(self, folder: Path, *, port: int = 0, environ: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environ = {**os.environ, **(environ or {})}
        self._process: Forked | None = None
        self.log = folder / "server.log"

    def start(self) -> Running:
        """Start it and wait until it answers."""
        (self.folder / "server.json").unlink(missing_ok=True)
        words = ("--data", str(self.folder), "up", "--port", str(self.port))
        self._process = Forked(words, self._environ, self.log)
        deadline = time.monotonic() + START_S
        while not (self.folder / "server.json").exists():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"no answer within {START_S} s: {self.log.read_text()}"
            time.sleep(0.01)
        return self

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, timeout_s: float = 40.0) -> int:
        """Ask it to stop, as Ctrl-C does; returns its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout_s)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Running:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
