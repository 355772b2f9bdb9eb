"""What a wire format can do, whichever it is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from bursar.gateway.wires.call import Call
from bursar.refusals import Refusal
from bursar.usage import Usage


class Target(NamedTuple):
    """What a request's path says beside its body: some wires name the model there, and whether to stream."""

    model: str | None = None
    stream: bool = False
    query: str = ""


NO_TARGET = Target()


class Meter(Protocol):
    """Watches one answer go by and knows what it used: fed whole, or as its stream arrives, never both."""

    @property
    def usage(self) -> Usage | None:
        """What the whole answer used. None until the record that ends it, and when that is at fault.

        Absent is not zero; an explicit zero is.
        """

    @property
    def partial(self) -> Usage | None:
        """What is known so far, also of a stream that was cut: for the record, never to be charged."""

    @property
    def complete(self) -> bool:
        """Whether the answer reached its proper end."""

    @property
    def failed(self) -> bool:
        """Whether the answer is an error, or one arrived in its stream."""

    @property
    def delivered_variant(self) -> str:
        """The variant that the provider says it served, else the one asked for."""

    @property
    def model(self) -> str | None:
        """The model that the provider says it used."""

    @property
    def message(self) -> str:
        """The provider's own name for its answer; empty when it gave none."""

    def whole(self, body: bytes) -> None:
        """Read the body of an answer that is not a stream. Never raises: a faulty body has no usage."""

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of a stream, split anywhere; return the bytes to forward now, which may be none.

        They are the bytes that came, but for an event that the client did not ask for.
        """

    def finish(self) -> bytes:
        """The stream has ended: return the bytes that are left to forward."""


class Wire(Protocol):
    """One provider's wire format."""

    name: str
    """How the call is recorded: "openai" (chat completions), "responses", "anthropic", "gemini" …"""

    family: str
    """Which providers speak it, by their configuration's `wire`: "openai", "anthropic" or "gemini"."""

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens, which costs nothing. Raises Refused."""

    def meter(self, call: Call) -> Meter:
        """A meter for one answer to that call."""

    def error(self, refusal: Refusal, request_id: str) -> bytes:
        """A refusal in the wire's own shape of an error."""

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """The same as an event, for a stream that has begun."""
