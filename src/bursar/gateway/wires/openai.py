"""OpenAI's chat completions, as OpenAI and compatible servers speak them.

Fields by the official SDK's `CompletionCreateParams`; what compatible servers add to it matters here only where it
would bring cost that is not metered, and then it is refused by name.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import count, flag, given, listed, model, top_level
from bursar.gateway.wires.openai_meter import OpenAIMeter
from bursar.gateway.wires.openai_prompt import read_prompt
from bursar.gateway.wires.openai_shared import (
    NOT_METERED,
    OpenAIErrors,
    model_of,
    refuse_not_metered,
    usage_wanted,
    variant_of,
)
from bursar.gateway.wires.prompt import TOOLS_PROMPT_TOKENS, read_as
from bursar.refusals import field_invalid

MOST_COPIES = 128
_NOT_METERED = {**NOT_METERED, "best_of": "answers that are not returned are billed too"}
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


class _Tool(msgspec.Struct):
    type: str | None = None


_tools = msgspec.json.Decoder(list[_Tool]).decode
_texts = msgspec.json.Decoder(list[str]).decode


class OpenAIWire(OpenAIErrors):
    """`POST /v1/chat/completions`."""

    name = "openai"
    family = "openai"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = top_level(body, _GUARDED)
        name = model_of(fields, target)
        messages = listed(fields, "messages", "a list of messages")
        refuse_not_metered(fields, _NOT_METERED)
        stream = flag(fields, "stream")
        output_tokens, output_fields = _output(fields)
        prompt = read_prompt(messages)
        input_tokens = len(body) + prompt.media_tokens - prompt.relief
        if not _PROMPTED_BY.isdisjoint(fields):
            input_tokens += TOOLS_PROMPT_TOKENS
            _check_tools(fields)
        prediction = given(fields, "prediction")
        forced, wants_usage = usage_wanted(fields) if stream else ({}, True)
        return Call(
            wire="openai",
            model=name,
            fields=fields,
            stream=stream,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            output_fields=output_fields,
            variant=variant_of(fields),
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


def _output(fields: dict[str, msgspec.Raw]) -> tuple[int | None, tuple[str, ...]]:
    """The maximum of output that was asked for, and the fields that ask for it."""
    modern = count(fields, "max_completion_tokens")
    legacy = count(fields, "max_tokens")
    if modern is None:
        return (None, ()) if legacy is None else (legacy, ("max_tokens",))
    if legacy is None:
        return modern, ("max_completion_tokens",)
    if legacy != modern:
        raise field_invalid("max_tokens", legacy, "as max_completion_tokens")
    return modern, ("max_completion_tokens", "max_tokens")


def _check_tools(fields: dict[str, msgspec.Raw]) -> None:
    data = given(fields, "tools")
    if data is None:
        return
    for at, tool in enumerate(read_as(_tools, data, "tools", "a list of tools")):
        if tool.type is not None and tool.type not in _CLIENT_TOOLS:
            right = "function or custom, because tools that the provider runs are billed apart"
            raise field_invalid(f"tools[{at}].type", tool.type[:40], right)


def _speaks(fields: dict[str, msgspec.Raw]) -> bool:
    if given(fields, "audio") is not None:
        return True
    data = given(fields, "modalities")
    if data is None:
        return False
    return "audio" in read_as(_texts, data, "modalities", "a list of strings")
