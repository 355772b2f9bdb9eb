"""A clock that only moves when a test moves it."""

from __future__ import annotations

from bursar.periods import US_PER_SECOND

NOVEMBER_US = 1_793_491_200_000_000
"""2026-11-01T00:00:00Z."""


class VirtualClock:
    """Call it for the instant, in microseconds UTC, as the edge calls the real one."""

    def __init__(self, now_us: int = NOVEMBER_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def advance(self, seconds: float) -> None:
        """Move by seconds; a negative number is a clock that was set back."""
        self.now_us += round(seconds * US_PER_SECOND)
