"""Google's generateContent: request, answer, stream and errors as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from bursar.sim.call import Asked, Call, Event, WireError, from_validation
from bursar.sim.faults import Fault
from bursar.sim.gemini_request import (
    CountRequest,
    GenerateRequest,
    check,
    decode,
    frame_of,
    function_to_call,
    last_text,
    prompt,
)
from bursar.sim.prices import Model, model_named
from bursar.sim.text import Frame, pieces, words

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_encode = msgspec.json.encode
_T = TypeVar("_T")


class GenerateWire:
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`, the latter also without `alt=sse`."""

    name = "gemini"
    id_prefix = "gem"
    request_id_prefix = "req_"
    tool_id_prefix = "fc_"
    overloaded_status = 503
    caches_by_mark = False

    def __init__(self, model: str = "", *, stream: bool = False, listed: bool = False) -> None:
        self._model = model
        self._stream = stream
        self._listed = listed

    def key(self, headers: Mapping[str, str]) -> str | None:
        """`x-goog-api-key`."""
        return headers.get("x-goog-api-key")

    def read(self, body: bytes) -> Asked:
        """Read and check a request for content."""
        model = self.model(self._model)
        if model.sold != "answers":
            raise WireError(404, f"models/{model.name} is not supported for generateContent.")
        request = decoded(body, GenerateRequest)
        check(request, model)
        blocks, images = prompt(request)
        function = function_to_call(request)
        config = request.generation_config
        budget = config.thinking_config.thinking_budget
        return Asked(
            model=model,
            requested_model=self._model,
            stream=self._stream,
            blocks=blocks,
            extra_tokens=images,
            texts=(request.labels.get("sim", ""), last_text(request)),
            max_output_tokens=config.max_output_tokens,
            choices=config.candidate_count or 1,
            frame=frame_of(request, function),
            tool=function.name if function is not None else None,
            thinks=model.reasons and budget != 0,
            thinking_tokens=budget if budget is not None and budget > 0 else None,
            thinking_shown=config.thinking_config.include_thoughts,
            searches=any(tool.google_search is not None for tool in request.tools or ()),
            most_searches=1,  # billed once for a prompt, however many there are
        )

    def model(self, name: str) -> Model:
        """The model of that name. Raises WireError when there is none."""
        model = model_named(name, "gemini")
        if model is None:
            raise WireError(404, f"models/{name} is not found for API version v1beta, or is not supported.")
        return model

    def count(self, body: bytes) -> GenerateRequest:
        """A request to count tokens, as a request for content. Raises WireError."""
        asked = decoded(body, CountRequest)
        request = asked.generate_content_request or GenerateRequest(asked.contents)
        if not request.contents:
            raise WireError(400, "* CountTokensRequest.contents: contents is not specified", param="contents")
        return request

    def answer(self, call: Call) -> bytes:
        """A `GenerateContentResponse`, or the list of them that a stream without events is."""
        if self._listed:
            return b"[" + b",\r\n".join(event.data[6:-4] for event in self.events(call)) + b"]"
        candidates = [_candidate(call, index) for index in range(call.asked.choices)]
        return _encode({"candidates": candidates, **_about(call, call.all_output_tokens)})

    def events(self, call: Call) -> Iterator[Event]:
        """Chunks: what was thought, the words or a function call, and how it finished; each with the usage so far."""
        each = range(call.asked.choices)
        generated = call.reasoning_tokens * len(each)
        if call.reasoning_tokens and call.asked.thinking_shown:
            for index in each:
                yield Event(_chunk(call, [_content(index, [_thought(call)])], generated), generated)
        if call.asked.tool is not None:
            for index in each:
                generated += call.words_tokens
                yield Event(_chunk(call, [_content(index, [_function_call(call)])], generated), generated)
        else:
            frame = call.asked.frame.escaped()
            runs = [pieces(frame, call.words_tokens, call.text_start + at, call.tokens_per_event) for at in each]
            sent = 0
            for row in zip(*runs, strict=True):
                for index, (text, now_sent) in enumerate(row):
                    generated += now_sent - sent
                    part = msgspec.Raw(b'{"text":"%b"}' % text)
                    yield Event(_chunk(call, [_content(index, [part])], generated), generated)
                sent = row[0][1]
        ends = [{**_content(index, [{"text": ""}]), **_end(call)} for index in each]
        yield Event(_chunk(call, ends, generated), generated, closing=True)

    def error(self, error: WireError, request_id: str) -> bytes:
        """`{"error": {code, message, status}}`; a list of one where a list was asked for."""
        told = _encode({"error": _error(error)})
        return b"[" + told + b"]" if self._listed else told

    def error_event(self, error: WireError, request_id: str) -> bytes:
        """A data event that holds an error in place of a chunk."""
        return b"data: " + _encode({"error": _error(error)}) + b"\r\n\r\n"

    def headers(self, request_id: str, took_ms: int) -> dict[str, str]:
        """The tier that was delivered, and the processing time."""
        return {"x-gemini-service-tier": "standard", "server-timing": f"gfet4t7; dur={took_ms}"}


