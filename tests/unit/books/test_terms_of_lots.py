"""What a plan promises about lots, kept by the books: when they open, how much, and what becomes of the rest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bursar.books.upkeep import Closed, close_periods
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Posting
from bursar.periods import to_us
from bursar.refusals import Refusal, Why
from bursar.reports.balance import balance
from bursar.store.schema import absences, people, postings
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.teams import Company

DAY_S = 86_400


def at(text: str) -> int:
    """An instant in UTC."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def granted(company: Company, more: str, begins: str | None = None, usd: int = 3_000) -> str:
    """Ada, with a plan of these lines from a day on."""
    ada = company.person("ada", usd=None)
    company.plan("plan", usd, more)
    company.books.grant(ada, "plan", None if begins is None else at(begins))
    return ada


def lots(company: Company) -> dict[str, Balance]:
    """The lots by their periods."""
    return {lot.label: lot for lot in balances(company.books.database).values() if lot.kind == "lot"}


def journal(company: Company) -> list[tuple[str, int, int]]:
    """Every operation, when it counts, and its amount, but for calls."""
    query = sa.select(postings.c.op, postings.c.effective_us, postings.c.amount_nanos).order_by(postings.c.op)
    with company.books.database.reading() as connection:
        return [tuple(row) for row in connection.execute(query) if not row[0].startswith(("hold", "end"))]


def employ(company: Company, email: str, **days: str) -> None:
    """Write down when somebody is there."""
    change = sa.update(people).where(people.c.email == email).values(**days)
    company.books.journal.write(lambda connection: connection.execute(change))


