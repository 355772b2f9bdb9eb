"""Google's embeddings: request and answer as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import Asked, Call, Event, WireError
from bursar.sim.faults import Fault
from bursar.sim.gemini import GenerateWire, decoded
from bursar.sim.gemini_request import Content, GenerateRequest, last_text, prompt

DIMENSIONS = 16
"""How long a vector is, unless the request says otherwise."""


class EmbedRequest(msgspec.Struct, rename="camel"):
    """One content to embed."""

    content: Content
    output_dimensionality: int = DIMENSIONS


class BatchRequest(msgspec.Struct):
    """Several of them."""

    requests: list[EmbedRequest]


class EmbedAsked(Asked, kw_only=True, gc=False):
    """A request that is read; `sizes` are the lengths of its vectors."""

    sizes: list[int]
    batch: bool


class EmbedWire(GenerateWire):
    """`POST /v1beta/models/MODEL:embedContent`, or `:batchEmbedContents`."""

    name = "gemini-embeddings"

    def __init__(self, model: str, *, batch: bool) -> None:
        super().__init__(model)
        self._batch = batch

    def read(self, body: bytes) -> EmbedAsked:
        """Read and check a request."""
        model = self.model(self._model)
        if model.sold != "embeddings":
            raise WireError(404, f"models/{model.name} is not supported for embedContent.")
        requests = decoded(body, BatchRequest).requests if self._batch else [decoded(body, EmbedRequest)]
        if not requests:
            raise WireError(400, "* BatchEmbedContentsRequest.requests: at least one is required", param="requests")
        whole = GenerateRequest([request.content for request in requests])
        blocks, images = prompt(whole)
        return EmbedAsked(
            model=model,
            requested_model=self._model,
            stream=False,
            blocks=[Block(0, 0)],
            extra_tokens=sum(block.tokens for block in blocks) + images,
            texts=(last_text(whole),),
            max_output_tokens=0,
            sizes=[request.output_dimensionality for request in requests],
            batch=self._batch,
        )

    def answer(self, call: Call) -> bytes:
        """An embedding, or a list of them."""
        asked = call.asked
        assert isinstance(asked, EmbedAsked), "a call of another wire"
        vectors = [{"values": [0.25] * size} for size in asked.sizes]
        told: dict[str, Any] = {"embeddings": vectors} if asked.batch else {"embedding": vectors[0]}
        if call.fault is not Fault.NO_USAGE:
            told["usageMetadata"] = {"promptTokenCount": call.input.total_input}
        return msgspec.json.encode(told)

    def events(self, call: Call) -> Iterator[Event]:
        """None: embeddings are not streamed."""
        return iter(())
