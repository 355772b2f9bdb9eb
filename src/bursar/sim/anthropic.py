"""Anthropic's messages: request, answer, stream and errors as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bursar.sim.anthropic_request import MessagesRequest, check, decode, frame_of, last_text, prompt, tool_to_call
from bursar.sim.call import Asked, Call, Event, WireError, from_validation
from bursar.sim.faults import Fault
from bursar.sim.prices import Model, model_named
from bursar.sim.text import Frame, pieces, words

SIGNATURE = "c2ltdWxhdGVkLXNpZ25hdHVyZQ=="
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_encode = msgspec.json.encode


class MessagesWire:
    """`POST /v1/messages`."""

    name = "anthropic"
    id_prefix = "msg_"
    request_id_prefix = "req_"
    tool_id_prefix = "toolu_"
    overloaded_status = 529
    caches_by_mark = True

    def key(self, headers: Mapping[str, str]) -> str | None:
        """`x-api-key`, or else a bearer token."""
        key = headers.get("x-api-key")
        if key:
            return key
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def read(self, body: bytes) -> Asked:
        """Read and check a request for a message."""
        request, model = self.parse(body)
        check(request, model)
        blocks, images = prompt(request)
        tool = tool_to_call(request)
        user = request.metadata.user_id if request.metadata is not None else None
        thinking = request.thinking
        return Asked(
            model=model,
            requested_model=request.model,
            stream=bool(request.stream),
            blocks=blocks,
            extra_tokens=images,
            texts=(user or "", last_text(request)),
            max_output_tokens=request.max_tokens,
            frame=frame_of(request, tool),
            tool=tool.name if tool is not None else None,
            thinks=thinking is not None and thinking.type in {"enabled", "adaptive"},
            thinking_tokens=thinking.budget_tokens if thinking is not None else None,
            thinking_shown=thinking is None or thinking.display != "omitted",
            variant="fast" if request.speed == "fast" else None,
            tier="standard",
            us_geo=request.inference_geo == "us",
            searches=any((tool.type or "").startswith("web_search") for tool in request.tools or ()),
        )

    def parse(self, body: bytes) -> tuple[MessagesRequest, Model]:
        """A request and its model, before the checks that only a message needs. Raises WireError."""
        try:
            request = decode(body)
        except msgspec.ValidationError as problem:
            raise from_validation(problem) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise WireError(400, "The request body is not valid JSON.") from None
        return request, self.model(request.model)

    def model(self, name: str) -> Model:
        """The model of that name. Raises WireError when there is none."""
        model = model_named(name, "anthropic")
        if model is None:
            raise WireError(404, f"model: {name}", param="model")
        return model

    def answer(self, call: Call) -> bytes:
        """A `message` object."""
        message = {
            **_opening(call),
            "content": _content(call),
            "stop_reason": _stop_reason(call),
            "usage": _usage(call),
        }
        if call.fault is Fault.NO_USAGE:
            del message["usage"]
        return _encode(message)

    def events(self, call: Call) -> Iterator[Event]:
        """message_start, each block's start, deltas and stop, message_delta with the usage, message_stop."""
        message = {**_opening(call), "usage": _start_usage(call)}
        if call.fault is Fault.NO_USAGE:
            del message["usage"]
        yield Event(_event("message_start", {"message": message}), min(1, call.output_tokens))
        index = 0
        if call.reasoning_tokens:
            yield from _thinking_events(call)
            index = 1
        for block in _search_blocks(call):
            yield Event(_block_start(index, block), call.reasoning_tokens)
            yield Event(_block_stop(index), call.reasoning_tokens)
            index += 1
        yield from _word_events(call, index)
        delta: dict[str, Any] = {
            "delta": {"stop_reason": _stop_reason(call), "stop_sequence": None},
            "usage": _delta_usage(call),
        }
        if call.fault is Fault.NO_USAGE:
            del delta["usage"]
        yield Event(_event("message_delta", delta), call.output_tokens, closing=True)
        yield Event(_STOP, call.output_tokens, closing=True)

    def error(self, error: WireError, request_id: str) -> bytes:
        """`{"type": "error", "error": {type, message}, "request_id"}`."""
        return _encode({"type": "error", "error": _error(error), "request_id": request_id})

    def error_event(self, error: WireError, request_id: str) -> bytes:
        """An `error` event."""
        return _event("error", {"error": _error(error), "request_id": request_id})

    def headers(self, request_id: str, took_ms: int) -> dict[str, str]:
        """The request's id."""
        return {"request-id": request_id, "anthropic-organization-id": "simulated"}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode({"type": name, **data}))


def _block_start(index: int, block: dict[str, Any]) -> bytes:
    return _event("content_block_start", {"index": index, "content_block": block})


def _block_stop(index: int) -> bytes:
    return _event("content_block_stop", {"index": index})


def _delta_ends(index: int, kind: str, field: str) -> tuple[bytes, bytes]:
    """What stands before and after the text of a delta."""
    event = _event("content_block_delta", {"index": index, "delta": {"type": kind, field: "@"}})
    head, _, tail = event.rpartition(b"@")
    return head, tail


def _thinking_events(call: Call) -> Iterator[Event]:
    yield Event(_block_start(0, {"type": "thinking", "thinking": "", "signature": ""}), 1)
    head, tail = _delta_ends(0, "thinking_delta", "thinking")
    if call.asked.thinking_shown:
        for text, sent in pieces(Frame(), call.reasoning_tokens, call.text_start, call.tokens_per_event):
            yield Event(head + text + tail, sent)
    signature = {"index": 0, "delta": {"type": "signature_delta", "signature": SIGNATURE}}
    yield Event(_event("content_block_delta", signature), call.reasoning_tokens)
    yield Event(_block_stop(0), call.reasoning_tokens)


def _word_events(call: Call, index: int) -> Iterator[Event]:
    tool = call.asked.tool
    before = call.reasoning_tokens
    block: dict[str, Any] = {"type": "text", "text": ""}
    head, tail = _delta_ends(index, "text_delta", "text")
    if tool is not None:
        block = {"type": "tool_use", "id": call.tool_id, "name": tool, "input": {}}
        head, tail = _delta_ends(index, "input_json_delta", "partial_json")
    yield Event(_block_start(index, block), before)
    yield Event(_PING, before)
    frame = call.asked.frame.escaped()
    for text, sent in pieces(frame, call.words_tokens, call.text_start, call.tokens_per_event):
        yield Event(head + text + tail, before + sent)
    yield Event(_block_stop(index), call.output_tokens)


def _opening(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "message",
        "role": "assistant",
        "model": call.asked.model.snapshot,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _content(call: Call) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if call.reasoning_tokens:
        thought = words(call.reasoning_tokens, call.text_start).decode() if call.asked.thinking_shown else ""
        blocks.append({"type": "thinking", "thinking": thought, "signature": SIGNATURE})
    blocks += _search_blocks(call)
    text = words(call.words_tokens, call.text_start)
    frame = call.asked.frame
    if call.asked.tool is not None:
        given = msgspec.Raw(frame.head + text + frame.tail if call.words_tokens else b"{}")
        return [*blocks, {"type": "tool_use", "id": call.tool_id, "name": call.asked.tool, "input": given}]
    return [*blocks, {"type": "text", "text": (frame.head + text + frame.tail).decode()}]


def _search_blocks(call: Call) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for number in range(call.input.web_searches):
        search = f"srv{call.tool_id}_{number}"
        query = {"query": words(3, number).decode().strip()}
        blocks += [
            {"type": "server_tool_use", "id": search, "name": "web_search", "input": query},
            {"type": "web_search_tool_result", "tool_use_id": search, "content": []},
        ]
    return blocks


def _stop_reason(call: Call) -> str:
    if call.limited:
        return "max_tokens"
    return "tool_use" if call.asked.tool is not None else "end_turn"


def _start_usage(call: Call) -> dict[str, Any]:
    """Usage at the start: the prompt's counts, one token of output, and nothing yet of what searches will bring."""
    start = _usage(call)
    start["input_tokens"] = call.input.input - call.searched_tokens
    start["output_tokens"] = min(1, call.output_tokens)
    start.pop("server_tool_use", None)
    start.pop("output_tokens_details", None)
    return start


def _usage(call: Call) -> dict[str, Any]:
    """Usage as the wire counts it: `input_tokens` without anything cached, the split by lifetime beside it."""
    usage = call.usage()
    bare: dict[str, Any] = {"input_tokens": usage.input, "output_tokens": usage.output}
    if call.fault is Fault.USAGE_BARE:
        return bare
    full = {
        **bare,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "service_tier": call.asked.tier,
        "inference_geo": _geo(call),
    }
    if call.asked.variant == "fast":
        full["speed"] = "fast"
    if call.reasoning_tokens:
        full["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.web_searches:
        full["server_tool_use"] = {"web_search_requests": usage.web_searches, "web_fetch_requests": 0}
    return full


def _geo(call: Call) -> str:
    if not call.asked.model.takes_geo:
        return "not_available"
    return "us" if call.asked.us_geo else "global"


_IN_DELTA = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "server_tool_use",
        "output_tokens_details",
    }
)


def _delta_usage(call: Call) -> dict[str, Any]:
    """The cumulative counts that end a stream; they lack the split of cache writes by lifetime."""
    return {name: count for name, count in _usage(call).items() if name in _IN_DELTA}


def _error(error: WireError) -> dict[str, str]:
    kind = _ERROR_TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    return {"type": kind, "message": error.text}
