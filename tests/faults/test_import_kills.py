"""An import that is killed again and again, while its files grow, charges every call once and at its last count."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bursar.store import uploads as waiting
from bursar.store.database import Database
from bursar.store.schema import usage_heads
from tests.support.books import assert_proved, sums
from tests.support.company import EMAIL, found
from tests.support.running import Running

KILLS = int(os.environ.get("BURSAR_TEST_IMPORT_KILLS", "4"))
LONG_KILLS, LONG_CALLS = 8, 12_000
FILES = 3
INPUT_NANOS, OUTPUT_NANOS = 3_000, 15_000
"""What a token of Claude Sonnet 4.5 costs."""


class Logs:
    """Log files that grow: new calls, and more of calls that were there."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.chance = chance
        self.output: dict[str, int] = {}
        folder.mkdir(parents=True)

    def grow(self, lines: int) -> None:
        """Write on."""
        chance = self.chance
        for number in range(FILES):
            with (self.folder / f"{number}.jsonl").open("a") as file:
                for _ in range(lines):
                    name = f"m{chance.randrange(500 * (1 + len(self.output) // 500))}"
                    output = chance.randint(1, 900)
                    self.output[name] = max(output, self.output.get(name, 0))
                    file.write(_line(name, output))

    def cost_nanos(self) -> int:
        """What all of it costs, by arithmetic of our own."""
        return sum(100 * INPUT_NANOS + output * OUTPUT_NANOS for output in self.output.values())


def _line(name: str, output: int) -> str:
    message = {
        "id": name,
        "model": "claude-sonnet-4-5",
        "usage": {"input_tokens": 100, "output_tokens": output},
    }
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2))
    return json.dumps({"type": "assistant", "timestamp": at, "requestId": f"r{name}", "message": message}) + "\n"


def kill_again_and_again(folder: Path, kills: int) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"kill seed {seed}")
    chance = random.Random(seed)
    found(folder / "data", "http://127.0.0.1:9", amount="5000.00", plan='outside_usage = "charge"')
    logs = Logs(folder / "projects", chance)
    words = ["--data", str(folder / "data"), "import", "claude-code", str(logs.folder), "--person", EMAIL]
    environ = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    killed = 0
    for _ in range(kills):
        logs.grow(chance.randint(200, 1_000))
        with subprocess.Popen(
            [sys.executable, "-m", "bursar", *words], env=environ, stdout=subprocess.PIPE
        ) as importing:
            try:
                importing.wait(chance.uniform(0.8, 4.0))
            except subprocess.TimeoutExpired:
                importing.send_signal(signal.SIGKILL)
                killed += 1
    done = subprocess.run([sys.executable, "-m", "bursar", *words], env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    print(f"killed {killed} times", done.stdout.decode())
    database = Database.in_folder(folder / "data")
    books = sums(database)
    assert (books.spent, books.overrun) == (logs.cost_nanos(), 0)
    with database.reading() as connection:
        states = connection.execute(sa.select(usage_heads.c.state, sa.func.count()).group_by(usage_heads.c.state))
        assert [tuple(row) for row in states] == [("charged", len(logs.output))]
    assert_proved(database)
    database.close()


def test_killed_while_files_grow(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, KILLS)


@pytest.mark.soak
def test_killed_hundreds_of_times(tmp_path: Path) -> None:
    for group in range(10):
        kill_again_and_again(tmp_path / str(group), 30)


@pytest.mark.soak
def test_a_long_file_while_client_and_server_are_killed(tmp_path: Path) -> None:
    """After each kill, and once the server is up again, none of a file's calls are there or all of them."""
    seed = int.from_bytes(os.urandom(4))
    print(f"kill seed {seed}")
    chance = random.Random(seed)
    folder, logs = tmp_path / "data", tmp_path / "projects"
    found(folder, "http://127.0.0.1:9", amount="5000.00", plan='outside_usage = "charge"')
    logs.mkdir()
    environ = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = [sys.executable, "-m", "bursar", "--data", str(folder), "import", "claude-code", "--person", EMAIL]
    counts = [0]
    for file in range(LONG_KILLS):
        path = logs / f"{file}.jsonl"
        path.write_text("".join(_line(f"m{file}.{number}", number % 900) for number in range(LONG_CALLS)))
        with (
            Running(folder) as server,
            subprocess.Popen([*words, str(path)], env=environ, stdout=subprocess.DEVNULL) as importing,
        ):
            time.sleep(chance.uniform(0.5, 5.0))
            if chance.random() < 0.5:
                importing.kill()
            else:
                server.kill()
        with Running(folder):
            counts.append(_when_quiet(folder))
            assert counts[-1] - counts[-2] in {0, LONG_CALLS}, counts
    print(counts)
    subprocess.run([*words, str(logs)], env=environ, check=True)
    assert _when_quiet(folder) == LONG_KILLS * LONG_CALLS
    database = Database.in_folder(folder)
    costs = (100 * INPUT_NANOS + number % 900 * OUTPUT_NANOS for number in range(LONG_CALLS))
    assert sums(database).spent == LONG_KILLS * sum(costs)
    assert_proved(database)
    database.close()


def _when_quiet(folder: Path) -> int:
    """How many calls are charged, once nothing is left to be taken or decided."""
    database = Database.in_folder(folder)
    deadline = time.monotonic() + 240
    while True:
        with database.reading() as connection:
            left = waiting.whole_uploads(connection)
            rows = connection.execute(sa.select(usage_heads.c.state, sa.func.count()).group_by(usage_heads.c.state))
            states = {row[0]: row[1] for row in rows}
        if not left and set(states) <= {"charged"}:
            database.close()
            return int(states.get("charged", 0))
        assert time.monotonic() < deadline, (left, states)
        time.sleep(0.2)
