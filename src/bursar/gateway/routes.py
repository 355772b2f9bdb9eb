"""Which request is meant: the wire, what is to be done, and where the provider has it.

What is not in here is not served: nothing is ever passed through unmetered.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from bursar.gateway.headers import Incoming
from bursar.gateway.wires import (
    ANTHROPIC,
    COMPLETIONS,
    EMBEDDINGS,
    GEMINI,
    GEMINI_EMBEDDINGS,
    NO_TARGET,
    OPENAI,
    RESPONSES,
    Target,
    Wire,
)
from bursar.refusals import Refused, Why, field_invalid, refuse


class Action(Enum):
    """What a route does."""

    CALL = "call"
    """Costs money: bounded, held, relayed, settled."""
    COUNT = "count"
    """Counts tokens, which is free: passed on for a model that is served."""
    MODELS = "models"
    """Lists the models that the key may spend on."""
    MODEL = "model"
    """Tells of one of them."""


class Route(NamedTuple):
    """A request's route. `path` and `query` are the provider's, `target` what they say beside the body.

    `secret` is the key that the query carries, which goes no further.
    """

    action: Action
    wire: Wire
    path: str
    query: str
    target: Target = NO_TARGET
    secret: str = ""


class _Fixed(NamedTuple):
    method: str
    action: Action
    wire: Wire


FIXED: dict[str, _Fixed] = {
    "/v1/chat/completions": _Fixed("POST", Action.CALL, OPENAI),
    "/v1/responses": _Fixed("POST", Action.CALL, RESPONSES),
    "/v1/responses/input_tokens": _Fixed("POST", Action.COUNT, RESPONSES),
    "/v1/embeddings": _Fixed("POST", Action.CALL, EMBEDDINGS),
    "/v1/completions": _Fixed("POST", Action.CALL, COMPLETIONS),
    "/v1/messages": _Fixed("POST", Action.CALL, ANTHROPIC),
    "/v1/messages/count_tokens": _Fixed("POST", Action.COUNT, ANTHROPIC),
}
MODELS = "/v1/models"
VERBS: dict[str, tuple[Action, Wire]] = {
    "generateContent": (Action.CALL, GEMINI),
    "streamGenerateContent": (Action.CALL, GEMINI),
    "countTokens": (Action.COUNT, GEMINI),
    "embedContent": (Action.CALL, GEMINI_EMBEDDINGS),
    "batchEmbedContents": (Action.CALL, GEMINI_EMBEDDINGS),
}
"""What can be asked of a model on Gemini's wire."""
SERVED = ", ".join(
    [
        *(f"{fixed.method} {path}" for path, fixed in FIXED.items()),
        *(f"POST /v1beta/models/MODEL:{verb}" for verb in VERBS),
        f"GET {MODELS}[/MODEL]",
    ]
)
_AZURE = re.compile(r"/openai(?:/v1|/deployments/(?P<deployment>[^/]+))?(?P<rest>/.+)")
"""Azure's clients ask for a deployment by its path, or for the same routes under one of two other prefixes."""
_GOOGLE = re.compile(r"/v1(?:beta|alpha)/models(?:/(?P<model>[^/:]+))?")
_VERB = re.compile(r"/v1(?:beta|alpha)?/models/(?P<model>[A-Za-z0-9][A-Za-z0-9._-]*):(?P<verb>[A-Za-z]+)")
"""Google's clients name the model in the path. Its letters mean nothing else in an address, so that it can go on."""


def route_of(method: str, path: str, query: str, incoming: Incoming) -> Route:
    """The route of a request. Raises Refused: HEADER_INVALID, ROUTE_UNKNOWN, METHOD_UNKNOWN, WEBSOCKET_UNKNOWN."""
    if incoming.wrong is not None:
        raise Refused(incoming.wrong)
    fixed = FIXED.get(path)
    if fixed is not None:
        if incoming.websocket:
            # Codex tries WebSockets first; after this status it turns to HTTP at once, after others when it has
            # tried seven times.
            raise Refused(refuse(Why.WEBSOCKET_UNKNOWN, path=path, allowed=fixed.method))
        _check(method, fixed.method, path)
        return Route(fixed.action, fixed.wire, path, query)
    if path.startswith("/openai/"):
        return _azure(method, path, query, incoming)
    verb = _VERB.fullmatch(path)
    if verb is not None and (method == "POST" or not path.startswith(MODELS)):
        return _generate(method, path, query, verb)
    if path == MODELS or path.startswith(MODELS + "/"):
        _check(method, "GET", path)
        return _models(path, query, unquote(path[len(MODELS) + 1 :]), incoming)
    listed = _GOOGLE.fullmatch(path)
    if listed is not None:
        _check(method, "GET", path)
        return _models(path, query, listed["model"] or "", incoming)
    raise Refused(refuse(Why.ROUTE_UNKNOWN, method=method, path=path, routes=SERVED))


def wire_of(path: str, incoming: Incoming) -> Wire:
    """The wire in whose shape a request is answered when its path alone does not say."""
    if incoming.anthropic or path.startswith("/v1/messages"):
        return ANTHROPIC
    if incoming.gemini or path.startswith(("/v1beta/", "/v1alpha/")) or _VERB.fullmatch(path) is not None:
        return GEMINI
    return OPENAI


def _models(path: str, query: str, name: str, incoming: Incoming) -> Route:
    secret = _given(query, "key")
    wire = GEMINI if secret else wire_of(path, incoming)
    action = Action.MODEL if name else Action.MODELS
    return Route(action, wire, path, "", Target(model=name or None), secret)


def _generate(method: str, path: str, query: str, found: re.Match[str]) -> Route:
    """A route of Gemini's wire. Of its query only what asks for a stream of events goes to the provider.

    The rest are keys, or (`fields`) would have the answer say less than what was used.
    """
    verb = VERBS.get(found["verb"])
    if verb is None:
        raise Refused(refuse(Why.ROUTE_UNKNOWN, method=method, path=path, routes=SERVED))
    _check(method, "POST", path)
    alt = _given(query, "alt") or "json"
    if alt not in {"json", "sse"}:
        raise field_invalid("alt", repr(alt[:40]), "json or sse")
    stream = alt == "sse" and found["verb"] == "streamGenerateContent"
    target = Target(found["model"], stream, query="alt=sse" if stream else "")
    action, wire = verb
    return Route(action, wire, path, target.query, target, _given(query, "key"))


def _given(query: str, name: str) -> str:
    """The value of a parameter; the last one counts."""
    return dict(parse_qsl(query)).get(name, "") if name in query else ""


def _azure(method: str, path: str, query: str, incoming: Incoming) -> Route:
    found = _AZURE.fullmatch(path)
    if found is None:
        raise Refused(refuse(Why.ROUTE_UNKNOWN, method=method, path=path, routes=SERVED))
    # The version is that of Azure's own routes; which provider serves the model is the operator's affair.
    plain = urlencode([(name, value) for name, value in parse_qsl(query) if name != "api-version"])
    route = route_of(method, "/v1" + found["rest"], plain, incoming)
    deployment = found["deployment"]
    return route if deployment is None else route._replace(target=Target(model=unquote(deployment)))


def _check(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        raise Refused(refuse(Why.METHOD_UNKNOWN, method=method, path=path, allowed=allowed))