def decoded(body: bytes, kind: type[_T]) -> _T:
    """Read a request. Raises WireError."""
    try:
        return decode(body, kind)
    except msgspec.ValidationError as problem:
        raise from_validation(problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WireError(400, "Invalid JSON payload received.") from None


def _about(call: Call, output_tokens: int) -> dict[str, Any]:
    """What stands beside the candidates in every chunk."""
    told = {"usageMetadata": _usage(call, output_tokens), "modelVersion": call.asked.model.snapshot}
    if call.fault is Fault.NO_USAGE:
        del told["usageMetadata"]
    return {**told, "responseId": call.id}


def _chunk(call: Call, candidates: list[dict[str, Any]], output_tokens: int) -> bytes:
    chunk = {"candidates": candidates, **_about(call, output_tokens)}
    return b"data: %b\r\n\r\n" % _encode(chunk)


def _content(index: int, parts: list[Any]) -> dict[str, Any]:
    return {"content": {"parts": parts, "role": "model"}, "index": index}


def _thought(call: Call) -> dict[str, Any]:
    return {"text": words(call.reasoning_tokens, call.text_start).decode(), "thought": True}


def _function_call(call: Call) -> dict[str, Any]:
    frame = call.asked.frame if call.words_tokens else Frame(b"{", b"}")
    arguments = frame.head + words(call.words_tokens, call.text_start) + frame.tail
    return {"functionCall": {"id": call.tool_id, "name": call.asked.tool, "args": msgspec.Raw(arguments)}}


def _candidate(call: Call, index: int) -> dict[str, Any]:
    parts = [_thought(call)] if call.reasoning_tokens and call.asked.thinking_shown else []
    if call.asked.tool is not None:
        parts.append(_function_call(call))
    elif call.words_tokens:
        frame = call.asked.frame
        text = frame.head + words(call.words_tokens, call.text_start + index) + frame.tail
        parts.append({"text": text.decode()})
    return {**_content(index, parts), **_end(call)}


def _end(call: Call) -> dict[str, Any]:
    """How a candidate ended, and what it was grounded in."""
    end: dict[str, Any] = {"finishReason": "MAX_TOKENS" if call.limited else "STOP"}
    if call.input.web_searches:
        queries = [words(3, number).decode().strip() for number in range(2)]
        end["groundingMetadata"] = {"webSearchQueries": queries}
    return end


def _usage(call: Call, output_tokens: int) -> dict[str, Any]:
    """Usage as the wire counts it: cached tokens are within the prompt's, thoughts beside the candidates'.

    A count of zero is left out, as Google does.
    """
    usage = call.usage(output_tokens)
    searched = call.searched_tokens
    counts: dict[str, int] = {
        "promptTokenCount": usage.total_input - searched,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.total_input + usage.output,
    }
    if call.fault is not Fault.USAGE_BARE:
        counts |= {
            "cachedContentTokenCount": usage.cache_read,
            "thoughtsTokenCount": usage.reasoning,
            "toolUsePromptTokenCount": searched,
        }
    told: dict[str, Any] = {name: count for name, count in counts.items() if count}
    if call.fault is Fault.USAGE_ZERO_CACHED:
        told["cachedContentTokenCount"] = 0
    if call.fault is not Fault.USAGE_BARE:
        told["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.total_input - searched}]
    return told


def _error(error: WireError) -> dict[str, Any]:
    status = _STATUSES.get(error.status, "INTERNAL" if error.status >= 500 else "INVALID_ARGUMENT")
    return {"code": error.status, "message": error.text, "status": status}
