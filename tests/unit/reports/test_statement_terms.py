"""What terms do to a person's credit is on the statement, and it adds up, whatever comes late."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from bursar.ledger.accounts import LAST_PRIORITY, Account, Kind
from bursar.ledger.postings import Accrue, Add, Carry, CashOut, Charge, Correct, Expire, Open, Returned, Revoke
from bursar.periods import Monthly
from bursar.reports.export import PARTS, export
from bursar.reports.statement import statement
from bursar.reports.statement_shape import Announced, RunSpend
from bursar.store import directory, runs, schema
from bursar.store.directory import Key, Person
from tests.support.calls import USD, posted
from tests.unit.reports.conftest import ZONE, Staff

NOVEMBER, DECEMBER = Monthly(ZONE).named("2026-11"), Monthly(ZONE).named("2026-12")
DAY = 86_400_000_000


def test_everything_at_once(staff: Staff, ada: Person) -> None:
    """
    November  granted 100, of it 30 to be earned; 10 of them are; 25 added; 40 revoked; 5 spent
    close     20 carried over to December, 60 - 20 = 40 expire, 15 of them are cashed out in January, and 3 of them
              pay for usage that is reported then
    """
    grant, journal, caller = staff.grant(ada, "engineers"), staff.journal, staff.caller
    opened = posted(
        journal.post(
            Open(
                *(ada.id, Kind.LOT, f"grant:{grant}", "2026-11", 100 * USD, NOVEMBER.start_us),
                opens_us=NOVEMBER.start_us,
                expires_us=NOVEMBER.end_us,
                unearned=30 * USD,
            )
        )
    ).opens
    assert opened is not None
    old = opened.id
    posted(journal.post(Accrue(old, 20 * USD, NOVEMBER.start_us + DAY)))
    posted(journal.post(Add(old, 25 * USD, "change:1", NOVEMBER.start_us + 2 * DAY, "a release")))
    posted(journal.post(Revoke(old, 40 * USD, "change:2", NOVEMBER.start_us + 3 * DAY, "a mistake")))
    caller.hold("a", ada.id, (old,), 6 * USD, NOVEMBER.start_us + 4 * DAY)
    caller.settle("a", 5 * USD, NOVEMBER.start_us + 4 * DAY)
    during = staff.statement(ada, "2026-11")
    assert (during.granted_nanos, during.added_nanos, during.revoked_nanos) == (100 * USD, 25 * USD, 40 * USD)
    assert (during.closing_nanos, during.unearned_nanos) == (80 * USD, 0)
    assert during.used_share == "0.0588"

    new = caller.lot(ada.id, "2026-12", 100, grant_id=grant, zone=ZONE)
    posted(journal.post(Carry(old, new, 20 * USD, 0, NOVEMBER.end_us + 5)))
    posted(journal.post(Expire(old, 0, NOVEMBER.end_us + 5)))
    posted(journal.post(CashOut(old, 15 * USD, 0, DECEMBER.end_us + 5 * DAY, "payroll")))
    posted(journal.post(Charge("late", ada.id, (old,), 3 * USD, DECEMBER.end_us + DAY, DECEMBER.end_us + DAY)))
    november, december = staff.statement(ada, "2026-11"), staff.statement(ada, "2026-12")
    assert (november.carried_out_nanos, november.cashed_out_nanos) == (20 * USD, 15 * USD)
    assert (november.expired_nanos, november.spent_nanos, november.closing_nanos) == (42 * USD, 8 * USD, 0)
    assert [(line.day, line.cost_nanos) for line in november.spending] == [
        ("2026-11-05", 5 * USD),
        ("2026-11-30", 3 * USD),
    ]
    assert (december.carried_in_nanos, december.carried_out_nanos, december.closing_nanos) == (
        *(20 * USD, 0, 120 * USD),
    )


def test_credit_to_be_earned_is_in_the_closing_balance(staff: Staff, ada: Person) -> None:
    grant = staff.grant(ada, "engineers")
    posted(
        staff.journal.post(
            Open(
                *(ada.id, Kind.LOT, f"grant:{grant}", "2026-11", 100 * USD, NOVEMBER.start_us),
                opens_us=NOVEMBER.start_us,
                expires_us=NOVEMBER.end_us,
                unearned=90 * USD,
            )
        )
    )
    made = staff.statement(ada, "2026-11")
    assert (made.closing_nanos, made.available_nanos, made.unearned_nanos) == (100 * USD, 10 * USD, 90 * USD)


def test_agent_runs_have_what_was_spent_with_their_keys_and_those_made_with_them(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 100)
    own = _key(staff, ada, None)
    outer = _run(staff, ada, "nightly", _key(staff, ada, own))
    inner = _run(staff, ada, "swarm", _key(staff, ada, outer))
    below = _key(staff, ada, inner)
    for name, key, cost in (("a", own, 1), ("b", outer, 2), ("c", inner, 3), ("d", below, 4)):
        staff.caller.hold(name, ada.id, (lot,), 5 * USD, NOVEMBER.start_us, key_id=key.id)
        staff.caller.settle(name, cost * USD, NOVEMBER.start_us + 1)
    staff.caller.hold("e", ada.id, (lot,), 5 * USD, NOVEMBER.start_us, key_id=outer.id)
    staff.caller.release("e", NOVEMBER.start_us + 1)
    made = staff.statement(ada, "2026-11")
    assert made.spent_nanos == 10 * USD
    assert made.runs == (
        RunSpend(run="run_swarm", name="swarm", calls=2, cost_nanos=7 * USD),
        RunSpend(run="run_nightly", name="nightly", calls=1, cost_nanos=2 * USD),
    )


def test_changes_announced_in_the_period_or_in_force_from_it_are_told(staff: Staff, ada: Person) -> None:
    staff.lot(ada, "engineers", "2026-11", 100)
    grace = staff.person("Grace")
    instants = {
        "before": (NOVEMBER.start_us - DAY, NOVEMBER.start_us - 1),
        "from it": (NOVEMBER.start_us - DAY, NOVEMBER.start_us),
        "in it": (NOVEMBER.end_us - 1, DECEMBER.end_us),
        "after": (NOVEMBER.end_us, DECEMBER.end_us),
    }
    for reason, (announced_us, effective_us) in instants.items():
        _change(staff, ada, reason, announced_us, effective_us)
    _change(staff, grace, "another's", NOVEMBER.start_us, NOVEMBER.start_us)
    first, second = staff.statement(ada, "2026-11").changes
    assert (first.reason, second.reason) == ("from it", "in it")
    assert second == Announced(
        kind="reduce",
        amount_nanos=USD,
        announced_us=NOVEMBER.end_us - 1,
        effective_us=DECEMBER.end_us,
        until_us=0,
        reason="in it",
        actor="finance@example.com",
        approver="",
        told="told so",
    )


def test_an_export_is_the_same_on_both_engines(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 100)
    staff.caller.hold("a", ada.id, (lot,), 5 * USD, NOVEMBER.start_us)
    staff.caller.settle("a", USD, NOVEMBER.start_us + 1)
    staff.caller.hold("b", ada.id, (lot,), 5 * USD, NOVEMBER.start_us + 2)
    with staff.database.reading() as connection:
        archive = ZipFile(BytesIO(export(connection, ada.id, with_pay=True)))
    assert b",a,1,anthropic," in archive.read("calls.csv")
    assert archive.read("running-calls.csv") == b"id,amount,dispatched,held\r\nb,5.00,1,2026-10-31T23:00:00Z\r\n"
    assert {f"{name}.csv" for name in PARTS} < set(archive.namelist())


def _change(staff: Staff, person: Person, reason: str, announced_us: int, effective_us: int) -> None:
    row = {
        "person_id": person.id,
        "kind": "reduce",
        "amount_nanos": USD,
        "announced_us": announced_us,
        "effective_us": effective_us,
        "reason": reason,
        "actor": "finance@example.com",
        "approver": "",
        "told": "told so",
    }
    staff.journal.write(lambda connection: connection.execute(sa.insert(schema.changes).values(row)))


def _key(staff: Staff, person: Person, parent: Key | None) -> Key:
    def write(connection: sa.Connection) -> Key:
        count = connection.scalar(sa.select(sa.func.count()).select_from(schema.keys))
        return directory.add_key(
            connection,
            person_id=person.id,
            role="person",
            name="",
            shown="bsr_…",
            digest=bytes([int(count or 0)]),
            expires_us=None,
            limit_nanos=None,
            parent_id=None if parent is None else parent.id,
            now_us=1,
        )

    return staff.journal.write(write)


def _run(staff: Staff, person: Person, name: str, key: Key) -> Key:
    def write(connection: sa.Connection) -> None:
        runs.add_run(
            connection,
            token=f"run_{name}",
            key=key,
            parent_id=None,
            name=name,
            budget_nanos=1,
            until_us=2**60,
            now_us=1,
        )

    staff.journal.write(write)
    return key


def test_calls_may_pass_the_budget_at_the_employers_cost(staff: Staff, ada: Person) -> None:
    """
    budget    100, all of it spent; beside it 50 that let calls pass the budget: 20 of them spent, 7 held
    close     the rest of the 50 expires, which is nobody's loss and on no statement
    """
    grant = staff.grant(ada, "engineers")
    lots = []
    for source, amount, priority in ((f"grant:{grant}", 100, 100), (f"overrun:grant:{grant}", 50, LAST_PRIORITY + 1)):
        command = Open(
            *(ada.id, Kind.LOT, source, "2026-11", amount * USD, NOVEMBER.start_us),
            priority=priority,
            opens_us=NOVEMBER.start_us,
            expires_us=NOVEMBER.end_us,
        )
        opened = posted(staff.journal.post(command)).opens
        assert opened is not None
        lots.append(opened.id)
    staff.caller.hold("a", ada.id, tuple(lots), 120 * USD, NOVEMBER.start_us)
    staff.caller.settle("a", 120 * USD, NOVEMBER.start_us + 1)
    staff.caller.hold("b", ada.id, tuple(lots), 7 * USD, NOVEMBER.start_us + 2)
    posted(staff.journal.post(Expire(lots[1], 0, NOVEMBER.end_us)))
    made = staff.statement(ada, "2026-11")
    assert [plan.name for plan in made.plans] == ["engineers"]
    assert (made.granted_nanos, made.overrun_nanos, made.overrun_ceiling_nanos) == (100 * USD, 27 * USD, 50 * USD)
    assert (made.spent_nanos, made.held_nanos, made.closing_nanos) == (120 * USD, 7 * USD, 7 * USD)
    assert (made.expired_nanos, made.used_share) == (0, "1.0000")


def test_usage_that_was_reported_is_told_with_who_reported_it(staff: Staff, ada: Person) -> None:
    """In time it is charged to the lot, what is beyond it to the employer; too late, it is an adjustment."""
    lot, late_us = staff.lot(ada, "engineers", "2026-11", 100), DECEMBER.end_us
    for name, cost, at_us, adjustment in (("in", 99, NOVEMBER.end_us - 1, False), ("late", 9, late_us, True)):
        charge = Charge(
            name, ada.id, (lot,), cost * USD, at_us, NOVEMBER.start_us + DAY, f"by {name}", None, adjustment
        )
        posted(staff.journal.post(charge))
    made = staff.statement(ada, "2026-11")
    assert [(one.id, one.cost_nanos, one.adjusted_nanos, one.reason) for one in made.reported] == [
        ("in", 99 * USD, 0, "by in"),
        ("late", 9 * USD, 9 * USD, "by late"),
    ]
    assert (made.spent_nanos, made.adjusted_nanos, made.overrun_nanos) == (108 * USD, 9 * USD, 0)
    assert (made.closing_nanos, made.used_share) == (1 * USD, "0.9900")


def test_personal_keys_are_told_apart(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 100)
    for name, personal, cost in (("a", True, 3), ("b", False, 4)):
        key = _key(staff, ada, None)
        staff.journal.write(partial(_set_personal, key_id=key.id, personal=personal))
        staff.caller.hold(name, ada.id, (lot,), 5 * USD, NOVEMBER.start_us, key_id=key.id)
        staff.caller.settle(name, cost * USD, NOVEMBER.start_us + 1)
    made = staff.statement(ada, "2026-11")
    assert (made.spent_nanos, made.personal_nanos) == (7 * USD, 3 * USD)


def _set_personal(connection: sa.Connection, key_id: int, personal: bool) -> None:
    keys = schema.keys
    connection.execute(sa.update(keys).where(keys.c.id == key_id).values(personal=int(personal)))


def test_what_tokens_were_worth_is_told_as_it_was_noted(staff: Staff, ada: Person) -> None:
    grant = staff.grant(ada, "engineers")
    opening = Open(ada.id, Kind.LOT, f"grant:{grant}", "2026-11", USD, NOVEMBER.start_us, reason="50M tokens of x")
    posted(staff.journal.post(opening))
    assert [plan.note for plan in staff.statement(ada, "2026-11").plans] == ["50M tokens of x"]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Stockholm", "Pacific/Kiritimati"])
def test_pay_is_that_of_the_periods_last_day_there_though_credit_lives_longer(
    zone: str, staff: Staff, ada: Person
) -> None:
    period = Monthly(zone).named("2026-11")
    opening = Open(
        *(ada.id, Kind.LOT, f"grant:{staff.grant(ada, 'engineers', zone)}", "2026-11", USD, period.start_us),
        opens_us=period.start_us,
        expires_us=period.end_us + 10 * DAY,
    )
    posted(staff.journal.post(opening))
    days = [("2026-11-01", 1), ("2026-11-30", 2), ("2026-12-01", 3)]
    for day, base in days:
        row = {"person_id": ada.id, "from_day": day, "currency": "USD", "base_nanos": base * USD}
        insert = sa.insert(schema.pay).values(**row, bonus_nanos=0, equity_nanos=0)
        staff.journal.write(partial(_execute, statement=insert))
    with staff.database.reading() as connection:
        pay = statement(connection, ada.id, "2026-11", with_pay=True).compensation
    assert pay is not None
    assert (pay.day, pay.base_nanos, pay.tokens_nanos) == ("2026-11-30", 2 * USD, 12 * USD)


def _execute(connection: sa.Connection, statement: sa.Insert) -> None:
    connection.execute(statement)


def test_what_was_taken_back_is_off_the_call_that_it_was_charged_for(staff: Staff, ada: Person) -> None:
    """
    a call, charged provisionally at 30, cost 4; a usage, told of thrice: charged 5 and 3 (that too late), of which 6
    were not due; another is left as it is
    """
    lot, day_us = staff.lot(ada, "engineers", "2026-11", 100), NOVEMBER.start_us + DAY
    staff.caller.hold("a", ada.id, (lot,), 30 * USD, day_us, model="opus")
    staff.caller.settle("a", 30 * USD, day_us + 1, reason="no answer")
    with staff.database.reading() as connection:
        (call,) = connection.execute(sa.select(schema.calls.c.posting_id)).scalars()
    for name, cost, adjustment in (("log:x:0", 5, False), ("log:x:1", 3, True), ("log:y:0", 7, False)):
        charge = Charge(name, ada.id, (lot,), cost * USD, day_us, day_us, "by log", None, adjustment)
        posted(staff.journal.post(charge))
    later_us = NOVEMBER.end_us + 5
    parts = {
        f"call:{call}": (Returned(lot, Account.AVAILABLE, 26 * USD),),
        "log:x:2": (Returned(lot, Account.ADJUSTED, 3 * USD), Returned(lot, Account.AVAILABLE, 3 * USD)),
    }
    for name, returned in parts.items():
        posted(staff.journal.post(Correct(name, ada.id, returned, later_us, "known better")))
    made = staff.statement(ada, "2026-11")
    assert (made.spent_nanos, made.adjusted_nanos) == ((4 + 2 + 7) * USD, 0)
    assert made.provisional == ()
    assert [(one.call, one.cost_nanos, one.taken_back_nanos) for one in made.corrected] == [
        ("a", 4 * USD, 26 * USD),
        ("log:x:0", 2 * USD, 3 * USD),
        ("log:x:1", 0, 3 * USD),
    ]
    reported = [(one.id, one.calls, one.cost_nanos, one.adjusted_nanos) for one in made.reported]
    assert reported == [("log:x:0", 3, (2 + 0 + 7) * USD, 0)]
    assert made.expired_nanos == 29 * USD
    assert made.closing_nanos == made.available_nanos
