"""Proration: parts by the day that sum to the whole, whoever joins, leaves or is away when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.periods import Monthly
from bursar.terms.proration import ALWAYS, Employment, counted_days, first_parts, part_of, prorated
from bursar.terms.schedules import days_of
from tests.unit.terms.plans import USD, plan

NOVEMBER = days_of(Monthly("UTC").named("2026-11"), "UTC")
FEBRUARY = days_of(Monthly("UTC").named("2028-02"), "UTC")
DAILY = plan('proration = "daily"\non_leave = "pause"')
AMOUNTS = st.integers(1, 5_000 * USD)
SPANS = st.integers(1, 366).map(lambda days: tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(days)))


@given(AMOUNTS, SPANS, st.data())
def test_parts_sum_to_the_whole(amount: int, days: tuple[date, ...], data: st.DataObject) -> None:
    some = data.draw(st.frozensets(st.sampled_from(days)))
    assert part_of(amount, days, some) + part_of(amount, days, frozenset(days) - some) == amount
    parts = [part_of(amount, days, {day}) for day in days]
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True), "the first days have what is left over"
    assert first_parts(amount, len(days), len(some)) == sum(parts[: len(some)])


@pytest.mark.parametrize("days", [NOVEMBER, FEBRUARY], ids=["November", "a February of 29 days"])
def test_joining_on_each_day(days: tuple[date, ...]) -> None:
    whole = DAILY.amount_nanos
    for joined in days:
        before = part_of(whole, days, {day for day in days if day < joined})
        by_grant = prorated(DAILY, whole, days, counted_days(DAILY, ALWAYS, days, joined))
        by_roster = prorated(DAILY, whole, days, counted_days(DAILY, Employment(joined), days, days[0]))
        left_before = Employment(ends=joined - timedelta(days=1))
        of_leaver = prorated(DAILY, whole, days, counted_days(DAILY, left_before, days, days[0]))
        assert by_grant == by_roster == whole - before
        assert of_leaver == before, "who goes the day before has the rest"


def test_the_17th_of_november() -> None:
    counted = counted_days(DAILY, ALWAYS, NOVEMBER, date(2026, 11, 17))
    assert len(counted) == 14
    assert prorated(DAILY, 3_000 * USD, NOVEMBER, counted) == 1_400 * USD


def test_leave_is_taken_out_only_when_the_plan_pauses() -> None:
    away = Employment(leave=((date(2026, 11, 10), date(2026, 11, 19)), (date(2026, 11, 28), None)))
    assert len(counted_days(DAILY, away, NOVEMBER, NOVEMBER[0])) == 30 - 10 - 3
    goes_on = plan('proration = "daily"')
    assert len(counted_days(goes_on, away, NOVEMBER, NOVEMBER[0])) == 30


def test_without_proration_a_part_of_a_period_is_the_whole() -> None:
    terms = plan()
    counted = counted_days(terms, ALWAYS, NOVEMBER, date(2026, 11, 30))
    assert prorated(terms, terms.amount_nanos, NOVEMBER, counted) == terms.amount_nanos
    assert prorated(terms, terms.amount_nanos, NOVEMBER, frozenset()) == 0


def test_who_is_not_there_gets_nothing() -> None:
    for gone in (Employment(starts=date(2026, 12, 1)), Employment(ends=date(2026, 10, 31))):
        assert not counted_days(plan(), gone, NOVEMBER, NOVEMBER[0])
