"""Google's routes: the model, and what is asked of it, are in the path."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bursar.sim.gemini import GenerateWire
from bursar.sim.gemini_embeddings import EmbedWire

_CALL = re.compile(r"/v1(?:beta|alpha)?/models/([^/:]+):(\w+)")


def wire_at(path: str, query: Mapping[str, str]) -> GenerateWire | None:
    """The wire of a route that is charged; None when it is another route."""
    found = _CALL.fullmatch(path)
    if found is None:
        return None
    model, verb = found.groups()
    if verb in {"embedContent", "batchEmbedContents"}:
        return EmbedWire(model, batch=verb == "batchEmbedContents")
    if verb == "generateContent":
        return GenerateWire(model)
    if verb == "streamGenerateContent":
        events = query.get("alt") == "sse"
        return GenerateWire(model, stream=events, listed=not events)
    return None
