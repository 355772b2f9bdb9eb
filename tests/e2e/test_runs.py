"""Agent runs as people meet them: `bursar run` against a server with simulated providers behind it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bursar.money import parse_usd, people_usd
from bursar.sim.server import SimSettings
from bursar.store.schema import calls, runs
from tests.gateway.place import Place, opened
from tests.support.books import assert_proved
from tests.support.kills import compare_with_bill
from tests.unit.sim.raw import until

ROOT = Path(__file__).parents[2]
CALLS = """
import os, sys, time, httpx
url, key = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", os.environ["ANTHROPIC_API_KEY"]
log = open(os.environ["CALLS_LOG"], "a", buffering=1)
body = {"model": "claude-opus-4-5", "max_tokens": 12000, "messages": [{"role": "user", "content": "x"}]}
body["metadata"] = {"user_id": "sim:output_tokens=8000"}
with httpx.Client(timeout=60) as client:
    while True:
        began = time.time()
        status = client.post(url, headers={"x-api-key": key}, json=body).status_code
        print(os.environ["BURSAR_RUN"], began, time.time(), status, file=log)
        if status in (401, 402, 403):
            sys.exit(0)
        if status != 200:
            time.sleep(0.2)
"""
"""A program that calls until it is refused for good. A call costs $0.20 and some nano-dollars, at most $0.31."""


class Agents:
    """Starts `bursar run` for Ada, whose key is all that it is given."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self.log = folder / "calls.log"
        (folder / "calls.py").write_text(CALLS)
        self.calls = (sys.executable, str(folder / "calls.py"))
        self.log.touch()
        scripts = os.path.dirname(sys.executable)
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")},
            "BURSAR_URL": place.url,
            "BURSAR_KEY": place.key,
            "CALLS_LOG": str(self.log),
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        }

    def start(self, budget: str, *command: str, **more: str) -> subprocess.Popen[str]:
        """Begin a run; its output is piped."""
        options = [word for name, value in more.items() for word in (f"--{name}", value)]
        words = ["bursar", "run", "--budget", budget, *options, "--", *command]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            words, env=self.environ, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )

    def run(self, budget: str, *command: str, **more: str) -> tuple[int, str, str]:
        """A run to its end: its exit code and what it printed."""
        with self.start(budget, *command, **more) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def ask(self, path: str) -> Any:
        """What the API tells the person."""
        headers = {"authorization": f"Bearer {self.place.key}"}
        return httpx.get(f"{self.place.url}/api{path}", headers=headers).raise_for_status().json()

    def one(self, name: str) -> Any:
        """The run with this name, in full."""
        [found] = [run for run in self.ask("/runs") if run["name"] == name]
        return self.ask(f"/runs/{found['run']}")

    def kill(self, name: str) -> None:
        """Kill the run with this name."""
        headers = {"authorization": f"Bearer {self.place.key}"}
        path = f"/api/runs/{self.one(name)['run']}/kill"
        httpx.post(self.place.url + path, headers=headers).raise_for_status()

    def logged(self) -> list[tuple[str, float, float, int]]:
        """The calls that were answered: run, beginning, end, status."""
        words = [line.split() for line in self.log.read_text().splitlines()]
        return [(run, float(began), float(ended), int(status)) for run, began, ended, status in words]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Ada with $500, before providers that answer at once."""
    settings = SimSettings(tokens_per_event=500)
    with opened(tmp_path_factory.mktemp("runs"), amount="500.00", settings=settings) as made:
        yield made


@pytest.fixture
def agents(place: Place, tmp_path: Path) -> Agents:
    return Agents(place, tmp_path)


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A run that is ended whatever the test finds."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def charged(place: Place, tokens: list[str]) -> int:
    """What the journal says that these runs' own keys were charged, call by call, in nano-USD."""
    with place.database.reading() as connection:
        query = sa.select(sa.func.sum(calls.c.cost_nanos)).join(runs, runs.c.key_id == calls.c.key_id)
        return int(connection.execute(query.where(runs.c.token.in_(tokens))).scalar_one())


def test_three_children_that_want_more_than_there_is(agents: Agents) -> None:
    place = agents.place
    child = "bursar run --quiet --budget 3 --name child-$n -- " + " ".join(agents.calls)
    script = f"for n in 1 2 3; do {child} & done; wait"
    code, _, said = agents.run("5", "sh", "-c", script, name="parent")
    assert code == 0, said
    place.until_quiet()
    run = agents.one("parent")
    spent = parse_usd(run["spent"])
    assert parse_usd("4.60") < spent <= parse_usd("5.00"), "less than the smallest call's bound is left"
    assert spent == sum(parse_usd(use["cost"]) for use in run["by_model"])
    assert spent == sum(parse_usd(each["spent"]) for each in run["runs"])
    assert spent == charged(place, [run["run"], *(each["run"] for each in run["runs"])])
    assert [each["budget"] for each in run["runs"]] == ["3.00"] * 3
    assert all(parse_usd(each["spent"]) <= parse_usd("3.00") for each in run["runs"])
    assert {status for *_, status in agents.logged()} <= {200, 402, 429}
    assert f"Run parent ({run['run']}): " in said
    assert "claude-opus-4-5" in said
    compare_with_bill(place.database, place.sim.bill.lines())


