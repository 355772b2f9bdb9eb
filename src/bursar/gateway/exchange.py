"""One request and whoever waits for its answer, as the parts of the gateway hand it on."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from bursar.gateway.client import Client
from bursar.gateway.headers import Incoming
from bursar.gateway.room import Share
from bursar.gateway.routes import Route
from bursar.gateway.wires.base import Wire
from bursar.refusals import Refusal, Refused

T = TypeVar("T")


class Exchange(NamedTuple):
    """A request: its route, its headers, its client, and its body's share of the memory."""

    route: Route
    incoming: Incoming
    client: Client
    share: Share

    @property
    def wire(self) -> Wire:
        """The wire that answers it."""
        return self.route.wire

    @property
    def secret(self) -> str:
        """The key that it came with."""
        return self.incoming.secret or self.route.secret


def granted(answer: T | Refusal) -> T:
    """What was asked for. Raises Refused when the answer is a refusal."""
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer
