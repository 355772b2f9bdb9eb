"""What OpenAI's routes have in common: keys, models, tiers, errors, headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from bursar.sim.call import WireError, from_validation
from bursar.sim.prices import Model, Sold, model_named

IMAGE_TOKENS = {"low": 85}
HIGH_DETAIL_IMAGE_TOKENS = 765
"""What a 1024 × 1024 image costs at high detail: 85 and four tiles of 170."""

Tier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
TIERS: dict[Tier | None, str] = {
    None: "default",
    "auto": "default",
    "default": "default",
    "scale": "default",
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
}
"""The tier that a request is served at, by the one it asks for ("fast" is the new name of priority)."""

_T = TypeVar("_T")
_encode = msgspec.json.encode


class OpenAIBase:
    """The duties of a wire that are the same on all of OpenAI's routes."""

    request_id_prefix = "req_"
    tool_id_prefix = "call_"
    overloaded_status = 503
    caches_by_mark = False

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The bearer token."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None

    def model(self, name: str) -> Model:
        """The model of that name. Raises WireError when there is none."""
        model = model_named(name, "openai")
        if model is None:
            text = f"The model `{name}` does not exist or you do not have access to it."
            raise WireError(404, text, param="model", code="model_not_found")
        return model

    def sold(self, name: str, sold: Sold) -> Model:
        """The model of that name, when this route is where it is sold. Raises WireError."""
        model = self.model(name)
        if model.sold != sold:
            raise WireError(404, f"The model `{name}` is not supported by this endpoint.", param="model")
        return model

    def error(self, error: WireError, request_id: str) -> bytes:
        """`{"error": {message, type, param, code}}`."""
        return _encode({"error": error_of(error)})

    def error_event(self, error: WireError, request_id: str) -> bytes:
        """A data event that holds an error in place of a chunk."""
        return b"data: " + _encode({"error": error_of(error)}) + b"\n\n"

    def headers(self, request_id: str, took_ms: int) -> dict[str, str]:
        """Request id and processing time."""
        return {
            "x-request-id": request_id,
            "openai-processing-ms": str(took_ms),
            "openai-version": "2020-10-01",
            "openai-organization": "simulated",
        }


def decoded(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """A request's body. Raises WireError."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as problem:
        raise from_validation(problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WireError(400, "We could not parse the JSON body of your request.") from None


def check_flex(tier: Tier | None, model: Model) -> None:
    """Refuse a tier that the model is not sold at. Raises WireError."""
    if tier == "flex" and "flex" not in model.variants:
        raise WireError(400, "Invalid service_tier argument: flex.", param="service_tier", code="invalid_value")


def schema_tokens(schema: Any) -> int:
    """The tokens of a schema in a prompt."""
    return len(_encode(schema)) // 4 if schema else 0


def error_of(error: WireError) -> dict[str, str | None]:
    """An error as OpenAI's object of it."""
    kind, code = {
        401: ("invalid_request_error", "invalid_api_key"),
        429: ("requests", "rate_limit_exceeded"),
    }.get(error.status, ("invalid_request_error" if error.status < 500 else "server_error", None))
    return {"message": error.text, "type": kind, "param": error.param, "code": error.code or code}
