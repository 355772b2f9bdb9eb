"""The time that an export is about: calendar days in a time zone, and what of them was put down when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa

from bursar.periods import SCHEDULES, US_PER_SECOND, Daily, Monthly, Period, from_us, iso
from bursar.refusals import field_invalid
from bursar.store.schema import balances, links, people, postings

_FORMS = {
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "week": re.compile(r"[0-9]{4}-W[0-9]{2}"),
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
}
_MONTHS = re.compile(r"(?P<year>[0-9]{4})(?:-Q(?P<quarter>[1-4]))?")
_DAYS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")
_RIGHT = (
    "a month (2026-11), a day (2026-11-17), a week (2026-W47), a quarter (2026-Q4), a year (2026) or a first and a "
    "last day (2026-11-09..2026-11-22)"
)


WRITTEN_US = 60 * US_PER_SECOND
"""What was recorded so long ago is in the books, whoever wrote it: no write takes longer."""


class Recorded(NamedTuple):
    """When it was put down: `since_us <= t < before_us`, µs UTC; None is no bound."""

    since_us: int | None = None
    before_us: int | None = None

    @property
    def told(self) -> str:
        """The same in words, for the head of a file; nothing where there is no bound."""
        bounds = (("since", self.since_us), ("before", self.before_us))
        said = " and ".join(f"{word} {iso(bound_us)}" for word, bound_us in bounds if bound_us is not None)
        return f", as recorded {said}" if said else ""


WHENEVER = Recorded()


class Span:
    """The days of `start_us <= t < end_us` in a time zone. `label` is what people call it."""

    def __init__(self, label: str, time_zone: str, start_us: int, end_us: int, recorded: Recorded = WHENEVER) -> None:
        self.label, self.time_zone = label, time_zone
        self.start_us, self.end_us = start_us, end_us
        self.recorded = recorded

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
            yield Span(self.label, self.time_zone, start_us, end_us, self.recorded)

    def earlier(self) -> Iterator[Span]:
        """What comes before this in its months: days before its first; all that was recorded before its own."""
        monthly = Monthly(self.time_zone)
        first, last = monthly.at(self.start_us), monthly.at(self.end_us - 1)
        if first.start_us < self.start_us:
            yield Span(self.label, self.time_zone, first.start_us, self.start_us, self.recorded)
        if self.recorded.since_us is not None:
            known = Recorded(None, self.recorded.since_us)
            yield Span(self.label, self.time_zone, first.start_us, last.end_us, known)

    @property
    def is_of_months(self) -> bool:
        """Whether it begins and ends with calendar months."""
        monthly = Monthly(self.time_zone)
        return (
            monthly.at(self.start_us).start_us == self.start_us and monthly.at(self.end_us - 1).end_us == self.end_us
        )

    def day_column(self) -> sa.ColumnElement[int]:
        """The place in `days` of a posting's day, as a column `its_day`."""

        def place(first: int, last: int) -> sa.ColumnElement[int]:
            """By halves, so that a month's days take five comparisons at most."""
            if first == last:
                return sa.literal_column(str(first), sa.Integer())
            middle = (first + last) // 2
            is_before = postings.c.effective_us < self.days[middle].end_us
            return sa.case((is_before, place(first, middle)), else_=place(middle + 1, last))

        return place(0, len(self.days) - 1).label("its_day")

    @property
    def posted(self) -> sa.ColumnElement[bool]:
        """The condition that a posting counts in this time, so that the index by person and time finds it."""
        everybody = sa.union(sa.select(people.c.id), sa.select(balances.c.person_id))
        return sa.and_(
            postings.c.person_id.in_(everybody),
            postings.c.effective_us >= self.start_us,
            postings.c.effective_us < self.end_us,
            *self._recorded(),
        )

    def _recorded(self) -> Iterator[sa.ColumnElement[bool]]:
        since_us, before_us = self.recorded
        if since_us is not None:
            yield postings.c.link_id.in_(sa.select(links.c.id).where(links.c.recorded_us >= since_us))
        if before_us is not None:
            yield postings.c.link_id.in_(sa.select(links.c.id).where(links.c.recorded_us < before_us))

    def month_of(self, instant_us: int) -> Period:
        """The calendar month that an instant is in."""
        return Monthly(self.time_zone).at(instant_us)


def read_span(label: str, time_zone: str, recorded: Recorded = WHENEVER) -> Span:
    """What people call a time. Refused, by the field's name, when it is no such label or the zone is unknown."""
    check_time_zone(time_zone)
    period = _period(label, time_zone)
    return Span(label, time_zone, period.start_us, period.end_us, recorded)


def check_time_zone(time_zone: str) -> None:
    """Refuse a zone that is unknown."""
    if time_zone not in available_timezones():
        raise field_invalid("time_zone", repr(time_zone), "an IANA time zone, such as Europe/Stockholm")


def check_recorded(recorded: Recorded, now_us: int) -> Recorded:
    """The same bounds. Refused where more could still come between them, or nothing can."""
    since_us, before_us = recorded
    if before_us is not None and before_us > now_us - WRITTEN_US:
        right = f"{iso(now_us - WRITTEN_US)} or earlier, so that nothing is still being written"
        raise field_invalid("recorded_before", iso(before_us), right)
    if since_us is not None and since_us >= (before_us or now_us):
        raise field_invalid("recorded_since", iso(since_us), f"before {iso(before_us or now_us)}")
    return recorded


def _period(label: str, time_zone: str) -> Period:
    found, between = _MONTHS.fullmatch(label), _DAYS.fullmatch(label)
    try:
        if between is not None:
            begins, ends = (Daily(time_zone).named(day) for day in between.groups())
            if begins.start_us < ends.end_us:
                return Period(label, begins.start_us, ends.end_us)
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
