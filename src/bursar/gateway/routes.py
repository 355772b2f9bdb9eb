"""Which request is meant: the wire, what is to be done, and where the provider has it.

What is not in here is not served: nothing is ever passed through unmetered.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from bursar.gateway.headers import Incoming
from bursar.gateway.wires import ANTHROPIC, NO_TARGET, OPENAI, Target, Wire
from bursar.refusals import Refused, Why, refuse


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
    """A request's route. `path` and `query` are the provider's, `target` what they say beside the body."""

    action: Action
    wire: Wire
    path: str
    query: str
    target: Target = NO_TARGET


class _Fixed(NamedTuple):
    method: str
    action: Action
    wire: Wire


FIXED: dict[str, _Fixed] = {
    "/v1/chat/completions": _Fixed("POST", Action.CALL, OPENAI),
    "/v1/messages": _Fixed("POST", Action.CALL, ANTHROPIC),
    "/v1/messages/count_tokens": _Fixed("POST", Action.COUNT, ANTHROPIC),
}
MODELS = "/v1/models"
SERVED = ", ".join([*(f"{fixed.method} {path}" for path, fixed in FIXED.items()), f"GET {MODELS}[/MODEL]"])
_AZURE = re.compile(r"/openai(?:/v1|/deployments/(?P<deployment>[^/]+))(?P<rest>/.+)")
"""Azure's clients ask for a deployment by its path, or for the same routes under another prefix."""


def route_of(method: str, path: str, query: str, incoming: Incoming) -> Route:
    """The route of a request. Raises Refused: HEADER_INVALID, ROUTE_UNKNOWN, METHOD_UNKNOWN."""
    if incoming.wrong is not None:
        raise Refused(incoming.wrong)
    fixed = FIXED.get(path)
    if fixed is not None:
        _check(method, fixed.method, path)
        return Route(fixed.action, fixed.wire, path, query)
    if path.startswith("/openai/"):
        return _azure(method, path, query, incoming)
    if path == MODELS or path.startswith(MODELS + "/"):
        _check(method, "GET", path)
        name = unquote(path[len(MODELS) + 1 :])
        action = Action.MODEL if name else Action.MODELS
        return Route(action, wire_of(path, incoming), path, query, Target(model=name or None))
    raise Refused(refuse(Why.ROUTE_UNKNOWN, method=method, path=path, routes=SERVED))


def wire_of(path: str, incoming: Incoming) -> Wire:
    """The wire in whose shape a request is answered when its path alone does not say."""
    return ANTHROPIC if incoming.anthropic or path.startswith("/v1/messages") else OPENAI


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
