"""Claude Code's logs: each call once, whoever tells of it and however often."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from bursar.importers.claude_code import ClaudeCode
from tests.unit.importers import simple
from tests.unit.importers.reading import put, read_all

MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")


def answer(
    message: str | None = "msg_1",
    request: str | None = "req_1",
    *,
    output: int = 50,
    at: str = "2026-11-20T10:00:00.000Z",
    model: str = MODELS[1],
    **more: Any,
) -> dict[str, Any]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 1000, "output_tokens": output, **more.pop("usage", {})}
    told: dict[str, Any] = {"id": message, "model": model, "role": "assistant", "content": [], "usage": usage}
    line = {"sessionId": "s1", "cwd": "/src/app", "message": told, "type": "assistant", "timestamp": at}
    return line | ({"requestId": request} if request else {}) | more


def counted(folder: Path) -> dict[str, int]:
    """Calls and output tokens of all models."""
    files = list(ClaudeCode().files(folder))
    found, _ = read_all(ClaudeCode(), files)
    assert found == simple.claude_code(files)
    return {name: sum(its[name] for its in found.values()) for name in ("calls", "output")}


def test_an_answer_of_several_lines_is_one_call_with_its_last_output(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", answer(output=1), answer(output=40), answer(output=9))
    assert counted(tmp_path) == {"calls": 1, "output": 40}


def test_copies_in_other_sessions_count_once(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", answer(), answer("msg_2", "req_2", output=7))
    put(tmp_path / "b.jsonl", answer() | {"sessionId": "s2"}, answer("msg_3", "req_3", output=5))
    put(tmp_path / "deep/er/c.jsonl", answer() | {"sessionId": "s3"}, answer("msg_3", "req_3", output=6))
    assert counted(tmp_path) == {"calls": 3, "output": 50 + 7 + 6}


def test_the_same_message_under_two_requests_is_two_calls(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", answer("msg_1", "req_1"), answer("msg_1", "req_2"), answer("msg_1", None))
    assert counted(tmp_path) == {"calls": 3, "output": 150}


def test_a_side_chain_that_replays_a_message_does_not_count(tmp_path: Path) -> None:
    aside = answer("msg_1", "req_9", isSidechain=True, usage={"cache_read_input_tokens": 90_000})
    put(tmp_path / "a.jsonl", answer(isSidechain=False))
    put(tmp_path / "a/subagents/agent-1.jsonl", aside, answer("msg_5", "req_5", output=3, isSidechain=True))
    put(tmp_path / "a/subagents/agent-2.jsonl", answer("msg_5", "req_6", output=4, isSidechain=True))
    assert counted(tmp_path) == {"calls": 2, "output": 54}


def test_what_progress_tells_of_a_sub_agent_counts_once(tmp_path: Path) -> None:
    inner = answer("msg_7", "req_7", output=11, isSidechain=True)
    lone = answer("msg_8", "req_8", output=13, isSidechain=True)
    put(tmp_path / "a.jsonl", *({"type": "progress", "data": {"message": one}} for one in (inner, lone)), answer())
    put(tmp_path / "agent.jsonl", inner)
    assert counted(tmp_path) == {"calls": 3, "output": 50 + 11 + 13}


def test_what_is_no_call(tmp_path: Path) -> None:
    put(
        tmp_path / "a.jsonl",
        answer("msg_1", model="<synthetic>"),
        answer("msg_2", isApiErrorMessage=True),
        {
            "type": "user",
            "message": {"role": "user", "content": "x"},
            "toolUseResult": {"usage": {"input_tokens": 9}},
        },
        {"type": "system", "message": 'the words "usage":{ in a text'},
        "",
    )
    assert counted(tmp_path) == {"calls": 0, "output": 0}


@pytest.mark.parametrize(
    ("usage", "written", "written_1h"),
    [
        ({"cache_creation_input_tokens": 9}, 9, 0),
        ({"cache_creation_input_tokens": None}, 0, 0),
        (
            {
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 4},
            },
            5,
            4,
        ),
        ({"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 4}}, 5, 4),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 4}}, 5, 4),
    ],
    ids=str,
)
def test_what_was_written_to_the_cache(tmp_path: Path, usage: dict[str, Any], written: int, written_1h: int) -> None:
    file = put(tmp_path / "a.jsonl", answer(usage=usage))
    (record,) = ClaudeCode().read(file).records
    assert (record.usage.cache_write_5m, record.usage.cache_write_1h) == (written, written_1h)


def test_a_record_has_what_the_line_tells(tmp_path: Path) -> None:
    line = answer(usage={"speed": "fast", "inference_geo": "us", "server_tool_use": {"web_search_requests": 2}})
    (record,) = ClaudeCode().read(put(tmp_path / "a.jsonl", line | {"costUSD": 0.0123456789})).records
    assert (record.source, record.key, record.at_us) == (
        "claude-code",
        "msg_1:req_1",
        1_763_632_800_000_000 + 31_536_000_000_000,
    )
    assert (record.request_id, record.message_id) == ("req_1", "msg_1")
    assert (record.session, record.project) == ("s1", "/src/app")
    assert (record.catalog, record.model, record.variant) == ("anthropic", MODELS[1], "us+fast")
    assert (record.usage.web_searches, record.cost_nanos) == (2, 12_345_679)


@pytest.mark.parametrize(
    ("model", "catalog"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("claude-sonnet-4-5@20250929", "google"),
        ("claude-sonnet-4-5", "anthropic"),
    ],
)
def test_models_of_clouds_are_priced_there(tmp_path: Path, model: str, catalog: str) -> None:
    (record,) = ClaudeCode().read(put(tmp_path / "a.jsonl", answer(model=model))).records
    assert (record.catalog, record.model) == (catalog, model)


def test_broken_lines_are_told_with_their_number_and_stop_nothing(tmp_path: Path) -> None:
    whole = put(tmp_path / "whole.jsonl", answer("msg_9", "req_9")).read_bytes().strip()
    file = tmp_path / "a.jsonl"
    negative = put(tmp_path / "n.jsonl", answer(usage={"input_tokens": -1})).read_bytes()
    undated = put(tmp_path / "u.jsonl", answer("msg_u", "req_u", at="soon")).read_bytes()
    file.write_bytes(
        b"\n".join([whole[:200], whole, b"\0\0\0", whole[:40] + whole, b'{"a": 1}  ', negative.strip(), undated])
        + whole[:-30]
    )
    reading = ClaudeCode().read(file)
    assert [record.key for record in reading.records] == ["msg_9:req_9"]
    told = {line.line: line.reason for line in reading.broken}
    assert sorted(told) == [1, 3, 4, 6, 7, 8]
    assert told[3] == "is no JSON object"
    assert told[8] == "the file ends within this line"
    assert "soon" in told[7]


@pytest.mark.parametrize("form", ["crlf", "bom", "utf-16", "utf-16-be", "spaces", "latin"])
def test_other_encodings(tmp_path: Path, form: str) -> None:
    file = put(
        tmp_path / "a.jsonl", answer(), answer("msg_2", "req_2", output=7), end="\r\n" if form == "crlf" else "\n"
    )
    text = file.read_bytes()
    if form == "bom":
        file.write_bytes(b"\xef\xbb\xbf" + text)
    elif form == "utf-16":
        file.write_bytes(text.decode().encode("utf-16"))
    elif form == "utf-16-be":
        file.write_bytes(b"\xfe\xff" + text.decode().encode("utf-16-be"))
    elif form == "spaces":
        file.write_bytes(text.replace(b'":', b'": '))
    elif form == "latin":
        file.write_bytes(text.replace(b'"content":[]', b'"content":[{"text":"caf\xe9"}]'))
    found, broken = read_all(ClaudeCode(), [file])
    assert (found[MODELS[1]]["calls"], found[MODELS[1]]["output"], broken) == (2, 57, [])


def test_folders_that_people_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home in (".claude", ".config/claude", "other"):
        put(tmp_path / home / "projects/-src-app/s.jsonl", answer(home, "req"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    source = ClaudeCode()
    assert sum(len(list(source.files(home))) for home in source.homes()) == 2
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path}/other, {tmp_path}/.claude")
    assert [str(home.relative_to(tmp_path)) for home in source.homes()] == ["other", ".claude"]


@pytest.mark.parametrize("seed", range(20))
def test_random_homes_agree_with_a_simple_reader(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    expected = write_home(tmp_path, random.Random(seed))
    files = list(ClaudeCode().files(tmp_path))
    found, _ = read_all(ClaudeCode(), files)
    assert found == simple.claude_code(files)
    assert {name: sum(its[name] for its in found.values()) for name in expected} == expected


def write_home(folder: Path, rng: random.Random) -> dict[str, int]:
    """Sessions with all that happens to them; calls and output as they were made."""
    made: list[dict[str, Any]] = []
    sessions: list[list[Any]] = []
    for number in range(rng.randrange(2, 9)):
        lines: list[Any] = []
        if sessions and rng.random() < 0.5:
            lines += rng.choice(sessions)[: rng.randrange(1, 20)]  # resumed or forked: its parent's first lines
        for turn in range(rng.randrange(0, 12)):
            output, stamp = (
                0,
                f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T0{turn % 10}:00:00.{turn:03d}Z",
            )
            aside = rng.random() < 0.2
            request = f"req_{number}_{turn}" if rng.random() < 0.9 else None
            for _ in range(rng.randrange(1, 4)):
                output += rng.randrange(0, 500)
                last = answer(
                    f"msg_{number}_{turn}",
                    request,
                    output=output,
                    at=stamp,
                    model=rng.choice(MODELS) if output == 0 else MODELS[turn % 3],
                    isSidechain=aside,
                )
                lines.append(last)
            lines[-1]["message"]["usage"]["output_tokens"] = output = output + 1
            made.append(lines[-1])
            if rng.random() < 0.3:
                lines.append({"type": "user", "message": {"role": "user", "content": "y" * rng.randrange(3000)}})
            if rng.random() < 0.2:
                lines.append({"type": "progress", "data": {"message": rng.choice(made)}})
        sessions.append(lines)
    for number, lines in enumerate(sessions):
        for line in rng.sample(made, min(len(made), 2)):
            if not line["isSidechain"]:  # a replay under another request, with more in the cache
                usage = line["message"]["usage"] | {"cache_read_input_tokens": 99_999}
                replay = line | {"message": line["message"] | {"usage": usage}, "isSidechain": True}
                lines.append(replay | {"requestId": f"req_replay_{number}"})
        noisy = [one for line in lines for one in (line, *(["{"] if rng.random() < 0.05 else []))]
        file = put(folder / f"projects/p{number % 3}/{number}.jsonl", *noisy, end=rng.choice(["\n", "\n", "\r\n"]))
        if rng.random() < 0.2:
            file.write_bytes(file.read_bytes() + b'{"message":{"usage":{"inp')
        if rng.random() < 0.1:
            file.write_bytes(file.read_bytes().decode().encode("utf-16"))
    return {"calls": len(made), "output": sum(line["message"]["usage"]["output_tokens"] for line in made)}


def test_a_tool_that_is_given_a_users_message_is_no_user(tmp_path: Path) -> None:
    line = answer(output=9)
    line["message"]["content"] = [{"type": "tool_use", "input": {"type": "user", "message": {"role": "user"}}}]
    put(tmp_path / "a.jsonl", line)
    assert counted(tmp_path) == {"calls": 1, "output": 9}
