"""The status line of Claude Code: what is understood of its JSON, and the line at an instant."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bursar.cli import usage_limits
from bursar.cli.usage_limits import Limit
from bursar.cli.usage_line import BlockTold, Told, line, read, told_of

NOW_S = 1_795_000_000
NOW_US = NOW_S * 1_000_000
HOUR_US = 3_600_000_000
DOLLAR = 1_000_000_000
SAID: dict[str, Any] = {
    "session_id": "s1",
    "transcript_path": "/home/ann/.claude/projects/p/s1.jsonl",
    "model": {"id": "claude-opus-4-5", "display_name": "Opus 4.5"},
    "cost": {"total_cost_usd": 1.25, "total_duration_ms": 45_000},
    "context_window": {"used_percentage": 42, "context_window_size": 200_000},
    "rate_limits": {
        "five_hour": {"used_percentage": 63.5, "resets_at": NOW_S + 7_200},
        "seven_day": {"used_percentage": 80, "resets_at": NOW_S + 400_000},
    },
}
BLOCK = BlockTold(NOW_US + 2 * HOUR_US + 840_000_000, NOW_US - 2 * HOUR_US, 8 * DOLLAR, 0, 1_000)
TOLD = Told((2 * DOLLAR, 0), (12 * DOLLAR, 0), BLOCK, "logs")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def shown(said: object, told: Told, now_us: int = NOW_US) -> str:
    return line(read(json.dumps(said).encode(), now_us), told, now_us, coloured=False)


def test_all_of_it() -> None:
    assert shown(SAID, TOLD) == (
        "Opus 4.5 · $2.00 session · $12.00 today · $8.00 block, 2h 14m left, $4.00/h"
        " · 5h 64% · week 80% · context 42%"
    )


@pytest.mark.parametrize(
    ("whose", "session", "expected"),
    [
        ("logs", (2 * DOLLAR, 0), "$2.00 session"),
        ("logs", (2 * DOLLAR, 3), "$2.00+ session"),
        ("logs", None, "$1.25 session"),
        ("claude", (2 * DOLLAR, 0), "$1.25 session"),
        ("both", (2 * DOLLAR, 0), "$2.00 session ($1.25 by Claude Code)"),
        ("both", None, "$1.25 session"),
    ],
)
def test_whose_cost_of_the_session(whose: str, session: tuple[int, int] | None, expected: str) -> None:
    told = Told(session, (0, 0), None, whose)
    assert shown({"cost": SAID["cost"]}, told) == f"{expected} · $0.00 today"


@pytest.mark.parametrize("whose", ["logs", "claude", "both"])
def test_without_an_estimate_of_claude_code(whose: str) -> None:
    assert shown({}, Told((2 * DOLLAR, 0), (0, 0), None, whose)) == "$2.00 session · $0.00 today"
    assert shown({}, Told(None, (0, 0), None, whose)) == "$0.00 today"


def test_the_clock_goes_on_while_nothing_changes() -> None:
    assert "block, 14m left, $2.00/h" in shown({}, TOLD, NOW_US + 2 * HOUR_US)
    assert "block, <1m left" in shown({}, TOLD, BLOCK.ends_us - 1)
    assert shown({}, TOLD, BLOCK.ends_us) == "$2.00 session · $12.00 today", "it is over"
    assert "5h 64%" not in shown(SAID, TOLD, NOW_US + 2 * HOUR_US), "a limit that was reset is not that of now"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"oops",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"model":"Opus","cost":7,"rate_limits":[],"context_window":{"used_percentage":"42"}}',
        b'{"cost":{"total_cost_usd":NaN},"context_window":{"used_percentage":Infinity},"session_id":7}',
        b'{"cost":{"total_cost_usd":1e400},"rate_limits":{"five_hour":{"used_percentage":1,"resets_at":1e300}}}',
        b'{"cost":{"total_cost_usd":true},"rate_limits":{"five_hour":{"used_percentage":null,"resets_at":null}}}',
    ],
)
def test_what_is_not_understood_is_left_out(data: bytes) -> None:
    assert line(read(data, NOW_US), Told(None, (5, 0), None, "logs"), NOW_US, coloured=False) == "<$0.01 today"


def test_a_model_cannot_do_anything_to_the_terminal() -> None:
    said = {"model": {"display_name": "Opus\x1b[2J\n4.5"}}
    assert shown(said, Told(None, (0, 0), None, "logs")) == "Opus[2J4.5 · $0.00 today"


def test_colours_say_how_much_of_a_limit_is_used() -> None:
    coloured = line(read(json.dumps(SAID).encode(), NOW_US), TOLD, NOW_US, coloured=True)
    assert "5h \x1b[33m64%" in coloured
    assert "week \x1b[31m80%" in coloured
    assert "context \x1b[32m42%" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == shown(SAID, TOLD)
    soon = line(read(b"{}", NOW_US), TOLD, BLOCK.ends_us - 60_000_000, coloured=True)
    assert "\x1b[33m1m left" in soon


def test_what_is_kept_is_read_again() -> None:
    for told in (TOLD, Told(None, (0, 1), None, "both")):
        assert told_of(json.dumps(told)) == told


def test_limits_are_kept_for_others() -> None:
    assert usage_limits.kept(NOW_US) == {}
    read(json.dumps(SAID).encode(), NOW_US)
    five, week = Limit(63.5, NOW_S + 7_200), Limit(80, NOW_S + 400_000)
    assert usage_limits.kept(NOW_US) == {"five_hour": five, "seven_day": week}
    before = usage_limits.place().stat().st_mtime_ns
    read(json.dumps(SAID).encode(), NOW_US)
    read(b"{}", NOW_US)
    assert usage_limits.place().stat().st_mtime_ns == before, "what is not new is not written"
    assert usage_limits.kept(NOW_US + 2 * HOUR_US) == {"seven_day": week}
    assert [read(b"{}", at).resets_s for at in (NOW_US, NOW_US + 2 * HOUR_US)] == [NOW_S + 7_200, None]
    assert read(b"{}", NOW_US).limits == {}, "what another session said is not what this one says"
    usage_limits.place().write_bytes(b"{")
    assert usage_limits.kept(NOW_US) == {}
