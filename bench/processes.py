"""Starting, stopping and accounting for the programs that are measured: whole process trees, from /proc."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
QUIET_TICKS = 2
"""A tree that uses no more than this in half a second has finished its work; background timers go on."""


class BenchError(RuntimeError):
    """Something that makes the run's figures worthless; its message says what."""


class _Process(NamedTuple):
    """What one line of /proc/PID/stat tells (proc(5), fields 4, 6, 14-17 and 24)."""

    parent: int
    session: int
    cpu_ticks: int
    rss_pages: int


def _read_stat(pid: str) -> _Process | None:
    """Read one process; None when it has ended meanwhile."""
    try:
        line = Path("/proc", pid, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = line[line.rindex(")") + 2 :].split()  # the name in parentheses may hold spaces
    return _Process(int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])), int(fields[21]))


class Tree:
    """A started program with all its descendants. It leads a session of its own, by which they are found.

    A process belongs to the tree when it is in the leader's session or descends from a member. CPU time includes
    every thread, and children that have ended and were waited for.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def _members(self) -> list[_Process]:
        found = {int(entry): _read_stat(entry) for entry in os.listdir("/proc") if entry.isdigit()}
        processes = {pid: one for pid, one in found.items() if one is not None}
        inside = {pid for pid, one in processes.items() if one.session == self.process.pid}
        inside.add(self.process.pid)
        grown = True
        while grown:
            more = {pid for pid, one in processes.items() if one.parent in inside} - inside
            inside |= more
            grown = bool(more)
        return [processes[pid] for pid in inside if pid in processes]

    def cpu_us(self) -> float:
        """User + system CPU time of the whole tree so far, in microseconds (counted in ticks of 10 ms)."""
        return sum(one.cpu_ticks for one in self._members()) * 1e6 / TICKS_PER_S

    def resident_mb(self) -> float:
        """Resident memory of the whole tree in megabytes (10⁶ bytes); shared pages count in each process."""
        return sum(one.rss_pages for one in self._members()) * PAGE_BYTES / 1e6

    def wait_until_quiet(self, *, limit_s: float = 15) -> None:
        """Wait until work left over from the load (settling, logging) is done, so that it is counted."""
        deadline = time.monotonic() + limit_s
        before = self.cpu_us()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.cpu_us()
            if (now - before) * TICKS_PER_S / 1e6 <= QUIET_TICKS:
                return
            before = now

    def wait_for_port(self, port: int, *, limit_s: float = 30) -> bool:
        """Wait until something listens on the port; false when the program ends or time runs out before."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return True
            time.sleep(0.01)
        return False

    def log_tail(self) -> str:
        """The last lines that the program wrote, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def stop(self, *, grace_s: float = 10) -> None:
        """End the whole tree: SIGTERM to its leader, SIGKILL to the group when that does not suffice."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@contextmanager
def started(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Tree]:
    """Run a program in a session of its own, its output in `log`; it is stopped on the way out."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
    tree = Tree(process, log)
    try:
        yield tree
    finally:
        tree.stop()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command to its end and return what it printed; BenchError with its output when it fails."""
    words = [str(part) for part in command]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}, cwd=cwd
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}".strip())
    return done.stdout
