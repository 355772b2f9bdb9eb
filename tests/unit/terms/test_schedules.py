"""Every schedule of plans tiles time in every IANA time zone, whatever its clock has done and wherever it begins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.periods import Period, Schedule, from_us, to_us
from bursar.terms.schedules import PER_YEAR, SCHEDULES, add_months, days_of, schedule_of

ZONES = sorted(available_timezones())
SAMPLED = (*ZONES[::60], "Africa/Casablanca", "America/Havana", "America/St_Johns", "Asia/Gaza", "Pacific/Apia")
DAY_US = 86_400_000_000
LENGTHS = {
    "weekly": (7, 7),
    "biweekly": (14, 14),
    "semimonthly": (13, 16),
    "monthly": (28, 31),
    "quarterly": (89, 92),
    "annual": (365, 366),
}
A_DAY_SKIPPED = {"Pacific/Apia", "Pacific/Fakaofo"}
"""They had no 30 December 2011."""
ANCHORS = (date(2024, 1, 31), date(2024, 2, 29), date(2026, 3, 1), date(2025, 8, 15))
DAYS = st.dates(date(1990, 1, 1), date(2050, 12, 31))
INSTANTS = st.integers(to_us(datetime(1995, 1, 1, tzinfo=UTC)), to_us(datetime(2040, 1, 1, tzinfo=UTC)))


def anchors(name: str) -> list[date | None]:
    """Anchors that a plan with the schedule may have."""
    if name == "semimonthly":
        return [None, ANCHORS[2], ANCHORS[3]]
    return [*ANCHORS] if name == "biweekly" else [None, *ANCHORS]


def assert_tiles(schedule: Schedule, name: str, first: int, last: int) -> None:
    """From one year to another periods follow each other, contain their bounds, and are found by their names."""
    period = schedule.at(to_us(datetime(first, 1, 1, tzinfo=UTC)))
    end_us = to_us(datetime(last, 12, 31, tzinfo=UTC))
    least, most = LENGTHS[name]
    labels = set()
    while period.start_us < end_us:
        assert schedule.at(period.start_us) == period
        assert schedule.at(period.end_us - 1) == period
        assert schedule.named(period.label) == period
        # A zone may have skipped a whole day, or had one twice.
        assert (least - 1) * DAY_US - 3_600_000_000 <= period.end_us - period.start_us <= (most + 1) * DAY_US
        assert least <= len(days_of(period, schedule.time_zone)) <= most or schedule.time_zone in A_DAY_SKIPPED
        labels.add(period.label)
        following = schedule.after(period)
        assert following.start_us == period.end_us
        assert following.label not in labels
        period = following


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("zone", SAMPLED)
def test_every_schedule_tiles_time(zone: str, name: str) -> None:
    for anchor in anchors(name):
        assert_tiles(schedule_of(name, zone, anchor), name, 2010, 2013)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("begin", range(0, len(ZONES), 20))
def test_every_schedule_tiles_time_in_every_zone(begin: int, name: str) -> None:
    for zone in ZONES[begin : begin + 20]:
        for anchor in anchors(name):
            assert_tiles(schedule_of(name, zone, anchor), name, 2000, 2040)


@given(st.sampled_from(ZONES), st.sampled_from(SCHEDULES), DAYS, INSTANTS)
def test_any_instant_is_in_the_period_of_its_instant(zone: str, name: str, anchor: date, instant_us: int) -> None:
    if name == "semimonthly":
        anchor = anchor.replace(day=(anchor.day - 1) % 15 + 1)
    schedule = schedule_of(name, zone, anchor)
    period = schedule.at(instant_us)
    assert instant_us in period
    assert instant_us not in schedule.after(period)
    assert schedule.at(schedule.after(period).start_us - 1) == period


@given(st.sampled_from(ZONES), st.sampled_from(SCHEDULES), st.dates(date(2012, 1, 1), date(2050, 12, 31)))
def test_a_period_begins_on_the_anchor(zone: str, name: str, anchor: date) -> None:
    if name == "semimonthly":
        anchor = anchor.replace(day=(anchor.day - 1) % 15 + 1)
    noon = to_us(datetime(anchor.year, anchor.month, anchor.day, 12, tzinfo=ZoneInfo(zone)))
    period = schedule_of(name, zone, anchor).at(noon)
    assert days_of(period, zone)[0] == anchor


@pytest.mark.parametrize(
    ("name", "anchor", "starts"),
    [
        ("monthly", date(2026, 1, 31), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("monthly", date(2026, 12, 30), ["2026-01-30", "2026-02-28", "2026-03-30"]),
        ("semimonthly", None, ["2026-01-16", "2026-02-01", "2026-02-16", "2026-03-01"]),
        ("semimonthly", date(2026, 1, 15), ["2026-01-30", "2026-02-15", "2026-02-28", "2026-03-15"]),
        ("quarterly", None, ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2027-Q1"]),
        ("quarterly", date(2026, 2, 1), ["2025-11-01", "2026-02-01", "2026-05-01"]),
        ("annual", None, ["2026", "2027", "2028"]),
        ("annual", date(2024, 2, 29), ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"]),
        ("biweekly", date(2026, 1, 2), ["2026-01-30", "2026-02-13"]),
        ("weekly", None, ["2026-W05", "2026-W06"]),
        ("weekly", date(2026, 1, 1), ["2026-01-29", "2026-02-05"]),
    ],
)
def test_where_periods_begin(name: str, anchor: date | None, starts: list[str]) -> None:
    schedule = schedule_of(name, "UTC", anchor)
    period = schedule.at(to_us(datetime(2026, 1, 31, tzinfo=UTC)))
    found: list[Period] = [period]
    while len(found) < len(starts):
        found.append(schedule.after(found[-1]))
    assert [one.label for one in found] == starts


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    "label", ["", "soon", "2026-13", "2026-02-30", "2026-Q5", "26-01", "2026-01-06 ", "2026-01-07"]
)
def test_what_is_no_period_is_refused(name: str, label: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        schedule_of(name, "UTC", date(2026, 1, 13)).named(label)


def test_a_year_has_so_many_periods() -> None:
    for name, periods in PER_YEAR.items():
        schedule = schedule_of(name, "Europe/Stockholm", date(2026, 1, 1))
        period, count = schedule.at(to_us(datetime(2026, 1, 1, 12, tzinfo=UTC))), 0
        while from_us(period.end_us).year < 2027 and count < 60:
            period, count = schedule.after(period), count + 1
        assert abs(count + 1 - periods) <= 1


@given(DAYS, st.integers(0, 200))
def test_months_later(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)
