"""OpenTelemetry's spans of GenAI calls: OTLP in JSON, from a file or a request, or the same in protobuf.

A span of a client that has `gen_ai.usage.*` is one provider call. By the semantic conventions `input_tokens` includes
what was read from and written to the cache, the opposite of Anthropic's own wire. Spans of agents and tools repeat
the sums of their calls, and are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bursar.importers.own import count
from bursar.importers.record import STANDARD, Broken, UsageRecord
from bursar.importers.sheets import Sheet, WholeFiles
from bursar.importers.texts import line_of
from bursar.usage import Usage

NAME = "otel"
CATALOGS = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "az.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "mistral_ai": "mistral",
    "vertex_ai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
"""The price book's names of providers that the conventions call otherwise."""
SUMS = frozenset({"invoke_agent", "create_agent", "execute_tool", "invoke_workflow"})
"""Operations that are no call of a provider."""
PEOPLE = ("enduser.id", "user.email", "user.id")
READ = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
WRITTEN = ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens")
INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens")
Attributes = dict[str, Any]


class _Attribute(msgspec.Struct):
    key: str
    value: dict[str, Any] = {}


class _Resource(msgspec.Struct, frozen=True):
    attributes: list[_Attribute] = []


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    start_time_unix_nano: int | str = 0
    attributes: list[_Attribute] = []


class _Scope(msgspec.Struct):
    spans: list[_Span] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource = _Resource()
    scope_spans: list[_Scope] = []


class Traces(msgspec.Struct, rename="camel"):
    """An export of spans."""

    resource_spans: list[_ResourceSpans] = []


_decode = msgspec.json.Decoder(Traces, strict=False).decode


class OpenTelemetry(WholeFiles):
    """Files of OTLP in JSON: a document, or one on each line, as the collector's file exporter writes them."""

    name = NAME
    title = "OpenTelemetry"

    endings = frozenset({".json", ".jsonl"})

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read what is in a file; what is broken is noted, and does not stop the rest."""
        lines = [(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
        if len(lines) < 2 or not lines[0][1].rstrip().endswith(b"}"):
            lines = [(0, data)] if data.strip() else []
        for number, text in lines:
            wrong: list[str] = []
            try:
                sheet.records += records(_decode(text), wrong)
            except msgspec.MsgspecError as problem:
                wrong.append(f"is no OTLP in JSON: {problem}")
                number = number or line_of(problem, text)  # noqa: PLW2901 - one document has no lines of its own
            sheet.broken += [Broken(file, number or 1, reason) for reason in wrong]


def of_json(data: bytes, wrong: list[str]) -> list[UsageRecord]:
    """The calls of an export in JSON; what is wrong with spans is noted. Raises ValueError for what is no export."""
    return list(records(_decode(data), wrong))


def of_protobuf(data: bytes, wrong: list[str]) -> list[UsageRecord]:
    """The same of one in protobuf."""
    from google.protobuf.json_format import MessageToJson  # type: ignore[import-untyped]  # noqa: PLC0415 - where sent
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
    )

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(data)
    except DecodeError:
        raise ValueError("it is no export of spans in protobuf") from None
    return of_json(MessageToJson(request).encode(), wrong)


def records(traces: Traces, wrong: list[str]) -> Iterator[UsageRecord]:
    """The calls among spans; what is wrong with one is noted, and the others are read."""
    for group in traces.resource_spans:
        shared = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                try:
                    record = _record(span, shared | _attributes(span.attributes))
                except ValueError as problem:
                    wrong.append(f"span {span.span_id}: {problem}")
                    continue
                if record is not None:
                    yield record


def _record(span: _Span, told: Attributes) -> UsageRecord | None:
    total, output = _first(told, INPUT), _first(told, OUTPUT)
    if (total is None and output is None) or told.get("gen_ai.operation.name") in SUMS:
        return None
    model = str(told.get("gen_ai.response.model") or told.get("gen_ai.request.model") or "")
    provider = str(told.get("gen_ai.provider.name") or told.get("gen_ai.system") or "")
    read, written = _count(told, READ), _count(told, WRITTEN)
    answer = _count(told, OUTPUT)
    usage = Usage(
        input=max(0, _count(told, INPUT) - read - written),
        cache_read=read,
        cache_write_5m=written,
        output=answer,
        reasoning=min(_count(told, REASONING), answer),
    )
    person = next((str(told[name]) for name in PEOPLE if told.get(name)), None)
    return UsageRecord(
        NAME,
        f"{span.trace_id}:{span.span_id}",
        int(span.start_time_unix_nano) // 1_000,
        CATALOGS.get(provider, provider),
        model,
        usage,
        _variant(told),
        message_id=str(told["gen_ai.response.id"]) if told.get("gen_ai.response.id") else None,
        person=person,
    )


def _variant(told: Attributes) -> str:
    tier = told.get("openai.response.service_tier") or told.get("gen_ai.openai.response.service_tier")
    return str(tier) if tier and tier not in {"auto", "default"} else STANDARD


def _count(told: Attributes, names: tuple[str, ...]) -> int:
    found = _first(told, names)
    return 0 if found is None else count({"count": found}, "count")


def _first(told: Attributes, names: tuple[str, ...]) -> Any:
    return next((told[name] for name in names if told.get(name) is not None), None)


def _attributes(listed: list[_Attribute]) -> Attributes:
    """Attributes by key. OTLP's JSON has whole numbers as texts, and each value under the name of its kind."""
    return {each.key: _value(each.value) for each in listed}


def _value(value: Mapping[str, Any]) -> Any:
    return next(iter(value.values()), None)
