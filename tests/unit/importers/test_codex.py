"""Codex's rollouts: a response counts once, in forks of forks and in both ways in which it is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bursar.importers.codex import Codex
from bursar.importers.record import once
from tests.unit.importers.reading import put, read_all

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
MODEL = "gpt-5.2-codex"
Counts = dict[str, int]


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def thread_id(number: int) -> str:
    return f"0199{number:04x}-0000-7000-8000-{number:012x}"


def tokens(made: int, *, cached: int = 0, output: int = 10, written: int = 0) -> Counts:
    return {
        "input_tokens": made,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": written,
        "output_tokens": output,
        "reasoning_output_tokens": output // 2,
        "total_tokens": made + output,
    }


def plus(one: Counts, other: Counts) -> Counts:
    return {name: one[name] + other[name] for name in one}


def head(number: int, at: float, parent: int | None = None) -> dict[str, Any]:
    meta: dict[str, Any] = {"id": thread_id(number), "cwd": "/src/app", "model_provider": "openai"}
    if parent is not None:
        meta["forked_from_id"] = thread_id(parent)
    return {"timestamp": stamp(at), "type": "session_meta", "payload": meta}


def turn(at: float, model: str = MODEL) -> dict[str, Any]:
    return {"timestamp": stamp(at), "type": "turn_context", "payload": {"model": model, "cwd": "/src/app"}}


def count(at: float, total: Counts | None, last: Counts | None) -> dict[str, Any]:
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 272_000}
    payload = {"type": "token_count", "info": {k: v for k, v in info.items() if v is not None}, "rate_limits": {}}
    return {"timestamp": stamp(at), "type": "event_msg", "payload": payload}


def record(at: float, response: str, used: Counts) -> dict[str, Any]:
    return {"timestamp": stamp(at), "type": "token_usage_record", "payload": {"response_id": response, "usage": used}}


def rollout(home: Path, number: int, *lines: object, folder: str = "sessions/2026/11/20") -> Path:
    return put(home / folder / f"rollout-2026-11-20T08-00-00-{thread_id(number)}.jsonl", *lines)


def calls_and_tokens(home: Path) -> tuple[int, int]:
    found, _ = read_all(Codex(), Codex().files(home))
    return (
        sum(its["calls"] for its in found.values()),
        sum(its["input"] + its["cache_read"] + its["cache_write_5m"] + its["output"] for its in found.values()),
    )


def test_a_thread(tmp_path: Path) -> None:
    one, two = tokens(100, cached=40, written=10), tokens(300, cached=90, output=30)
    file = rollout(
        tmp_path, 1, head(1, 0), turn(1), count(2, one, one), count(3, one, one), count(9, plus(one, two), two),
        {"timestamp": stamp(10), "type": "event_msg", "payload": {"type": "token_count", "info": None}},
    )  # fmt: skip
    first, second = Codex().read(file).records
    assert (first.usage.input, first.usage.cache_read, first.usage.cache_write_5m) == (50, 40, 10)
    assert (first.usage.output, first.usage.reasoning) == (10, 5)
    assert (second.usage.input, second.usage.cache_read, second.usage.output) == (210, 90, 30)
    assert (first.catalog, first.model, first.session, first.project) == ("openai", MODEL, thread_id(1), "/src/app")


def test_totals_alone_are_subtracted(tmp_path: Path) -> None:
    one, two = tokens(100), tokens(50)
    rollout(
        tmp_path, 1, head(1, 0), turn(1), count(2, one, None), count(3, plus(one, two), None), count(4, two, None)
    )
    assert calls_and_tokens(tmp_path) == (3, 110 + 60 + 60)


@pytest.mark.parametrize("order", ["record first", "count first"])
def test_both_ways_of_telling_are_one_response(tmp_path: Path, order: str) -> None:
    one, two = tokens(100), tokens(100)
    pairs = [(count(2, one, one), record(2, "r1", one)), (count(5, plus(one, two), two), record(5, "r2", two))]
    lines = [line for pair in pairs for line in (pair if order == "count first" else pair[::-1])]
    rollout(tmp_path, 1, head(1, 0), turn(1), *lines, record(9, "r3", tokens(7)))
    assert calls_and_tokens(tmp_path) == (3, 110 + 110 + 17)


def test_forks_three_deep_count_only_what_is_their_own(tmp_path: Path) -> None:
    a, b, c, d = tokens(100), tokens(200), tokens(300), tokens(400)
    ab, abc = plus(a, b), plus(plus(a, b), c)
    own = [head(1, 0), turn(1), count(2, a, a), count(9, ab, b)]
    rollout(tmp_path, 1, *own, count(60, plus(ab, tokens(9)), tokens(9)))
    again = [head(1, 100), turn(100), count(100, a, a), count(100, ab, b)]
    rollout(tmp_path, 2, head(2, 100, 1), *again, count(130, abc, c))
    deeper = [head(2, 200, 1), head(1, 200), turn(200), count(200, a, a), count(200, ab, b), count(200, abc, c)]
    rollout(tmp_path, 3, head(3, 200, 2), *deeper, count(240, plus(abc, d), d))
    assert calls_and_tokens(tmp_path) == (5, 110 + 210 + 19 + 310 + 410)


def test_a_fork_without_its_parent_counts_what_came_after_its_copy(tmp_path: Path) -> None:
    a, b = tokens(100), tokens(200)
    rollout(tmp_path, 2, head(2, 100, 1), turn(100), count(100.4, a, a), count(130, plus(a, b), b))
    assert calls_and_tokens(tmp_path) == (1, 210)


def test_sub_agents_that_begin_with_nothing_count_whole(tmp_path: Path) -> None:
    a, b = tokens(100), tokens(200)
    rollout(tmp_path, 1, head(1, 0), turn(1), count(2, a, a))
    for number in (2, 3):
        child = head(number, 10) | {"payload": {"id": thread_id(number), "parent_thread_id": thread_id(1)}}
        rollout(tmp_path, number, child, turn(10), count(10.5, b, b))
    assert calls_and_tokens(tmp_path) == (3, 110 + 210 + 210)


def test_what_is_below_the_ordinal_at_which_a_sub_agent_begins_is_its_parents(tmp_path: Path) -> None:
    a, b = tokens(100), tokens(200)
    meta = {"id": thread_id(2), "parent_thread_id": thread_id(1), "subagent_history_start_ordinal": "5"}
    rollout(
        tmp_path, 2, {"timestamp": stamp(0), "ordinal": 0, "type": "session_meta", "payload": meta}, turn(0),
        count(50, a, a) | {"ordinal": 4}, count(51, plus(a, b), b) | {"ordinal": 5},
    )  # fmt: skip
    assert calls_and_tokens(tmp_path) == (1, 210)


def test_an_archived_copy_counts_once(tmp_path: Path) -> None:
    a = tokens(100)
    for folder in ("sessions/2026/11/20", "archived_sessions"):
        rollout(tmp_path, 1, head(1, 0), turn(1), count(2, a, a), folder=folder)
    assert calls_and_tokens(tmp_path) == (1, 110)


def test_a_model_that_is_not_told_is_not_guessed(tmp_path: Path) -> None:
    a = tokens(100)
    (one,) = Codex().read(rollout(tmp_path, 1, head(1, 0), count(2, a, a))).records
    assert one.model == ""


def test_the_model_may_change_within_a_thread(tmp_path: Path) -> None:
    a, b = tokens(100), tokens(200)
    applied = {"type": "thread_settings_applied", "thread_settings": {"model": "gpt-5.5"}}
    changed = {"timestamp": stamp(3), "type": "event_msg", "payload": applied}
    file = rollout(tmp_path, 1, head(1, 0), turn(1), count(2, a, a), changed, count(5, plus(a, b), b))
    assert [one.model for one in Codex().read(file).records] == [MODEL, "gpt-5.5"]


def test_broken_lines(tmp_path: Path) -> None:
    a = tokens(100)
    bad = count(3, {**a, "input_tokens": -5}, {**a, "input_tokens": -5})
    file = rollout(
        tmp_path,
        1,
        head(1, 0),
        turn(1),
        "garbage",
        count(2, a, a),
        bad,
        '{"type":"event_msg","payload":{"type":"token_count',
    )
    reading = Codex().read(file)
    assert [line.line for line in reading.broken] == [3, 5, 6]
    assert len(reading.records) == 1


def test_a_thread_that_grows_is_read_on(tmp_path: Path) -> None:
    a, b, c = tokens(100), tokens(200), tokens(300)
    lines = [head(1, 0), turn(1), record(2, "r1", a), count(2, a, a), count(5, plus(a, b), b), record(5, "r2", b)]
    lines += [count(9, plus(plus(a, b), c), c)]
    whole = rollout(tmp_path, 1, *lines)
    data = whole.read_bytes()
    expected = once(Codex().read(whole).records)
    for cut in range(0, len(data), 37):
        whole.write_bytes(data[:cut])
        first = Codex().read(whole)
        whole.write_bytes(data)
        second = Codex().read(whole, first.resume)
        both = once([*first.records, *second.records])
        assert {key: one.usage for key, one in both.items()} == {key: one.usage for key, one in expected.items()}, cut


@pytest.mark.parametrize("seed", range(20))
def test_random_trees_of_threads_count_each_response_once(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    threads: list[list[tuple[Counts, list[Any]]]] = []
    parents: list[int | None] = []
    calls = made = 0
    for number in range(rng.randrange(3, 10)):
        parent = rng.randrange(number) if number and rng.random() < 0.7 else None
        parents.append(parent)
        begun = number * 1_000.0
        history = threads[parent][: rng.randrange(len(threads[parent]) + 1)] if parent is not None else []
        copies = [(total, [line | {"timestamp": stamp(begun)} for line in lines]) for total, lines in history]
        at, total = begun, copies[-1][0] if copies else tokens(0, output=0)
        own = []
        for n in range(rng.randrange(0, 8)):
            at += rng.uniform(3, 30)
            used = tokens(rng.randrange(500, 9_999), cached=rng.randrange(500), output=rng.randrange(900))
            total = plus(total, used)
            lines = [count(at, total, used), *([record(at, f"r_{number}_{n}", used)] if rng.random() < 0.7 else [])]
            rng.shuffle(lines)
            lines += [count(at + 0.1, total, used)] if rng.random() < 0.3 else []
            own.append((total, lines))
            calls, made = calls + 1, made + used["total_tokens"]
        threads.append([*copies, *own])
        heads, ancestor = [], parent
        while ancestor is not None:
            heads.append(head(ancestor, begun, parents[ancestor]))
            ancestor = parents[ancestor]
        rollout(
            tmp_path, number, head(number, begun, parent), *heads, turn(begun),
            *(line for _, lines in threads[-1] for line in lines),
        )  # fmt: skip
    assert calls_and_tokens(tmp_path) == (calls, made)
