"""What can be asked of the simulated providers: for all calls (SimSettings) or for one (Directive)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec

from bursar.sim.faults import Fault

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=600_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

HEADER_PREFIX = "x-sim-"
TEXT_PREFIX = "sim:"


class SimSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the simulated providers behave; unknown fields are refused.

    `keys`: the keys they accept, any when empty. `tokenizer`: "text" counts a token per four bytes of the prompt's
    text, "bytes" every byte of the request's body (the worst case). Output lengths are drawn between the two
    bounds from the request's own bytes and `seed`, so a repeated request gets the same answer. `faults` gives the
    share of calls that meet each fault, drawn with `seed`; shares add up to at most 1. An image counts in full,
    even beyond the bytes of the body, only when `images_exceed_body`. `delivered_tier` is what OpenAI calls are
    served and charged at, whatever they asked for.
    """

    keys: list[str] = []
    tokenizer: Literal["text", "bytes"] = "text"
    images_exceed_body: bool = False
    output_tokens_min: Positive = 20
    output_tokens_max: Positive = 120
    seed: int = 0
    first_byte_delay_ms: Milliseconds = 0
    event_delay_ms: Milliseconds = 0
    tokens_per_event: Positive = 1
    events_per_write: Positive = 1
    min_cache_tokens: Positive = 1024
    delivered_tier: Literal["default", "flex", "priority"] | None = None
    faults: dict[Fault, Share] = {}
    fault_after_events: Count = 5
    silence_ms: Milliseconds = 60_000
    drip_ms: Milliseconds = 20

    def __post_init__(self) -> None:
        if self.output_tokens_min > self.output_tokens_max:
            raise ValueError("output_tokens_min is above output_tokens_max")
        if sum(self.faults.values()) > 1:
            raise ValueError("the shares in faults add up to more than 1")

    def changed(self, changes: dict[str, Any]) -> SimSettings:
        """These settings with some changed. Raises msgspec.ValidationError when one is unknown or not right."""
        return msgspec.convert({**msgspec.to_builtins(self), **changes}, SimSettings)


class Directive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one request asks of the simulation; None leaves it to the settings.

    Sent as headers (`x-sim-output-tokens: 40`), as `sim:fault=drip;output_tokens=40` in OpenAI's `user`, Anthropic's
    `metadata.user_id` or Gemini's label `sim`, or in that form at the start of the last message's text, up to its
    first blank.
    """

    fault: Fault | None = None
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    after_events: Count | None = None
    output_tokens: Positive | None = None
    reasoning_tokens: Count | None = None
    web_searches: Count = 0
    delay_ms: Milliseconds | None = None
    event_delay_ms: Milliseconds | None = None
    tokens_per_event: Positive | None = None
    retry_after_s: Count = 1
    silence_ms: Milliseconds | None = None


NO_DIRECTIVE = Directive()


def read_directive(headers: Iterable[tuple[str, str]], texts: Iterable[str]) -> Directive:
    """The directive of one request: its headers win over its texts, an earlier text over a later one.

    Raises msgspec.ValidationError when a word is unknown or a value is not right.
    """
    words: dict[str, str] = {}
    for name, value in headers:
        if name[:6].lower() == HEADER_PREFIX:
            words[name[6:].lower().replace("-", "_")] = value
    for text in texts:
        if text.startswith(TEXT_PREFIX):
            for name, value in _pairs(text):
                words.setdefault(name, value)
    return msgspec.convert(words, Directive, strict=False) if words else NO_DIRECTIVE


def _pairs(text: str) -> list[tuple[str, str]]:
    directive = text[len(TEXT_PREFIX) :].split(maxsplit=1)
    words = directive[0].split(";") if directive else []
    split = (word.partition("=") for word in words if word)
    return [(name, value) for name, _, value in split]
