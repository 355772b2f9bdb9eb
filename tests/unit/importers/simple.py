"""A slow and simple reader of each agent's logs, by rules of its own: what the importers must agree with exactly.

It reads whole files with the standard library, keeps every line, and decides at the end.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

BUCKETS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
Totals = dict[str, Counter[str]]
"""Counts of tokens and calls by model."""


def json_lines(path: Path) -> Iterator[Any]:
    """The lines of a file that are JSON objects."""
    data = path.read_bytes()
    wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = data.decode("utf-16" if wide else "utf-8-sig", "replace")
    for line in text.split("\n"):
        try:
            read = json.loads(line)
        except ValueError:
            continue
        if isinstance(read, dict):
            yield read


def totals(calls: Iterable[tuple[str, dict[str, int]]]) -> Totals:
    """Calls, each a model and its counts, by model."""
    out: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for model, counts in calls:
        out[model]["calls"] += 1
        out[model].update({bucket: counts.get(bucket, 0) for bucket in BUCKETS})
    return dict(out)


def claude_code(files: Iterable[Path]) -> Totals:
    """By message and request the line with the most tokens; side chains only where nothing else tells of it."""
    seen: dict[tuple[Any, ...], tuple[bool, int, str, dict[str, int]]] = {}
    for number, path in enumerate(files):
        for at, line in enumerate(json_lines(path)):
            told = line
            if not isinstance((told.get("message") or {}), dict) or "usage" not in (told.get("message") or {}):
                told = (line.get("data") or {}).get("message") or {}
            message = told.get("message")
            if not isinstance(message, dict) or "usage" not in message:
                continue
            if message.get("model") == "<synthetic>" or told.get("isApiErrorMessage"):
                continue
            usage = message["usage"]
            flat = usage.get("cache_creation_input_tokens") or 0
            split = usage.get("cache_creation") or {}
            hour = split.get("ephemeral_1h_input_tokens", 0)
            counts = {
                "input": usage.get("input_tokens", 0),
                "cache_read": usage.get("cache_read_input_tokens") or 0,
                "cache_write_5m": max(split.get("ephemeral_5m_input_tokens", 0), flat - hour) if split else flat,
                "cache_write_1h": hour,
                "output": usage.get("output_tokens", 0),
            }
            key = (message.get("id") or f"{number}.{at}", told.get("requestId"))
            main = not told.get("isSidechain")
            known = seen.get(key)
            if known is None or (main, sum(counts.values())) > known[:2]:
                seen[key] = (main, sum(counts.values()), message["model"], counts)
    kept = {key: one for key, one in seen.items() if one[0]}
    told_ids = {key[0] for key in kept}
    aside: dict[Any, tuple[bool, int, str, dict[str, int]]] = {}
    for (name, _), one in seen.items():
        if not one[0] and name not in told_ids and (name not in aside or one[1] > aside[name][1]):
            aside[name] = one
    return totals((one[2], one[3]) for one in [*kept.values(), *aside.values()])


def gemini_cli(files: Iterable[Path]) -> Totals:
    """The last record of each message id; of copies in several files the one with the most tokens."""
    best: dict[str, tuple[int, str, dict[str, int]]] = {}
    for path in files:
        if path.suffix == ".json":
            try:
                messages = json.loads(path.read_bytes()).get("messages", [])
            except ValueError:
                messages = []
        else:
            messages = [
                message
                for line in json_lines(path)
                for message in (line, *(line.get("$set") or {}).get("messages", ()))
            ]
        last = {
            message["id"]: message for message in messages if message.get("type") == "gemini" and "tokens" in message
        }
        for key, message in last.items():
            tokens = message["tokens"]
            out = tokens.get("output", 0) + tokens.get("thoughts", 0)
            tool, cached = tokens.get("tool", 0), tokens.get("cached", 0)
            counts = {"input": tokens.get("input", 0) - cached + tool, "cache_read": cached, "output": out}
            if sum(counts.values()) > best.get(key, (0,))[0]:
                best[key] = (sum(counts.values()), message["model"], counts)
    return totals((model, counts) for _, model, counts in best.values())


def opencode(files: Iterable[Path]) -> Totals:
    """Messages of the role assistant, by id, of databases and files alike; the one with the most tokens."""
    best: dict[str, tuple[int, str, dict[str, int]]] = {}
    for path in files:
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as database:
                read = [(key, json.loads(data)) for key, data in database.execute("SELECT id, data FROM message")]
        else:
            try:
                message = json.loads(path.read_bytes())
                read = [(message["id"], message)]
            except ValueError:
                read = []
        for key, message in read:
            if message.get("role") != "assistant" or "tokens" not in message:
                continue
            tokens = message["tokens"]
            counts = {
                "input": tokens["input"],
                "cache_read": tokens["cache"]["read"],
                "cache_write_5m": tokens["cache"]["write"],
                "output": tokens["output"] + tokens["reasoning"],
            }
            if sum(counts.values()) > best.get(key, (0,))[0]:
                best[key] = (sum(counts.values()), message["modelID"], counts)
    return totals((model, counts) for _, model, counts in best.values())


def pi(files: Iterable[Path]) -> Totals:
    """Lines with a usage of an assistant; those that are the same but for their file are one."""
    seen: dict[str, tuple[str, dict[str, int]]] = {}
    for path in files:
        for line in json_lines(path):
            message = line.get("message") or {}
            if message.get("role") != "assistant" or "usage" not in message:
                continue
            usage = message["usage"]
            counts = {
                "input": usage["input"],
                "cache_read": usage["cacheRead"],
                "cache_write_5m": usage["cacheWrite"],
                "output": usage["output"],
            }
            if sum(counts.values()):
                seen[json.dumps([line["id"], line["timestamp"], usage])] = (message["model"], counts)
    return totals(seen.values())
