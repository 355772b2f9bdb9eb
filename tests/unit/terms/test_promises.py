"""Notice and vesting: what an employer may not do yet, or at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.periods import iso, to_us
from bursar.terms.notice import earliest_us, notice_days
from bursar.terms.schedules import add_months, local_day
from bursar.terms.vesting import vested_months, vested_nanos
from tests.unit.terms.plans import USD, plan

VESTING = plan("vesting_cliff_months = 3\nvesting_months = 12")
BEGAN_US = to_us(datetime(2026, 1, 31, tzinfo=UTC))
INSTANTS = st.integers(BEGAN_US, to_us(datetime(2030, 1, 1, tzinfo=UTC)))


@given(INSTANTS, st.integers(0, 366), st.sampled_from(["UTC", "Europe/Stockholm", "Pacific/Auckland"]))
def test_whole_days_lie_between_announcement_and_effect(announced_us: int, days: int, zone: str) -> None:
    terms = plan(f'time_zone = "{zone}"\nnotice_reduce_days = {days}')
    effective_us = earliest_us(terms, "reduce", announced_us)
    if not days:
        assert effective_us == announced_us
        return
    between = local_day(effective_us, zone) - local_day(announced_us, zone) - timedelta(days=1)
    assert between == timedelta(days=days)
    assert local_day(effective_us - 1, zone) < local_day(effective_us, zone), "it is a day's first instant"


def test_notice_is_for_each_change_by_itself() -> None:
    terms = plan('notice_reduce_days = 30\nnotice_revoke_days = 90\ntime_zone = "Europe/Stockholm"')
    announced_us = to_us(datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert (notice_days(terms, "reduce"), notice_days(terms, "revoke")) == (30, 90)
    assert iso(earliest_us(terms, "reduce", announced_us)) == "2026-12-23T23:00:00Z"
    assert iso(earliest_us(terms, "revoke", announced_us)) == "2027-02-21T23:00:00Z"


@pytest.mark.parametrize(
    ("day", "months"),
    [
        (date(2026, 1, 30), 0),
        (date(2026, 2, 27), 0),
        (date(2026, 2, 28), 1),
        (date(2026, 3, 30), 1),
        (date(2026, 3, 31), 2),
        (date(2027, 1, 31), 12),
        (date(2028, 2, 28), 24),
        (date(2028, 2, 29), 25),
    ],
)
def test_whole_months(day: date, months: int) -> None:
    assert vested_months(date(2026, 1, 31), day) == months


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 120))
def test_a_month_is_over_on_its_day_and_not_before(begun: date, months: int) -> None:
    day = add_months(begun, months)
    assert vested_months(begun, day) == months
    assert vested_months(begun, day - timedelta(days=1)) == max(0, months - 1)


@pytest.mark.parametrize(
    ("day", "vested"),
    [("2026-04-29", 0), ("2026-04-30", 300), ("2026-05-30", 300), ("2026-05-31", 400), ("2027-01-30", 1_100)],
)
def test_nothing_vests_before_the_cliff_and_then_a_part_each_month(day: str, vested: int) -> None:
    at_us = to_us(datetime.fromisoformat(day).replace(tzinfo=UTC))
    assert vested_nanos(VESTING, 1_200 * USD, BEGAN_US, at_us) == vested * USD


@given(st.integers(0, 5_000 * USD), INSTANTS, INSTANTS)
def test_what_has_vested_stays_vested(amount: int, one_us: int, other_us: int) -> None:
    early_us, late_us = sorted((one_us, other_us))
    early, late = (vested_nanos(VESTING, amount, BEGAN_US, at_us) for at_us in (early_us, late_us))
    assert 0 <= early <= late <= amount
    assert vested_nanos(plan(), amount, BEGAN_US, late_us) == 0
