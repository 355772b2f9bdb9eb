"""Exports of calls, as nasty as real ones, beside slow and simple readers: the same to the token and nano-dollar."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson, Parse  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bursar.importers import otel
from bursar.importers.calls import sources
from bursar.importers.record import Broken, UsageRecord, once
from bursar.periods import from_us
from bursar.usage import BUCKETS
from tests.unit.importers import nasty, simple_calls
from tests.unit.importers.nasty import Cells, Planted
from tests.unit.importers.simple_calls import Sums, add

SEEDS = range(6)
PEOPLE = ("ada@example.com", "bert@example.com", "Zoë <zoe@example.com>", "")
CLOCKS_BACK = datetime(2026, 10, 25, 0, 55, tzinfo=UTC)
"""Five minutes before Europe's clocks go back from 03:00 to 02:00."""
NANO_NOISE = (
    "0.00125",
    "1.2500000000000003e-05",
    "0",
    "0.30000000000000004",
    "12",
    "4.2E-10",
    "0.0100000000000000000000000000001",
)


def read(tmp_path: Path, source: str, files: Sequence[Planted], ending: str) -> tuple[Sums, list[Broken]]:
    """What an importer finds in all files together, each call once."""
    records: list[UsageRecord] = []
    broken = []
    for number, file in enumerate(files):
        path = tmp_path / f"{number}{ending}"
        path.write_bytes(file.data)
        found = sources()[source].read(path)
        records += found.records
        broken += found.broken
    return summed(once(records).values()), broken


def summed(records: Any) -> Sums:
    sums: Sums = {}
    for record in records:
        counts = {bucket: getattr(record.usage, bucket) for bucket in BUCKETS}
        add(sums, from_us(record.at_us), record.model, record.person or "", **counts, cost=record.cost_nanos or 0)
    return sums


def agree(tmp_path: Path, source: str, files: Sequence[Planted], ending: str, wanted: Sums) -> None:
    """The importer's totals are the reference's, and what it tells as broken is what was planted."""
    found, broken = read(tmp_path, source, files, ending)
    assert found == wanted
    planted = [(f"{number}{ending}", line) for number, file in enumerate(files) for line in file.broken]
    assert [(each.file, each.line) for each in broken] == planted


def instant(chance: random.Random, at: datetime) -> str:
    """An instant as different tools write it, in one of Europe's two offsets or in UTC."""
    offset = timedelta(hours=chance.choice((0, 1, 2)))
    local = at + offset
    text = local.isoformat(sep=chance.choice("T "), timespec=chance.choice(("milliseconds", "microseconds")))[:-6]
    if not offset:
        return text + chance.choice(("", "Z", "+00:00", "+00"))
    return text + f"+0{offset.seconds // 3600}" + chance.choice(("", ":00"))


