"""Anthropic's Messages.

Fields by the official SDK's `MessageCreateParams`, beta ones included. What would bring cost that is not metered is
refused by name.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.anthropic_meter import AnthropicMeter
from bursar.gateway.wires.anthropic_prompt import Tools, read_prompt, read_tools
from bursar.gateway.wires.anthropic_variant import Parts
from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import (
    count,
    flag,
    given,
    hides_ascii,
    invalid,
    listed,
    missing,
    model,
    text,
    top_level,
)
from bursar.gateway.wires.prompt import TOOLS_PROMPT_TOKENS, read_as
from bursar.refusals import Refusal

_NOT_METERED = {
    "container": "containers are billed apart",
    "mcp_servers": "tools that the provider runs bring input without bound",
    "fallbacks": "only one model is held for",
    "thread": "it brings input that is not in the request",
    "compaction": "it is billed apart",
}
"""Fields that bring cost which is not metered, and why they are refused."""

_GUARDED = frozenset(
    {
        "model",
        "messages",
        "stream",
        "max_tokens",
        "system",
        "tools",
        "thinking",
        "service_tier",
        "speed",
        "inference_geo",
        "cache_control",
        "context_management",
        "output_config",
        "output_format",
        *_NOT_METERED,
    }
)
_PROMPTED_BY = frozenset({"tools", "output_config", "output_format"})
_VARIED_BY = frozenset({"service_tier", "speed", "inference_geo"})
_EMPTY = frozenset({b"[]", b"{}"})
_STATUS_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""The `type` of an error by its status, where it is not "invalid_request_error" or "api_error"."""


class _Thinking(msgspec.Struct):
    type: object = None
    budget_tokens: object = None


class _Edit(msgspec.Struct):
    type: str = ""


class _ContextManagement(msgspec.Struct):
    edits: list[_Edit] | None = None


_thinking = msgspec.json.Decoder(_Thinking).decode
_management = msgspec.json.Decoder(_ContextManagement).decode


class AnthropicWire:
    """`POST /v1/messages`."""

    name = "anthropic"
    family = "anthropic"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = top_level(body, _GUARDED)
        name = model(fields)
        messages = listed(fields, "messages", "a list of messages")
        # Zero is right: it fills the prompt cache and writes nothing.
        output_tokens = count(fields, "max_tokens", least=0)
        if output_tokens is None:
            raise missing("max_tokens", "a whole number, 0 or more")
        _check_metered(fields)
        data = given(fields, "tools") if "tools" in fields else None
        tools = read_tools(data) if data is not None else Tools()
        prompt = read_prompt(messages, tools)
        input_tokens = len(body) + prompt.media_tokens - prompt.relief + tools.prompt_tokens
        if not _PROMPTED_BY.isdisjoint(fields):
            input_tokens += TOOLS_PROMPT_TOKENS
        searches = tools.web_searches
        cache_writes, cache_writes_1h = _caching(body)
        parts = _parts(fields) if not _VARIED_BY.isdisjoint(fields) else Parts()
        return Call(
            wire="anthropic",
            model=name,
            fields=fields,
            stream=flag(fields, "stream"),
            input_tokens=input_tokens,
            # After each search, and after one that is refused for being too many, the model reads everything anew.
            input_reads=searches + 2 if searches else 1,
            unbounded=prompt.unbounded or ("tools" if searches else None),
            output_tokens=output_tokens,
            output_fields=("max_tokens",),
            least_output=_least_output(fields, output_tokens),
            variant=parts.name,
            variant_field=parts.field,
            cache_writes=cache_writes or searches > 0,
            cache_writes_1h=cache_writes_1h,
            web_searches=searches,
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens, which costs nothing. Raises Refused."""
        fields = top_level(body, _GUARDED)
        listed(fields, "messages", "a list of messages")
        return model(fields)

    def meter(self, call: Call) -> AnthropicMeter:
        """A meter for one answer to that call."""
        return AnthropicMeter(_parts(call.fields), cache_writes_1h=call.cache_writes_1h)

    def error(self, refusal: Refusal, request_id: str) -> bytes:
        """`{"type": "error", "error": {type, message}, "request_id"}`, and the refusal's name as the error's code."""
        kind = _STATUS_TYPES.get(refusal.status, "api_error" if refusal.status >= 500 else "invalid_request_error")
        error = {"type": kind, "message": refusal.text, "code": refusal.why.value, "field": refusal.field}
        return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """The same as an `error` event."""
        return b"event: error\ndata: " + self.error(refusal, request_id) + b"\n\n"


def _check_metered(fields: dict[str, msgspec.Raw]) -> None:
    if not _NOT_METERED.keys().isdisjoint(fields):
        for name, reason in _NOT_METERED.items():
            data = given(fields, name)
            if data is not None and data not in _EMPTY:
                raise invalid(name, data, f"left out, because {reason}")
    data = given(fields, "context_management") if "context_management" in fields else None
    if data is None:
        return
    edits = read_as(_management, data, "context_management", "an object with a list of edits").edits or []
    for at, edit in enumerate(edits):
        if edit.type.startswith("compact"):
            field = f"context_management.edits[{at}].type"
            raise invalid(field, b'""', "an edit that clears, because compaction is billed apart")


def _caching(body: bytes) -> tuple[bool, bool]:
    """Whether input may be written to a cache, and whether for an hour. The marks may be anywhere in a body."""
    if b'"cache_control"' in body:
        return True, b'"1h"' in body or hides_ascii(body)
    hidden = hides_ascii(body)
    return hidden, hidden


def _least_output(fields: dict[str, msgspec.Raw], output_tokens: int) -> int:
    """One token more than the budget for thinking, which must be below the maximum."""
    data = given(fields, "thinking") if "thinking" in fields else None
    if data is None:
        return min(1, output_tokens)
    thinking = read_as(_thinking, data, "thinking", "an object")
    budget = thinking.budget_tokens if thinking.type == "enabled" else None
    return min(budget + 1 if isinstance(budget, int) and budget > 0 else 1, output_tokens)


def _parts(fields: dict[str, msgspec.Raw]) -> Parts:
    if _VARIED_BY.isdisjoint(fields):
        return Parts()
    return Parts(
        inference_geo=text(fields, "inference_geo", "a place's name"),
        service_tier=text(fields, "service_tier", "a service tier's name"),
        speed=text(fields, "speed", "a speed's name"),
    )
