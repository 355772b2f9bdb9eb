"""Lists of models as `GET /v1/models` gives them, in the shape of each family of wires."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

_METHODS = ("generateContent", "countTokens")
_EMBEDDING_METHODS = ("embedContent", "batchEmbedContents", "countTokens")


class Limits(NamedTuple):
    """The most tokens that go into and come out of a model; None when it is not known."""

    input_tokens: int | None = None
    output_tokens: int | None = None


def models_body(
    wire: str, models: list[str], created_s: int = 0, *, limits: Mapping[str, Limits] | None = None
) -> bytes:
    """The list of these models. `created_s` stands for the time of their release, in Unix seconds."""
    entries = [_entry(wire, model, created_s, (limits or {}).get(model, Limits())) for model in models]
    if wire == "gemini":
        return msgspec.json.encode({"models": entries})
    if wire == "anthropic":
        first, last = (models[0], models[-1]) if models else (None, None)
        return msgspec.json.encode({"data": entries, "has_more": False, "first_id": first, "last_id": last})
    return msgspec.json.encode({"object": "list", "data": entries})


def model_body(wire: str, model: str, created_s: int = 0, *, limits: Mapping[str, Limits] | None = None) -> bytes:
    """One model, as an entry of the list."""
    return msgspec.json.encode(_entry(wire, model, created_s, (limits or {}).get(model, Limits())))


def _entry(wire: str, model: str, created_s: int, limits: Limits) -> dict[str, object]:
    if wire == "gemini":
        known = {"inputTokenLimit": limits.input_tokens, "outputTokenLimit": limits.output_tokens}
        told = {name: tokens for name, tokens in known.items() if tokens is not None}
        entry = {"name": f"models/{model}", "baseModelId": model, "version": "1", "displayName": model}
        methods = _EMBEDDING_METHODS if limits.output_tokens == 0 else _METHODS
        return {**entry, **told, "supportedGenerationMethods": methods}
    if wire == "anthropic":
        created = datetime.fromtimestamp(created_s, UTC)
        return {"type": "model", "id": model, "display_name": model, "created_at": created}
    return {"id": model, "object": "model", "created": created_s, "owned_by": "bursar"}
