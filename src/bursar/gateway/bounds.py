"""What a request may cost that another gateway sends: its body read as if it had come here."""

from __future__ import annotations

from bursar.books import Ask
from bursar.gateway.headers import Incoming
from bursar.gateway.routes import FIXED, VERBS, Action, route_of
from bursar.refusals import field_invalid

CALLED = ", ".join(
    [
        *(path for path, fixed in FIXED.items() if fixed.action is Action.CALL),
        *(f"/v1beta/models/MODEL:{verb}" for verb, (action, _) in VERBS.items() if action is Action.CALL),
    ]
)
"""The paths whose requests cost something."""


def ask_for(path: str, body: bytes) -> Ask:
    """The bounds of a request to a path, whosever provider it goes to: that is for others to say.

    Raises Refused as the gateway does, by the name of the field that cannot be read, metered or bounded.
    """
    route = route_of("POST", path, "", Incoming(()))
    if route.action is not Action.CALL:
        raise field_invalid("path", repr(path[:100]), f"one of {CALLED}")
    call = route.wire.read(body, route.target)
    return Ask(
        wire=call.wire,
        provider="",
        catalog="",
        model=call.model,
        variant=call.variant,
        input_tokens=call.input_tokens + call.added_bytes,
        unbounded=call.unbounded,
        output_tokens=call.output_tokens,
        output_copies=call.output_copies,
        output_allowance=call.output_allowance,
        least_output=call.least_output,
        input_reads=call.input_reads,
        cache_writes=call.cache_writes,
        web_searches=call.web_searches,
        audio=call.audio,
    )
