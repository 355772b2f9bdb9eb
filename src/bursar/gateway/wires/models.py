"""Lists of models as `GET /v1/models` gives them, in the shape of either wire."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec


def models_body(wire: str, models: list[str], created_s: int = 0) -> bytes:
    """The list of these models. `created_s` stands for the time of their release, in Unix seconds."""
    entries = [_entry(wire, model, created_s) for model in models]
    if wire == "anthropic":
        first, last = (models[0], models[-1]) if models else (None, None)
        return msgspec.json.encode({"data": entries, "has_more": False, "first_id": first, "last_id": last})
    return msgspec.json.encode({"object": "list", "data": entries})


def model_body(wire: str, model: str, created_s: int = 0) -> bytes:
    """One model, as an entry of the list."""
    return msgspec.json.encode(_entry(wire, model, created_s))


def _entry(wire: str, model: str, created_s: int) -> dict[str, object]:
    if wire == "anthropic":
        created = datetime.fromtimestamp(created_s, UTC)
        return {"type": "model", "id": model, "display_name": model, "created_at": created}
    return {"id": model, "object": "model", "created": created_s, "owned_by": "bursar"}
