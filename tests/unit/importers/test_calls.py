"""Telemetry, other gateways' logs and our own format, from files: what is in them, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bursar.importers.calls import sources
from bursar.importers.record import Broken, UsageRecord
from bursar.usage import Usage

AT = 1_793_491_200_000_000
LOG = {
    "request_id": "chatcmpl-1",
    "model": "openai/gpt-5-mini",
    "custom_llm_provider": "openai",
    "startTime": "2026-11-01T00:00:00+00:00",
    "spend": 0.00125,
    "prompt_tokens": 1000,
    "completion_tokens": 50,
    "user": "ada@example.com",
    "status": "success",
    "metadata": {
        "usage_object": {
            "prompt_tokens_details": {"cached_tokens": 600},
            "completion_tokens_details": {"reasoning_tokens": 20},
        }
    },
}


def read(tmp_path: Path, source: str, text: str, name: str = "a.json") -> tuple[list[UsageRecord], list[Broken]]:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    caller = sources()[source]
    assert list(caller.files(file)) == [file]
    found = caller.read(file)
    assert caller.read(file, found.resume).records == []
    return found.records, found.broken


def span(**attributes: Any) -> dict[str, Any]:
    kinds = {str: "stringValue", int: "intValue"}
    listed = [
        {"key": key.replace("__", "."), "value": {kinds[type(value)]: str(value)}}
        for key, value in attributes.items()
    ]
    return {"traceId": "t1", "spanId": "s1", "startTimeUnixNano": f"{AT}000", "attributes": listed}


def traces(*spans: dict[str, Any]) -> str:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})


def test_a_span_of_an_older_convention(tmp_path: Path) -> None:
    one = span(
        gen_ai__system="vertex_ai",
        gen_ai__request__model="gemini-2.5-flash",
        gen_ai__usage__prompt_tokens=10,
        gen_ai__usage__completion_tokens=4,
    )
    [record], broken = read(tmp_path, "otel", traces(one))
    assert (record.key, record.at_us, record.catalog, record.model) == ("t1:s1", AT, "google", "gemini-2.5-flash")
    assert (record.usage, record.message_id, broken) == (Usage(input=10, output=4), None, [])


def test_spans_on_lines_of_which_one_is_broken(tmp_path: Path) -> None:
    good = traces(span(gen_ai__usage__input_tokens=10))
    bad = traces(span(gen_ai__usage__input_tokens=-10))
    records, broken = read(tmp_path, "otel", f"{good}\n{bad}\n{{cut\n\n{good}\n")
    assert len(records) == 2
    assert [each.line for each in broken] == [2, 3]


def test_a_document_of_spans_over_many_lines(tmp_path: Path) -> None:
    text = json.dumps(json.loads(traces(span(gen_ai__usage__input_tokens=10), span())), indent=2)
    assert len(read(tmp_path, "otel", text)[0]) == 1
    [broken] = read(tmp_path, "otel", text[:-20])[1]
    assert broken.line > 1


def test_a_spend_log_has_its_cache_in_its_metadata(tmp_path: Path) -> None:
    failed, cached = LOG | {"status": "failure"}, LOG | {"cache_hit": "True"}
    [record], broken = read(tmp_path, "litellm", json.dumps([LOG, failed, cached]))
    assert record.usage == Usage(input=400, cache_read=600, output=50, reasoning=20)
    assert (record.catalog, record.model, record.cost_nanos) == ("openai", "gpt-5-mini", 1_250_000)
    assert (record.message_id, record.person, record.at_us, broken) == ("chatcmpl-1", "ada@example.com", AT, [])


def test_spend_logs_of_a_page_and_of_a_table(tmp_path: Path) -> None:
    page = read(tmp_path, "litellm", json.dumps({"data": [LOG], "total": 1}))[0]
    quoted = json.dumps(LOG["metadata"]).replace('"', '""')
    rows = [
        "request_id,model,startTime,prompt_tokens,completion_tokens,spend,metadata,user",
        f'chatcmpl-1,openai/gpt-5-mini,2026-11-01 00:00:00,1000,50,0.00125,"{quoted}",ada@example.com',
    ]
    table = read(tmp_path, "litellm", "\n".join(rows), "a.csv")[0]
    assert page == table


def test_our_own_format_in_three_shapes(tmp_path: Path) -> None:
    one: dict[str, Any] = {"key": "a", "at": "2026-11-01T00:00:00Z", "catalog": "openai", "model": "gpt-5-mini"}
    one |= {"input_tokens": 1200, "cost": "0.01", "person": "ada@example.com"}
    lines = json.dumps(one) + "\n" + json.dumps(one | {"key": "b"})
    as_csv = ",".join(one) + "\na," + ",".join(str(value) for value in list(one.values())[1:])
    [record] = read(tmp_path, "records", json.dumps({"records": [one]}))[0]
    assert record == UsageRecord(
        *("records", "a", AT, "openai", "gpt-5-mini", Usage(input=1200)),
        cost_nanos=10_000_000,
        person="ada@example.com",
    )
    assert [each.key for each in read(tmp_path, "records", lines, "a.jsonl")[0]] == ["a", "b"]
    assert read(tmp_path, "records", "\ufeff" + as_csv.replace("1200", '"1,200"'), "a.csv")[0] == [record]


def test_what_is_broken_is_named_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    rows = [
        "key,at,catalog,model,input_tokens",
        "a,2026-11-01,openai,gpt-5-mini,1",
        "b,yesterday,openai,gpt-5-mini,1",
        "c,2026-11-01,openai,gpt-5-mini,-1",
        "d,2026-11-01,openai",
        ",2026-11-01,openai,gpt-5-mini,1",
        "f,2026-11-01,openai,gpt-5-mini,1",
    ]
    records, broken = read(tmp_path, "records", "\n".join(rows), "a.csv")
    assert [each.key for each in records] == ["a", "f"]
    assert [each.line for each in broken] == [3, 4, 5, 6]
    assert broken[0].reason == "its time is 'yesterday', which is no instant"
    [dear] = read(tmp_path, "records", "key,at,catalog,model,cost\na,2026-11-01,openai,gpt-5-mini,dear\n", "b.csv")[1]
    assert dear.reason == "its cost: 'dear' is no number"
    [misspelt] = read(tmp_path, "records", '{"key": "a", "tokens": 1}')[1]
    assert "'tokens'" in misspelt.reason
    assert [each.line for each in read(tmp_path, "records", '{"key": 1}\nnothing\n[5]\n')[1]] == [1, 2, 3]


def test_an_empty_file_has_nothing(tmp_path: Path) -> None:
    for source in ("otel", "litellm", "records"):
        assert read(tmp_path, source, "") == ([], [])


def test_a_folder_is_looked_through(tmp_path: Path) -> None:
    for name in ("b.csv", "a.json", "a.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in sources()["records"].files(tmp_path)] == ["a.json", "b.csv"]
    assert [file.name for file in sources()["otel"].files(tmp_path)] == ["a.json"]
