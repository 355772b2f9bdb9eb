"""What a demo's start says can be pasted: a shell runs it against a server, and the books have what the bill has."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bursar.app import now_us
from bursar.demo import Demo, install
from bursar.demo.config import simulated_providers
from bursar.demo.welcome import welcome
from bursar.pricing.catalog import build_book
from bursar.sim.server import SimServer
from bursar.store.database import Database
from bursar.store.schema import calls
from tests.support.books import assert_proved
from tests.support.running import free_port

SERVE = """
import sys
from pathlib import Path
from bursar.up import up
sys.exit(up(Path(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), demo=False))
"""
START_S = 20.0
SHOWN = (
    "Statement of token budget",
    "The books are right",
    "claude-code",
    "only there",
    "Residual",
    "jonas.ek@nordlys.example",
    "killed",
    "From the team's pool (product, reserve)",
    "over 24 months",
)
"""What the commands that ask for data show."""


def test_the_commands_of_the_welcome_work_as_they_stand(tmp_path: Path) -> None:
    with SimServer() as simulator:
        demo = make_demo(tmp_path, simulator.url)
        before = now_us()
        with serving(tmp_path) as url:
            pasted = {title: (paste(text), "http://" in text) for title, text in blocks(welcome(url, tmp_path, demo))}
        said = {title: told for title, (told, asks_the_gateway) in pasted.items() if asks_the_gateway}
        shown = "\n".join(told for told, asks_the_gateway in pasted.values() if not asks_the_gateway)
        assert all(text in shown for text in SHOWN), shown
        assert set(said) == {
            "OpenAI's wire, whole and streamed",
            "Anthropic's wire, whole and streamed",
            "A budget that is used up: 402, and nothing leaves for the provider",
            "OpenAI's own package",
            "Anthropic's own package, streamed",
        }
        openai, anthropic, used_up, openai_sdk, anthropic_sdk = said.values()
        assert '"object":"chat.completion"' in openai
        assert openai.rstrip().endswith("data: [DONE]")
        assert '"type":"message"' in anthropic
        assert "event: message_stop" in anthropic
        assert used_up.startswith("HTTP/1.1 402 ")
        assert "budget_exhausted" in used_up
        assert "CompletionUsage(" in openai_sdk
        assert len(anthropic_sdk) > 20
        database = Database.in_folder(tmp_path)
        assert_proved(database)
        with database.reading() as connection:
            query = sa.select(calls.c.outcome, calls.c.cost_nanos).where(calls.c.started_us >= before)
            made = [(call.outcome, call.cost_nanos) for call in connection.execute(query)]
        database.close()
        assert made == [("settled", line.cost_nanos) for line in simulator.bill.lines()]
        assert len(made) == 6


def make_demo(folder: Path, simulator_url: str) -> Demo:
    """A demo's data folder as `bursar up --demo` makes it, but for where its simulator is."""
    config = simulated_providers().replace("http://127.0.0.1:8791", simulator_url)
    (folder / "bursar.toml").write_text(config.replace("[simulator]\nport = 8791\n", ""))
    (folder / "simulator.key").write_text("sim_0")
    database = Database.in_folder(folder)
    database.migrate()
    try:
        return install(folder, database, build_book(), now_us(), lambda done, total: None)
    finally:
        database.close()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server of a data folder, as a process; stopped as Ctrl-C stops it."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(folder), str(port)])
    try:
        deadline = time.monotonic() + START_S
        while not (folder / "server.json").exists():
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(2)
        assert server.wait(40) == 0


def blocks(text: str) -> list[tuple[str, str]]:
    """The welcome's blocks of commands, as (title, commands)."""
    parts = [part.partition("\n") for part in text.removesuffix("Ctrl-C stops it.\n").split("\n\n# ")[1:]]
    return [(title, commands) for title, _, commands in parts]


def paste(commands: str) -> str:
    """What a shell prints for commands, all of which must succeed."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout
