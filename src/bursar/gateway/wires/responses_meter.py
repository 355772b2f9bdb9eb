"""What a response used, from its body or its stream.

Usage is in the response object that ends a stream, whichever way it ended (`response.completed`, `.incomplete`,
`.failed`). `input_tokens` includes what was read from or written to the cache, `output_tokens` includes reasoning.
Searches are counted apart: by the provider's own count where it gives one, else by the searches among the output.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from bursar.gateway.wires.call import Call
from bursar.gateway.wires.metered import MeteredStream
from bursar.gateway.wires.openai_shared import delivered_variant
from bursar.usage import Usage

MOST_TOKENS = 1_000_000_000
"""A record that counts more than this is at fault: no call is that long."""

LONGEST_LAST_EVENT = 32 * 1024 * 1024
"""Bytes of the event that ends a stream: it repeats the request's instructions and tools and the whole answer."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
_NONE = msgspec.Raw()
_LAST_EVENTS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
"""The events that end a stream, and the status that each tells."""

_RUNNING = frozenset({"queued", "in_progress"})
_MARKS = re.compile(rb'response\.(?:completed|incomplete|failed)|"error"')
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Lifetimes(msgspec.Struct):
    ttl_12h_tokens: _Count = 0


class _InputDetails(msgspec.Struct):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    cache_write_tokens_details: _Lifetimes | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: _Count | None = None


class _Record(msgspec.Struct):
    input_tokens: _Count
    output_tokens: _Count
    total_tokens: _Count | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Searches(msgspec.Struct):
    num_requests: _Count | None = None


class _ToolUsage(msgspec.Struct):
    web_search: _Searches | None = None


class _Item(msgspec.Struct):
    type: object = None
    action: object = None


class _Counted(msgspec.Struct):
    """What is read strictly: a fault in here leaves the response without usage."""

    usage: _Record | None = None
    output: list[_Item] | None = None
    tool_usage: _ToolUsage | None = None


class _Response(msgspec.Struct):
    """A response object, or an error in its place."""

    id: object = None
    status: object = None
    model: object = None
    service_tier: object = None
    error: object = None


class _Event(msgspec.Struct):
    type: object = None
    response: msgspec.Raw = _NONE
    error: object = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_response = msgspec.json.Decoder(_Response).decode
_decode_counted = msgspec.json.Decoder(_Counted).decode
_NO_INPUT_DETAILS = _InputDetails()
_NO_OUTPUT_DETAILS = _OutputDetails()
_NO_LIFETIMES = _Lifetimes()


class ResponsesMeter(MeteredStream):
    """See `bursar.gateway.wires.base.Meter`. Forwards every byte: usage is part of every stream."""

    longest_event = LONGEST_LAST_EVENT

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.delivered_variant = call.variant

    def whole(self, body: bytes) -> None:
        """Read a response that is not a stream."""
        self._end(body)

    def _matters(self, run: bytes) -> bool:
        return _MARKS.search(run) is not None

    def _event(self, data: bytes) -> bool:
        try:
            event = _decode_event(data)
        except _FAULTS:
            return True
        status = _LAST_EVENTS.get(event.type) if isinstance(event.type, str) else None
        if status is not None:
            self._end(bytes(event.response), status)
        elif event.type == "error" or event.error:
            self.failed = True
        return True

    def _end(self, data: bytes, status: str | None = None) -> None:
        """Read the response object that ends the call; an event's status stands before the object's own."""
        try:
            response = _decode_response(data)
        except _FAULTS:
            return
        told = status or response.status or ("failed" if response.error else "completed")
        self.failed = self.failed or told == "failed"
        self.complete = told not in _RUNNING and not self.failed
        if isinstance(response.model, str):
            self.model = response.model
        self._named(response.id)
        self.delivered_variant = delivered_variant(response.service_tier, self.delivered_variant)
        self.partial = usage_of(data)
        self.usage = None if told in _RUNNING else self.partial


def usage_of(response: bytes) -> Usage | None:
    """The usage that a response tells; None when it tells none, or is at fault (a part larger than its whole)."""
    try:
        counted = _decode_counted(response)
    except _FAULTS:
        return None
    told = counted.usage
    if told is None:
        return None
    details = told.input_tokens_details or _NO_INPUT_DETAILS
    cached, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    long = (details.cache_write_tokens_details or _NO_LIFETIMES).ttl_12h_tokens
    plain = told.input_tokens - cached - written
    if plain < 0 or long > written:
        return None
    output = told.output_tokens
    if told.total_tokens is not None and told.total_tokens > told.input_tokens + output:
        # Some compatible servers leave reasoning out of their output, and bill it all the same.
        output = told.total_tokens - told.input_tokens
    reasoning = (told.output_tokens_details or _NO_OUTPUT_DETAILS).reasoning_tokens or 0
    return Usage(
        input=plain,
        cache_read=cached,
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=output,
        web_searches=_searches(counted),
        reasoning=min(reasoning, output),
    )


def _searches(counted: _Counted) -> int:
    """Searches that are billed: opening a page, or looking for a word in it, is not."""
    tools = counted.tool_usage
    if tools is not None and tools.web_search is not None and tools.web_search.num_requests is not None:
        return tools.web_search.num_requests
    return sum(1 for item in counted.output or () if item.type == "web_search_call" and _searched(item.action))


def _searched(action: object) -> bool:
    return not isinstance(action, dict) or action.get("type", "search") == "search"
