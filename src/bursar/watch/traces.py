"""Traces by OpenTelemetry: a span for each call, made when the call has ended from times that were noted.

Attributes are those of the semantic conventions for generative AI, without any of the content that they know, and
`bursar.*` for what they do not. A batch goes to the collector from a thread of the exporter's own. This module is
imported when traces are configured, and not before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

import bursar
from bursar.config import OtelConfig, ProviderConfig
from bursar.money import NANOS_PER_USD
from bursar.store.records import CallRecord
from bursar.watch.told import ToldCall

PATH = "/v1/traces"
EXPORT_TIMEOUT_S = 5
OPERATIONS = {
    "completions": "text_completion",
    "embeddings": "embeddings",
    "gemini": "generate_content",
    "gemini-embeddings": "embeddings",
}
"""`gen_ai.operation.name` by wire; the others chat."""
PROVIDERS = {
    "aws": "aws.bedrock",
    "azure": "azure.ai.openai",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "x-ai": "x_ai",
}
"""`gen_ai.provider.name` by catalog, where the conventions call it otherwise."""
Attributes = dict[str, AttributeValue]


class Place(NamedTuple):
    """Where a provider is, and what the conventions call it."""

    system: str
    host: str
    port: int


def _place_of(provider: ProviderConfig) -> Place:
    """The place of a configured provider."""
    address = urlsplit(provider.base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    return Place(PROVIDERS.get(provider.catalog, provider.catalog), address.hostname or "", port)


class Traces:
    """Tells of calls to a collector."""

    def __init__(self, config: OtelConfig) -> None:
        self._places: dict[str, Place] = {}
        service = config.service or os.environ.get("OTEL_SERVICE_NAME", "bursar")
        resource = Resource.create({"service.name": service, "service.version": bursar.__version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=_endpoint(config.endpoint), timeout=EXPORT_TIMEOUT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bursar", bursar.__version__)
        self._parents = TraceContextTextMapPropagator()

    def know(self, providers: Iterable[ProviderConfig]) -> None:
        """From now on these are the providers."""
        self._places = {provider.name: _place_of(provider) for provider in providers}

    def tell(self, call: ToldCall) -> None:
        """Make a call's span and queue it."""
        end_ns = time.time_ns()
        record = call.record
        start_ns = end_ns - int(call.duration_s * 1e9) if record is None else record.started_us * 1000
        operation = OPERATIONS.get(call.wire, "chat")
        span = self._tracer.start_span(
            f"{operation} {record.model}" if record is not None else f"{operation} refused",
            context=self._parent(call.parent),
            kind=SpanKind.CLIENT if record is not None else SpanKind.INTERNAL,
            attributes={"gen_ai.operation.name": operation, **self._attributes(call)},
            start_time=start_ns,
        )
        error = call.refusal or (str(call.status) if call.status >= 400 else "")
        if error:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(start_ns, end_ns))

    def close(self) -> None:
        """Send what waits, as far as the collector takes it in time."""
        self._provider.shutdown()

    def _parent(self, header: bytes) -> Context:
        """The client's span, of which this one is a part; an empty context when it sent none that is right."""
        return self._parents.extract({"traceparent": header.decode("latin-1")}, Context())

    def _attributes(self, call: ToldCall) -> Attributes:
        told: Attributes = {"bursar.wire": call.wire}
        if call.status:
            told["http.response.status_code"] = call.status
        if call.key:
            told["bursar.key"] = call.key
        if call.delivered:
            told["gen_ai.response.model"] = call.delivered
        if call.record is None:
            return told
        told["gen_ai.request.stream"] = call.stream
        if call.first_byte_s is not None and call.stream:
            told["gen_ai.response.time_to_first_chunk"] = call.first_byte_s
        return {**told, **self._of_provider(call.record.provider), **_of_record(call.record)}

    def _of_provider(self, name: str) -> Attributes:
        place = self._places.get(name)
        told: Attributes = {"bursar.provider": name}
        if place is not None:
            told |= {"gen_ai.provider.name": place.system, "server.address": place.host, "server.port": place.port}
        return told


def _of_record(record: CallRecord) -> Attributes:
    told: Attributes = {
        "gen_ai.request.model": record.model,
        "bursar.call": record.hold_id,
        "bursar.person": record.person_id,
        "bursar.outcome": record.outcome,
        "bursar.cost.usd": record.cost_nanos / NANOS_PER_USD,
        "bursar.cost.nanos": record.cost_nanos,
        "bursar.bound.nanos": record.bound_nanos,
    }
    if record.provider_request:
        told["bursar.provider_request"] = record.provider_request
    if record.outcome == "settled":
        written = record.cache_write_5m_tokens + record.cache_write_1h_tokens
        told |= {
            "gen_ai.usage.input_tokens": record.input_tokens
            + record.cache_read_tokens
            + written
            + record.audio_input_tokens,
            "gen_ai.usage.output_tokens": record.output_tokens + record.audio_output_tokens,
            "gen_ai.usage.cache_read.input_tokens": record.cache_read_tokens,
            "gen_ai.usage.cache_creation.input_tokens": written,
            "gen_ai.usage.reasoning.output_tokens": record.reasoning_tokens,
        }
    return told


def _endpoint(base: str) -> str | None:
    """Where spans are posted; None leaves it to the standard variables."""
    if not base:
        return None
    return base if base.endswith(PATH) else base + PATH