def test_a_run_in_a_run_in_a_run(agents: Agents) -> None:
    words = ["bursar", "run", "--budget", "2", "--name", "second", "--"]
    words += ["bursar", "run", "--budget", "0.65", "--name", "third", "--", *agents.calls]
    code, _, said = agents.run("3", *words, name="first")
    assert code == 0, said
    chain = [agents.one(name) for name in ("first", "second", "third")]
    assert [run["within"] for run in chain] == ["", chain[0]["run"], chain[1]["run"]]
    assert len({run["spent"] for run in chain}) == 1, "what the innermost spends is spent of all"
    assert 0 < parse_usd(chain[2]["spent"]) <= parse_usd("0.65")
    assert {run["state"] for run in chain} == {"ended"}
    assert [run["exit_code"] for run in chain] == [0, 0, 0]


def test_a_kill_stops_the_tree_within_a_second(agents: Agents) -> None:
    inner = " ".join(["bursar run --quiet --budget 100 --name inner --", *agents.calls])
    with ending(agents.start("200", "sh", "-c", f"{inner} & {inner} & wait", name="outer")) as process:
        until(lambda: len({run for run, *_, status in agents.logged() if status == 200}) == 2, 60)
        agents.kill("outer")
        killed_s = time.time()
        assert process.wait(60) == 0
    logged = agents.logged()
    assert max(began for _, began, _, status in logged if status == 200) < killed_s + 1
    last = {run: status for run, *_, status in logged}
    assert set(last.values()) <= {401, 403}, "refused for good, or cut off"
    run = agents.one("outer")
    assert (run["state"], {each["state"] for each in run["runs"]}) == ("killed", {"killed"})
    agents.place.until_quiet()
    assert parse_usd(run["spent"]) == sum(parse_usd(use["cost"]) for use in run["by_model"])


