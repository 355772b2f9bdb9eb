"""The schedules of plans: calendar periods with an anchor, which tile time as those of `bursar.periods` do.

An anchor is a day on which one of the periods begins, so it says the weekday, the day of the month or the day of the
year; there are periods before it, too. A period that begins on a day that its month does not have begins on that
month's last day: monthly from the 31st is 31 January, 28 February, 31 March.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from bursar.periods import Monthly, Period, Schedule, Weekly, first_instant, from_us

SCHEDULES = ("weekly", "biweekly", "semimonthly", "monthly", "quarterly", "annual")
PER_YEAR = {"weekly": 52, "biweekly": 26, "semimonthly": 24, "monthly": 12, "quarterly": 4, "annual": 1}
"""How many of a schedule's periods make a year of pay."""
LEAST_DAYS = {"weekly": 7, "biweekly": 14, "semimonthly": 13, "monthly": 28, "quarterly": 90, "annual": 365}
"""The days of a schedule's shortest period."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTHS_LABEL = re.compile(r"([0-9]{4})(?:-Q([1-4])|-([0-9]{2}))?")
_MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12}


def schedule_of(name: str, time_zone: str, anchor: date | None) -> Schedule:
    """The schedule of this name, beginning on the anchor's day (default: 1 January; of weeks: Monday)."""
    first = anchor or date(2001, 1, 1)  # a Monday
    match name:
        case "weekly" if first.weekday() == 0:
            return Weekly(time_zone)
        case "weekly":
            return Weeks(time_zone, first, 7)
        case "biweekly":
            return Weeks(time_zone, first, 14)
        case "semimonthly":
            return HalfMonths(time_zone, first.day)
        case "monthly" if first.day == 1:
            return Monthly(time_zone)
    months = _MONTHS[name]
    return Months(time_zone, months, (first.month - 1) % months, first.day)


class _OfDays(msgspec.Struct, frozen=True):
    """Periods that are made of whole days of a calendar: whoever derives from it says which, and what is next."""

    time_zone: str

    def at(self, instant_us: int) -> Period:
        """The period that contains the instant.

        Put back over midnight, the clock shows a day that the bounds have left; the bounds decide.
        """
        period = self.of(_local(instant_us, self.time_zone))
        if instant_us < period.start_us:
            return self.before(period)
        return period if instant_us < period.end_us else self.after(period)

    def named(self, label: str) -> Period:
        """The period of a label, which must be written as the schedule does."""
        now = self.at(0)
        try:
            found = self.of(_first(label))
        except ValueError:
            found = now
        if found.label != label:
            raise ValueError(f"{label!r} is not a period; write it like {now.label}")
        return found

    def before(self, period: Period) -> Period:
        """The one that ends where this one begins."""
        return self.of(_first(period.label) - timedelta(days=1))

    def after(self, period: Period) -> Period:
        """The next one."""
        raise NotImplementedError

    def of(self, day: date) -> Period:
        """The period in which a calendar day lies."""
        raise NotImplementedError


class Weeks(_OfDays, frozen=True):
    """So many days from each to the next, counted from the anchor. Labelled by the first day, YYYY-MM-DD."""

    anchor: date
    days: int

    def after(self, period: Period) -> Period:
        """The next one."""
        return self.of(_first(period.label) + timedelta(days=self.days))

    def of(self, day: date) -> Period:
        """The period in which a calendar day lies."""
        first = day - timedelta(days=(day - self.anchor).days % self.days)
        return _between(first, first + timedelta(days=self.days), self.time_zone)


class HalfMonths(_OfDays, frozen=True):
    """Two periods a month: from a day, at most the 15th, and from 15 days later. Labelled by the first day."""

    day: int

    def after(self, period: Period) -> Period:
        """The next one."""
        return self.of(_first(period.label) + timedelta(days=20))

    def of(self, day: date) -> Period:
        """The period in which a calendar day lies."""
        months = [_month_of(day.year, day.month + offset) for offset in (-1, 0, 1)]
        firsts = [_day_in(*month, of_month) for month in months for of_month in (self.day, self.day + 15)]
        last = max(n for n, first in enumerate(firsts) if first <= day)
        return _between(firsts[last], firsts[last + 1], self.time_zone)


