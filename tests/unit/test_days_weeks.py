"""Days and weeks tile time in every IANA time zone, whatever its clock has done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import ModuleType
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar import periods
from bursar.periods import Daily, Period, Schedule, Weekly, from_us, iso, to_us
from tests.ledger.test_mutants import mutant

ZONES = sorted(available_timezones())
SAMPLED = (*ZONES[::40], "Africa/Casablanca", "America/Havana", "America/St_Johns", "Asia/Gaza", "Pacific/Apia")
YEARS = (2000, 2006, 2011, 2018, 2022, 2026, 2027, 2028, 2040)
HOUR_US = 3_600_000_000
HALF_HOUR_US = HOUR_US // 2
INSTANTS = st.integers(to_us(datetime(1995, 1, 1, tzinfo=UTC)), to_us(datetime(2040, 1, 1, tzinfo=UTC)))


def of_year(schedule: Schedule, zone: str, year: int) -> list[Period]:
    """The periods from the one with the year's first noon to the one with the next year's."""
    period = schedule.at(to_us(datetime(year, 1, 1, 12, tzinfo=ZoneInfo(zone))))
    end_us = to_us(datetime(year + 1, 1, 1, 12, tzinfo=ZoneInfo(zone)))
    found = [period]
    while found[-1].end_us <= end_us:
        found.append(schedule.after(found[-1]))
    return found


def assert_tiled(schedule: Schedule, found: list[Period], most_hours: int) -> None:
    """They follow each other without gap or overlap, contain their own bounds, and are found by their names."""
    for period, following in pairwise(found):
        assert following.start_us == period.end_us
    for period in found:
        assert 0 < period.end_us - period.start_us <= most_hours * HOUR_US
        assert schedule.at(period.start_us) == period
        assert schedule.at(period.end_us - 1) == period
        assert schedule.named(period.label) == period


def assert_days(days: list[Period], zone: str) -> None:
    """A day begins where the clock on the wall first shows it, and none that the wall shows is missing."""
    for day in days:
        assert f"{from_us(day.start_us).astimezone(ZoneInfo(zone)):%Y-%m-%d}" == day.label
        assert f"{from_us(day.start_us - 1).astimezone(ZoneInfo(zone)):%Y-%m-%d}" < day.label
    shown = {f"{from_us(us).astimezone(ZoneInfo(zone)):%Y-%m-%d}" for us in hours(days)}
    assert shown == {day.label for day in days}


def hours(days: list[Period]) -> range:
    return range(days[0].start_us, days[-1].end_us, HOUR_US)


@pytest.mark.parametrize("year", YEARS)
def test_days_tile_time(year: int) -> None:
    for zone in SAMPLED:
        days = of_year(Daily(zone), zone, year)
        assert len(days) >= 365
        assert_tiled(Daily(zone), days, 25)
        assert_days(days, zone)


@pytest.mark.parametrize("year", YEARS)
def test_weeks_tile_time(year: int) -> None:
    for zone in SAMPLED:
        weeks = of_year(Weekly(zone), zone, year)
        assert len(weeks) in {53, 54}
        assert_tiled(Weekly(zone), weeks, 7 * 24 + 2)
        for week in weeks:
            first = from_us(week.start_us).astimezone(ZoneInfo(zone))
            assert f"{first:%G-W%V}" == week.label
            assert first.weekday() == 0


@given(st.sampled_from(ZONES), INSTANTS)
def test_any_instant_of_any_zone_is_in_the_period_of_its_instant(zone: str, instant_us: int) -> None:
    for schedule in (Daily(zone), Weekly(zone)):
        period = schedule.at(instant_us)
        assert instant_us in period
        assert schedule.named(period.label) == period
        assert schedule.after(period).start_us == period.end_us


def test_days_and_weeks_of_this_year_in_every_zone() -> None:
    for zone in ZONES:
        for schedule in (Daily(zone), Weekly(zone)):
            for day in range(0, 366, 13):
                instant_us = to_us(datetime(2026, 1, 1, tzinfo=UTC)) + day * 24 * HOUR_US
                period = schedule.at(instant_us)
                assert_tiled(schedule, [period, schedule.after(period)], 7 * 24 + 2)
                assert instant_us in period


@pytest.mark.parametrize(
    ("zone", "label", "start", "end"),
    [
        ("UTC", "2026-11-23", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("Europe/Stockholm", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("Europe/Stockholm", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        # Samoa changed sides of the date line: the 29th was followed by the 31st.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        # Midnight in a gap: the day begins at one o'clock. Midnight twice: the first one counts.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ],
)
def test_the_bounds_of_a_day(zone: str, label: str, start: str, end: str) -> None:
    day = Daily(zone).named(label)
    assert (iso(day.start_us), iso(day.end_us)) == (start, end)


@pytest.mark.parametrize(
    ("zone", "label", "start", "end"),
    [
        ("UTC", "2026-W48", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("UTC", "2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
        ("UTC", "2025-W01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"),
        ("Europe/Stockholm", "2026-W13", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
        # The week of the skipped Friday had six days.
        ("Pacific/Apia", "2011-W52", "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"),
    ],
)
def test_the_bounds_of_a_week(zone: str, label: str, start: str, end: str) -> None:
    week = Weekly(zone).named(label)
    assert (iso(week.start_us), iso(week.end_us)) == (start, end)


def test_a_day_that_shows_the_day_before_again_has_begun() -> None:
    # Newfoundland put its clock back at one minute past midnight, over the first midnight of 30 October 2005.
    newfoundland = Daily("America/St_Johns")
    sunday = newfoundland.named("2005-10-30")
    shown = from_us(sunday.start_us + HALF_HOUR_US).astimezone(ZoneInfo("America/St_Johns"))
    assert shown.date() == date(2005, 10, 29)
    assert newfoundland.at(sunday.start_us + HALF_HOUR_US) == sunday
    assert sunday.end_us - sunday.start_us == 25 * HOUR_US


def test_a_day_that_never_was_is_refused() -> None:
    with pytest.raises(ValueError, match="never was in Pacific/Apia"):
        Daily("Pacific/Apia").named("2011-12-30")


@pytest.mark.parametrize("label", ["2026", "2026-11", "2026-02-30", "20261101", "2026-W44-7", "", "2026-11-1"])
def test_what_is_no_day_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="write YYYY-MM-DD"):
        Daily("UTC").named(label)


@pytest.mark.parametrize("label", ["2026", "2026-W54", "2026-W00", "2025-W53", "2026W48", "", "2026-W48-1"])
def test_what_is_no_week_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="write YYYY-Www"):
        Weekly("UTC").named(label)


MISTAKES = {
    "a day ends 24 hours after it began": (
        "end_us=first_instant(first + timedelta(days=count), zone),\n    )",
        "end_us=first_instant(first, zone) + count * 86_400_000_000,\n    )",
    ),
    "a skipped day is a day": ("while following.end_us == period.end_us:", "if following.end_us == period.end_us:"),
    "the wall's day is believed": (
        "zone)\n        # A clock that is put back over midnight shows the day before once more; the bounds decide.\n"
        "        return period if instant_us < period.end_us else self.after(period)",
        "zone)\n        return period",
    ),
}


def naive_days(module: ModuleType) -> None:
    """A few years in which something happened."""
    for zone, year in (("Europe/Stockholm", 2026), ("Pacific/Apia", 2011), ("America/St_Johns", 2005)):
        days = of_year(module.Daily(zone), zone, year)
        assert_tiled(module.Daily(zone), days, 25)
    sunday = module.Daily("America/St_Johns").named("2005-10-30")
    assert module.Daily("America/St_Johns").at(sunday.start_us + HALF_HOUR_US) == sunday


@pytest.mark.parametrize(("old", "new"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_about_days_is_caught(old: str, new: str) -> None:
    naive_days(periods)
    with pytest.raises(AssertionError):
        naive_days(mutant(periods, old, new))


def test_weeks_that_ignore_the_zone_are_caught() -> None:
    naive = mutant(
        periods, "days=weekday - 1), 7, ZoneInfo(self.time_zone))", "days=weekday - 1), 7, ZoneInfo('UTC'))"
    )
    week = naive.Weekly("America/New_York").at(to_us(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    assert from_us(week.start_us) + timedelta(hours=5) == datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert week != Weekly("America/New_York").named("2026-W48")
