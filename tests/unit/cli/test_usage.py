"""`bursar usage` on a laptop: no server, no data folder; and the same question answered at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bursar.cli import again
from bursar.cli.again import MOST_ANSWERS
from tests.unit.cli.conftest import Program
from tests.unit.importers.reading import put
from tests.unit.importers.test_claude_code import MODELS, answer
from tests.unit.importers.test_codex import count, head, rollout, tokens, turn

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
@pytest.mark.parametrize(
    "command",
    [
        "today",
        "daily",
        "daily --by project",
        "weekly --by model",
        "monthly",
        "models",
        "sessions",
        "session s1",
        "blocks",
    ],
)
@pytest.mark.usefixtures("home")
def test_tables_fit_and_say_what_has_no_price(
    program: Program, monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = program.bare("usage", *command.split())
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


@pytest.mark.usefixtures("home")
def test_sessions_are_named_where_there_is_room(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, named in ((80, True), (60, False)):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = program.bare("usage", "sessions").out
        heading, _, row, *_ = shown.splitlines()[2:]
        assert ("Session " in heading, " s2 " in row or " s1 " in row) == (named, named)
        assert max(len(heading), len(row)) <= columns


@pytest.mark.usefixtures("home")
def test_orders_of_sessions(program: Program) -> None:
    def ids(*words: str) -> list[str]:
        return [one["session"] for one in program.bare("usage", "sessions", "--json", *words).json["sessions"]]

    assert ids("--order", "oldest") == ids()[::-1]
    costs = [
        one["cost"] for one in program.bare("usage", "sessions", "--json", "--order", "dearest").json["sessions"]
    ]
    assert costs == sorted(costs, key=float, reverse=True)
    assert program.bare("usage", "sessions", "--order", "random").code == 1


@pytest.mark.usefixtures("home")
def test_periods_by_their_parts(program: Program) -> None:
    told = program.bare("usage", "daily", "--json", "--by", "project", "--order", "latest").json["days"]
    assert [row["day"] for row in told] == [name_of(0), name_of(1), name_of(2)]
    assert [(one["project"], one["calls"]) for one in told[0]["projects"]] == [("/src/app", 1), ("/src/other", 1)]
    some = program.bare("usage", "monthly", "--json", "--by", "source", "--project", "other").json
    assert [(one["source"], one["calls"]) for row in some["months"] for one in row["sources"]] == [("claude-code", 1)]
    assert some["total"]["calls"] == 1
    assert program.bare("usage", "models", "--json", "--project", "/src/other").json["total"]["calls"] == 1
    assert "No calls of nowhere in these days" in program.bare("usage", "weekly", "--project", "nowhere").out


def test_many_parts_are_shown_as_one(program: Program, home: Path) -> None:
    for number in range(12):
        line = day(0, f"msg_p{number}") | {"sessionId": f"p{number}", "cwd": f"/src/p{number}"}
        put(home / f".claude/projects/p/{number}.jsonl", line)
    shown = program.bare("usage", "daily", "--by", "project", "--since", "1d").out
    assert "  6 others" in shown
    assert len(program.bare("usage", "daily", "--by", "project", "--json").json["days"][-1]["projects"]) == 14


@pytest.mark.usefixtures("home")
def test_weeks_and_spans(program: Program) -> None:
    today = datetime.now(UTC).date()
    told = program.bare("usage", "weekly", "--json", "--since", "1w").json
    assert told["since"] == f"{today - timedelta(days=today.weekday())}"
    assert [row["week"] for row in told["weeks"]] == [told["since"]]
    other = program.bare(
        "usage", "weekly", "--json", "--since", "2w", "--week-starts", today.strftime("%A").lower()
    ).json
    assert other["since"] == f"{today - timedelta(days=7)}"
    assert [(row["week"], row["calls"]) for row in other["weeks"]] == [(other["since"], 2), (f"{today}", 2)]
    assert program.bare("usage", "monthly", "--json", "--since", "1m").json["since"] == f"{today:%Y-%m}-01"
    years = program.bare("usage", "monthly", "--json", "--since", "25m").json["since"]
    assert years == f"{today.year - 2}-{today:%m}-01"
    assert program.bare("usage", "weekly", "--week-starts", "someday").code == 1


@pytest.mark.usefixtures("home")
def test_a_session_by_the_hour(program: Program) -> None:
    told = program.bare("usage", "session", "s1", "--json").json
    assert (told["session"], told["project"], told["calls"]) == ("s1", "/src/app", 4)
    assert sum(hour["calls"] for hour in told["hours"]) == 4
    assert [hour["hour"][:10] for hour in told["hours"]] == [name_of(40), name_of(2), name_of(1), name_of(0)]
    assert [one["model"] for one in told["models"]] == [OPUS, "glm-5"]
    shown = program.bare("usage", "session", "s2").out
    assert "Session s2" in shown
    assert "Claude Code · /src/other" in shown
    many = program.bare("usage", "session", "s")
    assert (many.code, "s1, s2" in many.err) == (1, True)
    assert program.bare("usage", "session", "zzz").code == 1


def test_hours_of_a_night_on_which_clocks_change(program: Program, tmp_path: Path, home: Path) -> None:
    at = ("00:30", "01:30", "02:10", "04:59", "05:00")
    lines = [answer(f"m{n}", "r", at=f"2026-10-25T{when}:00Z") for n, when in enumerate(at)]
    put(tmp_path / "night/a.jsonl", *lines)
    where = ("--path", str(tmp_path / "night"), "--time-zone", "Europe/Stockholm")
    hours = program.bare("usage", "session", "s1", "--json", *where).json["hours"]
    assert [hour["hour"][11:] for hour in hours] == [
        "02:00+02:00",
        "02:00+01:00",
        "03:00+01:00",
        "05:00+01:00",
        "06:00+01:00",
    ]
    told = program.bare("usage", "blocks", "--json", "--since", "all", *where).json
    assert [(one["begins"][11:16], one["ends"][11:], one["calls"]) for one in told["blocks"]] == [
        ("02:00", "06:00:00+01:00", 4),
        ("06:00", "11:00:00+01:00", 1),
    ], "five hours, though the clock says four"
    assert told["active"] is None
    assert (told["largest"][0]["total_tokens"], told["blocks"][1]["share_of_limit"]) == (4 * 1_060, 0.25)
    assert "Sun 25 Oct 02:00–06:00" in program.bare("usage", "blocks", "--since", "all", *where).out


def just_now(path: Path) -> str:
    """A call of a moment ago, and when its block ends."""
    at = datetime.now(UTC) - timedelta(seconds=2)
    put(path, answer("msg_now", "r", at=f"{at:%Y-%m-%dT%H:%M:%S}Z", model=OPUS))
    return f"{at.replace(minute=0) + timedelta(hours=5):%Y-%m-%dT%H:%M:00+00:00}"


def test_the_block_of_now(program: Program, home: Path) -> None:
    where = ("--path", str(home / "now"))
    ends = just_now(home / "now/a.jsonl")
    told = program.bare("usage", "blocks", "--json", "--token-limit", "2k", "--hours", "5", *where).json
    active = told["active"]
    assert (active["ends"], active["is_active"]) == (ends, True)
    assert 235 <= active["minutes_left"] <= 300
    assert active["tokens_at_end"] > active["total_tokens"] >= 1_060
    assert active["share_of_limit"] == active["total_tokens"] / 2_000
    shown = program.bare("usage", "blocks", "--active", "--token-limit", "2k", *where).out
    assert "of 2.00k tokens; at this pace" in shown
    assert f"Block until {ends[11:16]}" in program.bare("usage", "today", *where).out
    assert program.bare("usage", "blocks", "--token-limit", "many").code == 1


def test_each_agent_has_its_own_blocks(program: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = home / "both"
    put(logs / "a.jsonl", answer("m1", "r", at="2026-11-20T09:30:00Z"))
    rollout(logs, 1, head(1, 0), turn(1), count(2, tokens(100), tokens(100)))
    where = ("--path", str(logs), "--since", "all", "--source", "claude-code", "--source", "codex")
    told = program.bare("usage", "blocks", "--json", *where).json
    assert sorted(one["source"] for one in told["blocks"]) == ["claude-code", "codex"]
    assert [one["share_of_limit"] for one in told["blocks"]] == [1, 1], "each is the largest of its own"
    assert len(program.bare("usage", "blocks", "--json", *where[:4]).json["blocks"]) == 1
    monkeypatch.setenv("COLUMNS", "60")
    shown = program.bare("usage", "blocks", *where).out
    assert "20 Nov 09:00 Claude Code" in shown
    assert "Codex" in shown.partition("Share")[2]
    assert max(map(len, shown.splitlines())) <= 60


def test_the_provider_says_when_a_block_ends(program: Program, home: Path) -> None:
    just_now(home / ".claude/projects/-src-app/now.jsonl")
    resets = int(time.time()) // 900 * 900 + 3_600
    said = json.dumps({"rate_limits": {"five_hour": {"used_percentage": 12.4, "resets_at": resets}}})
    line, _ = ask(home, "statusline", said=said)
    assert "5h \x1b[32m12%" in line
    told = program.bare("usage", "blocks", "--json").json
    assert told["active"]["ends"] == f"{datetime.fromtimestamp(resets, UTC):%Y-%m-%dT%H:%M:%S+00:00}"
    assert told["limits"]["five_hour"]["used_percent"] == 12.4
    shown = " ".join(program.bare("usage", "blocks").out.split())
    assert (
        f"Claude Code says: 12% of the five hours used, reset at {datetime.fromtimestamp(resets, UTC):%H:%M}" in shown
    )


def test_a_status_line(home: Path) -> None:
    said = json.dumps({"session_id": "s2", "model": {"display_name": "Opus"}, "cost": {"total_cost_usd": 7}})
    first, loaded = ask(home, "statusline", said=said)
    assert "typer" in loaded
    plain = re.sub(r"\x1b\[[0-9;]*m", "", first)
    assert plain.startswith("Opus · <$0.01 session · <$0.01 today")
    repeated, loaded = ask(home, "statusline", said=said)
    assert repeated.partition(" block")[0] == first.partition(" block")[0]
    assert not {"typer", "msgspec", "bursar.local.usage"} & set(loaded)
    put(home / ".claude/projects/-src-app/more.jsonl", *(day(0, f"msg_more_{n}") for n in range(100)))
    more, loaded = ask(home, "statusline", said=said)
    assert "typer" in loaded
    assert "$0.18 today" in re.sub(r"\x1b\[[0-9;]*m", "", more)
    told = json.loads(ask(home, "statusline", "--json", said=said)[0])
    assert (told["session"], told["of_session"]["calls"], told["of_today"]["calls"]) == ("s2", 1, 102)


def test_where_there_are_no_logs(program: Program, home: Path) -> None:
    empty = home / "empty"
    empty.mkdir()
    assert "No logs of a coding agent were found" in program.bare("usage", "daily", "--path", str(empty)).out
    assert "No logs of Codex were found" in program.bare("usage", "daily", "--source", "codex").out
    assert program.bare("usage", "daily", "--path", str(empty), "--json").json["days"] == []
    assert program.bare("usage", "blocks", "--path", str(empty), "--active").out == "No block is active.\n"
    assert program.bare("usage", "blocks", "--path", str(empty), "--json").json["active"] is None
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
        (("--by", "colour"), "by"),
        (("--order", "dearest"), "order"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("home")
def test_what_is_refused(program: Program, words: tuple[str, ...], field: str) -> None:
    refused = program.bare("usage", "daily", "--json", *words)
    assert refused.code == 1
    told = json.loads(refused.err)["error"]
    assert (told["name"], told["field"]) == ("field_invalid", field)


def ask(home: Path, *words: str, said: str = "") -> tuple[str, list[str]]:
    """Run the program as people do; what it says, and which of its parts it loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "bursar", "usage", *words]
    env = os.environ | {"HOME": str(home), "TZ": "UTC"}
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=True, input=said)
    return done.stdout, [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]


def test_the_same_question_is_answered_without_loading_the_program(home: Path) -> None:
    said, loaded = ask(home, "daily")
    assert "typer" in loaded
    repeated, loaded = ask(home, "daily")
    assert repeated == said
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


@pytest.mark.parametrize(
    ("command", "later_s", "holds"),
    [("daily", 60, True), ("daily", 900, False), ("blocks", 59, True), ("blocks", 60, False)],
)
@pytest.mark.usefixtures("home")
def test_how_long_an_answer_holds(monkeypatch: pytest.MonkeyPatch, command: str, later_s: int, holds: bool) -> None:
    words = ["usage", command]
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000)
    assert again.answer_again(words) is None
    again.remember("an answer", [])
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000 + later_s)
    assert again.answer_again(words) == ("an answer" if holds else None)
    assert again.answer_again(words, "facts") is None
    again.remember("", [])


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
