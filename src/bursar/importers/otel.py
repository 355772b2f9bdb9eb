"""OpenTelemetry's spans of GenAI calls: OTLP in JSON, from a file or a request, or the same in protobuf.

A span of a client that has `gen_ai.usage.*` is one provider call. By the semantic conventions `input_tokens` includes
what was read from and written to the cache, the opposite of Anthropic's own wire. Spans of agents and tools repeat
the sums of their calls, and are passed over.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from bursar.importers.own import count
from bursar.importers.pages import Entry, Pages
from bursar.importers.record import STANDARD, Broken, UsageRecord
from bursar.importers.sheets import Sheet, WholeFiles, sound
from bursar.importers.texts import decoded
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
AT_FIRST = 100
"""So many lines are looked at for a document: one that is broken may come first."""
PLAIN = frozenset({"string_value", "bool_value", "int_value", "double_value"})
"""Kinds of values that anything is asked of."""
PEOPLE = ("enduser.id", "user.email", "user.id")
READ = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
WRITTEN = ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens")
INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens")
Attributes = dict[str, Any]
Tell = Callable[[bytes, str], None]
"""Is told of a span that is broken, by its text, and why."""


class _Attribute(msgspec.Struct):
    key: str = ""
    value: dict[str, Any] | None = None


class _Resource(msgspec.Struct, frozen=True):
    attributes: list[_Attribute] = []


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    start_time_unix_nano: int | str = 0
    attributes: list[_Attribute] = []


class _Scope(msgspec.Struct):
    spans: list[msgspec.Raw] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_Scope] = []


class Traces(msgspec.Struct, rename="camel"):
    """An export of spans."""

    resource_spans: list[_ResourceSpans] = []


_decode = msgspec.json.Decoder(Traces).decode
_span = msgspec.json.Decoder(_Span).decode


class OpenTelemetry(WholeFiles):
    """Files of OTLP in JSON: a document, or one on each line, as the collector's file exporter writes them."""

    name = NAME
    title = "OpenTelemetry"

    endings = (".json", ".jsonl")

    def read_bytes(self, data: bytes, file: str, sheet: Sheet) -> None:
        """Read what is in a file; what is broken is noted, and does not stop the rest."""
        for entry in _documents(data, file, sheet.broken):

            def tell(span: bytes, reason: str, entry: Entry = entry) -> None:
                line = entry.line + entry.text.count(b"\n", 0, entry.text.index(span))
                sheet.broken.append(Broken(file, line, reason))

            try:
                sheet.records += _records(_decode(entry.text), tell)
            except (msgspec.MsgspecError, RecursionError) as problem:
                sheet.broken.append(Broken(file, entry.line, f"is no OTLP in JSON: {problem}"))


def _documents(data: bytes, file: str, broken: list[Broken]) -> Iterator[Entry]:
    """The lines of a file if there are documents on them; else the documents, over however many lines they go."""
    text = decoded(data).encode()
    lines = [Entry(line, number) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not text.lstrip().startswith(b"[") and any(_is_document(line.text) for line in lines[:AT_FIRST]):
        yield from lines
        return
    pages = Pages(data, file)
    yield from pages.entries()
    broken += pages.broken


def _is_document(text: bytes) -> bool:
    if not text.rstrip().endswith(b"}"):
        return False
    try:
        return bool(_decode(text).resource_spans)
    except (msgspec.MsgspecError, RecursionError):
        return False


def of_json(data: bytes, wrong: list[str]) -> list[UsageRecord]:
    """The calls of an export in JSON; what is wrong with spans is noted. Raises ValueError for what is no export."""
    return list(_records(_decode(data), lambda _, reason: wrong.append(reason)))


def of_protobuf(data: bytes, wrong: list[str]) -> list[UsageRecord]:
    """The same of one in protobuf, in which names are bytes that JSON has in hexadecimal digits."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # noqa: PLC0415 - where sent
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
    )

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(data)
    except DecodeError:
        raise ValueError("it is no export of spans in protobuf") from None
    found = []
    for group in request.resource_spans:
        shared = _of_messages(group.resource.attributes)
        for span in (span for scope in group.scope_spans for span in scope.spans):
            names = span.trace_id.hex(), span.span_id.hex()
            try:
                record = _record(*names, span.start_time_unix_nano, shared | _of_messages(span.attributes))
            except ValueError as problem:
                wrong.append(f"span {names[1]}: {problem}")
                continue
            found += [] if record is None else [record]
    return found


def _of_messages(listed: Iterable[Any]) -> Attributes:
    """Attributes of protobuf; those that are lists or bytes are nothing that is asked for."""
    kinds = ((each, each.value.WhichOneof("value")) for each in listed)
    return {each.key: getattr(each.value, kind) for each, kind in kinds if kind in PLAIN}


def _records(traces: Traces, tell: Tell) -> Iterator[UsageRecord]:
    """The calls among spans; what is wrong with one is told, and the others are read."""
    for group in traces.resource_spans:
        shared = {} if group.resource is None else _attributes(group.resource.attributes)
        for raw in (raw for scope in group.scope_spans for raw in scope.spans):
            name = ""
            try:
                span = _span(raw)
                name = span.span_id
                told = shared | _attributes(span.attributes)
                record = _record(_name(span.trace_id), _name(name), _nanoseconds(span.start_time_unix_nano), told)
            except ValueError as problem:
                tell(bytes(raw), f"span {name}: {problem}")
                continue
            if record is not None:
                yield record


def _nanoseconds(instant: int | str) -> int:
    """Since 1970, as a number or a text of its digits. Raises ValueError."""
    try:
        return int(instant)
    except ValueError:
        raise ValueError(f"its startTimeUnixNano is {str(instant)[:40]!r}, which is no instant") from None


def _name(text: str) -> str:
    """A name in hexadecimal digits, as OTLP has it; JSON that was made of protobuf by its own rules has base64."""
    try:
        return bytes.fromhex(text).hex()
    except ValueError:
        pass
    try:
        return b64decode(text, validate=True).hex()
    except ValueError:
        return text


def _record(trace: str, span: str, at_ns: int, told: Attributes) -> UsageRecord | None:
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
    if not trace or not span:
        raise ValueError("it has no name, by which it could be known again")
    return sound(
        UsageRecord(
            NAME,
            f"{trace}:{span}",
            at_ns // 1_000,
            CATALOGS.get(provider, provider),
            model,
            usage,
            _variant(told),
            message_id=str(told["gen_ai.response.id"]) if told.get("gen_ai.response.id") else None,
            person=person,
        )
    )


def _variant(told: Attributes) -> str:
    tier = told.get("openai.response.service_tier") or told.get("gen_ai.openai.response.service_tier")
    return str(tier) if tier and tier not in {"auto", "default"} else STANDARD


def _count(told: Attributes, names: tuple[str, ...]) -> int:
    name = next((name for name in names if told.get(name) is not None), None)
    return 0 if name is None else count(told, name)


def _first(told: Attributes, names: tuple[str, ...]) -> Any:
    return next((told[name] for name in names if told.get(name) is not None), None)


def _attributes(listed: list[_Attribute]) -> Attributes:
    """Attributes by key. OTLP's JSON has whole numbers as texts, and each value under the name of its kind."""
    return {each.key: _value(each.value or {}) for each in listed}


def _value(value: Mapping[str, Any]) -> Any:
    """A text, a number, true or false; None for lists and the like, which are nothing that is asked for."""
    found = next(iter(value.values()), None)
    return None if isinstance(found, list | dict) else found