def test_a_joiner_in_the_middle_gets_the_days_that_are_left(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    granted(company, 'proration = "daily"', "2026-11-17")
    company.clock.now_us = at("2026-12-01")
    company.books.bring_up()
    found = lots(company)
    assert found["2026-11"].granted == 1_400 * USD
    assert found["2026-11"].opens_us == at("2026-11-17")
    assert found["2026-12"].granted == 3_000 * USD


def test_joining_leaving_and_leave_by_the_roster(company: Company) -> None:
    company.clock.now_us = at("2026-10-15")
    ada = company.person("ada", usd=None)
    company.plan("plan", 3_000, 'proration = "daily"\non_leave = "pause"\non_leaving = "forfeit"')
    employ(company, ada, starts="2026-11-11", ends="2027-01-10")
    away = sa.insert(absences).values(person_id=1, from_day="2026-12-01", to_day="2026-12-31", reason="leave")
    company.books.journal.write(lambda connection: connection.execute(away))
    company.books.grant(ada, "plan", at("2026-10-01"))
    assert not lots(company)
    assert company.spender(ada).until_us <= at("2026-11-01")
    company.clock.now_us = at("2026-11-10T23:59:59")
    company.books.bring_up()
    assert not lots(company), "she is not there yet"
    company.clock.now_us = at("2027-02-03")
    company.books.bring_up()
    found = lots(company)
    assert set(found) == {"2026-11", "2027-01"}, "in December she was away"
    assert found["2026-11"].granted == 2_000 * USD
    assert found["2026-11"].opens_us == at("2026-11-11")
    assert found["2027-01"].granted == 967_741_935_490
    assert found["2027-01"].expires_us == at("2027-01-11")


@pytest.mark.parametrize(
    ("schedule", "labels"),
    [
        ('schedule = "weekly"', ["2026-W44", "2026-W45", "2026-W46"]),
        ('schedule = "biweekly"\nanchor = 2026-01-01', ["2026-10-22", "2026-11-05"]),
        ('schedule = "semimonthly"', ["2026-11-01"]),
        ('schedule = "monthly"\nanchor = 2026-01-31', ["2026-10-31"]),
        ('schedule = "quarterly"', ["2026-Q4"]),
        ('schedule = "annual"\nanchor = 2026-11-09', ["2025-11-09", "2026-11-09"]),
    ],
)
def test_every_schedule(company: Company, schedule: str, labels: list[str]) -> None:
    ada = granted(company, schedule)
    company.clock.now_us = at("2026-11-12")
    assert company.call(ada, 1) is None
    assert sorted(lots(company)) == labels


def test_what_is_earned_by_the_day_can_be_spent_that_day(company: Company) -> None:
    ada = granted(company, 'availability = "accrual"\nclamp = false')
    assert company.call(ada, 100) is None
    refused = company.call(ada, 1)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.BUDGET_EXHAUSTED
    assert company.spender(ada).until_us <= at("2026-11-02")
    company.clock.now_us = at("2026-11-02") - 1
    assert isinstance(company.call(ada, 1), Refusal)
    company.clock.now_us += 1
    assert company.call(ada, 100) is None
    company.clock.now_us = at("2026-11-05T12:00:00")
    assert isinstance(company.hold(ada, 300), Posting), "three more days, of which nobody asked before"
    [lot] = lots(company).values()
    assert (lot.available, lot.unearned) == (0, 2_500 * USD)


def test_what_was_earned_is_posted_as_of_its_day(company: Company) -> None:
    granted(company, 'availability = "accrual"\nproration = "daily"', "2026-11-28")
    company.clock.now_us = at("2026-12-01T08:00:00")
    company.books.bring_up()
    accrued = [(when, amount) for op, when, amount in journal(company) if op.startswith("accrue:1:")]
    assert sorted(accrued) == [(at("2026-11-29"), 100 * USD), (at("2026-11-30"), 100 * USD)]
    assert lots(company)["2026-11"].expired == 300 * USD


def test_a_chain_of_carry_over_with_partial_spend(company: Company) -> None:
    ada = granted(company, 'unused = "carry_over"\ncarry_over_periods = 2', usd=1_000)
    for month, spent in (("2026-11-15", 300), ("2026-12-15", 600), ("2027-01-15", 50)):
        company.clock.now_us = at(month)
        assert company.call(ada, spent) is None
    company.clock.now_us = at("2027-02-15")
    company.books.bring_up()
    found = lots(company)
    assert [found[label].carried_in // USD for label in sorted(found)] == [0, 700, 1_100, 2_000]
    assert [found[label].expired // USD for label in sorted(found)] == [0, 0, 50, 0]
    assert found["2027-02"].available == 3_000 * USD


def test_months_that_nobody_looked_at_are_closed_one_after_the_other(company: Company) -> None:
    granted(company, 'unused = "carry_over"\ncarry_over_cap = "25%"', usd=1_000)
    company.clock.now_us = at("2027-11-02")
    company.books.bring_up()
    found = [lot for _, lot in sorted(lots(company).items())]
    assert [lot.carried_in // USD for lot in found] == [0] + [250] * 12
    assert [lot.expired // USD for lot in found] == [750] + [1_000] * 11 + [0]


def test_a_call_that_runs_over_the_end_gives_back_to_the_next_lot(company: Company) -> None:
    ada = granted(company, 'unused = "carry_over"\ncarry_over_cap = "500.00"', usd=1_000)
    company.clock.now_us = at("2026-11-30T23:59:59")
    held = company.hold(ada, 800)
    assert isinstance(held, Posting)
    company.clock.now_us = at("2026-12-01")
    company.books.bring_up()
    assert lots(company)["2026-12"].carried_in == 200 * USD
    company.settle(held, 100)
    company.books.bring_up()
    found = lots(company)
    assert found["2026-12"].carried_in == 500 * USD, "as if it had been there at the end"
    assert found["2026-11"].expired == 400 * USD


def test_grace_keeps_the_old_lot_usable_and_spends_it_first(company: Company) -> None:
    ada = granted(company, 'unused = "grace"\ngrace_days = 15', usd=1_000)
    company.clock.now_us = at("2027-01-15T23:59:59")
    assert company.call(ada, 600) is None
    assert lots(company)["2026-12"].spent == 600 * USD
    company.clock.now_us = at("2027-01-16")
    assert company.call(ada, 500) is None
    found = lots(company)
    assert (found["2026-12"].expired, found["2027-01"].spent) == (400 * USD, 500 * USD)


def test_cash_out_at_the_close(company: Company) -> None:
    ada = granted(company, 'cash_out_rate = "50%"\ncash_out_cap = "300.00"', usd=1_000)
    assert company.call(ada, 600) is None
    company.clock.now_us = at("2026-12-01")
    company.books.bring_up()
    november = lots(company)["2026-11"]
    assert (november.cashed_out, november.expired) == (300 * USD, 100 * USD)
    with company.books.database.reading() as connection:
        query = sa.select(postings.c.reason).where(postings.c.verb == "cash_out")
        assert connection.execute(query).scalar_one() == "payroll pays $150.00"


def test_the_last_lot_of_a_leaver_is_not_carried_over(company: Company) -> None:
    ada = granted(company, 'unused = "carry_over"', usd=1_000)
    employ(company, ada, ends="2026-12-20")
    company.clock.now_us = at("2027-01-05")
    company.books.bring_up()
    found = lots(company)
    assert set(found) == {"2026-11", "2026-12"}
    assert (found["2026-12"].carried_in, found["2026-12"].expired) == (1_000 * USD, 2_000 * USD)


def test_credit_waits_for_the_next_lot_over_a_leave(company: Company) -> None:
    ada = granted(company, 'unused = "carry_over"\nproration = "daily"\non_leave = "pause"', usd=1_000)
    away = sa.insert(absences).values(person_id=1, from_day="2026-12-01", to_day="2027-01-31", reason="leave")
    company.books.journal.write(lambda connection: connection.execute(away))
    company.books.forget_spenders()
    company.clock.now_us = at("2027-01-10")
    company.books.bring_up()
    assert lots(company)["2026-11"].available == 1_000 * USD
    assert isinstance(company.call(ada, 1), Refusal)
    company.clock.now_us = at("2027-02-01")
    assert company.call(ada, 1_500) is None
    assert lots(company)["2027-02"].carried_in == 1_000 * USD


def test_the_close_posts_the_same_however_often_and_when_it_is_done(company: Company) -> None:
    more = 'unused = "carry_over"\ncarry_over_cap = "25%"\navailability = "accrual"\nproration = "daily"'
    ada = granted(company, more, "2026-11-17")
    eve = company.person("eve", usd=None)
    company.books.grant(eve, "plan", at("2026-11-17"))
    for day in range(40):  # everybody is asked for on some days, hers on none
        company.clock.now_us = at("2026-11-17") + day * DAY_S * 1_000_000
        company.books.bring_up(1)
    assert ada
    through_us = company.clock.now_us
    assert close_periods(company.books, through_us)
    assert close_periods(company.books, through_us) == []
    entries = journal(company)
    own = {lot.id: lot.person_id for lot in balances(company.books.database).values()}
    by_person: dict[int, list[tuple[str, int, int]]] = {1: [], 2: []}
    for op, when, amount in entries:
        verb, which, *_ = op.split(":")
        person_id = int(op.split(":")[2]) if verb == "open" else own[int(which)]
        by_person[person_id].append((verb, when, amount))
    assert sorted(by_person[1]) == sorted(by_person[2])


def test_a_close_through_a_day_leaves_what_comes_after_it(company: Company) -> None:
    granted(company, "", usd=1_000)
    company.clock.now_us = at("2027-03-05")
    done = close_periods(company.books, at("2027-01-01"))
    assert done == [Closed("expire", 2, 2_000 * USD), Closed("open", 2, 2_000 * USD)]
    assert close_periods(company.books, at("2027-01-01")) == []
    done = close_periods(company.books, company.clock.now_us)
    assert done == [Closed("expire", 2, 2_000 * USD), Closed("open", 2, 2_000 * USD)]


def test_the_same_plan_again_is_no_new_version(company: Company) -> None:
    company.plan("plan", 5, 'unused = "grace"\ngrace_days = 3')
    company.plan("plan", 5, 'grace_days = 3\nunused = "grace"\npriority = 100')
    with company.books.database.reading() as connection:
        assert connection.execute(sa.text("SELECT max(version) FROM plans")).scalar_one() == 1


@pytest.mark.parametrize(
    "more", ['unused = "carry_over"\ncarry_over_periods = 3', 'unused = "grace"\ngrace_days = 40']
)
def test_what_nobody_looked_at_for_months_is_posted_as_if_somebody_had(company: Company, more: str) -> None:
    granted(company, f'{more}\ncash_out_rate = "50%"\ncash_out_cap = "5.00"\nproration = "daily"', "2026-11-17")
    eve = company.person("eve", usd=None)
    company.books.grant(eve, "plan", at("2026-11-17"))
    for month in ("2026-12", "2027-01", "2027-02", "2027-03", "2027-04", "2027-05"):
        for day in ("01", "10", "20"):
            company.clock.now_us = at(f"{month}-{day}")
            company.books.bring_up(1)
    company.books.bring_up()
    found = balances(company.books.database).values()
    ada, eves = (
        sorted((lot.label, tuple(lot.amounts)) for lot in found if lot.person_id == person_id) for person_id in (1, 2)
    )
    assert ada == eves


def test_a_balance_tells_what_is_carried_in_and_what_is_not_earned_yet(company: Company) -> None:
    granted(company, 'unused = "carry_over"\navailability = "accrual"', usd=3_100)
    company.clock.now_us = at("2026-12-10T12:00:00")
    company.books.bring_up()
    with company.books.database.reading() as connection:
        told = balance(connection, 1, company.clock.now_us)
    assert (told.granted_nanos, told.carried_in_nanos) == (3_100 * USD, 3_100 * USD)
    assert (told.unearned_nanos, told.available_nanos) == (2_100 * USD, 4_100 * USD)
