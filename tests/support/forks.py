"""The program as processes of their own, forked off one that has everything loaded.

Loading takes a second of processor time, longer than most tests. From there on a process is what it would have been:
its own environment, arguments, signals, log and end.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAUSE_S = 0.005


class Forked:
    """A process of the program: what `subprocess.Popen` has of use."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        """Start it with these words behind `bursar`. What it prints is added to the log."""
        told = {"words": list(words), "environ": dict(environ), "log": str(log), "folder": str(Path.cwd())}
        self.pid = int(_ask(told))
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or the number of the signal that ended it, below 0; None while it runs."""
        if self._code is None:
            self._code = _ask({"pid": self.pid})
        return self._code

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until it has ended. Raises TimeoutExpired."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                assert timeout_s is not None
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout_s)
            time.sleep(PAUSE_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class _Loaded:
    """The process that has everything loaded, and the line to it."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(its.fileno())],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
            )
        self._line = ours
        self.lines = ours.makefile("rw", encoding="utf-8")
        atexit.register(self.close)

    def close(self) -> None:
        """End it, and whatever it started."""
        self.lines.close()
        self._line.close()
        self._process.wait()


_lock = threading.Lock()
_loaded: list[_Loaded] = []


def _ask(told: Mapping[str, object]) -> Any:
    with _lock:
        if not _loaded:
            _loaded.append(_Loaded())
        lines = _loaded[0].lines
        lines.write(json.dumps(told) + "\n")
        lines.flush()
        return json.loads(lines.readline())


def _serve(line: socket.socket) -> dict[str, Any] | None:
    """Fork and wait as asked. Returns in each process that was forked, with what it is to do; None at the end."""
    running: set[int] = set()
    lines = line.makefile("rw", encoding="utf-8")
    for text in lines:
        told = json.loads(text)
        if "pid" not in told:
            answer: int | None = os.fork()
            if answer == 0:
                return dict(told)
            running.add(answer or 0)
        else:
            ended, status = os.waitpid(told["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
            running -= {ended}
        lines.write(json.dumps(answer) + "\n")
        lines.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    return None


def _become(told: dict[str, Any]) -> None:
    """Become the process that is told of."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(told["environ"])
    time.tzset()
    os.chdir(told["folder"])
    log = os.open(told["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.argv = ["bursar", *told["words"]]


def main() -> None:
    """Load the program, fork off what is asked for, and be the program in what was forked."""
    import bursar.cli.setup
    import bursar.up  # noqa: F401
    from bursar.cli.start import main as program

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when nobody is left to ask it
    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be forked"
    with socket.socket(fileno=int(sys.argv[1])) as line:
        told = _serve(line)
    if told is not None:
        _become(told)
        program()


if __name__ == "__main__":
    main()
