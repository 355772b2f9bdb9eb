"""`python -m bursar.sim` as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .raw import ask, chat, until


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bursar.sim", "--port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("simulated providers on http://127.0.0.1:")
    return said.split()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_itself_serves_and_stops(tmp_path: Path, number: signal.Signals) -> None:
    announced = tmp_path / "url"
    arguments = ["--keys", "k1,k2", "--announce-file", str(announced), "--settings", '{"output_tokens_max": 20}']
    with start(*arguments) as process:
        url = url_of(process)
        assert announced.read_text() == url
        assert chat(url, key="k1").status == 200
        assert chat(url, key="k3").status == 401
        assert ask(url, "GET", "/sim/settings").json()["output_tokens_max"] == 20
        process.send_signal(number)
        assert process.wait(timeout=10) == 0


def test_wrong_settings_are_a_usage_error() -> None:
    with start("--settings", '{"colour": 1}') as process:
        assert process.wait(timeout=10) == 2


def test_a_port_that_is_taken_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "bursar.sim", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "address already in use" in line


def test_it_ends_with_its_parent() -> None:
    """A parent in between starts it, tells its address and its id, and ends."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'bursar.sim', '--with-parent'], stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline().decode().split()[-1], flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child, url = parent.stdout.readline().split()
    assert url.startswith("http://127.0.0.1:")
    until(lambda: not _runs(int(child)))


def _runs(process: int) -> bool:
    """Whether a process is there and not just a corpse that nobody has collected."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