def moments(chance: random.Random, number: int) -> list[datetime]:
    """Instants in their order, some of them around a change of clocks."""
    around = [CLOCKS_BACK + timedelta(milliseconds=chance.randrange(7_200_000)) for _ in range(number // 4)]
    days = [
        datetime(2026, 11, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(10**9)) for _ in range(number)
    ]
    return sorted([*around, *days[len(around) :]])


def thousands(chance: random.Random, count: int) -> str:
    return f"{count:,}" if chance.random() < 0.3 else str(count)


def but(**wrong: Any) -> Callable[[Any], Any]:
    """Makes a good one a wrong one."""
    return lambda good: good | wrong


CURSOR_COSTS = {"Included": "Included", "On-Demand": "$0.31", "Usage-based": "$1,234.5", "Custom": "0.0", "Free": "-"}


def cursor_event(chance: random.Random, at: datetime) -> Cells:
    counts = [chance.choice((0, chance.randrange(10**4), chance.randrange(10**7))) for _ in range(4)]
    kind, cost = chance.choice(
        (
            ("Included", "Included"),
            ("On-Demand", "$0.31"),
            ("On-Demand", "$1,234.5"),
            ("Included", "0.0"),
            ("Free", "-"),
        )
    )
    if chance.random() < 0.1:
        kind, cost, counts = "Errored, No Charge", "NaN", [0, 0, 0, 0]
    told = [thousands(chance, count) if count or chance.random() < 0.5 else "" for count in counts]
    return {
        "Date": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "User": chance.choice(PEOPLE[:3]),
        "Cloud Agent ID": chance.choice(("", "bc-1")),
        "Kind": kind,
        "Model": chance.choice(("claude-4.5-sonnet", "gpt-5", "composer-1", "auto")),
        "Max Mode": chance.choice(("Yes", "No")),
        "Input (w/ Cache Write)": told[0],
        "Input (w/o Cache Write)": told[1],
        "Cache Read": told[2],
        "Output Tokens": told[3],
        "Total Tokens": chance.choice((thousands(chance, sum(counts)), "")),
        "Cost": cost,
    }


CURSOR_SPOILS = (
    but(Date="25.10.2026 02:30"),
    but(Date=""),
    but(**{"Date": "1970-01-01T00:00:00Z"}),
    but(**{"Output Tokens": "-5"}),
    but(**{"Output Tokens": "1,5"}),
    but(**{"Output Tokens": "1e400"}),
    but(**{"Total Tokens": "3"}),
    but(Cost="0,31"),
    but(Cost="-$4.00"),
    but(Model="x" * 301),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_cursor(tmp_path: Path, seed: int) -> None:
    """A month's events, exported each week from its beginning on, in whatever order."""
    chance = random.Random(seed)
    events = [cursor_event(chance, at) for at in moments(chance, 60)]
    events += chance.choices(events, k=8)  # the same request twice
    events.sort(key=lambda event: event["Date"])
    files = []
    for share in (0.3, 0.7, 1.0):
        some = events[: int(len(events) * share)]
        latest = some[-1]["Date"]
        some = [event for event in events if event["Date"] <= latest]
        some.sort(key=lambda event: event["Date"], reverse=chance.random() < 0.5)
        files.append(nasty.table(chance, some, CURSOR_SPOILS))
    chance.shuffle(files)
    agree(tmp_path, "cursor", files, ".csv", simple_calls.cursor(files))


def test_a_teams_export_and_ones_own_tell_of_the_same_events(tmp_path: Path) -> None:
    chance = random.Random(1)
    events = [cursor_event(chance, at) | {"User": PEOPLE[0]} for at in moments(chance, 30)]
    own = [{name: cell for name, cell in event.items() if name != "User"} for event in events]
    team, alone = nasty.table(chance, events), nasty.table(chance, own)
    nobody = {(day, model): sums for (day, model, _), sums in simple_calls.cursor([team]).items()}
    found, _ = read(tmp_path, "cursor", [team, alone], ".csv")
    sums: Sums = {}
    for (day, model, _), counts in found.items():
        sums.setdefault((day, model, ""), counts.__class__()).update(counts)
    assert {place[:2]: counts for place, counts in sums.items()} == nobody


def own_record(chance: random.Random, key: str, at: datetime) -> dict[str, Any]:
    record: dict[str, Any] = {
        "key": key,
        "at": instant(chance, at),
        "catalog": "openai",
        "model": chance.choice(("gpt-5", "gpt-5-mini")),
        "person": chance.choice(PEOPLE),
        "cost": chance.choice((*NANO_NOISE, "$1,234.56", "")),
        "request_id": chance.choice(("", f"req_{key}")),
    }
    counts = (*simple_calls.OWN, "input_tokens", "output_tokens")
    return record | {name: chance.randrange(10**6) for name in counts}


OWN_SPOILS = (
    *(but(at=wrong) for wrong in ("yesterday", "", "0001-01-01T00:00:00+23:59", "2026-02-30")),
    *(but(output_tokens=wrong) for wrong in ("-1", "1.5", "1,5", "many", "1e9999", "NaN")),
    *(but(cost=wrong) for wrong in ("-1", "0,31", "nan", "1e30", "a lot")),
    but(key=" "),
    but(model="two\x00"),
    but(person="x" * 301),
)
OBJECT_SPOILS: tuple[nasty.Spoil, ...] = (
    but(at=None),
    but(at=True),
    but(at=10**300),
    but(cost=False),
    but(output_tokens=True),
    but(output_tokens=[1]),
    but(person=5),
    but(model=["gpt-5"]),
    but(sidechain="perhaps"),
    but(tokens=5),
    lambda _: [5],
    lambda _: {},
)


def told_again(chance: random.Random, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """An export some time later: most of what there was, some of it grown."""
    again = [dict(record) for record in records if chance.random() < 0.8]
    for record in again:
        record["output_tokens"] += chance.choice((0, 0, 100))
    return again


@pytest.mark.parametrize("seed", SEEDS)
def test_our_own_format_as_a_table(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    records = [own_record(chance, f"call-{n}", at) for n, at in enumerate(moments(chance, 50))]
    files = []
    for told in (records, told_again(chance, records)):
        texts = [{k: thousands(chance, v) if isinstance(v, int) else v for k, v in one.items()} for one in told]
        files.append(nasty.table(chance, [*texts, *texts[:5]], OWN_SPOILS, more=False))
    wanted = simple_calls.own(row for file in files for row in simple_calls.rows(file))
    agree(tmp_path, "records", files, ".csv", wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_our_own_format_as_objects(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    records = [own_record(chance, f"call-{n}", at) for n, at in enumerate(moments(chance, 50))]
    for record in records:
        record["cost"] = chance.choice((record["cost"], 0.1, 3, None))
    spoils = (*OWN_SPOILS, *OBJECT_SPOILS)
    files = [nasty.objects(chance, told, "records", spoils) for told in (records, told_again(chance, records))]
    wanted = simple_calls.own(each for file in files for each in simple_calls.objects(file))
    agree(tmp_path, "records", files, ".json", wanted)


def spend_log(chance: random.Random, name: str, at: datetime) -> dict[str, Any]:
    cached, written, fresh = (chance.choice((0, chance.randrange(10**5))) for _ in range(3))
    usage = {
        "prompt_tokens": fresh + cached + written,
        "prompt_tokens_details": chance.choice(({"cached_tokens": cached},)),
        "cache_creation_input_tokens": written,
        "completion_tokens_details": None,
    }
    return {
        "request_id": name,
        "call_type": "acompletion",
        "model": chance.choice(("openai/gpt-5-mini", "bedrock/eu.anthropic.claude-sonnet-4-5", "gpt-5")),
        "custom_llm_provider": chance.choice(("openai", "bedrock", "")),
        "startTime": instant(chance, at),
        "spend": chance.choice(NANO_NOISE),
        "prompt_tokens": fresh + cached + written,
        "completion_tokens": chance.randrange(10**5),
        "user": chance.choice(PEOPLE),
        "status": chance.choice(("success", "success", "success", "failure")),
        "cache_hit": chance.choice(("False", "True", "None", "")),
        "metadata": {"usage_object": usage, "user_api_key_user_email": chance.choice((None, PEOPLE[0]))},
        "messages": "x" * 200_000 if name == "r7" else 'many "quoted"\nlines, with commas',
    }


LITELLM_SPOILS = (
    but(status="success", cache_hit="", request_id=""),
    but(status="success", cache_hit="", startTime="never"),
    but(status="success", cache_hit="", completion_tokens="-1"),
    but(status="success", cache_hit="", spend="much"),
    but(status="success", cache_hit="", metadata='{"usage_object": {'),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_litellms_spend_logs(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    logs = [spend_log(chance, f"r{n}", at) for n, at in enumerate(moments(chance, 50))]
    exports = (logs[:30], logs[20:])
    if seed % 2:
        texts = [
            [{k: json.dumps(v) if k == "metadata" else str(v) for k, v in one.items()} for one in told]
            for told in exports
        ]
        tables = [nasty.table(chance, [*told, *told[:3]], LITELLM_SPOILS) for told in texts]
        wanted = simple_calls.litellm(row for file in tables for row in simple_calls.rows(file))
        agree(tmp_path, "litellm", tables, ".csv", wanted)
        return
    for log in logs:
        log["messages"] = "a line\u2028of another kind"
        log["spend"] = chance.choice((log["spend"], 0.0012345678901234567, 1.25e-05))
    files = [nasty.objects(chance, [*told, *told[:3]], "data", LITELLM_SPOILS) for told in exports]
    wanted = simple_calls.litellm(each for file in files for each in simple_calls.objects(file))
    agree(tmp_path, "litellm", files, ".json", wanted)


def span(chance: random.Random, at: datetime) -> dict[str, Any]:
    total, output = chance.randrange(10**6), chance.randrange(10**5)
    told: dict[str, dict[str, Any]] = {
        "gen_ai.operation.name": {"stringValue": chance.choice(("chat", "chat", "chat", "invoke_agent"))},
        "gen_ai.provider.name": {"stringValue": "openai"},
        "gen_ai.response.model": {"stringValue": chance.choice(("gpt-5", "gpt-5-mini"))},
        "gen_ai.usage.input_tokens": chance.choice(({"intValue": str(total)}, {"doubleValue": float(total)})),
        "gen_ai.usage.output_tokens": {"intValue": chance.choice((output, str(output)))},
        "gen_ai.response.finish_reasons": {"arrayValue": {"values": [{"stringValue": "stop\u2028"}]}},
        "empty": {},
    }
    if chance.random() < 0.5:
        told["gen_ai.usage.cache_read.input_tokens"] = {"intValue": chance.randrange(total + 1)}
    if chance.random() < 0.1:
        told = {"http.method": {"stringValue": "GET"}}
    return {
        "traceId": f"{chance.getrandbits(128):032x}",
        "spanId": f"{chance.getrandbits(64):016x}",
        "startTimeUnixNano": str(int(at.timestamp() * 1000) * 10**6 + 999),
        "attributes": [{"key": key, "value": value} for key, value in told.items()],
    }


def exported(spans: Sequence[Any], person: str) -> dict[str, Any]:
    who = [{"key": "enduser.id", "value": {"stringValue": person}}] if person else []
    return {
        "resourceSpans": [{"resource": {"attributes": who}, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]
    }


def with_count(name: str, value: Any) -> Callable[[Any], Any]:
    """A span in which a count is none."""
    counts = ({"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1"}}, {"key": name, "value": value})
    return lambda good: good | {"attributes": list(counts)}


SPAN_SPOILS = (
    with_count("gen_ai.usage.output_tokens", {"intValue": "-4"}),
    with_count("gen_ai.usage.output_tokens", {"stringValue": "some"}),
    with_count("gen_ai.usage.output_tokens", {"doubleValue": 0.5}),
    lambda good: with_count("x", {})(good) | {"spanId": ""},
    lambda good: with_count("x", {})(good) | {"startTimeUnixNano": "soon"},
    lambda good: with_count("x", {})(good) | {"startTimeUnixNano": 0},
    lambda good: good | {"attributes": "none"},
)


@pytest.mark.parametrize("seed", SEEDS)
def test_spans(tmp_path: Path, seed: int) -> None:
    """Exports of a few spans each, some of them sent twice, one on each line or as one document."""
    chance = random.Random(seed)
    spans = [span(chance, at) for at in moments(chance, 60)]
    whose = {one["spanId"]: PEOPLE[n % 2] for n, one in enumerate(spans)}
    batches = []
    for _ in range(2):
        samples = [(chance.sample(spans, 10), who) for who in PEOPLE[:2] * 5]
        batches.append([exported([one for one in some if whose[one["spanId"]] == who], who) for some, who in samples])
    files = []
    for batch in batches:
        spoils = [lambda _, spoil=spoil: exported([spoil(spans[0])], PEOPLE[0]) for spoil in SPAN_SPOILS]
        files.append(nasty.objects(chance, batch, spoils=spoils))
    wanted = simple_calls.otel(each for file in files for each in simple_calls.objects(file))
    agree(tmp_path, "otel", files, ".json", wanted)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_spans_over_the_wire_are_those_of_the_file(tmp_path: Path, seed: int) -> None:
    """In protobuf, in OTLP's JSON or in protobuf's own, they are the same calls by the same names."""
    chance = random.Random(seed)
    document = exported([span(chance, at) for at in moments(chance, 40)], PEOPLE[0])
    wrong: list[str] = []
    found = otel.of_json(json.dumps(document).encode(), wrong)
    message = Parse(json.dumps(in_base64(document)), ExportTraceServiceRequest())
    assert otel.of_protobuf(message.SerializeToString(), wrong) == found
    assert otel.of_json(MessageToJson(message).encode(), wrong) == found
    assert wrong == []
    assert summed(found) == simple_calls.otel([document])


def in_base64(document: Any) -> Any:
    """Protobuf's own JSON has bytes in base64, where OTLP has digits."""
    text = json.loads(json.dumps(document))
    for each in text["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId"):
            each[name] = b64encode(bytes.fromhex(each[name])).decode()
    return text
