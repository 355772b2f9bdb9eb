"""Months tile time in every IANA time zone, whatever its clock has done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.periods import Monthly, Period, first_instant, from_us, iso, to_us

ZONES = sorted(available_timezones())
DAY_US = 86_400_000_000
YEARS = range(2000, 2041)


def assert_tiles(schedule: Monthly, from_instant_us: int, months: int) -> None:
    """Months follow each other without gap or overlap, contain their own bounds, and begin on the first."""
    zone = ZoneInfo(schedule.time_zone)
    period = schedule.at(from_instant_us)
    for _ in range(months):
        assert period.start_us < period.end_us
        assert 27 * DAY_US <= period.end_us - period.start_us <= 32 * DAY_US
        assert schedule.at(period.start_us) == period
        assert schedule.at(period.end_us - 1) == period
        assert schedule.named(period.label) == period
        following = schedule.after(period)
        assert following.start_us == period.end_us
        assert_first(zone, period)
        period = following


def assert_first(zone: ZoneInfo, period: Period) -> None:
    """A month begins where the clock on the wall first shows its first day."""
    first = from_us(period.start_us).astimezone(zone)
    before = from_us(period.start_us - 1).astimezone(zone)
    assert f"{first.year:04d}-{first.month:02d}" == period.label
    assert first.day == 1
    assert (before.year, before.month) < (first.year, first.month)


@pytest.mark.parametrize("first", range(0, len(ZONES), 50))
def test_months_tile_time_in_every_zone(first: int) -> None:
    start_us = to_us(datetime(YEARS[0], 1, 15, tzinfo=UTC))
    for zone in ZONES[first : first + 50]:
        assert_tiles(Monthly(zone), start_us, len(YEARS) * 12)


def test_the_zones_are_all_there() -> None:
    assert len(ZONES) > 400
    assert {"UTC", "Europe/Stockholm", "Pacific/Apia", "Pacific/Kwajalein", "Australia/Lord_Howe"} <= set(ZONES)


@given(
    st.sampled_from(ZONES),
    st.integers(to_us(datetime(2000, 1, 1, tzinfo=UTC)), to_us(datetime(2040, 1, 1, tzinfo=UTC))),
)
def test_any_instant_is_in_the_period_of_its_instant(zone: str, instant_us: int) -> None:
    period = Monthly(zone).at(instant_us)
    assert instant_us in period
    assert instant_us not in Monthly(zone).after(period)


@pytest.mark.parametrize(
    ("zone", "label", "start", "end"),
    [
        ("UTC", "2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("Europe/Stockholm", "2026-10", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("America/New_York", "2026-03", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
        ("Asia/Kolkata", "2028-02", "2028-01-31T18:30:00Z", "2028-02-29T18:30:00Z"),
        ("Australia/Lord_Howe", "2026-04", "2026-03-31T13:00:00Z", "2026-04-30T13:30:00Z"),
        ("Australia/Lord_Howe", "2026-10", "2026-09-30T13:30:00Z", "2026-10-31T13:00:00Z"),
        # Samoa changed sides of the date line: 30 December 2011 never was.
        ("Pacific/Apia", "2011-12", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08", "1993-08-01T12:00:00Z", "1993-08-31T12:00:00Z"),
        # Jordan's clock went forward at midnight of the first: the month began at one o'clock.
        ("Asia/Amman", "2011-04", "2011-03-31T22:00:00Z", "2011-04-30T21:00:00Z"),
    ],
)
def test_the_bounds_of_a_month(zone: str, label: str, start: str, end: str) -> None:
    period = Monthly(zone).named(label)
    assert (iso(period.start_us), iso(period.end_us)) == (start, end)


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        # A day that was skipped begins where the next one does.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", date(1993, 8, 21), "1993-08-21T12:00:00Z"),
        ("Pacific/Kwajalein", date(1993, 8, 22), "1993-08-21T12:00:00Z"),
        # Midnight in a gap: the day begins at one o'clock.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00Z"),
        ("Asia/Beirut", date(2022, 3, 27), "2022-03-26T22:00:00Z"),
        # Midnight twice: the first one counts.
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00:00Z"),
        ("Atlantic/Azores", date(2026, 10, 25), "2026-10-25T00:00:00Z"),
    ],
)
def test_the_first_instant_of_a_day(zone: str, day: date, first: str) -> None:
    assert iso(first_instant(day, ZoneInfo(zone))) == first


def test_a_month_that_shows_its_last_day_again_has_begun() -> None:
    # Havana puts its clock back at one o'clock on 1 November 2026, over the first hour of the month.
    havana = Monthly("America/Havana")
    november = havana.named("2026-11")
    for minutes in range(0, 180, 10):
        assert havana.at(november.start_us + minutes * 60_000_000) == november
    assert havana.at(november.start_us - 1).label == "2026-10"


@pytest.mark.parametrize("label", ["2026", "2026-13", "2026-00", "11-2026", "November", "", "2026-11-01", "2026/11"])
def test_what_is_no_month_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="write YYYY-MM"):
        Monthly("UTC").named(label)


@given(st.integers(0, to_us(datetime(9000, 1, 1, tzinfo=UTC))))
def test_instants_survive_the_way_there_and_back(instant_us: int) -> None:
    assert to_us(from_us(instant_us)) == instant_us


def test_an_instant_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake


def test_the_same_instant_in_any_zone() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert {to_us(noon.astimezone(ZoneInfo(zone))) for zone in ZONES[:50]} == {to_us(noon)}
    assert to_us(noon + timedelta(microseconds=1)) == to_us(noon) + 1
