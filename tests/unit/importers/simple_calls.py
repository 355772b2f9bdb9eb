"""A slow and simple reader of each kind of export of calls, by rules of its own: importers must agree exactly.

It reads a whole file with the standard library, without the lines that are known to be unreadable.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.unit.importers.nasty import Planted

Sums = dict[tuple[str, str, str], Counter[str]]
"""Tokens by kind, calls and costs, by day, model and person."""


def text_of(file: Planted) -> str:
    """A file's text, each line of it in whatever encoding it is, without what nobody can read."""
    if file.data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        lines = file.data.decode("utf-16").split("\n")
    else:
        lines = [_either(line) for line in file.data.split(b"\n")]
    return "\n".join(line for number, line in enumerate(lines, start=1) if number not in file.spoilt)


def _either(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("cp1252")


def rows(file: Planted) -> list[dict[str, str]]:
    """The rows of a table; headings in small letters."""
    csv.field_size_limit(10**7)
    text = text_of(file)
    tabs = "\t" in text.split("\n", 1)[0]
    read = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if tabs else ",")
    return [{name.lower(): " ".join(cell.split()) for name, cell in row.items()} for row in read]


def objects(file: Planted) -> Iterator[Any]:
    """The objects of a file, each of which is on a line of its own. Numbers are exact."""
    for line in text_of(file).split("\n"):
        try:
            read = json.loads(line.strip().rstrip(","), parse_float=Fraction)
        except ValueError:
            continue
        if isinstance(read, dict):
            yield read


def nanos(dollars: object) -> int:
    """Nano-dollars, rounded up."""
    return -(-(Fraction(str(dollars).replace("$", "").replace(",", "")) * 10**9) // 1)


def moment(text: str) -> datetime:
    """An instant in UTC; one without an offset is in UTC."""
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def whole(value: object) -> int:
    """A count."""
    number = Fraction(str(value or 0).replace(",", ""))
    if number.denominator != 1 or number < 0:
        raise ValueError(value)
    return int(number)


def add(sums: Sums, at: datetime, model: str, person: str, **counts: int) -> None:
    """Add a call."""
    place = sums.setdefault((at.date().isoformat(), model, person), Counter())
    place.update({name: count for name, count in counts.items() if count})
    place["calls"] += 1


def cursor(files: Iterable[Planted]) -> Sums:
    """An event that stands in several exports is one; one that stands twice in an export is two."""
    known: defaultdict[Any, list[Any]] = defaultdict(list)
    for file in files:
        of_file: defaultdict[Any, list[Any]] = defaultdict(list)
        for row in rows(file):
            counts = {
                "cache_write_5m": whole(row["input (w/ cache write)"]),
                "input": whole(row["input (w/o cache write)"]),
                "cache_read": whole(row["cache read"]),
                "output": whole(row["output tokens"]),
            }
            cost = nanos(row["cost"]) if any(letter.isdigit() for letter in row["cost"]) else 0
            if sum(counts.values()) or cost:
                event = (moment(row["date"]), row["model"], *counts.items())
                of_file[event].append((row.get("user", ""), counts | {"cost": cost}))
        for event, told in of_file.items():
            known[event] += told[len(known[event]) :]
    sums: Sums = {}
    for event, each in known.items():
        for person, counts in each:
            add(sums, event[0], event[1], person, **counts)
    return sums


OWN = ("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens", "web_searches")


def own(told: Iterable[Any]) -> Sums:
    """Of a key the record with the most tokens, and of those the earliest."""
    best: dict[str, tuple[int, float, Any]] = {}
    for record in told:
        counts = {name: whole(record.get(name)) for name in (*OWN, "input_tokens", "output_tokens")}
        counts = {name.removesuffix("_tokens"): count for name, count in counts.items()}
        tokens = sum(counts.values()) - counts["web_searches"]
        at = moment(record["at"])
        counts["cost"] = nanos(record.get("cost") or 0)
        rank = (tokens, -at.timestamp())
        if record["key"] not in best or rank > best[record["key"]][:2]:
            best[record["key"]] = (*rank, (at, record["model"], record.get("person") or "", counts))
    sums: Sums = {}
    for _, _, (at, model, person, counts) in best.values():
        add(sums, at, model, person, **counts)
    return sums


def litellm(told: Iterable[Any]) -> Sums:
    """A request counts once; those that failed, or came from LiteLLM's own cache, cost nothing."""
    found: dict[str, Any] = {}
    for row in told:
        if row.get("status") == "failure" or str(row.get("cache_hit")).lower() == "true":
            continue
        metadata = row.get("metadata") or {}
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        usage = metadata.get("usage_object") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        written = usage.get("cache_creation_input_tokens") or 0
        start = moment(row["startTime"] if "startTime" in row else row["starttime"])
        counts = {
            "input": whole(row["prompt_tokens"]) - cached - written,
            "cache_read": cached,
            "cache_write_5m": written,
            "output": whole(row["completion_tokens"]),
            "cost": nanos(row.get("spend") or 0),
        }
        person = metadata.get("user_api_key_user_email") or row.get("user") or ""
        found[row["request_id"]] = (start, row["model"].split("/")[-1], person, counts)
    sums: Sums = {}
    for at, model, person, counts in found.values():
        add(sums, at, model, person, **counts)
    return sums


def otel(documents: Iterable[Any]) -> Sums:
    """A span of a call counts once; those of agents and tools repeat what their calls used."""
    found: dict[tuple[str, str], Any] = {}
    for group in (group for document in documents for group in document["resourceSpans"]):
        shared = _attributes(group["resource"])
        for span in (span for scope in group["scopeSpans"] for span in scope["spans"]):
            told = shared | _attributes(span)
            if "gen_ai.usage.input_tokens" not in told or told["gen_ai.operation.name"] == "invoke_agent":
                continue
            cached = whole(told.get("gen_ai.usage.cache_read.input_tokens"))
            counts = {
                "input": whole(told["gen_ai.usage.input_tokens"]) - cached,
                "cache_read": cached,
                "output": whole(told["gen_ai.usage.output_tokens"]),
            }
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(span["startTimeUnixNano"]) // 10**9)
            place = at, told["gen_ai.response.model"], told.get("enduser.id", ""), counts
            found[span["traceId"].lower(), span["spanId"].lower()] = place
    sums: Sums = {}
    for at, model, person, counts in found.values():
        add(sums, at, model, person, **counts)
    return sums


def _attributes(of: Any) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in of.get("attributes") or [] if each["value"]}
