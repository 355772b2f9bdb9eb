"""Which headers pass the gateway. Allow-lists both ways: what is not named here stays where it is.

A client's key and its claims about who it is never reach a provider; a provider's account details never reach a
client.
Clients of all wires send headers that are newer than this list under the vendors' own prefixes: those pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from bursar.ledger.postings import Posting
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refusal, Why, refuse

_KEY_HEADERS = frozenset({b"x-api-key", b"api-key", b"x-goog-api-key"})
"""Where clients put a key beside `authorization`: Anthropic's, Azure's, Google's."""
_UP = frozenset({"user-agent", "accept", "accept-language", "idempotency-key", "x-app"})
_UP_PREFIXES = ("anthropic-", "openai-", "x-stainless-", "x-goog-api-client")
_NOT_UP = frozenset({"openai-organization", "openai-project"})
_DOWN = frozenset(
    {
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "request-id",
        "x-request-id",
        "openai-processing-ms",
        "openai-version",
        "openai-model",
        "x-gemini-service-tier",
    }
)
_DOWN_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_HOST = re.compile(rb"(?:[\w.~%!$&'()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?", re.ASCII)
"""RFC 9110, 7.2: a host, perhaps a port. Nothing here goes by it; proxies in front of this may, so it must be one."""


class Incoming:
    """What the gateway reads from a request's headers, in one pass; `wrong` is why it is refused for them."""

    __slots__ = (
        "anthropic",
        "content_encoding",
        "content_length",
        "forwarded",
        "gemini",
        "secret",
        "websocket",
        "wrong",
    )

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.secret = ""
        self.content_length: int | None = None
        self.content_encoding = ""
        self.anthropic = False
        self.gemini = False
        self.websocket = False
        self.wrong: Refusal | None = None
        hosts = 0
        self.forwarded: list[tuple[str, str]] = []
        for name, value in headers:
            passes = _passes_up(name)
            if passes is not None:
                if passes == "anthropic-version":
                    self.anthropic = True
                self.forwarded.append((passes, value.decode("latin-1")))
            elif name == b"authorization":
                scheme, _, secret = value.decode("latin-1").partition(" ")
                if scheme.lower() == "bearer":
                    self.secret = secret.strip()
            elif name in _KEY_HEADERS:
                self.secret = value.decode("latin-1").strip()
                self.gemini = name == b"x-goog-api-key"
            elif name == b"content-length":
                self._read_length(value)
            elif name == b"content-encoding" and value.strip().lower() != b"identity":
                self.content_encoding = value.decode("latin-1")
            elif name == b"upgrade":
                self.websocket = value.strip().lower() == b"websocket"
            elif name == b"host":
                hosts += 1
                if hosts > 1 or _HOST.fullmatch(value) is None:
                    self.wrong = refuse(Why.HEADER_INVALID, header="host", problem="it must be one host")

    def _read_length(self, value: bytes) -> None:
        if value.isdigit():
            self.content_length = int(value)
        else:
            self.wrong = refuse(Why.HEADER_INVALID, header="content-length", problem="it is no whole number")


@lru_cache(maxsize=1_000)
def _passes_up(name: bytes) -> str | None:
    """The header's name when it goes to the provider, else None."""
    text = name.decode("latin-1").lower()
    return text if text in _UP or (text.startswith(_UP_PREFIXES) and text not in _NOT_UP) else None


def upward(forwarded: list[tuple[str, str]], own: tuple[str, ...], call_id: str) -> list[str]:
    """The header lines of a request to a provider; `own` are those that carry its key.

    The call's id in the books goes along under the name by which providers log what a client calls its request, so
    that their logs and bills can be matched with the journal.
    """
    lines = [f"{name}: {value}" for name, value in forwarded]
    lines += own
    lines += (f"x-client-request-id: {call_id}", "content-type: application/json", "accept-encoding: identity")
    return lines


def downward(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers of a provider's answer that the client gets."""
    passed = []
    for name, value in headers.items():
        shown = _passes_down(name)
        if shown is not None:
            passed.append((shown, value.encode("latin-1")))
    return passed


def money(held: Posting, cost_nanos: int | None) -> list[tuple[bytes, bytes]]:
    """What a call cost, if that is known when its headers are sent, and what may be held for the next one.

    `x-bursar-left` is what was free in the lots when the hold was made, and the part of it that the call gave back:
    nobody is asked anew for it, so calls that ended since are not in it.
    """
    if held.left is None:
        return []
    if cost_nanos is None:
        return [(b"x-bursar-left", _dollars(held.left))]
    left = max(0, held.left + held.amount - cost_nanos)
    return [(b"x-bursar-cost", _dollars(cost_nanos)), (b"x-bursar-left", _dollars(left))]


def _dollars(nanos: int) -> bytes:
    """An amount of 0 or more, with all its decimals: quicker to write than `usd`."""
    return b"%d.%09d" % divmod(nanos, NANOS_PER_USD)


@lru_cache(maxsize=1_000)
def _passes_down(name: str) -> bytes | None:
    """The header's name, which is in lower case, when it goes to the client, else None."""
    return name.encode("latin-1") if name in _DOWN or name.startswith(_DOWN_PREFIXES) else None