class Months(_OfDays, frozen=True):
    """So many months from each to the next, which begin on a day of the month (on its last, where it is shorter).

    `offset` is the first month of the year, from 0, in which one begins. Labelled YYYY-MM, YYYY-Qn or YYYY when it
    is a calendar month, quarter or year, else by the first day.
    """

    months: int
    offset: int
    day: int

    def after(self, period: Period) -> Period:
        """The next one."""
        return self._from(*_month_of(*self._begun(period), self.months))

    def before(self, period: Period) -> Period:
        """The one that ends where this one begins."""
        return self._from(*_month_of(*self._begun(period), -self.months))

    def _begun(self, period: Period) -> tuple[int, int]:
        first = _first(period.label)
        return first.year, first.month

    def of(self, day: date) -> Period:
        """The period in which a calendar day lies."""
        year, month = _month_of(day.year, day.month, -((day.month - 1 - self.offset) % self.months))
        if day < _day_in(year, month, self.day):
            year, month = _month_of(year, month, -self.months)
        return self._from(year, month)

    def _from(self, year: int, month: int) -> Period:
        first = _day_in(year, month, self.day)
        end = _day_in(*_month_of(year, month, self.months), self.day)
        return msgspec.structs.replace(_between(first, end, self.time_zone), label=self._label(first))

    def _label(self, first: date) -> str:
        if self.day > 1 or self.offset:
            return first.isoformat()
        return {12: f"{first.year:04d}", 3: f"{first.year:04d}-Q{first.month // 3 + 1}"}.get(
            self.months, f"{first.year:04d}-{first.month:02d}"
        )


@lru_cache(maxsize=65_536)
def days_of(period: Period, time_zone: str) -> tuple[date, ...]:
    """The local days of a period, in their order."""
    first, end = _local(period.start_us, time_zone), _local(period.end_us, time_zone)
    return tuple(first + timedelta(days=n) for n in range((end - first).days))


@lru_cache(maxsize=65_536)
def period_at(schedule: Schedule, instant_us: int) -> Period:
    """`schedule.at`, remembered: many people have the same plan."""
    return schedule.at(instant_us)


@lru_cache(maxsize=65_536)
def period_after(schedule: Schedule, period: Period) -> Period:
    """`schedule.after`, remembered."""
    return schedule.after(period)


def add_months(day: date, months: int) -> date:
    """So many months later; on the month's last day where it has no such day."""
    return _day_in(*_month_of(day.year, day.month, months), day.day)


def local_day(instant_us: int, time_zone: str) -> date:
    """The day that the calendar shows there."""
    return _local(instant_us, time_zone)


def _local(instant_us: int, time_zone: str) -> date:
    return from_us(instant_us).astimezone(ZoneInfo(time_zone)).date()


def _between(first: date, end: date, time_zone: str) -> Period:
    zone = ZoneInfo(time_zone)
    return Period(first.isoformat(), first_instant(first, zone), first_instant(end, zone))


def _first(label: str) -> date:
    """The first day of what a label names. Raises ValueError when it is no label."""
    if _DAY.fullmatch(label):
        return date.fromisoformat(label)
    found = _MONTHS_LABEL.fullmatch(label)
    if found is None:
        raise ValueError(label)
    year, quarter, month = found.groups()
    return date(int(year), 3 * int(quarter) - 2 if quarter else int(month or 1), 1)


def _month_of(year: int, month: int, later: int = 0) -> tuple[int, int]:
    years, month = divmod(month - 1 + later, 12)
    return year + years, month + 1


def _day_in(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
