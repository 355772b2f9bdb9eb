"""The models for sale, in the shape of each wire's `GET /v1/models`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bursar.sim.prices import MODELS, Model


def openai_models() -> dict[str, Any]:
    """OpenAI's list."""
    return {"object": "list", "data": [openai_model(each) for each in MODELS.values() if each.wire == "openai"]}


def openai_model(model: Model) -> dict[str, Any]:
    """One model as OpenAI describes it."""
    created = datetime.fromisoformat(model.released).replace(tzinfo=UTC)
    return {"id": model.name, "object": "model", "created": int(created.timestamp()), "owned_by": "system"}


def anthropic_models() -> dict[str, Any]:
    """Anthropic's list, in one page."""
    data = [anthropic_model(each) for each in MODELS.values() if each.wire == "anthropic"]
    return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}


def anthropic_model(model: Model) -> dict[str, Any]:
    """One model as Anthropic describes it."""
    return {
        "type": "model",
        "id": model.snapshot,
        "display_name": model.title,
        "created_at": f"{model.released}T00:00:00Z",
        "lifecycle": "active",
        "line": model.name.split("-")[1],
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
    }


_METHODS = (["generateContent", "countTokens"], ["embedContent", "batchEmbedContents", "countTokens"])


def google_models() -> dict[str, Any]:
    """Google's list, in one page."""
    return {"models": [google_model(each) for each in MODELS.values() if each.wire == "gemini"]}


def google_model(model: Model) -> dict[str, Any]:
    """One model as Google describes it."""
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.title,
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": _METHODS[model.sold == "embeddings"],
        "thinking": model.reasons,
    }
