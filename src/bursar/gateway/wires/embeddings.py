"""OpenAI's embeddings: input only, one answer, no stream.

Fields by the official SDK's `EmbeddingCreateParams`; what compatible servers add brings no cost of its own.
"""

from __future__ import annotations

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import given, missing, model, top_level
from bursar.gateway.wires.openai_meter import OpenAIMeter
from bursar.gateway.wires.openai_shared import (
    NOT_METERED,
    OpenAIErrors,
    model_of,
    refuse_not_metered,
    variant_of,
)
from bursar.gateway.wires.openai_texts import RIGHT, read_texts

_GUARDED = frozenset({"model", "input", "service_tier", *NOT_METERED})


class EmbeddingsWire(OpenAIErrors):
    """`POST /v1/embeddings`."""

    name = "embeddings"
    family = "openai"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = top_level(body, _GUARDED)
        name = model_of(fields, target)
        data = given(fields, "input")
        if data is None:
            raise missing("input", RIGHT)
        refuse_not_metered(fields, NOT_METERED)
        return Call(
            wire=self.name,
            model=name,
            fields=fields,
            stream=False,
            input_tokens=len(body) - read_texts(data, "input").relief,
            output_tokens=0,
            least_output=0,
            variant=variant_of(fields),
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens. Raises Refused."""
        return model(top_level(body, _GUARDED))

    def meter(self, call: Call) -> OpenAIMeter:
        """A meter for one answer to that call."""
        return OpenAIMeter(call)
