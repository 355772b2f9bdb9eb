"""A receiver of OpenTelemetry's spans, OTLP over HTTP in protobuf or JSON: whatever traces its calls can report them.

An exporter is pointed at `/api/otlp` with a key of Bursar's as its bearer; it adds `/v1/traces` itself. Of the spans
nothing is kept but what calls used; prompts and answers, should somebody send them, are passed over.
"""

from __future__ import annotations

import zlib
from inspect import cleandoc
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency

from bursar.api.access import PERSON, Caller
from bursar.api.errors import MAX_BODY_BYTES
from bursar.api.routes import answers, body
from bursar.books import Books
from bursar.books.imports import Report
from bursar.books.uploads import take_whole
from bursar.importers import otel
from bursar.importers.record import UsageRecord
from bursar.refusals import Refused, Why, refuse

JSON, PROTOBUF = "application/json", "application/x-protobuf"
GZIP = 16 + zlib.MAX_WBITS


class Partial(msgspec.Struct, frozen=True, rename="camel"):
    """What of an export was not taken: how many spans, and why."""

    rejected_spans: int
    error_message: str


class OtlpAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """OTLP's answer to an export; without `partialSuccess` all of it was taken."""

    partial_success: Partial | None = None


async def _any_body(_request: Request[Any, Any, Any]) -> None:
    """What comes here need not be JSON; whether it is right is seen when it is read."""


async def receive_spans(
    request: Request[Any, Any, Any], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Take spans of GenAI calls as OTLP has them.

    A person's key reports that person's calls. With an administrator's it is the span's `enduser.id`, `user.email` or
    `user.id` that says whose they are, by an e-mail.
    """
    if caller.is_limited:
        caller.must_manage_keys()
    data = _unpacked(await request.body(), request.headers.get("content-encoding", "identity"))
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    wrong: list[str] = []
    found = await sync_to_thread(_read, data, kind, wrong)
    report = Report(
        source=otel.NAME,
        records=[record for record in found if record.at_us <= books.clock()],
        actor=caller.name,
        name="OTLP",
        person_id=None if caller.is_administrator else caller.own_id(),
    )
    late = len(found) - len(report.records)
    wrong += [f"{late} spans are of a time to come"] if late else []
    if report.records:
        await sync_to_thread(take_whole, books, report)
    return _answer(kind, wrong)


def _read(data: bytes, kind: str, wrong: list[str]) -> list[UsageRecord]:
    if kind not in {JSON, PROTOBUF}:
        raise Refused(refuse(Why.HEADER_INVALID, header="content-type", problem=f"it must be {PROTOBUF} or {JSON}"))
    try:
        return (otel.of_protobuf if kind == PROTOBUF else otel.of_json)(data, wrong)
    except (ValueError, RecursionError):
        raise Refused(refuse(Why.BODY_INVALID, problem="it is no export of spans as OTLP has it")) from None


def _unpacked(data: bytes, encoding: str) -> bytes:
    """A body as it was before it was packed, if it was. Refused when it grows beyond what a body may be, and when it
    is cut off or has anything behind its end: half of a report would be lost unseen.
    """
    if encoding.lower() == "identity":
        return data
    if encoding.lower() != "gzip":
        raise Refused(refuse(Why.BODY_ENCODED, encoding=encoding))
    unpacking = zlib.decompressobj(GZIP)
    try:
        plain = unpacking.decompress(data, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise Refused(refuse(Why.BODY_INVALID, problem="it is not gzip, as its header says")) from None
    if len(plain) > MAX_BODY_BYTES:
        raise Refused(refuse(Why.BODY_TOO_LARGE, limit=MAX_BODY_BYTES))
    if not unpacking.eof or unpacking.unused_data:
        raise Refused(refuse(Why.BODY_INVALID, problem="it is not one whole piece of gzip"))
    return plain


def _answer(kind: str, wrong: list[str]) -> Response[bytes]:
    if kind == JSON:
        partial = Partial(len(wrong), "; ".join(wrong[:3])) if wrong else None
        return Response(msgspec.json.encode(OtlpAnswer(partial)), media_type=JSON, status_code=200)
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - seldom asked for
        ExportTraceServiceResponse,
    )

    told = ExportTraceServiceResponse()
    if wrong:
        told.partial_success.rejected_spans = len(wrong)
        told.partial_success.error_message = "; ".join(wrong[:3])
    return Response(told.SerializeToString(), media_type=PROTOBUF, status_code=200)


ROUTES = (
    post(
        "/otlp/v1/traces",
        opt={"role": PERSON},
        before_request=_any_body,
        status_code=200,
        operation_id=receive_spans.__name__,
        summary="Take spans of GenAI calls as OTLP has them",
        description=cleandoc(receive_spans.__doc__ or ""),
        responses=answers({200: body(OtlpAnswer, "What was taken, in the request's own format")}),
    )(receive_spans),
)
