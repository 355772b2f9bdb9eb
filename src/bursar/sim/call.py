"""What every wire has in common: a request as it was asked, a call as it will be answered, and a wire's duties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import msgspec

from bursar.sim.cache import Block
from bursar.sim.faults import Fault
from bursar.sim.prices import Model
from bursar.sim.text import Frame
from bursar.usage import Usage

UNLIMITED = 10**18


class WireError(Exception):
    """An error for the client, in words; each wire puts it into its own shape.

    `param` is the field that is wrong, as a path like "messages[0].role".
    """

    def __init__(self, status: int, text: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.param = param
        self.code = code


class Asked(msgspec.Struct, kw_only=True, gc=False):
    """A request, read from its wire and valid. Counts are tokens.

    `texts` may hold a directive for the simulation. `variant` names the price list to charge from, None for the
    standard one; `tier` is what the answer says was delivered. `extra_tokens` is input that no cache ever holds
    (images). `tool` is the one that the answer calls. `searches` says whether the provider may search the web, and
    `most_searches` how often.
    """

    model: Model
    requested_model: str
    stream: bool
    blocks: list[Block]
    texts: tuple[str, ...]
    max_output_tokens: int | None
    extra_tokens: int = 0
    choices: int = 1
    frame: Frame = Frame()
    tool: str | None = None
    thinks: bool = False
    thinking_tokens: int | None = None
    thinking_shown: bool = True
    usage_in_stream: bool = True
    variant: str | None = None
    tier: str = "default"
    us_geo: bool = False
    searches: bool = False
    most_searches: int = UNLIMITED


class Call(msgspec.Struct, kw_only=True, gc=False):
    """A call that the provider took: what it will answer and what it has used so far.

    `input` holds the buckets of the prompt alone. `output_tokens` and `reasoning_tokens` are for each choice.
    """

    id: str
    request_id: str
    key: str
    wire: str
    asked: Asked
    input: Usage
    output_tokens: int
    reasoning_tokens: int
    limited: bool
    text_start: int
    tokens_per_event: int
    created_s: int
    fault: Fault
    tool_id: str
    searched_tokens: int = 0

    @property
    def words_tokens(self) -> int:
        """Tokens of each choice that the client gets to read."""
        return self.output_tokens - self.reasoning_tokens

    @property
    def all_output_tokens(self) -> int:
        """Output tokens over all choices."""
        return self.output_tokens * self.asked.choices

    def usage(self, output_tokens: int | None = None) -> Usage:
        """The call's usage when so many output tokens, over all choices, were generated: all unless told."""
        done = self.all_output_tokens if output_tokens is None else output_tokens
        return Usage(
            input=self.input.input,
            cache_read=self.input.cache_read,
            cache_write_5m=self.input.cache_write_5m,
            cache_write_1h=self.input.cache_write_1h,
            web_searches=self.input.web_searches,
            output=done,
            reasoning=min(done, self.reasoning_tokens * self.asked.choices),
        )


class Event(NamedTuple):
    """A part of a stream, as bytes on the wire.

    `output_tokens` counts what is generated once it is sent. From the first `closing` event on, the answer's
    words are all out and what follows carries the usage or the end.
    """

    data: bytes
    output_tokens: int
    closing: bool = False


class Wire(Protocol):
    """One wire format: reads requests, writes answers, streams and errors. Adding a wire is adding one of these."""

    @property
    def name(self) -> str:
        """The provider's name on the bill."""

    @property
    def id_prefix(self) -> str:
        """What the ids of its answers begin with."""

    @property
    def request_id_prefix(self) -> str:
        """What the ids of its requests begin with."""

    @property
    def tool_id_prefix(self) -> str:
        """What the ids of the tool calls that it makes begin with."""

    @property
    def overloaded_status(self) -> int:
        """The status by which it says that it is overloaded."""

    @property
    def caches_by_mark(self) -> bool:
        """Whether clients mark what is to be cached; if not, long prompts are cached unasked."""

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The credential of a request."""

    def read(self, body: bytes) -> Asked:
        """Read and check a request. Raises WireError."""

    def answer(self, call: Call) -> bytes:
        """The whole answer of a call that does not stream."""

    def events(self, call: Call) -> Iterator[Event]:
        """The answer of a call that streams."""

    def error(self, error: WireError, request_id: str) -> bytes:
        """An error as a response's body."""

    def error_event(self, error: WireError, request_id: str) -> bytes:
        """An error inside a stream that has begun."""

    def headers(self, request_id: str, took_ms: int) -> dict[str, str]:
        """The headers that come with every response."""


def from_validation(problem: msgspec.ValidationError) -> WireError:
    """A decoder's complaint ("Expected `int`, got `str` - at `$.max_tokens`") as an error that names the field."""
    text, _, place = str(problem).partition(" - at `$")
    param = place.rstrip("`").lstrip(".")
    if "missing required field" in text:
        missing = text.rpartition("field `")[2].rstrip("`")
        param = f"{param}.{missing}" if param else missing
        text = "Field required"
    return WireError(400, f"{param or 'body'}: {text}", param=param or None)
