"""Instants as logs have them: ISO 8601 with or without an offset, seconds or milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_US = timedelta(microseconds=1)
_MS_FROM = 10**11
"""Larger numbers are milliseconds: as seconds they would be beyond the year 5000."""


def read_us(instant: str | int | float) -> int:
    """Microseconds since 1970 UTC; a text without an offset is in UTC. Raises ValueError."""
    if isinstance(instant, int | float):
        return int(instant * (1_000 if instant >= _MS_FROM else 1_000_000))
    read = datetime.fromisoformat(instant)
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return (read - _EPOCH) // _ONE_US
