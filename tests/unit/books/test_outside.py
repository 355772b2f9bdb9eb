"""Usage that did not pass the gateway: charged to the lots of its time, on each side of the run-out."""

from __future__ import annotations

import pytest

from bursar.books.limits import grant_pool
from bursar.books.outside import Charged, How, Outside, OutsideNote, charge_all_outside, charge_outside
from bursar.books.upkeep import close_periods
from bursar.ledger.postings import Posting
from bursar.refusals import Refusal, Why
from bursar.store import directory
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.teams import GPT, SONNET, Company
from tests.unit.books.test_terms_of_lots import at, granted, journal, lots

CHARGE = 'outside_usage = "charge"\n'
RUN_OUT = CHARGE + "run_out_days = 10\n"


def report(
    company: Company, email: str, when: str | int, usd: int, op: str = "r1", *, model: str = ""
) -> Charged | Refusal:
    """What reporting a usage comes to, in dollars."""
    with company.books.database.reading() as connection:
        person_id = directory.person(connection, email).id
    note = OutsideNote(source="copilot", model=model)
    at_us = at(when) if isinstance(when, str) else when
    return charge_outside(company.books, person_id, Outside(op=op, at_us=at_us, cost_nanos=usd * USD, note=note))


def charged(found: Charged | Refusal) -> tuple[str, int, int, int]:
    """How, and what credit, overrun and adjusted came to in dollars."""
    assert isinstance(found, Charged), found
    return found.how, found.credit_nanos // USD, found.overrun_nanos // USD, found.adjusted_nanos // USD


