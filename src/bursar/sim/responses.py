"""OpenAI's Responses: request, answer and stream as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import Call, Event, WireError
from bursar.sim.faults import Fault
from bursar.sim.openai_base import OpenAIBase, error_of
from bursar.sim.responses_request import ResponsesAsked, count, parse, read
from bursar.sim.text import pieces, words

MOST_KEPT = 10_000
"""So many of the newest responses can be referred to."""

_encode = msgspec.json.encode


class ResponsesWire(OpenAIBase):
    """`POST /v1/responses`, and the memory of what was answered there."""

    name = "responses"
    id_prefix = "resp_"

    def __init__(self) -> None:
        self._kept: dict[str, list[Block]] = {}

    def read(self, body: bytes) -> ResponsesAsked:
        """Read and check a request."""
        request = parse(body)
        return read(request, self.sold(request.model, "answers"), self._conversation)

    def count(self, body: bytes) -> tuple[list[Block], int]:
        """The blocks and the other tokens of a request whose tokens are to be counted."""
        request = parse(body)
        self.sold(request.model, "answers")
        return count(request, self._conversation)

    def answer(self, call: Call) -> bytes:
        """A `response` object."""
        self._keep(call)
        return _encode(_response(call, _items(call), ended=True))

    def events(self, call: Call) -> Iterator[Event]:
        """Named events: that it began, each item as it grows, and the whole response."""
        stream = _Stream(call)
        items = _items(call)
        for kind in ("response.created", "response.in_progress"):
            yield stream.event(kind, response=_response(call, [], ended=False))
        for at, item in enumerate(items[:-1]):
            if item["type"] == "reasoning":
                stream.generated = call.reasoning_tokens
            yield stream.event("response.output_item.added", output_index=at, item=item)
            yield stream.event("response.output_item.done", output_index=at, item=item)
        yield from _last_item(stream, items[-1], len(items) - 1)
        self._keep(call)
        response = _response(call, items, ended=True)
        yield stream.event(f"response.{response['status']}", response=response)._replace(closing=True)

    def error_event(self, error: WireError, request_id: str) -> bytes:
        """An `error` event."""
        told = error_of(error)
        fields = {"type": "error", "sequence_number": 0, **told, "error": told} | {"type": "error"}
        return b"event: error\ndata: " + _encode(fields) + b"\n\n"

    def _conversation(self, response_id: str) -> list[Block]:
        kept = self._kept.get(response_id)
        if kept is None:
            text = f"Previous response with id '{response_id}' not found."
            raise WireError(400, text, param="previous_response_id", code="previous_response_not_found")
        return kept

    def _keep(self, call: Call) -> None:
        asked = _asked(call)
        if asked.request.store is False:
            return
        self._kept[call.id] = [*asked.conversation, Block(call.output_tokens, hash(call.id))]
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


class _Stream:
    """Numbers the events of one stream and knows what has been generated up to each."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.generated = 0
        self._number = 0

    def event(self, kind: str, **fields: Any) -> Event:
        """The next event."""
        data = _encode({"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return Event(b"event: %b\ndata: %b\n\n" % (kind.encode(), data), self.generated)

    def deltas(self, kind: str, **fields: Any) -> Iterator[Event]:
        """Events for the words of the answer, as it is paced."""
        call = self.call
        head = b"event: %b\ndata: " % kind.encode() + _encode({"type": kind, **fields})[:-1]
        frame = call.asked.frame.escaped()
        reasoned = self.generated
        for text, sent in pieces(frame, call.words_tokens, call.text_start, call.tokens_per_event):
            self.generated = reasoned + sent
            yield Event(head + b',"sequence_number":%d,"delta":"%b"}\n\n' % (self._number, text), self.generated)
            self._number += 1


def _last_item(stream: _Stream, item: dict[str, Any], at: int) -> Iterator[Event]:
    """The events of the item that holds the answer's words: a message or the call of a function."""
    place = {"item_id": item["id"], "output_index": at}
    begun = {**item, "status": "in_progress"}
    if item["type"] == "function_call":
        yield stream.event("response.output_item.added", output_index=at, item={**begun, "arguments": ""})
        yield from stream.deltas("response.function_call_arguments.delta", **place)
        done = {**place, "name": item["name"], "arguments": item["arguments"]}
        yield stream.event("response.function_call_arguments.done", **done)
    else:
        [part] = item["content"]
        place["content_index"] = 0
        yield stream.event("response.output_item.added", output_index=at, item={**begun, "content": []})
        yield stream.event("response.content_part.added", **place, part={**part, "text": ""})
        yield from stream.deltas("response.output_text.delta", **place, logprobs=[])
        yield stream.event("response.output_text.done", **place, text=part["text"], logprobs=[])
        yield stream.event("response.content_part.done", **place, part=part)
    yield stream.event("response.output_item.done", output_index=at, item=item)


def _asked(call: Call) -> ResponsesAsked:
    asked = call.asked
    assert isinstance(asked, ResponsesAsked), "a call of another wire"
    return asked


def _items(call: Call) -> list[dict[str, Any]]:
    """The output: reasoning, searches and a page that was opened after them, then a message or a function's call."""
    items: list[dict[str, Any]] = []
    if call.reasoning_tokens:
        items.append({"id": f"rs_{call.id}", "type": "reasoning", "summary": []})
    for number in range(call.input.web_searches):
        action = {"type": "search", "query": f"budget {number}"}
        items.append(
            {"id": f"ws_{call.id}_{number}", "type": "web_search_call", "status": "completed", "action": action}
        )
    if call.input.web_searches:
        action = {"type": "open_page", "url": "https://example.org/"}
        items.append({"id": f"ws_{call.id}", "type": "web_search_call", "status": "completed", "action": action})
    status = "incomplete" if call.limited else "completed"
    text = _words(call)
    if call.asked.tool is not None:
        named = {"call_id": call.tool_id, "name": call.asked.tool, "arguments": text}
        items.append({"id": f"fc_{call.id}", "type": "function_call", "status": status, **named})
    else:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        message = {"type": "message", "role": "assistant", "status": status, "content": [part]}
        items.append({"id": f"msg_{call.id}", **message})
    return items


def _words(call: Call) -> str:
    if not call.words_tokens:
        return ""
    frame = call.asked.frame
    return (frame.head + words(call.words_tokens, call.text_start) + frame.tail).decode()


def _response(call: Call, items: list[dict[str, Any]], *, ended: bool) -> dict[str, Any]:
    asked = _asked(call)
    request = asked.request
    status = "in_progress" if not ended else "incomplete" if call.limited else "completed"
    wanted = request.text.format if request.text is not None else None
    return {
        "id": call.id,
        "object": "response",
        "created_at": call.created_s,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "model": asked.model.snapshot,
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": request.previous_response_id,
        "reasoning": {"effort": request.reasoning.effort if request.reasoning else None, "summary": None},
        "service_tier": asked.tier if ended else "auto",
        "store": request.store is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {"format": {"type": "text"} if wanted is None else wanted, "verbosity": "medium"},
        "tool_choice": request.tool_choice or "auto",
        "tools": request.tools or [],
        "tool_usage": {"web_search": {"num_requests": call.input.web_searches}} if ended else None,
        "top_p": 1.0,
        "truncation": "disabled",
        "metadata": {},
        "usage": _usage(call) if ended and call.fault is not Fault.NO_USAGE else None,
    }


def _usage(call: Call) -> dict[str, Any]:
    """Usage as the wire counts it: input includes what was cached, output the reasoning."""
    usage = call.usage()
    bare: dict[str, Any] = {
        "input_tokens": usage.total_input,
        "output_tokens": usage.output,
        "total_tokens": usage.total_input + usage.output,
    }
    if call.fault is Fault.USAGE_BARE:
        return bare
    return {
        **bare,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write_5m},
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
