"""One request and whoever waits for its answer, as the parts of the gateway hand it on."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from bursar.gateway.client import Client
from bursar.gateway.headers import Incoming
from bursar.gateway.wires.base import Wire
from bursar.refusals import Refusal, Refused

T = TypeVar("T")


class Exchange(NamedTuple):
    """A request: the route and query it names, its headers, its client, and the wire that answers it."""

    method: str
    path: str
    query: str
    incoming: Incoming
    client: Client
    wire: Wire


def granted(answer: T | Refusal) -> T:
    """What was asked for. Raises Refused when the answer is a refusal."""
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer
