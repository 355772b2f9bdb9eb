"""What a request may cost that another gateway sends: its body read as if it had come here."""

from __future__ import annotations

from bursar.books import Ask
from bursar.gateway.asking import ask_of_call
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
    return ask_of_call(route.wire.read(body, route.target), provider="", catalog="", more_tokens=0)
