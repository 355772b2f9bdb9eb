"""OpenTelemetry's spans, from its own exporter: protobuf and JSON, plain and packed."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest
from google.protobuf.json_format import MessageToJson  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.unit.api.conftest import Api, refused
from tests.unit.api.test_imports import COST, granted, lot, record, report, states

NS = 1_000
BOMB = gzip.compress(b" " * 17 * 2**20)
PACKED = gzip.compress(b"{}", mtime=0)
DEEP = b'{"resourceSpans": [{"scopeSpans": [{"spans": [' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}]}]}"
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.response.id": "msg_1",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 500,
}
CACHED = CALL | {"gen_ai.response.id": "msg_2", "gen_ai.usage.cache_read.input_tokens": 600}


def exported(api: Api, *told: dict[str, Any], **resource: str) -> bytes:
    """What OpenTelemetry's SDK makes of spans with these attributes."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource(resource))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    for attributes in told:
        tracer.start_span("chat", attributes=attributes, start_time=api.books.clock() * NS).end()
    request: bytes = encode_spans(memory.get_finished_spans()).SerializeToString()
    return request


def sent(api: Api, data: bytes, kind: str = "application/x-protobuf", key: str | None = None, **headers: str) -> Any:
    client = api.operator if key is None else api.client(key)
    return client.post("/otlp/v1/traces", content=data, headers={"content-type": kind, **headers})


def test_spans_are_calls_and_their_input_includes_the_cache(api: Api) -> None:
    ada = granted(api, "Ada")
    agent = CALL | {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 99_999}
    data = exported(api, CALL, CACHED, agent, {"http.method": "GET"}, **{"enduser.id": ada})
    for _ in range(2):
        answer = sent(api, data)
        assert (answer.status_code, answer.content) == (200, b"")
        assert sorted(states(api, ada).values()) == [("charged", "0.00888"), ("charged", COST)]
    [cached] = [each for each in api.operator.get("/usage/reported").json() if each["message_id"] == "msg_2"]
    assert (cached["source"], cached["input_tokens"], cached["cache_read_tokens"]) == ("otel", 400, 600)
    assert lot(api, ada)[1] == "0.01938"


@pytest.mark.parametrize("packed", [False, True])
def test_json_is_taken_as_well_and_packed(api: Api, packed: bool) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    ada = granted(api, "Ada")
    message = ExportTraceServiceRequest()
    message.ParseFromString(exported(api, CALL))
    data = MessageToJson(message).encode()
    headers = {"content-encoding": "gzip"} if packed else {}
    answer = sent(api, gzip.compress(data) if packed else data, "application/json", api.key(ada), **headers)
    assert (answer.status_code, answer.json()) == (200, {})
    assert [state for state, _ in states(api, ada).values()] == ["charged"]


def test_a_span_and_a_log_of_one_call_count_once(api: Api) -> None:
    ada = granted(api, "Ada")
    report(api, record("a", message_id="msg_1"), person=ada)
    sent(api, exported(api, CALL), key=api.key(ada))
    assert lot(api, ada) == ("9.9895", COST)
    assert states(api, ada)["a"] == ("told", "0.00")


def test_a_person_reports_themselves_whatever_the_span_says(api: Api) -> None:
    ada, bert = granted(api, "Ada"), granted(api, "Bert")
    sent(api, exported(api, CALL, **{"enduser.id": bert}), key=api.key(ada))
    assert (lot(api, ada)[1], lot(api, bert)[1]) == (COST, "0.00")


def test_a_broken_span_is_told_and_the_others_are_taken(api: Api) -> None:
    ada = granted(api, "Ada")
    data = exported(api, CALL, CALL | {"gen_ai.usage.output_tokens": -5})
    answer = sent(api, data, key=api.key(ada))
    assert b"no count" in answer.content
    assert len(states(api, ada)) == 1


def test_what_is_no_plain_value_is_nothing_that_is_asked_for(api: Api) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    ada = granted(api, "Ada")
    message = ExportTraceServiceRequest()
    listed = ["gen_ai.operation.name", "openai.response.service_tier", "gen_ai.usage.cache_read.input_tokens"]
    message.ParseFromString(exported(api, CALL | {name: ["a", "b"] for name in listed}))
    for data, kind in (
        (message.SerializeToString(), "application/x-protobuf"),
        (MessageToJson(message).encode(), "application/json"),
    ):
        assert sent(api, data, kind, key=api.key(ada)).status_code == 200
        assert list(states(api, ada).values()) == [("charged", COST)]


def test_a_broken_span_is_told_by_the_name_of_what_is_wrong(api: Api) -> None:
    wrong = {"gen_ai.usage.input_tokens": -1}, {"gen_ai.usage.cache_read.input_tokens": "many"}
    answer = sent(api, exported(api, *(CALL | each for each in wrong)))
    for [name] in wrong:
        assert name.encode() in answer.content
    span = {"traceId": "aa", "spanId": "bb", "startTimeUnixNano": "soon"}
    data = msgspec.json.encode({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    told = sent(api, data, "application/json").json()["partialSuccess"]["errorMessage"]
    assert told == "span bb: its startTimeUnixNano is 'soon', which is no instant"


@pytest.mark.parametrize(
    ("data", "kind", "headers", "why"),
    [
        (b"\xff\xff", "application/x-protobuf", {}, (400, "body_invalid", None)),
        (b"{", "application/json", {}, (400, "body_invalid", None)),
        (b"{}", "text/plain", {}, (400, "header_invalid", None)),
        (b"{}", "application/json", {"content-encoding": "gzip"}, (400, "body_invalid", None)),
        (b"{}", "application/json", {"content-encoding": "br"}, (400, "body_encoded", None)),
        (BOMB, "application/json", {"content-encoding": "gzip"}, (413, "body_too_large", None)),
        (PACKED[:-9], "application/json", {"content-encoding": "gzip"}, (400, "body_invalid", None)),
        (PACKED + PACKED, "application/json", {"content-encoding": "gzip"}, (400, "body_invalid", None)),
        (b"", "application/json", {"content-encoding": "gzip"}, (400, "body_invalid", None)),
        (DEEP, "application/json", {}, (400, "body_invalid", None)),
    ],
)
def test_what_is_no_export_is_refused(
    api: Api, data: bytes, kind: str, headers: dict[str, str], why: tuple[int, str, None]
) -> None:
    assert refused(sent(api, data, kind, **headers)) == why


def test_prompts_are_not_kept(api: Api) -> None:
    ada = granted(api, "Ada")
    canary = "canary-5b1f"
    sent(api, exported(api, CALL | {"gen_ai.input.messages": canary}, **{"enduser.id": ada}))
    assert len(states(api, ada)) == 1
    assert canary.encode() not in msgspec.json.encode(api.operator.get("/usage/reported").json())
