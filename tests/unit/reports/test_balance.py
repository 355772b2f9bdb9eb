"""What a person has now: the lots that are open, in the order in which they pay, and their sums."""

from __future__ import annotations

import pytest

from bursar.ledger.accounts import LAST_PRIORITY, Kind
from bursar.ledger.postings import Open
from bursar.periods import Monthly
from bursar.refusals import Refused, Why
from bursar.reports.balance import BalanceView, balance
from bursar.reports.plain import plain
from bursar.store.directory import Person
from tests.support.calls import USD, posted
from tests.unit.reports.conftest import ZONE, Staff

NOVEMBER = Monthly(ZONE).named("2026-11")


def balance_of(staff: Staff, person_id: int, at_us: int) -> BalanceView:
    with staff.database.reading() as connection:
        return balance(connection, person_id, at_us)


def test_the_lots_that_are_open_and_their_sums(staff: Staff, ada: Person) -> None:
    past, small, large, future = (
        staff.lot(ada, plan, label, usd)
        for plan, label, usd in (
            *(("past", "2026-10", 7), ("small", "2026-11", 1)),
            *(("large", "2026-11", 50), ("future", "2026-12", 9)),
        )
    )
    staff.caller.hold("a", ada.id, (past, small, large, future), 3 * USD, NOVEMBER.start_us)
    staff.caller.settle("a", 2 * USD, NOVEMBER.start_us + 1)
    staff.caller.hold("b", ada.id, (large,), 4 * USD, NOVEMBER.start_us + 2)
    now = balance_of(staff, ada.id, NOVEMBER.start_us + 3)
    assert [(lot.plan, lot.period, lot.available_nanos) for lot in now.lots] == [
        ("small", "2026-11", 0),
        ("large", "2026-11", 45 * USD),
    ]
    assert (now.granted_nanos, now.available_nanos, now.held_nanos, now.spent_nanos, now.expired_nanos) == (
        *(51 * USD, 45 * USD, 4 * USD, 2 * USD, 0),
    )
    assert (now.ends_us, now.lots[0].time_zone) == (NOVEMBER.end_us, ZONE)


def test_a_period_is_half_open(staff: Staff, ada: Person) -> None:
    staff.lot(ada, "engineers", "2026-11", 1)
    for at_us, lots in (
        *((NOVEMBER.start_us - 1, 0), (NOVEMBER.start_us, 1)),
        *((NOVEMBER.end_us - 1, 1), (NOVEMBER.end_us, 0)),
    ):
        assert len(balance_of(staff, ada.id, at_us).lots) == lots


def test_limits_are_told_and_are_no_credit(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 10)
    limit = staff.caller.limit(ada.id, "laptop", 5, NOVEMBER.start_us)
    staff.caller.hold("a", ada.id, (lot,), 3 * USD, NOVEMBER.start_us, limits=(limit,))
    now = balance_of(staff, ada.id, NOVEMBER.start_us)
    assert now.granted_nanos == 10 * USD
    assert [(one.name, one.available_nanos, one.held_nanos) for one in now.limits] == [("laptop", 2 * USD, 3 * USD)]


def test_a_person_without_a_grant_has_nothing(staff: Staff, ada: Person) -> None:
    now = balance_of(staff, ada.id, NOVEMBER.start_us)
    assert (now.lots, now.granted_nanos, now.ends_us) == ((), 0, 0)
    assert plain(now)["ends"] is None


def test_an_unknown_person_is_refused(staff: Staff) -> None:
    with pytest.raises(Refused) as refused:
        balance_of(staff, 99, 0)
    assert refused.value.refusal.why is Why.UNKNOWN


def test_what_lets_calls_pass_the_budget_is_no_part_of_it(staff: Staff, ada: Person) -> None:
    own = staff.lot(ada, "engineers", "2026-11", 10)
    beside = Open(
        *(ada.id, Kind.LOT, "overrun:grant:1", "2026-11", 50 * USD, NOVEMBER.start_us),
        priority=LAST_PRIORITY + 1,
        opens_us=NOVEMBER.start_us,
        expires_us=NOVEMBER.end_us,
    )
    opened = posted(staff.journal.post(beside)).opens
    assert opened is not None
    lots = (own, opened.id)
    staff.caller.hold("a", ada.id, lots, 12 * USD, NOVEMBER.start_us)
    staff.caller.settle("a", 12 * USD, NOVEMBER.start_us + 1)
    staff.caller.hold("b", ada.id, lots, 3 * USD, NOVEMBER.start_us + 2)
    now = balance_of(staff, ada.id, NOVEMBER.start_us)
    assert [lot.plan for lot in now.lots] == ["engineers"]
    assert (now.granted_nanos, now.available_nanos, now.beyond_nanos) == (10 * USD, 0, 45 * USD)
    assert (now.spent_nanos, now.held_nanos, now.overrun_nanos) == (12 * USD, 3 * USD, 5 * USD)
