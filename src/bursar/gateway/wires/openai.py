"""OpenAI's chat completions, as OpenAI and compatible servers speak them.

Fields by the official SDK's `CompletionCreateParams`; what compatible servers add to it matters here only where it
would bring cost that is not metered, and then it is refused by name.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import (
    count,
    flag,
    given,
    invalid,
    listed,
    model,
    text,
    top_level,
)
from bursar.gateway.wires.openai_meter import OpenAIMeter
from bursar.gateway.wires.openai_prompt import read_prompt
from bursar.gateway.wires.prompt import TOOLS_PROMPT_TOKENS, read_as
from bursar.refusals import Refusal, Refused, Why, refuse

MOST_COPIES = 128
STANDARD_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
"""Words for the tier that has no surcharge; "on_demand" is Groq's."""

_NOT_METERED = {
    "web_search_options": "hosted searches are billed apart",
    "search_parameters": "hosted searches are billed apart",
    "enable_search": "hosted searches are billed apart",
    "plugins": "plugins are billed apart",
    "data_sources": "they bring input that is not in the request",
    "models": "only one model is held for",
    "fallbacks": "only one model is held for",
    "best_of": "answers that are not returned are billed too",
}
"""Fields that bring cost which is not metered, of OpenAI and of compatible servers, and why they are refused."""

_GUARDED = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "tools",
        "functions",
        "response_format",
        "modalities",
        "audio",
        "prediction",
        "service_tier",
        *_NOT_METERED,
    }
)
_PROMPTED_BY = frozenset({"tools", "functions", "response_format"})
_CLIENT_TOOLS = frozenset({"function", "custom"})
_INCLUDE_USAGE = msgspec.Raw(b'{"include_usage":true}')
_NOTHING = frozenset({b"false", b"[]", b"{}"})
_STATUS_TYPES = {402: "insufficient_quota", 403: "permission_error", 408: "timeout", 429: "rate_limit_error"}
"""The `type` of an error by its status, where it is not "invalid_request_error" or "server_error"."""


class _Tool(msgspec.Struct):
    type: str | None = None


_tools = msgspec.json.Decoder(list[_Tool]).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_texts = msgspec.json.Decoder(list[str]).decode


class OpenAIWire:
    """`POST /v1/chat/completions`."""

    name = "openai"
    family = "openai"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = top_level(body, _GUARDED)
        name = target.model if target.model is not None and "model" not in fields else model(fields)
        messages = listed(fields, "messages", "a list of messages")
        if not _NOT_METERED.keys().isdisjoint(fields):
            _refuse_not_metered(fields)
        stream = flag(fields, "stream")
        output_tokens, output_fields = _output(fields)
        prompt = read_prompt(messages)
        input_tokens = len(body) + prompt.media_tokens - prompt.relief
        if not _PROMPTED_BY.isdisjoint(fields):
            input_tokens += TOOLS_PROMPT_TOKENS
            _check_tools(fields)
        prediction = given(fields, "prediction")
        forced, wants_usage = _usage_wanted(fields) if stream else ({}, True)
        return Call(
            wire="openai",
            model=name,
            fields=fields,
            stream=stream,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            output_fields=output_fields,
            variant=_variant(fields),
            unbounded=prompt.unbounded,
            # Rejected prediction tokens are billed as output, and they come from the request's own text.
            output_allowance=len(prediction) if prediction is not None else 0,
            output_copies=count(fields, "n", most=MOST_COPIES, right="a whole number from 1 to 128") or 1,
            audio=prompt.audio or _speaks(fields),
            wants_usage=wants_usage,
            forced=forced,
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens. Raises Refused."""
        return model(top_level(body, _GUARDED))

    def meter(self, call: Call) -> OpenAIMeter:
        """A meter for one answer to that call."""
        return OpenAIMeter(call)

    def error(self, refusal: Refusal, request_id: str) -> bytes:
        """`{"error": {message, type, param, code}}`; the code is the refusal's name. The id goes in a header."""
        return msgspec.json.encode({"error": _error(refusal)})

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """An event that holds an error in place of a chunk, which is what the official SDK looks for."""
        return b"data: " + self.error(refusal, request_id) + b"\n\n"


def _error(refusal: Refusal) -> dict[str, str | None]:
    kind = _STATUS_TYPES.get(refusal.status, "server_error" if refusal.status >= 500 else "invalid_request_error")
    return {"message": refusal.text, "type": kind, "param": refusal.field, "code": refusal.why.value}


def _refuse_not_metered(fields: dict[str, msgspec.Raw]) -> None:
    for name, reason in _NOT_METERED.items():
        data = given(fields, name)
        if data is not None and data not in _NOTHING:
            raise invalid(name, data, f"left out, because {reason}")


def _output(fields: dict[str, msgspec.Raw]) -> tuple[int | None, tuple[str, ...]]:
    """The maximum of output that was asked for, and the fields that ask for it."""
    modern = count(fields, "max_completion_tokens")
    legacy = count(fields, "max_tokens")
    if modern is None:
        return (None, ()) if legacy is None else (legacy, ("max_tokens",))
    if legacy is None:
        return modern, ("max_completion_tokens",)
    if legacy != modern:
        raise Refused(refuse(Why.FIELD_INVALID, field="max_tokens", got=legacy, right="as max_completion_tokens"))
    return modern, ("max_completion_tokens", "max_tokens")


def _check_tools(fields: dict[str, msgspec.Raw]) -> None:
    data = given(fields, "tools")
    if data is None:
        return
    for at, tool in enumerate(read_as(_tools, data, "tools", "a list of tools")):
        if tool.type is not None and tool.type not in _CLIENT_TOOLS:
            right = "function or custom, because tools that the provider runs are billed apart"
            raise Refused(refuse(Why.FIELD_INVALID, field=f"tools[{at}].type", got=tool.type[:40], right=right))


def _variant(fields: dict[str, msgspec.Raw]) -> str:
    tier = text(fields, "service_tier", "a service tier's name") if "service_tier" in fields else None
    return "standard" if tier is None or tier in STANDARD_TIERS else tier


def _speaks(fields: dict[str, msgspec.Raw]) -> bool:
    if given(fields, "audio") is not None:
        return True
    data = given(fields, "modalities")
    if data is None:
        return False
    return "audio" in read_as(_texts, data, "modalities", "a list of strings")


def _usage_wanted(fields: dict[str, msgspec.Raw]) -> tuple[dict[str, msgspec.Raw], bool]:
    """What makes the provider send usage in its stream, and whether the client asked for that itself."""
    data = given(fields, "stream_options")
    if data is None:
        return {"stream_options": _INCLUDE_USAGE}, False
    options = read_as(_object, data, "stream_options", "an object")
    if flag(options, "include_usage"):
        # Written anew all the same: a nested key given twice could be read otherwise by the provider.
        return {"stream_options": msgspec.Raw(msgspec.json.encode(options))}, True
    asked = {**options, "include_usage": msgspec.Raw(b"true")}
    return {"stream_options": msgspec.Raw(msgspec.json.encode(asked))}, False
