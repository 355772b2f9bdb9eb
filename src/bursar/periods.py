"""Pay periods on a calendar, and instants.

An instant is an integer: microseconds since 1970-01-01 UTC. A period is half-open, `start <= t < end`; the periods
of a schedule tile time with no gap and no overlap. A period is derived from an instant by calculation: nothing
has to run for a new one to begin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

US_PER_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_US = timedelta(microseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEK = re.compile(r"[0-9]{4}-W[0-9]{2}")


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

    def __hash__(self) -> int:
        """Schedules are values: they may be keys of what is remembered about them."""

    @property
    def time_zone(self) -> str:
        """The IANA time zone whose calendar it is."""

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


class Daily(msgspec.Struct, frozen=True):
    """Calendar days in an IANA time zone, labelled YYYY-MM-DD. A day that the zone skipped is no period."""

    time_zone: str

    def at(self, instant_us: int) -> Period:
        """The day that contains the instant, as people there see the calendar."""
        zone = ZoneInfo(self.time_zone)
        period = _days(from_us(instant_us).astimezone(zone).date(), 1, zone)
        # A clock that is put back over midnight shows the day before once more; the bounds decide.
        return period if instant_us < period.end_us else self.after(period)

    def named(self, label: str) -> Period:
        """The day written YYYY-MM-DD."""
        try:
            day = date.fromisoformat(label) if _DAY.fullmatch(label) else None
        except ValueError:
            day = None
        if day is None:
            raise ValueError(f"{label!r} is not a day; write YYYY-MM-DD")
        period = _days(day, 1, ZoneInfo(self.time_zone))
        if period.start_us == period.end_us:
            raise ValueError(f"{label} never was in {self.time_zone}; its clock went over it")
        return period

    def after(self, period: Period) -> Period:
        """The day after this one; a skipped day is passed over."""
        day, zone = date.fromisoformat(period.label), ZoneInfo(self.time_zone)
        following = period
        while following.end_us == period.end_us:
            day += timedelta(days=1)
            following = _days(day, 1, zone)
        return following


class Weekly(msgspec.Struct, frozen=True):
    """ISO weeks in an IANA time zone, labelled YYYY-Www: a week begins at the first instant of its Monday there."""

    time_zone: str

    def at(self, instant_us: int) -> Period:
        """The week that contains the instant, as people there see the calendar."""
        zone = ZoneInfo(self.time_zone)
        period = self._of(from_us(instant_us).astimezone(zone).date())
        # A clock that is put back over Monday's midnight shows Sunday once more; the bounds decide.
        return period if instant_us < period.end_us else self.after(period)

    def named(self, label: str) -> Period:
        """The week written YYYY-Www, as in 2026-W48."""
        try:
            return self._of(_monday(label))
        except ValueError:
            raise ValueError(f"{label!r} is not a week; write YYYY-Www, as in 2026-W48") from None

    def after(self, period: Period) -> Period:
        """The week after this one."""
        return self._of(_monday(period.label) + timedelta(days=7))

    def _of(self, day: date) -> Period:
        year, week, weekday = day.isocalendar()
        days = _days(day - timedelta(days=weekday - 1), 7, ZoneInfo(self.time_zone))
        return msgspec.structs.replace(days, label=f"{year:04d}-W{week:02d}")


SCHEDULES: dict[str, Callable[[str], Schedule]] = {"day": Daily, "week": Weekly, "month": Monthly}
"""The schedules of a time zone, by what people call one of their periods."""


def _days(first: date, count: int, zone: ZoneInfo) -> Period:
    """So many days from one on, labelled by the first; empty when the zone skipped them."""
    return Period(
        label=first.isoformat(),
        start_us=first_instant(first, zone),
        end_us=first_instant(first + timedelta(days=count), zone),
    )


def _monday(label: str) -> date:
    if not _WEEK.fullmatch(label):
        raise ValueError(label)
    return date.fromisocalendar(int(label[:4]), int(label[6:]), 1)


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
