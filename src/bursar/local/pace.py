"""How fast something is used, and what it comes to if it goes on like that. Loads nothing, for the status line."""

from __future__ import annotations

from typing import NamedTuple

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
LEAST_US = 15 * MINUTE_US
"""Less time than that tells no pace: the first calls are many at once."""


class Pace(NamedTuple):
    """Per hour and per minute until now, and cost and tokens at the end."""

    cost_nanos_per_hour: int
    tokens_per_minute: int
    end_cost_nanos: int
    end_tokens: int


def pace(cost_nanos: int, tokens: int, *, first_us: int, now_us: int, ends_us: int) -> Pace:
    """The pace since the first call. Instants are in microseconds since 1970 UTC; the end is not before now."""
    passed_us = max(now_us - first_us, LEAST_US)
    left_us = ends_us - now_us
    return Pace(
        cost_nanos * HOUR_US // passed_us,
        tokens * MINUTE_US // passed_us,
        cost_nanos + cost_nanos * left_us // passed_us,
        tokens + tokens * left_us // passed_us,
    )
