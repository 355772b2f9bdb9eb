"""Instants as logs have them: ISO 8601 with or without an offset, seconds or milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH = _EPOCH.replace(tzinfo=None)
_ONE_US = timedelta(microseconds=1)
_MS_FROM = 10**11
"""Larger numbers are milliseconds: as seconds they would be beyond the year 5000."""
_FIRST_US = (datetime(2020, 1, 1, tzinfo=UTC) - _EPOCH) // _ONE_US
_LAST_US = (datetime(2100, 1, 1, tzinfo=UTC) - _EPOCH) // _ONE_US


def read_us(instant: str | int | float) -> int:
    """Microseconds since 1970 UTC; a text without an offset is in UTC. Raises ValueError."""
    if not isinstance(instant, str):
        return int(instant * (1_000 if instant >= _MS_FROM else 1_000_000))
    try:
        read = datetime.fromisoformat(instant)
    except ValueError:
        raise ValueError(f"its time is {instant[:40]!r}, which is no instant") from None
    since = read - (_LOCAL_EPOCH if read.tzinfo is None else _EPOCH)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds  # half the time of a division


def told_us(instant: object) -> int:
    """The instant of a row or an object, which may be anything: as `read_us` has it, exactly. Raises ValueError."""
    if isinstance(instant, str):
        return in_our_time(read_us(instant.strip()))
    if isinstance(instant, int | Decimal) and not isinstance(instant, bool) and 0 < instant < _LAST_US:
        return in_our_time(int(instant * (1_000 if instant >= _MS_FROM else 1_000_000)))
    raise ValueError(f"its time is {instant!r}, which is no instant")


def in_our_time(at_us: int) -> int:
    """An instant at which there may have been a call: nobody sold tokens before 2020. Raises ValueError.

    Zero is what a clock that was never set says, and a number in another unit is far off.
    """
    if not _FIRST_US <= at_us < _LAST_US:
        raise ValueError(f"its time, {at_us} µs since 1970, is none of our time")
    return at_us
