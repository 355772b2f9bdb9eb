"""`bursar usage` on a laptop: no server, no data folder; and the same question answered at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bursar.cli.again import MOST_ANSWERS
from tests.unit.cli.conftest import Program
from tests.unit.importers.reading import put
from tests.unit.importers.test_claude_code import MODELS, answer

OPUS = MODELS[0]
ONE = 10 * 5_000 + 1_000 * 500 + 50 * 25_000
"""Nano-dollars of one answer of Opus: input, from the cache, output."""


@pytest.fixture(scope="session")
def kept_prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with a price book, because building one takes long."""
    from bursar.local.usage import prices

    folder = tmp_path_factory.mktemp("cache")
    prices(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, kept_prices: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with logs of two agents, of today and before; its clock is UTC."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    cache = tmp_path / "cache/bursar"
    cache.mkdir(parents=True)
    for book in kept_prices.iterdir():
        (cache / book.name).write_bytes(book.read_bytes())
    logs = tmp_path / ".claude/projects/-src-app"
    put(logs / "a.jsonl", *(day(n, f"msg_{n}") for n in (0, 0, 1, 40)), day(2, "msg_new", model="glm-5"), "oops")
    put(logs / "b.jsonl", day(0, "msg_b", model=MODELS[2]) | {"sessionId": "s2", "cwd": "/src/other"})
    return tmp_path


def day(ago: int, message: str, *, model: str = OPUS) -> dict[str, Any]:
    at = datetime.now(UTC).replace(hour=0, minute=0) - timedelta(days=ago)
    return answer(message, f"req_{message}", at=f"{at:%Y-%m-%dT%H:%M:%S}Z", model=model)


def name_of(ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}"


@pytest.mark.usefixtures("home")
def test_days_as_json(program: Program) -> None:
    told = program.bare("usage", "daily", "--json", "--time-zone", "UTC").json
    assert [row["day"] for row in told["days"]] == [name_of(2), name_of(1), name_of(0)]
    assert [row["cost"] for row in told["days"]][:2] == [None, f"{ONE / 1e9:.4f}"]
    assert [(one["model"], one["calls"]) for one in told["days"][2]["models"]] == [(OPUS, 1), (MODELS[2], 1)]
    assert (told["total"]["calls"], told["total"]["unpriced_calls"]) == (4, 1)
    assert [one["model"] for one in told["unpriced"]] == ["glm-5"]
    assert (told["broken_lines"], told["broken"][0]["line"]) == (1, 6)
    everything = program.bare("usage", "daily", "--json", "--since", "all").json
    assert everything["total"]["calls"] == 5
    some = program.bare("usage", "daily", "--json", "--since", name_of(2), "--until", name_of(1)).json
    assert [row["day"] for row in some["days"]] == [name_of(2), name_of(1)]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", ["today", "daily", "monthly", "models", "sessions"])
@pytest.mark.usefixtures("home")
def test_tables_fit_and_say_what_has_no_price(
    program: Program, monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = program.bare("usage", command)
    assert shown.code == 0, shown.err
    lines = [line for line in shown.out.splitlines() if not line.startswith("  ")]
    assert max(map(len, lines)) <= columns
    assert "opus-4-5" in shown.out
    if command != "today":
        assert "1 call (1.06k tokens) without a price" in " ".join(shown.out.split())
        assert "$0.00" not in shown.out
    assert "a.jsonl:6: is no JSON object" in shown.out


@pytest.mark.usefixtures("home")
def test_one_glance_at_today(program: Program) -> None:
    shown = program.bare("usage", "today").out
    assert f"{datetime.now(UTC):%A}" in shown
    assert "2 calls" in shown
    told = program.bare("usage", "today", "--json").json
    assert (told["calls"], told["yesterday"]["calls"], told["last_30_days"]["calls"]) == (2, 1, 4)
    assert sum(float(hour) for hour in told["hours"]) == pytest.approx(float(told["cost"]))


@pytest.mark.usefixtures("home")
def test_sessions_tell_their_projects(program: Program) -> None:
    told = program.bare("usage", "sessions", "--json", "--limit", "1").json["sessions"]
    assert len(told) == 1
    told = program.bare("usage", "sessions", "--json").json["sessions"]
    assert sorted((one["session"], one["project"]) for one in told) == [("s1", "/src/app"), ("s2", "/src/other")]
    assert "not shown; --limit" in program.bare("usage", "sessions", "--limit", "1").out


def test_where_there_are_no_logs(program: Program, home: Path) -> None:
    empty = home / "empty"
    empty.mkdir()
    assert "No logs of a coding agent were found" in program.bare("usage", "daily", "--path", str(empty)).out
    assert program.bare("usage", "daily", "--path", str(empty), "--json").json["days"] == []
    assert "No calls in these days" in program.bare("usage", "daily", "--until", "2020-01-01", "--since", "all").out


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--since", "yesterday"), "since"),
        (("--until", "7d"), "until"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "until"),
        (("--source", "notepad"), "source"),
        (("--time-zone", "Mars/Base"), "time_zone"),
        (("--path", "/nowhere/at/all"), "path"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("home")
def test_what_is_refused(program: Program, words: tuple[str, ...], field: str) -> None:
    refused = program.bare("usage", "daily", "--json", *words)
    assert refused.code == 1
    told = json.loads(refused.err)["error"]
    assert (told["name"], told["field"]) == ("field_invalid", field)


def ask(home: Path, *words: str) -> tuple[str, list[str]]:
    """Run the program as people do; what it says, and which of its parts it loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "bursar", "usage", *words]
    env = os.environ | {"HOME": str(home), "TZ": "UTC"}
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=True)
    return done.stdout, [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]


def test_the_same_question_is_answered_without_loading_the_program(home: Path) -> None:
    said, loaded = ask(home, "daily")
    assert "typer" in loaded
    again, loaded = ask(home, "daily")
    assert again == said
    assert not {"typer", "msgspec", "bursar.local.usage"} & set(loaded)
    other, loaded = ask(home, "daily", "--json")
    assert json.loads(other)["total"]["calls"] == 4
    assert "typer" in loaded


@pytest.mark.parametrize("change", ["grows", "comes", "goes", "home", "zone"])
def test_an_answer_holds_only_as_long_as_nothing_changes(home: Path, change: str) -> None:
    words: tuple[str, ...] = ("daily", "--json")
    ask(home, *words)
    log = home / ".claude/projects/-src-app/a.jsonl"
    expected = 4
    match change:
        case "grows":
            with log.open("a") as file:
                file.write(json.dumps(day(0, "msg_more")) + "\n")
            expected = 5
        case "comes":
            put(log.with_name("c.jsonl"), day(0, "msg_c"))
            expected = 5
        case "goes":
            log.unlink()
            expected = 1
        case "home":
            put(home / ".config/claude/projects/p/d.jsonl", day(0, "msg_d"), day(1, "msg_e"))
            expected = 6
        case _:
            words = (*words, "--time-zone", "Asia/Tokyo")
    now, loaded = ask(home, *words)
    assert "typer" in loaded
    assert json.loads(now)["total"]["calls"] == expected
    assert json.loads(now)["time_zone"] == ("Asia/Tokyo" if change == "zone" else None)


def test_large_logs_are_read_while_the_program_starts(home: Path) -> None:
    filler = json.dumps({"type": "user", "message": {"role": "user", "content": "z" * 1_000_000}}) + "\n"
    for number in range(3):
        line = json.dumps(day(0, f"msg_large_{number}")) + "\n"
        (home / f".claude/projects/-src-app/large{number}.jsonl").write_text(filler * 6 + line * 2)
    said, loaded = ask(home, "daily", "--json")
    told = json.loads(said)
    assert (told["total"]["calls"], told["files"]) == (7, {"claude-code": 5})
    assert loaded.index("bursar.local.usage") < loaded.index("typer"), "reading begins first"


def test_answers_do_not_pile_up(home: Path) -> None:
    folder = home / "cache/bursar/answers"
    folder.mkdir()
    for number in range(MOST_ANSWERS + 20):
        (folder / f"{number:08x}.json").write_text("{}")
    ask(home, "models")
    assert len(list(folder.iterdir())) <= MOST_ANSWERS + 1
    ask(home, "models", "--no-cache")
    assert len(list(folder.iterdir())) <= MOST_ANSWERS + 1


def test_watching_prints_each_change(home: Path) -> None:
    env = os.environ | {"HOME": str(home), "TZ": "UTC"}
    command = [sys.executable, "-m", "bursar", "usage", "watch", "--json", "--every", "0.2"]
    with subprocess.Popen(command, env=env, cwd=home, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            assert json.loads(watching.stdout.readline())["calls"] == 2
            put(home / ".claude/projects/-src-app/w.jsonl", day(0, "msg_w"))
            assert json.loads(watching.stdout.readline())["calls"] == 3
        finally:
            watching.kill()
