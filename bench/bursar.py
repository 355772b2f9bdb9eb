"""Bursar itself: a key with a large budget, every call held and settled durably in SQLite with fsync."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.processes import BenchError, free_port, run, started
from bench.program import COMPLETIONS, Finding, Running, Upstream, wait_for_answer

BURSAR = Path(sys.executable).with_name("bursar")
PERSON = "bench@example.com"

CONFIG = """\
[providers.openai]
wire = "openai"
base_url = "http://127.0.0.1:{upstream_port}/v1"
key_file = "upstream.key"
models = ["gpt-*"]
"""

PLAN = """\
name = "bench"
amount = "1000000.00"
schedule = "monthly"
"""


class Bursar:
    """This repository's gateway, as `bursar up` serves it."""

    name = "bursar"
    budgets = "SQLite, fsync"

    def prepare(self) -> str:
        """Bursar is installed with the benchmark; its version."""
        return run([BURSAR, "--version"]).split()[-1]

    @contextmanager
    def start(self, upstream: Upstream, folder: Path) -> Iterator[Running]:
        """Set up a fresh data folder, serve it, and verify its journal once it has been stopped."""
        data = folder / "data"
        headers = {"Authorization": f"Bearer {set_up(data, folder, upstream.port)}"}
        port = free_port()
        url = f"http://127.0.0.1:{port}{COMPLETIONS}"
        command: list[str | Path] = [BURSAR, "--data", data, "up", "--port", str(port)]
        findings: list[Finding] = []
        since_s = time.monotonic()
        with started(command, log=folder / "bursar.log", cwd=folder) as tree:
            yield Running(url, headers, tree, wait_for_answer(tree, url, headers, since_s=since_s), findings)
        findings.append(verify(data, served=upstream.served()))
        shutil.rmtree(data)


def set_up(data: Path, folder: Path, upstream_port: int) -> str:
    """Make a data folder with one person, whose budget no load uses up; the secret of the person's key."""
    data.mkdir()
    (data / "upstream.key").write_text("sk-bench")
    (data / "bursar.toml").write_text(CONFIG.format(upstream_port=upstream_port))
    plan = folder / "plan.toml"
    plan.write_text(PLAN)

    def bursar(*words: str | Path) -> str:
        return run([BURSAR, "--data", data, *words])

    bursar("init", "--json")
    bursar("person", "add", PERSON, "--name", "Bench", "--json")
    bursar("plan", "add", plan)
    bursar("grant", PERSON, "--plan", "bench")
    secret: str = json.loads(bursar("key", "create", PERSON, "--json"))["secret"]
    return secret


def verify(data: Path, *, served: int) -> Finding:
    """Whether the journal verifies, and has settled exactly the completions that the upstream served."""
    try:
        told = json.loads(run([BURSAR, "--data", data, "journal", "verify", "--json"]))
    except BenchError as error:
        return Finding(False, f"journal does not verify: {error}")
    settled, provisional = calls_that_ended(data, "settled"), calls_that_ended(data, "provisional")
    # Calls whose client left before they were sent are released, and not among either.
    right = told["is_right"] and told["open_holds"] == 0 and settled == served and not provisional
    return Finding(right, f"journal verified; {settled:,} calls settled, {served:,} served upstream")


def calls_that_ended(data: Path, outcome: str) -> int:
    """How many calls ended so: settled at what the upstream said they used, provisional, or released."""
    with closing(sqlite3.connect(data / "bursar.sqlite")) as connection:
        query = "SELECT count(*) FROM calls WHERE outcome = ?"
        found: int = connection.execute(query, (outcome,)).fetchone()[0]
    return found
