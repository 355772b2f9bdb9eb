"""The time that an export is about: calendar days in a time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa

from bursar.periods import SCHEDULES, Daily, Monthly, Period, from_us
from bursar.refusals import field_invalid
from bursar.store.schema import balances, people, postings

_FORMS = {
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "week": re.compile(r"[0-9]{4}-W[0-9]{2}"),
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
}
_MONTHS = re.compile(r"(?P<year>[0-9]{4})(?:-Q(?P<quarter>[1-4]))?")
_RIGHT = "a month (2026-11), a day (2026-11-17), a week (2026-W47), a quarter (2026-Q4) or a year (2026)"


class Span:
    """The days of `start_us <= t < end_us` in a time zone. `label` is what people call it."""

    def __init__(self, label: str, time_zone: str, start_us: int, end_us: int) -> None:
        self.label, self.time_zone = label, time_zone
        self.start_us, self.end_us = start_us, end_us

    @cached_property
    def days(self) -> list[Period]:
        """Its days, in order. A day that the zone skipped is not among them."""
        daily = Daily(self.time_zone)
        found = [daily.at(self.start_us)]
        while found[-1].end_us < self.end_us:
            found.append(daily.after(found[-1]))
        return found

    def parts(self, most: int = 31) -> Iterator[Span]:
        """The same time in pieces of at most so many days, each for one query."""
        starts = [self.days[index].start_us for index in range(0, len(self.days), most)]
        for start_us, end_us in pairwise([*starts, self.end_us]):
            yield Span(self.label, self.time_zone, start_us, end_us)

    def day_column(self) -> sa.ColumnElement[int]:
        """The place in `days` of a posting's day, as a column `its_day`."""
        *before, _ = self.days
        last: sa.ColumnElement[int] = sa.literal_column(str(len(before)), sa.Integer())
        if not before:
            return last.label("its_day")
        ended = [postings.c.effective_us < day.end_us for day in before]
        whens = [(when, sa.literal_column(str(n), sa.Integer())) for n, when in enumerate(ended)]
        return sa.case(*whens, else_=last).label("its_day")

    @property
    def posted(self) -> sa.ColumnElement[bool]:
        """The condition that a posting counts in this time, so that the index by person and time finds it."""
        everybody = sa.union(sa.select(people.c.id), sa.select(balances.c.person_id))
        return sa.and_(
            postings.c.person_id.in_(everybody),
            postings.c.effective_us >= self.start_us,
            postings.c.effective_us < self.end_us,
        )

    def month_of(self, instant_us: int) -> Period:
        """The calendar month that an instant is in."""
        return Monthly(self.time_zone).at(instant_us)


def read_span(label: str, time_zone: str) -> Span:
    """What people call a time. Refused, by the field's name, when it is no such label or the zone is unknown."""
    if time_zone not in available_timezones():
        raise field_invalid("time_zone", repr(time_zone), "an IANA time zone, such as Europe/Stockholm")
    period = _period(label, time_zone)
    return Span(label, time_zone, period.start_us, period.end_us)


def _period(label: str, time_zone: str) -> Period:
    found = _MONTHS.fullmatch(label)
    try:
        if found is not None:
            quarter = found["quarter"]
            first, last = (int(quarter) * 3 - 2, int(quarter) * 3) if quarter else (1, 12)
            monthly, year = Monthly(time_zone), found["year"]
            begins, ends = monthly.named(f"{year}-{first:02d}"), monthly.named(f"{year}-{last:02d}")
            return Period(label, begins.start_us, ends.end_us)
        for name, form in _FORMS.items():
            if form.fullmatch(label):
                return SCHEDULES[name](time_zone).named(label)
    except (ValueError, OverflowError):
        pass
    raise field_invalid("period", repr(label), _RIGHT)


def local_day(instant_us: int, time_zone: str) -> str:
    """The day of an instant as people in the zone see the calendar, YYYY-MM-DD."""
    return from_us(instant_us).astimezone(ZoneInfo(time_zone)).date().isoformat()
