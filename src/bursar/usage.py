"""What one provider call used, in disjoint buckets: no token is in two of them.

Wire modules normalise once, from the provider's own counting to these buckets (wire.md); whatever comes after
works with buckets alone. Reasoning tokens are a memo inside `output`, never added to it.
"""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec

BUCKETS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_output",
    "web_searches",
)
"""The billable buckets, in the order in which they are stored. All but `web_searches` count tokens."""

TOKEN_BUCKETS = tuple(bucket for bucket in BUCKETS if bucket != "web_searches")
"""The buckets that count tokens."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Counts of one call. Tokens, but for `web_searches`, which counts requests. All are >= 0.

    `input` is uncached text input; a long prompt's total is `total_input`. `reasoning` is a memo: those tokens
    are already in `output`.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    audio_input: int = 0
    audio_output: int = 0
    web_searches: int = 0
    reasoning: int = 0

    def __post_init__(self) -> None:
        if (
            min(
                self.input,
                self.cache_read,
                self.cache_write_5m,
                self.cache_write_1h,
                self.output,
                self.audio_input,
                self.audio_output,
                self.web_searches,
                self.reasoning,
            )
            < 0
        ):
            raise ValueError(f"a usage count is negative: {self!r}")

    @property
    def total_input(self) -> int:
        """All input tokens, cached or not: what a long-context price tier is measured by."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.audio_input

    @property
    def total_tokens(self) -> int:
        """All tokens of the call, in and out."""
        return self.total_input + self.output + self.audio_output


class Counts(TypedDict):
    """A usage as the columns of a table."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    web_searches: int
    reasoning_tokens: int


def counts_of(usage: Usage) -> Counts:
    """The columns of a usage."""
    return Counts(
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output,
        audio_input_tokens=usage.audio_input,
        audio_output_tokens=usage.audio_output,
        web_searches=usage.web_searches,
        reasoning_tokens=usage.reasoning,
    )


def usage_in(row: Any) -> Usage:
    """The usage in a record that has the columns."""
    return Usage(*(getattr(row, name) for name in Counts.__annotations__))
