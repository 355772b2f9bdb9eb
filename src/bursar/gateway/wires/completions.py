"""OpenAI's legacy completions, which many compatible servers still speak.

Fields by the official SDK's `CompletionCreateParams` of the route without chat. Their answers count usage as chat
completions do.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import count, flag, given, model, top_level
from bursar.gateway.wires.openai_meter import OpenAIMeter
from bursar.gateway.wires.openai_shared import (
    NOT_METERED,
    OpenAIErrors,
    model_of,
    refuse_not_metered,
    usage_wanted,
    variant_of,
)
from bursar.gateway.wires.openai_texts import Texts, read_texts

DEFAULT_OUTPUT_TOKENS = 16
"""What the route writes at most when a request does not say. It is sent, so that no server has another default."""

MOST_COPIES = 128
_RIGHT_COPIES = f"a whole number from 1 to {MOST_COPIES}"
_GUARDED = frozenset(
    {
        "model",
        "prompt",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "best_of",
        "service_tier",
        *NOT_METERED,
    }
)
_NOT_METERED = {**NOT_METERED, "max_completion_tokens": "this route's field is max_tokens"}


class CompletionsWire(OpenAIErrors):
    """`POST /v1/completions`."""

    name = "completions"
    family = "openai"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = top_level(body, _GUARDED)
        name = model_of(fields, target)
        refuse_not_metered(fields, _NOT_METERED)
        data = given(fields, "prompt")
        prompts = read_texts(data, "prompt") if data is not None else Texts(1)
        stream = flag(fields, "stream")
        forced, wants_usage = usage_wanted(fields) if stream else ({}, True)
        # Zero is right: with `echo` it asks for the prompt's own probabilities.
        output_tokens = count(fields, "max_tokens", least=0)
        if output_tokens is None:
            output_tokens = DEFAULT_OUTPUT_TOKENS
            forced = {**forced, "max_tokens": msgspec.Raw(b"%d" % output_tokens)}
        return Call(
            wire=self.name,
            model=name,
            fields=fields,
            stream=stream,
            input_tokens=len(body) - prompts.relief,
            output_tokens=output_tokens,
            output_fields=("max_tokens",),
            least_output=min(1, output_tokens),
            # Answers that are not returned are billed too; each prompt gets as many of its own.
            output_copies=prompts.inputs * max(_copies(fields, "n"), _copies(fields, "best_of")),
            variant=variant_of(fields),
            wants_usage=wants_usage,
            forced=forced,
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens. Raises Refused."""
        return model(top_level(body, _GUARDED))

    def meter(self, call: Call) -> OpenAIMeter:
        """A meter for one answer to that call."""
        return OpenAIMeter(call)


def _copies(fields: dict[str, msgspec.Raw], name: str) -> int:
    return count(fields, name, most=MOST_COPIES, right=_RIGHT_COPIES) or 1
