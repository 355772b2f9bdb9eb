"""Pay periods on a calendar, and instants.

An instant is an integer: microseconds since 1970-01-01 UTC. A period is half-open, `start <= t < end`; the periods
of a schedule tile time with no gap and no overlap. A period is derived from an instant by calculation: nothing
has to run for a new one to begin.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

US_PER_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_US = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Turn an aware datetime into microseconds since the epoch, exactly."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant - _EPOCH) // _ONE_US


def from_us(instant_us: int) -> datetime:
    """Turn microseconds since the epoch into an aware UTC datetime, exactly."""
    return _EPOCH + timedelta(microseconds=instant_us)


def iso(instant_us: int) -> str:
    """Write an instant in UTC as ISO 8601 to the second, for machines and texts."""
    return from_us(instant_us).strftime("%Y-%m-%dT%H:%M:%SZ")


class Period(msgspec.Struct, frozen=True):
    """One pay period: a label people use ("2026-11") and its half-open bounds in microseconds UTC."""

    label: str
    start_us: int
    end_us: int

    def __contains__(self, instant_us: int) -> bool:
        return self.start_us <= instant_us < self.end_us


class Schedule(Protocol):
    """How time is cut into periods. Implementations are pure; bounds are computed once, as UTC instants."""

    def at(self, instant_us: int) -> Period:
        """The one period that contains the instant."""

    def named(self, label: str) -> Period:
        """The period that people call so. Raises ValueError with the right form when it is no such label."""

    def after(self, period: Period) -> Period:
        """The period that begins where this one ends."""


class Monthly(msgspec.Struct, frozen=True):
    """Calendar months in an IANA time zone: a month begins at the first instant of its first day there."""

    time_zone: str

    def at(self, instant_us: int) -> Period:
        """The month that contains the instant, as people there see the calendar."""
        local = from_us(instant_us).astimezone(ZoneInfo(self.time_zone))
        period = self._month(local.year, local.month)
        # A zone that moves its clock back over the first midnight of a month shows the old month's name again
        # for an instant that the bounds put into the new month; the bounds decide.
        if instant_us < period.start_us:
            return self._month(*_previous(local.year, local.month))
        if instant_us >= period.end_us:
            return self.after(period)
        return period

    def named(self, label: str) -> Period:
        """The month written YYYY-MM."""
        try:
            first = datetime.strptime(label, "%Y-%m").replace(tzinfo=UTC)
        except ValueError:
            raise ValueError(f"{label!r} is not a month; write YYYY-MM") from None
        return self._month(first.year, first.month)

    def after(self, period: Period) -> Period:
        """The month after this one."""
        return self._month(*_next(*_year_month(period.label)))

    def _month(self, year: int, month: int) -> Period:
        zone = ZoneInfo(self.time_zone)
        return Period(
            label=f"{year:04d}-{month:02d}",
            start_us=first_instant(date(year, month, 1), zone),
            end_us=first_instant(date(*_next(year, month), 1), zone),
        )


def first_instant(day: date, zone: ZoneInfo) -> int:
    """The first instant of a local day, in microseconds UTC.

    Midnight may not exist (a gap: the day begins at the first instant after it; a whole skipped day begins where
    the next one does) or exist twice (a fold: the first one counts).
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    utc = midnight.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return to_us(utc)
    # In a gap fold=0 uses the offset before it, which lands behind the gap by its length: the gap's end is where
    # both readings of the clock meet, found by bisection over the hours around.
    low, high = to_us(utc) - 26 * 3600 * US_PER_SECOND, to_us(utc) + 26 * 3600 * US_PER_SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if from_us(middle).astimezone(zone).replace(tzinfo=None) >= midnight.replace(tzinfo=None):
            high = middle
        else:
            low = middle
    return high


def _year_month(label: str) -> tuple[int, int]:
    year, month = label.split("-")
    return int(year), int(month)


def _next(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _previous(year: int, month: int) -> tuple[int, int]:
    return (year - 1, 12) if month == 1 else (year, month - 1)
