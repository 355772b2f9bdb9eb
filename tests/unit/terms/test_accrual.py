"""Accrual: a lot's amount is earned day by day, all of it by its last day."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bursar.periods import Monthly, Period, iso, to_us
from bursar.terms.accrual import earnings, unearned_at_opening

ZONES = st.sampled_from(["UTC", "Europe/Stockholm", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia"])
OPENS = st.integers(to_us(datetime(2009, 1, 1, tzinfo=UTC)), to_us(datetime(2030, 1, 1, tzinfo=UTC)))


@given(ZONES, OPENS, st.integers(1, 10**13))
def test_all_is_earned_by_the_last_day(zone: str, opens_us: int, amount: int) -> None:
    period = Monthly(zone).at(opens_us)
    span = Period(period.label, opens_us, period.end_us)
    still = [(opens_us, unearned_at_opening(amount, span, zone)), *earnings(amount, span, zone, span.end_us)]
    assert still[-1][1] == 0
    assert all(at_us < span.end_us for at_us, _ in still)
    for (early_us, more), (late_us, less) in pairwise(still):
        assert early_us <= late_us
        assert more >= less
    first = amount - still[0][1]
    assert all(0 <= first - (more - less) <= 1 for (_, more), (_, less) in pairwise(still))


def test_what_is_earned_when() -> None:
    november = Monthly("Europe/Stockholm").named("2026-11")
    amount = 3_000
    assert unearned_at_opening(amount, november, "Europe/Stockholm") == 2_900
    until_us = november.start_us + 2 * 86_400_000_000
    found = [(iso(at_us), still) for at_us, still in earnings(amount, november, "Europe/Stockholm", until_us)]
    assert found == [("2026-11-01T23:00:00Z", 2_800), ("2026-11-02T23:00:00Z", 2_700)]


def test_who_asks_earlier_gets_the_beginning_of_the_same() -> None:
    november = Monthly("UTC").named("2026-11")
    whole = list(earnings(1_000, november, "UTC", november.end_us))
    for day in range(30):
        assert list(earnings(1_000, november, "UTC", november.start_us + day * 86_400_000_000)) == whole[:day]