def test_a_killed_runs_key_is_refused_and_not_tried_again(agents: Agents) -> None:
    script = "import os; print(os.environ['BURSAR_KEY'], flush=True); input()"
    words = ["bursar", "run", "--budget", "1", "--name", "idle", "--", sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=agents.environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        key = process.stdout.readline().strip()
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}]}
        headers = {"authorization": f"Bearer {key}"}
        url = f"{agents.place.url}/v1/chat/completions"
        assert httpx.post(url, headers=headers, json=body).status_code == 200
        agents.kill("idle")
        refused = httpx.post(url, headers=headers, json=body)
        process.communicate("\n", timeout=60)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (401, "false")
    assert refused.json()["error"]["code"] == "run_killed"
    assert agents.one("idle")["exit_code"] == 0


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_running_stream_is_cut_off_and_settled(tmp_path: Path, wire: str) -> None:
    with opened(tmp_path / "slow", amount="50.00", settings=SimSettings(event_delay_ms=50)) as place:
        agents = Agents(place, tmp_path)
        script = "import os; print(os.environ['BURSAR_KEY'], flush=True); input()"
        words = ["bursar", "run", "--budget", "9", "--name", "long", "--", sys.executable, "-c", script]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, env=agents.environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            key = process.stdout.readline().strip()
            path = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[wire]
            model = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}[wire]
            body: dict[str, Any] = {"model": model, "max_tokens": 4000, "stream": True}
            body |= {"user": "sim:output_tokens=3000"} if wire == "openai" else {}
            body |= {"metadata": {"user_id": "sim:output_tokens=3000"}} if wire == "anthropic" else {}
            body["messages"] = [{"role": "user", "content": "x"}]
            text, killed_s = "", 0.0
            with httpx.stream("POST", place.url + path, headers={"x-api-key": key}, json=body, timeout=60) as answer:
                for line in answer.iter_lines():
                    text += line
                    if not killed_s and len(text) > 2_000:
                        agents.kill("long")
                        killed_s = time.monotonic()
                took_s = time.monotonic() - killed_s
            process.communicate("\n", timeout=60)
        assert "call_killed" in text
        assert took_s < 2
        place.until_quiet()
        [call] = place.ended()
        assert call.outcome in {"settled", "provisional"}
        assert 0 < call.cost <= call.bound
        run = agents.one("long")
        assert (run["held"], parse_usd(run["spent"])) == ("0.00", call.cost)
        assert_proved(place.database)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_and_exit_codes_pass_through(agents: Agents, number: signal.Signals) -> None:
    name = f"signalled-{number.name}"
    with ending(agents.start("1", "sh", "-c", "echo ready; exec sleep 60", name=name)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    run = agents.one(name)
    assert (run["state"], run["exit_code"]) == ("ended", 128 + number)


@pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("exec no-such-command", 127)])
def test_the_key_ends_with_the_command(agents: Agents, command: str, code: int) -> None:
    name = f"ends-{code}"
    done, out, _ = agents.run("1", "sh", "-c", f"echo $BURSAR_KEY; {command}", name=name)
    assert done == code
    answer = httpx.get(f"{agents.place.url}/v1/models", headers={"authorization": f"Bearer {out.strip()}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "key_revoked")
    assert agents.one(name)["exit_code"] == code


def test_a_command_that_is_not_there(agents: Agents) -> None:
    code, out, said = agents.run("1", "no-such-command-anywhere", name="missing")
    assert (code, out) == (127, "")
    assert "no-such-command-anywhere: No such file" in said
    run = agents.one("missing")
    assert (run["state"], run["exit_code"]) == ("ended", 127)


def test_a_run_is_refused_before_anything_starts(agents: Agents, tmp_path: Path) -> None:
    code, _, said = agents.run("1", "touch", str(tmp_path / "made"), until="2020-01-01")
    assert (code, said.endswith("[field_invalid]\n")) == (1, True)
    assert not (tmp_path / "made").exists()


def test_a_server_that_restarts_meanwhile_ends_the_run_all_the_same(tmp_path: Path) -> None:
    with opened(tmp_path / "restarted", amount="5.00") as place:
        agents = Agents(place, tmp_path)
        words = [
            "bursar",
            "run",
            "--budget",
            "1",
            "--name",
            "lasting",
            "--",
            "sh",
            "-c",
            "echo ready; read line; exit 5",
        ]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, env=agents.environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            place.server.kill()
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            time.sleep(0.3)
            place.server.start()
            _, said = process.communicate(timeout=60)
        assert process.returncode == 5
        assert "refused" not in said
        run = agents.one("lasting")
        assert (run["state"], run["exit_code"]) == ("ended", 5)


def test_a_terminal_shows_what_is_spent_as_it_is_spent(agents: Agents) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    words = ["bursar", "run", "--budget", "0.65", "--name", "seen", "--"]
    words += ["sh", "-c", "echo begins; " + " ".join(agents.calls) + "; sleep 2.5; echo ends"]
    with subprocess.Popen(words, env=agents.environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # the end of what a terminal has
            while part := os.read(ours, 10_000):
                seen += part
        assert process.wait(60) == 0
    os.close(ours)
    text = seen.decode()
    spent = people_usd(parse_usd(agents.one("seen")["spent"]))
    assert re.search(rf"\x1b\[24;1H\x1b\[2K\x1b\[7mseen: {re.escape(spent)} of \$0.65 · ", text)
    order = [
        text.index(words) for words in ("Run seen (", "begins", "\x1b[1;23r", "ends", "\x1b[r", "claude-opus-4-5")
    ]
    assert order == sorted(order)


def test_the_operator_names_whose_budget_pays(agents: Agents) -> None:
    environ = {name: value for name, value in agents.environ.items() if not name.startswith("BURSAR_")}
    words = ["bursar", "--data", str(agents.place.folder), "run", "--budget", "1"]
    told = subprocess.run([*words, "--", "true"], env=environ, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr.endswith("[field_missing]\n")) == (1, True)
    script = "echo $BURSAR_URL"
    words += ["--person", "ada@example.com", "--", "sh", "-c", script]
    told = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, f"{agents.place.url}\n"), told.stderr


def test_a_swarm_of_twenty(agents: Agents) -> None:
    """examples/swarm.py, with money for about half of what its agents would do."""
    script = str(ROOT / "examples" / "swarm.py")
    code, out, said = agents.run("0.01", sys.executable, script, "--each", "0.001", "--tasks", "9", name="swarm")
    assert code == 0, said
    ends = [json.loads(line) for line in out.splitlines()]
    assert sorted(end["agent"] for end in ends) == list(range(20))
    assert {end["why"] for end in ends} <= {"done", "budget gone"}
    agents.place.until_quiet()
    run = agents.one("swarm")
    assert len(run["runs"]) == 20
    spent = parse_usd(run["spent"])
    assert spent == sum(parse_usd(each["spent"]) for each in run["runs"])
    assert spent == sum(parse_usd(use["cost"]) for use in run["by_model"])
    assert 0 < spent <= parse_usd("0.01")
    assert run["calls"] == sum(end["done"] for end in ends)
    compare_with_bill(agents.place.database, agents.place.sim.bill.lines())
