"""OpenAI's Responses.

Fields by the official SDK's `ResponseCreateParams`. What would bring cost that is not metered is refused by name.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import count, flag, given, invalid, model, top_level
from bursar.gateway.wires.openai_shared import (
    NOT_METERED,
    OpenAIErrors,
    error_of,
    model_of,
    refuse_not_metered,
    variant_of,
)
from bursar.gateway.wires.prompt import TOOLS_PROMPT_TOKENS, Prompt, read_as
from bursar.gateway.wires.responses_input import check_lifetime, read_input
from bursar.gateway.wires.responses_meter import ResponsesMeter
from bursar.gateway.wires.responses_tools import Tools, read_tools
from bursar.refusals import Refusal, field_invalid

DEFAULT_TOOL_CALLS = 8
"""How often the provider may use its own tools when the client does not say: without a maximum there is no bound."""

MOST_TOOL_CALLS = 1_000

_NOT_METERED = {
    **NOT_METERED,
    "background": "its answer comes later, where it cannot be metered",
    "prompt": "a stored prompt may bring tools that are billed apart",
    "context_management": "the input is read anew after a compaction",
}
"""Fields that bring cost which is not metered, and why they are refused."""

_BROUGHT_BY = ("previous_response_id", "conversation")
"""Fields that bring what the provider has kept."""

_GUARDED = frozenset(
    {
        "model",
        "input",
        "instructions",
        "stream",
        "max_output_tokens",
        "max_tool_calls",
        "tools",
        "text",
        "reasoning",
        "service_tier",
        "prompt_cache_options",
        *_BROUGHT_BY,
        *_NOT_METERED,
    }
)
_PROMPTED_BY = frozenset({"tools", "text"})


class _Reasoning(msgspec.Struct):
    mode: object = None


class _CacheOptions(msgspec.Struct):
    ttl: object = None


_reasoning = msgspec.json.Decoder(_Reasoning).decode
_cache_options = msgspec.json.Decoder(_CacheOptions).decode


class ResponsesWire(OpenAIErrors):
    """`POST /v1/responses`."""

    name = "responses"
    family = "openai"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = top_level(body, _GUARDED)
        name = model_of(fields, target)
        _check_metered(fields)
        tools = Tools()
        data = given(fields, "tools") if "tools" in fields else None
        if data is not None:
            read_tools(tools, data, "tools")
        prompt = _prompt(fields, tools)
        input_tokens = len(body) + prompt.media_tokens - prompt.relief + tools.prompt_tokens
        if not _PROMPTED_BY.isdisjoint(fields):
            input_tokens += TOOLS_PROMPT_TOKENS
        searches, forced = _searches(fields) if tools.searches else (0, {})
        return Call(
            wire=self.name,
            model=name,
            fields=fields,
            stream=flag(fields, "stream"),
            input_tokens=input_tokens,
            # After each search the model reads everything anew, and what was found with it.
            input_reads=searches + 1,
            unbounded=prompt.unbounded or ("tools" if searches else None),
            output_tokens=count(fields, "max_output_tokens"),
            output_fields=("max_output_tokens",),
            variant=variant_of(fields),
            web_searches=searches,
            forced=forced,
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens, which costs nothing. Raises Refused."""
        return model(top_level(body, _GUARDED))

    def meter(self, call: Call) -> ResponsesMeter:
        """A meter for one answer to that call."""
        return ResponsesMeter(call)

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """An `error` event: by the SDK's type of it, and with the object by which its streams raise an error."""
        error = error_of(refusal)
        told = {"code": error["code"], "message": error["message"], "param": error["param"], "error": error}
        event = msgspec.json.encode({"type": "error", "sequence_number": 0, **told})
        return b"event: error\ndata: " + event + b"\n\n"


def _check_metered(fields: dict[str, msgspec.Raw]) -> None:
    refuse_not_metered(fields, _NOT_METERED)
    data = given(fields, "reasoning") if "reasoning" in fields else None
    if data is not None and read_as(_reasoning, data, "reasoning", "an object").mode not in {None, "standard"}:
        right = "standard, because another mode may be billed for answers that are not returned"
        raise field_invalid("reasoning.mode", "another mode", right)
    data = given(fields, "prompt_cache_options") if "prompt_cache_options" in fields else None
    if data is not None:
        options = read_as(_cache_options, data, "prompt_cache_options", "an object")
        check_lifetime(options.ttl, "prompt_cache_options.ttl")


def _prompt(fields: dict[str, msgspec.Raw], tools: Tools) -> Prompt:
    instructions = given(fields, "instructions")
    if instructions is not None and not instructions.startswith(b'"'):
        raise invalid("instructions", instructions, "a string")
    data = given(fields, "input")
    prompt = read_input(data, tools) if data is not None else Prompt()
    for name in _BROUGHT_BY:
        if given(fields, name) is not None:
            prompt.unsized(name)
    return prompt


def _searches(fields: dict[str, msgspec.Raw]) -> tuple[int, dict[str, msgspec.Raw]]:
    """The most searches that may be billed, and what makes the provider keep to that."""
    right = f"a whole number from 1 to {MOST_TOOL_CALLS}, because each search is billed"
    asked = count(fields, "max_tool_calls", most=MOST_TOOL_CALLS, right=right)
    if asked is not None:
        return asked, {}
    return DEFAULT_TOOL_CALLS, {"max_tool_calls": msgspec.Raw(b"%d" % DEFAULT_TOOL_CALLS)}
