"""What OpenAI's routes have in common: errors, tiers, and what is refused because it is not metered."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bursar.gateway.wires.base import Target
from bursar.gateway.wires.fields import flag, given, invalid, model, text
from bursar.gateway.wires.prompt import read_as
from bursar.refusals import Refusal

STANDARD_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
"""Words for the tier that has no surcharge; "on_demand" is Groq's."""

NOT_METERED = {
    "web_search_options": "hosted searches are billed apart",
    "search_parameters": "hosted searches are billed apart",
    "enable_search": "hosted searches are billed apart",
    "plugins": "plugins are billed apart",
    "data_sources": "they bring input that is not in the request",
    "models": "only one model is held for",
    "fallbacks": "only one model is held for",
}
"""Fields that bring cost which is not metered, of OpenAI and of compatible servers, and why they are refused."""

_INCLUDE_USAGE = msgspec.Raw(b'{"include_usage":true}')
_NOTHING = frozenset({b"false", b"[]", b"{}"})
_STATUS_TYPES = {402: "insufficient_quota", 403: "permission_error", 408: "timeout", 429: "rate_limit_error"}
"""The `type` of an error by its status, where it is not "invalid_request_error" or "server_error"."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class OpenAIErrors:
    """The shape of a refusal on OpenAI's routes."""

    def error(self, refusal: Refusal, request_id: str) -> bytes:
        """`{"error": {message, type, param, code}}`; the code is the refusal's name. The id goes in a header."""
        return msgspec.json.encode({"error": error_of(refusal)})

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """An event that holds an error in place of a chunk, which is what the official SDK looks for."""
        return b"data: " + self.error(refusal, request_id) + b"\n\n"


def error_of(refusal: Refusal) -> dict[str, str | None]:
    """A refusal as OpenAI's object of an error."""
    kind = _STATUS_TYPES.get(refusal.status, "server_error" if refusal.status >= 500 else "invalid_request_error")
    return {"message": refusal.text, "type": kind, "param": refusal.field, "code": refusal.why.value}


def model_of(fields: dict[str, msgspec.Raw], target: Target) -> str:
    """The model that is asked for, by the body or else by the path. Raises Refused."""
    return target.model if target.model is not None and "model" not in fields else model(fields)


def refuse_not_metered(fields: dict[str, msgspec.Raw], reasons: Mapping[str, str]) -> None:
    """Refuse a field that brings cost which is not metered, unless it says that there is none. Raises Refused."""
    if reasons.keys().isdisjoint(fields):
        return
    for name, reason in reasons.items():
        data = given(fields, name)
        if data is not None and data not in _NOTHING:
            raise invalid(name, data, f"left out, because {reason}")


def variant_of(fields: dict[str, msgspec.Raw]) -> str:
    """The variant that is asked for by the service tier. Raises Refused."""
    tier = text(fields, "service_tier", "a service tier's name") if "service_tier" in fields else None
    return "standard" if tier is None or tier in STANDARD_TIERS else tier


def delivered_variant(tier: object, asked: str) -> str:
    """The variant that an answer says was served; what was asked for when it says nothing."""
    if not isinstance(tier, str):
        return asked
    return "standard" if tier in STANDARD_TIERS else tier


def usage_wanted(fields: dict[str, msgspec.Raw]) -> tuple[dict[str, msgspec.Raw], bool]:
    """What makes the provider send usage in its stream, and whether the client asked for that itself."""
    data = given(fields, "stream_options")
    if data is None:
        return {"stream_options": _INCLUDE_USAGE}, False
    options = read_as(_object, data, "stream_options", "an object")
    if flag(options, "include_usage"):
        # Written anew all the same: a nested key given twice could be read otherwise by the provider.
        return {"stream_options": msgspec.Raw(msgspec.json.encode(options))}, True
    asked = {**options, "include_usage": msgspec.Raw(b"true")}
    return {"stream_options": msgspec.Raw(msgspec.json.encode(asked))}, False
