"""Google's embeddings: input only, one request or many, no stream.

Fields by the official SDK's `EmbedContentConfig`. An answer that does not say what was used is charged at its bound.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import given, missing, top_level
from bursar.gateway.wires.gemini_errors import GeminiErrors
from bursar.gateway.wires.gemini_fields import Fields, canonical, model_of, names, objects
from bursar.gateway.wires.gemini_meter import FAULTS, GeminiMeter, Record
from bursar.gateway.wires.gemini_prompt import read_contents
from bursar.gateway.wires.prompt import Prompt
from bursar.usage import Usage

_TOP = names("model", "content", "requests")


class _Answer(msgspec.Struct, rename="camel"):
    embedding: object = None
    embeddings: object = None
    usage_metadata: Record | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class GeminiEmbeddingsWire(GeminiErrors):
    """`POST /v1beta/models/MODEL:embedContent` and `:batchEmbedContents`."""

    name = "gemini-embeddings"
    family = "gemini"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = canonical(top_level(body, frozenset()), _TOP)
        name = model_of(fields, target)
        prompt = Prompt()
        requests = given(fields, "requests")
        if requests is None or "content" in fields:
            _read_content(prompt, fields, "content")
        for at, said in enumerate(objects(requests, "requests") if requests is not None else ()):
            request = canonical(said, _TOP, f"requests[{at}].")
            model_of(request, target, f"requests[{at}].")
            _read_content(prompt, request, f"requests[{at}].content")
        return Call(
            wire=self.name,
            model=name,
            fields=fields,
            stream=False,
            input_tokens=len(body) + prompt.media_tokens - prompt.relief,
            unbounded=prompt.unbounded,
            output_tokens=0,
            least_output=0,
            cache_writes=False,
            audio=prompt.audio,
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens. Raises Refused."""
        return model_of(canonical(top_level(body, frozenset()), _TOP), target)

    def meter(self, call: Call) -> EmbeddingsMeter:
        """A meter for one answer to that call."""
        return EmbeddingsMeter(call)


class EmbeddingsMeter(GeminiMeter):
    """See `bursar.gateway.wires.base.Meter`. There is no stream, and what was used is the prompt."""

    def whole(self, body: bytes) -> None:
        """Read an answer."""
        try:
            answer = _decode(body)
        except FAULTS:
            return
        self.complete = answer.embedding is not None or answer.embeddings is not None
        record = answer.usage_metadata
        tokens = record.prompt_token_count if record is not None else None
        if self.complete and tokens is not None:
            self.usage = self.partial = Usage(input=tokens)


def _read_content(prompt: Prompt, fields: Fields, field: str) -> None:
    content = given(fields, "content")
    if content is None:
        raise missing(field, "a content")
    read_contents(prompt, content, field)