def test_usage_is_charged_once_to_the_lot_of_its_time(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    ada = granted(company, CHARGE, usd=100)
    first = report(company, ada, "2026-11-03", 30)
    assert charged(first) == (How.CHARGED, 30, 0, 0)
    assert report(company, ada, "2026-11-03", 30) == first
    conflict = report(company, ada, "2026-11-03", 31)
    assert isinstance(conflict, Refusal)
    assert conflict.why is Why.OPERATION_CONFLICT
    lot = lots(company)["2026-11"]
    assert (lot.spent, lot.available) == (30 * USD, 70 * USD)


def test_what_exceeds_the_credit_is_overrun_and_nothing_falls_below_zero(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    ada = granted(company, CHARGE, usd=100)
    held = company.hold(ada, 60)
    assert isinstance(held, Posting)
    assert charged(report(company, ada, "2026-11-03", 70)) == (How.CHARGED, 40, 30, 0)
    company.settle(held, 60)
    lot = lots(company)["2026-11"]
    assert (lot.spent, lot.overrun, lot.available, lot.held) == (130 * USD, 30 * USD, 0, 0)


def test_a_plan_charges_nothing_unless_it_says_so(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    ada = granted(company, "", usd=100)
    assert charged(report(company, ada, "2026-11-03", 30)) == (How.MEMO, 0, 0, 0)
    assert lots(company)["2026-11"].spent == 0


@pytest.mark.parametrize(
    ("zone", "end", "last"),
    [
        ("UTC", "2026-12-01T00:00:00", "2026-12-11T00:00:00"),
        # Sweden: from summer to winter time on 25 October, so the ten days until 2 November have an hour more.
        ("Europe/Stockholm", "2026-10-22T22:00:00", "2026-11-01T23:00:00"),
        # Lord Howe puts its clock forward by half an hour on 4 October.
        ("Australia/Lord_Howe", "2026-09-27T13:30:00", "2026-10-07T13:00:00"),
    ],
)
def test_each_side_of_the_run_out(company: Company, zone: str, end: str, last: str) -> None:
    anchor = {"UTC": "", "Europe/Stockholm": "anchor = 2026-10-23", "Australia/Lord_Howe": "anchor = 2026-09-28"}[
        zone
    ]
    company.clock.now_us = at(end) - 86_400_000_000
    ada = granted(company, f'{RUN_OUT}time_zone = "{zone}"\n{anchor}', usd=100)
    [lot] = lots(company).values()
    assert lot.expires_us == at(end), "the period ends where the clock says"
    usage_us = at(end) - 1
    company.clock.now_us = at(end)
    assert company.spender(ada).lots[0].expires_us > at(end), "calls are paid from the next lot at once"
    company.clock.now_us = at(last) - 1
    assert charged(report(company, ada, usage_us, 10, "inside")) == (How.CHARGED, 10, 0, 0)
    assert lots(company)[lot.label].available == 90 * USD
    company.clock.now_us = at(last)
    assert charged(report(company, ada, usage_us, 10, "outside")) == (How.ADJUSTED, 0, 0, 10)
    old, new = lots(company)[lot.label], next(one for one in lots(company).values() if one.label != lot.label)
    assert (old.spent, old.expired, old.available, old.adjusted) == (10 * USD, 90 * USD, 0, 0)
    assert (new.available, new.adjusted, new.spent) == (100 * USD, 10 * USD, 10 * USD), "nobody's credit is touched"
    assert (f"expire:{lot.id}:0", at(last), 90 * USD) in journal(company)


def test_without_a_run_out_a_lot_is_closed_at_its_end(company: Company) -> None:
    ada = granted(company, CHARGE, usd=100)
    company.clock.now_us = at("2026-12-01")
    assert charged(report(company, ada, "2026-11-30T23:59:59", 10)) == (How.ADJUSTED, 0, 0, 10)


def test_what_a_call_gave_back_after_the_end_pays_in_the_run_out(company: Company) -> None:
    ada = granted(company, RUN_OUT, usd=100)
    held = company.hold(ada, 100)
    assert isinstance(held, Posting)
    company.clock.now_us = at("2026-12-02")
    company.settle(held, 20)
    assert charged(report(company, ada, "2026-11-30", 90)) == (How.CHARGED, 80, 10, 0)


def test_credit_is_carried_over_when_the_run_out_has_ended(company: Company) -> None:
    ada = granted(company, RUN_OUT + 'unused = "carry_over"', usd=100)
    company.clock.now_us = at("2026-12-05")
    assert charged(report(company, ada, "2026-11-30", 40)) == (How.CHARGED, 40, 0, 0)
    assert lots(company)["2026-12"].carried_in == 0
    company.clock.now_us = at("2026-12-11")
    company.books.bring_up()
    assert lots(company)["2026-12"].carried_in == 60 * USD
    carried = [(when, amount) for op, when, amount in journal(company) if op.startswith("carry")]
    assert carried == [(at("2026-12-11"), 60 * USD)]
    assert charged(report(company, ada, "2026-11-30", 5, "late")) == (How.ADJUSTED, 0, 0, 5)


def test_the_run_out_begins_when_the_grace_has_ended(company: Company) -> None:
    ada = granted(company, RUN_OUT + 'unused = "grace"\ngrace_days = 5', usd=100)
    company.clock.now_us = at("2026-12-16") - 1
    assert charged(report(company, ada, "2026-12-05", 40)) == (How.CHARGED, 40, 0, 0)
    assert lots(company)["2026-11"].spent == 40 * USD, "the older lot pays first, as it did then"
    company.clock.now_us += 1
    assert charged(report(company, ada, "2026-12-05", 40, "r2")) == (How.CHARGED, 40, 0, 0)
    assert lots(company)["2026-12"].spent == 40 * USD, "December's own lot was open then, too, and is still"
    assert charged(report(company, ada, "2026-11-05", 40, "r3")) == (How.ADJUSTED, 0, 0, 40)


def test_a_pool_pays_after_a_persons_own_lots(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    ada = granted(company, CHARGE, usd=100)
    company.plan("pool", 50, CHARGE)
    pool = grant_pool(company.books, "platform", "pool")
    assert charged(report(company, ada, "2026-11-19", 120)) == (How.CHARGED, 120, 0, 0)
    assert charged(report(company, ada, "2026-11-19", 50, "r2")) == (How.CHARGED, 30, 20, 0)
    assert (company.balance("grant:1").overrun, company.balance(pool.source).overrun) == (20 * USD, 0)


def test_a_limit_that_a_log_passed_refuses_the_next_call_until_its_week_ends(company: Company) -> None:
    company.clock.now_us = at("2026-11-02T08:00:00")
    ada = granted(company, CHARGE, usd=500)
    company.secrets[ada] = company.books.create_key(ada).secret
    limit = company.limit(50, "week", person=ada)
    company.limit(1000, "week", models="gpt-*", everybody=True)
    assert company.call(ada, 10) is None
    held = company.hold(ada, 15)
    assert isinstance(held, Posting)
    company.clock.now_us = at("2026-11-04")
    assert charged(report(company, ada, "2026-11-03", 60, model=SONNET)) == (How.CHARGED, 60, 0, 0), "it has happened"
    company.settle(held, 1)
    week = company.balance(limit.source)
    assert (week.spent, week.available, week.overrun) == (71 * USD, 0, 21 * USD), (
        "nothing comes back of what is passed"
    )
    refused = company.call(ada, 1)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.LIMIT_REACHED
    assert company.call(ada, 1, GPT) is not None, "it counts every model"
    company.clock.now_us = at("2026-11-09")
    assert company.call(ada, 50) is None
    assert report(company, ada, "2026-11-03", 60, model=SONNET) == report(company, ada, "2026-11-03", 60)


def test_limits_count_what_is_charged_in_a_period_that_is_open(company: Company) -> None:
    company.clock.now_us = at("2026-10-20")
    ada = granted(company, CHARGE, usd=500)
    bob = company.person("bob")
    claude = company.limit(50, models="claude-*", team="platform")
    week = company.limit(50, "week", person=ada)
    bobs = company.limit(1, person=bob)
    company.clock.now_us = at("2026-11-06T12:00:00")
    later = company.limit(50, "life", everybody=True)
    assert {one.source for one in balances(company.books.database).values()}.isdisjoint({claude.source, week.source})
    for op, when, email in (
        ("yesterday", "2026-11-05", ada),
        ("last week", "2026-11-01", ada),
        ("too late", "2026-10-31", ada),
        ("a memo", "2026-11-06", bob),
    ):
        assert isinstance(report(company, email, when, 10, op, model=SONNET), Charged)
    report(company, ada, "2026-11-06T11:00:00", 10, "a gpt", model=GPT)
    opened = [one for one in balances(company.books.database).values() if one.source == claude.source]
    assert [(one.label, one.spent) for one in opened] == [("platform, claude-*, a day: 2026-11-06", 0)]
    assert company.balance(week.source).spent == 20 * USD, "yesterday's, and today's of another model"
    company.clock.now_us += 60_000_000
    report(company, ada, "2026-11-06T12:00:30", 10, "today", model=SONNET)
    assert bobs.source not in {one.source for one in balances(company.books.database).values()}, "nothing was charged"
    spent = [company.balance(limit.source, "").spent // USD for limit in (claude, week, later)]
    assert spent == [10, 30, 10]


def test_what_cannot_be_charged_is_refused_by_name(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    ada = granted(company, CHARGE + 'models = ["claude-*"]', usd=100)
    found = [
        report(company, ada, "2026-10-31", 1),
        report(company, ada, "2026-11-21", 1),
        report(company, ada, "2026-11-19", 1, model=GPT),
        report(company, ada, "2026-11-19", -1),
    ]
    assert all(isinstance(one, Refusal) for one in found)
    assert [one.why for one in found if isinstance(one, Refusal)] == [
        Why.NO_GRANT,
        Why.FIELD_INVALID,
        Why.MODEL_NOT_ALLOWED,
        Why.AMOUNT_INVALID,
    ]
    assert charged(report(company, ada, "2026-11-19", 1, model=SONNET)) == (How.CHARGED, 1, 0, 0)


def test_many_at_once_and_again(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    granted(company, CHARGE, usd=100)
    note = OutsideNote(source="copilot")
    usages = [Outside(op=f"m{n}", at_us=at("2026-11-10") + n, cost_nanos=USD, note=note) for n in range(120)]
    first = charge_all_outside(company.books, 1, usages)
    assert [charged(one)[1] for one in first] == [1] * 100 + [0] * 20
    assert charge_all_outside(company.books, 1, usages[::-1]) == first[::-1]
    assert close_periods(company.books, company.clock.now_us) == []
