"""A command as a child process: its exit code, its signals, and what comes before it begins."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bursar.cli.child import Child
from tests.unit.sim.raw import until

RUN_IT = (
    "import os, sys; from bursar.cli.child import Child\nwith Child() as c: sys.exit(c.run(sys.argv[1:], os.environ))"
)
COUNTS = """
import signal, sys, time
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: got.append(number))
print("ready", flush=True)
while not got: time.sleep(0.01)
time.sleep(0.3)
print(len(got), flush=True)
sys.exit(40 + got[0])
"""


def under(*command: str, **more: object) -> subprocess.Popen[str]:
    """A process of its own that runs a command as its child."""
    words = [sys.executable, "-c", RUN_IT, *command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["no-such-command-anywhere"], 127),
        (["/"], 126),
    ],
)
def test_the_exit_code_is_a_shells(command: list[str], code: int) -> None:
    with Child() as child:
        assert child.run(command, os.environ) == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command_once(number: signal.Signals) -> None:
    with under(sys.executable, "-c", COUNTS, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "1\n"
        assert process.wait(10) == 40 + number


def test_an_interrupt_from_the_terminal_reaches_the_command_once() -> None:
    ours, theirs = pty.openpty()
    login = (
        "import os, sys, fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    words = [sys.executable, "-c", login, sys.executable, "-c", RUN_IT, sys.executable, "-c", COUNTS]
    with subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.write(ours, b"\x03")
        assert process.stdout.readline() == "1\n"
        assert process.wait(10) == 40 + signal.SIGINT
    os.close(ours)


def test_what_nohup_ignores_stays_ignored() -> None:
    words = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", sys.executable, "-c", RUN_IT, "sleep", "0.5"]
    with subprocess.Popen(words) as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGHUP)
        assert process.wait(10) == 0


def test_a_signal_that_comes_first_keeps_the_command_from_starting(tmp_path: Path) -> None:
    with Child() as child:
        os.kill(os.getpid(), signal.SIGTERM)
        assert child.run(["touch", str(tmp_path / "made")], os.environ) == 143
    assert not (tmp_path / "made").exists()


def test_signals_are_ours_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Child() as child:
        assert signal.getsignal(signal.SIGINT) != before
        child.run(["true"], os.environ)
    assert signal.getsignal(signal.SIGINT) == before


def test_the_command_has_the_terminal_and_the_pipes(tmp_path: Path) -> None:
    with under("sh", "-c", "cat; echo done", stdin=subprocess.PIPE) as process:
        said, _ = process.communicate("hello\n", timeout=10)
    assert said == "hello\ndone\n"
    until(lambda: process.returncode == 0)
