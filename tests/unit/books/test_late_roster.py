"""What the roster says when a lot is open already, and raises under plans that are earned by the day."""

from __future__ import annotations

from bursar.books.changes import Announcement, change_amount
from bursar.books.roster import import_roster
from bursar.ledger.postings import Posting
from tests.support.calls import USD
from tests.support.teams import Company
from tests.unit.books.test_terms_of_lots import at, granted, journal, lots

DAILY = 'proration = "daily"\n'


def roster(company: Company, **cells: str) -> None:
    """Bring in a roster of one line about Ada."""
    names, row = ("email", *cells), ("ada@example.com", *cells.values())
    text = f"{','.join(names)}\n{','.join(row)}\n"
    import_roster(company.books, text, dry_run=False, advance=lambda _done, _of: None)


def test_a_last_day_that_is_entered_late(company: Company) -> None:
    granted(company, DAILY)
    company.clock.now_us = at("2026-11-10")
    roster(company, end="2026-11-20")
    lot = lots(company)["2026-11"]
    assert (lot.granted, lot.revoked, lot.available) == (3_000 * USD, 1_000 * USD, 2_000 * USD)
    roster(company, end="2026-11-25")
    lot = lots(company)["2026-11"]
    assert lot.granted - lot.revoked == 2_500 * USD
    roster(company, end="")
    lot = lots(company)["2026-11"]
    assert lot.granted - lot.revoked == 3_000 * USD
    roster(company, end="")
    assert len([op for op, _, _ in journal(company) if ":roster:" in op]) == 3, "and nothing more"


def test_a_first_day_that_is_entered_late(company: Company) -> None:
    granted(company, DAILY)
    roster(company, start="2026-11-16")
    lot = lots(company)["2026-11"]
    assert lot.granted - lot.revoked == 1_500 * USD


def test_leave_that_is_entered_late(company: Company) -> None:
    granted(company, DAILY + 'on_leave = "pause"')
    company.clock.now_us = at("2026-11-10")
    roster(company, leave_from="2026-11-21", leave_to="2026-11-30")
    assert lots(company)["2026-11"].available == 2_000 * USD


def test_never_below_what_is_spent_held_or_vested(company: Company) -> None:
    ada = granted(company, DAILY)
    assert company.call(ada, 2_300) is None
    held = company.hold(ada, 200)
    assert isinstance(held, Posting)
    roster(company, end="2026-11-20")
    lot = lots(company)["2026-11"]
    assert (lot.spent, lot.held, lot.available, lot.revoked) == (2_300 * USD, 200 * USD, 0, 500 * USD)


def test_vested_credit_stays(company: Company) -> None:
    granted(company, DAILY + "vesting_months = 2", "2026-10-01")
    company.clock.now_us = at("2026-11-03")
    roster(company, end="2026-11-03")
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.revoked) == (1_500 * USD, 1_500 * USD), "half of it had vested"


def test_carried_credit_and_raises_are_not_taken(company: Company) -> None:
    ada = granted(company, DAILY + 'unused = "carry_over"', "2026-10-01")
    company.clock.now_us = at("2026-11-16")
    change_amount(company.books, Announcement(person=ada, reason="r", actor="b"), 6_000 * USD)
    before = lots(company)["2026-11"]
    assert (before.carried_in, before.granted) == (3_000 * USD, 4_500 * USD)
    roster(company, end="2026-11-20")
    lot = lots(company)["2026-11"]
    raised_less = 1_000 * USD
    assert lot.revoked == 1_000 * USD + raised_less, "ten days of the budget, and of the raise"
    assert lot.available == 3_000 * USD + 2_500 * USD


def test_without_proration_the_days_do_not_matter(company: Company) -> None:
    granted(company, "")
    roster(company, end="2026-11-20")
    assert lots(company)["2026-11"].revoked == 0


def test_a_raise_is_earned_over_the_days_that_are_left(company: Company) -> None:
    ada = granted(company, 'availability = "accrual"\nproration = "daily"')
    company.clock.now_us = at("2026-11-21")
    change_amount(company.books, Announcement(person=ada, reason="r", actor="b"), 6_000 * USD)
    lot = lots(company)["2026-11"]
    assert lot.granted == 4_000 * USD, "ten days of 100 more"
    assert (lot.available, lot.unearned) == (2_100 * USD + 100 * USD, 900 * USD + 900 * USD)
    company.clock.now_us = at("2026-11-25T12:00:00")
    company.books.bring_up()
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.unearned) == (3_000 * USD, 1_000 * USD)
    company.clock.now_us = at("2026-12-01")
    company.books.bring_up()
    lot = lots(company)["2026-11"]
    assert (lot.expired, lot.unearned) == (4_000 * USD, 0)


def test_a_raise_that_nobody_looked_at_is_earned_the_same(company: Company) -> None:
    ada = granted(company, 'availability = "accrual"\nproration = "daily"')
    when = Announcement(person=ada, reason="r", actor="b", effective_us=at("2026-11-21"))
    change_amount(company.books, when, 6_000 * USD)
    company.clock.now_us = at("2026-11-25T12:00:00")
    company.books.bring_up()
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.unearned) == (3_000 * USD, 1_000 * USD)


def test_an_end_entered_late_under_accrual_takes_the_last_days(company: Company) -> None:
    granted(company, DAILY + 'availability = "accrual"')
    company.clock.now_us = at("2026-11-10T12:00:00")
    roster(company, end="2026-11-20")
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.unearned, lot.revoked) == (1_000 * USD, 1_000 * USD, 1_000 * USD)
    company.clock.now_us = at("2026-11-15T12:00:00")
    company.books.bring_up()
    assert lots(company)["2026-11"].available == 1_500 * USD, "a hundred a day, as before"
    company.clock.now_us = at("2026-11-21")
    company.books.bring_up()
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.unearned) == (2_000 * USD, 0)
    roster(company, end="")
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.unearned) == (2_100 * USD, 900 * USD), "the days that are left are earned by the day"
