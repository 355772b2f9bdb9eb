"""The faults that the simulated providers can commit, and what each does to the bill."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with a call. "Billed" calls are charged whether or not the client learns of it."""

    NONE = "none"
    """Nothing: exempts one call from the mix in the settings."""
    REFUSE = "refuse"
    """An error of the status that the directive gives, 500 unless told. Not billed."""
    HTML_ERROR = "html_error"
    """The directive's status with a page of HTML, as a proxy in front of a provider sends. Not billed."""
    RATE_LIMITED = "rate_limited"
    """429 with retry-after. Not billed."""
    OVERLOADED = "overloaded"
    """529 on Anthropic's wire, 503 on the others. Not billed."""
    REDIRECT = "redirect"
    """307 to another address. Not billed."""
    ERROR_EVENT_AFTER = "error_event_after"
    """A stream that ends in an error event; billed for what was generated. Without a stream a 500, not billed."""
    CUT_MIDSTREAM = "cut_midstream"
    """The connection drops inside the answer; billed for what was generated (all, without a stream)."""
    CUT_BEFORE_USAGE = "cut_before_usage"
    """The connection drops after the last word and before the usage; billed in full."""
    CUT_BEFORE_HEADERS = "cut_before_headers"
    """The connection drops before a byte of the answer; billed in full, so the client cannot know the outcome."""
    SILENCE = "silence"
    """The answer stalls and then drops; billed for what was generated (all, without a stream)."""
    DRIP = "drip"
    """The answer comes in small parts with pauses, cut anywhere. Billed."""
    NO_USAGE = "no_usage"
    """The answer says nothing of usage. Billed in full."""
    USAGE_BARE = "usage_bare"
    """Usage without any detail of cache or reasoning: absent, not zero. Nothing is cached. Billed."""
    USAGE_ZERO_CACHED = "usage_zero_cached"
    """Usage whose cache counts are an explicit zero. Nothing is cached. Billed."""
    GARBAGE = "garbage"
    """200 with something that is not JSON. Billed in full."""
    HUGE_HEADER = "huge_header"
    """A header of 128 KiB. Billed in full."""


REFUSALS = frozenset({Fault.REFUSE, Fault.HTML_ERROR, Fault.RATE_LIMITED, Fault.OVERLOADED, Fault.REDIRECT})
"""Faults that turn a call away before anything is generated."""
UNCACHED = frozenset({Fault.USAGE_BARE, Fault.USAGE_ZERO_CACHED})
"""Faults under which the provider's cache is out of use."""


def draw(mix: Mapping[Fault, float], chance: random.Random) -> Fault:
    """Draw a fault from a mix of shares; what the shares leave over is NONE."""
    if not mix:
        return Fault.NONE
    left = chance.random()
    for fault, share in mix.items():
        left -= share
        if left < 0:
            return fault
    return Fault.NONE
