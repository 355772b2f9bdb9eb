"""Gemini CLI, OpenCode and pi: random homes agree with simple readers, and the nasty files do what they should."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bursar.importers.gemini_cli import GeminiCli
from bursar.importers.opencode import OpenCode
from bursar.importers.pi import Pi
from bursar.importers.reading import Source
from tests.unit.importers import simple
from tests.unit.importers.reading import put, read_all

AT = "2026-11-20T10:00:00.000Z"


def gemini(key: str, *, output: int = 20, **more: int) -> dict[str, Any]:
    tokens = {"input": 1_000, "output": output, "cached": 600, "thoughts": 7, "tool": 3, **more}
    tokens.setdefault("total", tokens["input"] + output + tokens["thoughts"] + tokens["tool"])
    return {"id": key, "timestamp": AT, "type": "gemini", "content": "x", "tokens": tokens, "model": "gemini-2.5-pro"}


def test_gemini_counts_the_last_record_of_a_message(tmp_path: Path) -> None:
    chats = tmp_path / "tmp/app/chats"
    put(
        chats / "session-1.jsonl",
        {"sessionId": "s1", "kind": "main"},
        {"id": "u", "type": "user", "timestamp": AT, "content": "hello"},
        {"id": "m1", "type": "gemini", "timestamp": AT, "content": ""},
        gemini("m1", output=99),
        {"$set": {"messages": [gemini("m1", output=25), gemini("m2")]}},
    )
    (first, second) = GeminiCli().read(chats / "session-1.jsonl").records
    assert (first.usage.input, first.usage.cache_read, first.usage.output) == (403, 600, 32)
    assert (first.usage.reasoning, first.session, first.project, first.catalog) == (7, "s1", "app", "google")
    assert second.message_id == "m2"


def test_gemini_versions_that_leave_the_cache_out_of_the_input(tmp_path: Path) -> None:
    file = put(tmp_path / "chats/a.jsonl", gemini("m1", total=1_000 + 20 + 600 + 7 + 3))
    (only,) = GeminiCli().read(file).records
    assert (only.usage.input, only.usage.cache_read) == (1_003, 600)


def test_gemini_files_that_are_broken(tmp_path: Path) -> None:
    whole = {"sessionId": "s1", "messages": [gemini("m1")]}
    chats = tmp_path / "chats"
    chats.mkdir()
    cut = json.dumps(whole, indent=1)[:-40]
    (chats / "cut.json").write_text(cut)
    put(chats / "lines.jsonl", gemini("m2"), "oops", {**gemini("m3"), "tokens": {"input": -1}}, '{"id": "m4')
    (chats / "empty.json").write_text("")
    (chats / "late.jsonl").write_text(json.dumps(gemini("m5") | {"timestamp": "later"}) + "\n")
    found, broken = read_all(GeminiCli(), GeminiCli().files(tmp_path))
    assert found["gemini-2.5-pro"]["calls"] == 1
    assert [(Path(one.file).name, one.line) for one in broken] == [
        ("cut.json", len(cut.splitlines())),
        ("late.jsonl", 1),
        ("lines.jsonl", 2),
        ("lines.jsonl", 3),
        ("lines.jsonl", 4),
    ]


def opencode(key: str, *, output: int = 20, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "role": "assistant",
        "sessionID": "ses_1",
        "providerID": "anthropic",
        "modelID": "claude-sonnet-4-5",
        "time": {"created": 1_795_000_000_000},
        "path": {"cwd": "/src/app/sub", "root": "/src/app"},
        "cost": 0.0125,
        "tokens": {"input": 10, "output": output, "reasoning": 5, "cache": {"read": 100, "write": 50}},
        **more,
    }


def database(path: Path, *messages: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, data TEXT)")
        rows = [(one.pop("id"), one.pop("sessionID"), json.dumps(one)) for one in map(dict, messages)]
        made.executemany("INSERT INTO message VALUES (?, ?, ?)", rows)
    return path


def message_file(root: Path, message: dict[str, Any]) -> Path:
    path = root / f"storage/message/{message['sessionID']}/msg_{message['id']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(message))
    return path


def test_opencode_messages_in_the_database_and_in_files_are_one(tmp_path: Path) -> None:
    database(tmp_path / "opencode.db", opencode("m1", output=90), opencode("m2"), opencode("u", role="user"))
    for message in (opencode("m1"), opencode("m3", output=1), opencode("m4", tokens=None)):
        message_file(tmp_path, message)
    found, broken = read_all(OpenCode(), OpenCode().files(tmp_path))
    assert broken == []
    assert (found["claude-sonnet-4-5"]["calls"], found["claude-sonnet-4-5"]["output"]) == (3, 95 + 25 + 6)
    (first, *_) = OpenCode().read(tmp_path / "opencode.db").records
    assert (first.cost_nanos, first.project, first.session, first.key) == (12_500_000, "/src/app", "ses_1", "m1")
    assert (first.usage.reasoning, first.usage.cache_write_5m) == (5, 50)


def test_opencode_output_that_has_the_reasoning_in_it(tmp_path: Path) -> None:
    tokens = {"input": 10, "output": 20, "reasoning": 5, "cache": {"read": 0, "write": 0}, "total": 30}
    (only,) = OpenCode().read(message_file(tmp_path, opencode("m1", tokens=tokens))).records
    assert only.usage.output == 20


def test_opencode_files_that_are_broken(tmp_path: Path) -> None:
    (tmp_path / "opencode.db").write_bytes(b"no database" * 100)
    database(
        tmp_path / "opencode-beta.db", opencode("m1"), opencode("m2", tokens={"input": -4}), opencode("m3", time={})
    )
    bad = message_file(tmp_path, opencode("m9"))
    bad.write_text(bad.read_text()[:-20])
    found, broken = read_all(OpenCode(), OpenCode().files(tmp_path))
    assert found["claude-sonnet-4-5"]["calls"] == 1
    assert [(Path(one.file).name, one.line) for one in broken] == [
        ("opencode-beta.db", 2),
        ("opencode-beta.db", 3),
        ("opencode.db", 1),
        ("msg_m9.json", 1),
    ]
    with pytest.raises(FileNotFoundError):
        OpenCode().read(tmp_path / "opencode-gone.db")


def pi(key: str, *, output: int = 20, role: str = "assistant", at: str = AT) -> dict[str, Any]:
    usage = {"input": 10, "output": output, "cacheRead": 100, "cacheWrite": 0, "cost": {"total": 0.003}}
    message = {"role": role, "provider": "openai-codex", "model": "gpt-5.2-codex", "usage": usage}
    return {"type": "message", "id": key, "parentId": None, "timestamp": at, "message": message}


def test_pi_forks_bring_copies(tmp_path: Path) -> None:
    begin = {"type": "session", "id": "s", "timestamp": AT, "cwd": "/src/app"}
    name = "sessions/--src-app--/2026-11-20T10-00-00-000Z_{}.jsonl"
    put(tmp_path / name.format("a"), begin, pi("1"), pi("2"), pi("x", role="user"), pi("3"), "{", pi("9", at="when"))
    put(tmp_path / name.format("b"), begin, pi("1"), pi("2"), pi("4", output=1))
    found, broken = read_all(Pi(), Pi().files(tmp_path))
    assert (found["gpt-5.2-codex"]["calls"], found["gpt-5.2-codex"]["output"]) == (4, 61)
    assert [one.line for one in broken] == [6, 7]
    one = Pi().read(tmp_path / name.format("b")).records[-1]
    assert (one.catalog, one.project, one.session, one.cost_nanos) == ("openai", "/src/app", "b", 3_000_000)


@pytest.mark.parametrize("seed", range(10))
def test_random_homes_agree_with_simple_readers(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    keys = [f"{n:08x}" for n in range(40)]
    for number in range(6):
        some = rng.sample(keys, rng.randrange(1, 20))
        lines = [gemini(key, output=rng.randrange(900)) for key in some for _ in range(rng.randrange(1, 3))]
        chats = tmp_path / f"gemini/tmp/{number}/chats"
        if rng.random() < 0.5:
            put(chats / "session-a.jsonl", {"sessionId": "s"}, *lines, "{" if rng.random() < 0.3 else "")
        else:
            put(chats / "session-a.json", {"sessionId": "s", "messages": lines})
        for key in some[:5]:
            message_file(tmp_path / "opencode", opencode(key, output=rng.randrange(900), sessionID=f"ses_{number}"))
        begin = {"type": "session", "id": "s", "timestamp": AT, "cwd": "/src/app"}
        at = [f"2026-11-{1 + int(key, 16) % 28:02d}T10:00:00.000Z" for key in some]
        told = [pi(key, output=int(key, 16) % 3, at=when) for key, when in zip(some, at, strict=True)]
        put(tmp_path / f"pi/sessions/p/2026-11-20T10-00-00-000Z_{number}.jsonl", begin, *told)
    database(tmp_path / "opencode/opencode.db", *(opencode(key, output=rng.randrange(900)) for key in keys[::3]))
    readers: list[tuple[Source, Any, str]] = [
        (GeminiCli(), simple.gemini_cli, "gemini"),
        (OpenCode(), simple.opencode, "opencode"),
        (Pi(), simple.pi, "pi"),
    ]
    for source, reader, folder in readers:
        files = list(source.files(tmp_path / folder))
        assert files
        found, _ = read_all(source, files)
        assert found == reader(files), source.name
