"""OpenAI's embeddings: request and answer as the official SDK reads them."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import Asked, Call, Event, WireError
from bursar.sim.faults import Fault
from bursar.sim.openai_base import OpenAIBase, decoded
from bursar.sim.text import count_tokens

DIMENSIONS = 16
"""How long a vector is, unless the request says otherwise."""
Texts = str | list[str | int | list[int]]


class EmbeddingsRequest(msgspec.Struct):
    """The fields of a request that the simulation minds; it lets others pass."""

    model: str
    input: Texts
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=4_096)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


class EmbeddingsAsked(Asked, kw_only=True, gc=False):
    """A request that is read."""

    request: EmbeddingsRequest


_decoder = msgspec.json.Decoder(EmbeddingsRequest)
_encode = msgspec.json.encode


class EmbeddingsWire(OpenAIBase):
    """`POST /v1/embeddings`."""

    name = "embeddings"
    id_prefix = "emb_"

    def read(self, body: bytes) -> EmbeddingsAsked:
        """Read and check a request."""
        request = decoded(_decoder, body)
        counts = texts_tokens(request.input, "input")
        return EmbeddingsAsked(
            model=self.sold(request.model, "embeddings"),
            requested_model=request.model,
            stream=False,
            blocks=[Block(0, 0)],
            extra_tokens=sum(counts),
            texts=(request.user or "",),
            max_output_tokens=0,
            choices=len(counts),
            request=request,
        )

    def answer(self, call: Call) -> bytes:
        """A list of embeddings."""
        asked = call.asked
        assert isinstance(asked, EmbeddingsAsked), "a call of another wire"
        vector = _vector(asked.request)
        body: dict[str, Any] = {
            "object": "list",
            "data": [{"object": "embedding", "index": at, "embedding": vector} for at in range(asked.choices)],
            "model": asked.model.name,
        }
        if call.fault is not Fault.NO_USAGE:
            used = call.input.total_input
            body["usage"] = {"prompt_tokens": used, "total_tokens": used}
        return _encode(body)

    def events(self, call: Call) -> Iterator[Event]:
        """None: embeddings are not streamed."""
        return iter(())


def texts_tokens(given: Texts, param: str) -> list[int]:
    """The tokens of each text. Raises WireError when there is none, or one is empty."""
    if isinstance(given, str):
        counts = [count_tokens(given) if given else 0]
    elif given and all(isinstance(each, int) for each in given):
        counts = [len(given)]
    else:
        counts = [_tokens(each, param) for each in given]
    if not counts or not all(counts):
        raise WireError(400, f"Invalid '{param}': it must not be empty.", param=param, code="invalid_value")
    return counts


def _tokens(text: str | int | list[int], param: str) -> int:
    if isinstance(text, int):
        raise WireError(400, f"Invalid '{param}': texts and tokens in one list.", param=param)
    return len(text) if isinstance(text, list) else count_tokens(text) if text else 0


def _vector(request: EmbeddingsRequest) -> list[float] | str:
    size = request.dimensions or DIMENSIONS
    if request.encoding_format == "base64":
        return base64.b64encode(struct.pack(f"<{size}f", *[0.25] * size)).decode()
    return [0.25] * size
