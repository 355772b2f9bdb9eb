"""A statement adds up, and tells of each call once, in the period whose money it spent."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.ledger.postings import Expire, Hold, Settle
from bursar.periods import Monthly
from bursar.refusals import Refused, Why
from bursar.reports.statement_shape import Provisional, Running, Spend
from bursar.store.database import Database
from bursar.store.directory import Person
from bursar.store.journal import Journal
from bursar.store.verify import verify
from tests.support.calls import USD, posted
from tests.support.clock import VirtualClock
from tests.unit.reports.conftest import ZONE, Staff

NOVEMBER, DECEMBER = Monthly(ZONE).named("2026-11"), Monthly(ZONE).named("2026-12")
HOUR = 3_600_000_000
DAY = 24 * HOUR


def test_a_month(staff: Staff, ada: Person) -> None:
    """
    2 Nov  opus    two calls, $1.50 and $0.25
    2 Nov  haiku   one call, $0.10
    3 Nov  opus    one call, provisional at $4.00
    4 Nov          one call given back, one still running at $2.00
    """
    caller, lot = staff.caller, staff.lot(ada, "engineers", "2026-11", 100)
    second, third, fourth = (NOVEMBER.start_us + days * DAY + 9 * HOUR for days in (1, 2, 3))
    for name, model, cost in (("a", "opus", 1_500), ("b", "opus", 250), ("c", "haiku", 100)):
        caller.hold(name, ada.id, (lot,), 2 * USD, second, model=model)
        caller.settle(name, cost * USD // 1_000, second + 5)
    caller.hold("d", ada.id, (lot,), 4 * USD, third, model="opus")
    caller.settle("d", 4 * USD, third + 9, reason="the provider did not answer in time", tokens=(0, 0))
    caller.hold("e", ada.id, (lot,), 4 * USD, fourth)
    caller.release("e", fourth + 1)
    caller.hold("f", ada.id, (lot,), 2 * USD, fourth + 2)

    made = staff.statement(ada, "2026-11")
    assert (made.person, made.name, made.period) == ("ada@example.com", "Ada", "2026-11")
    (plan,) = made.plans
    assert (plan.name, plan.version, plan.time_zone) == ("engineers", 1, ZONE)
    assert (plan.opens_us, plan.expires_us) == (NOVEMBER.start_us, NOVEMBER.end_us)
    assert (plan.terms["amount"], plan.terms["schedule"], plan.terms["unused"]) == ("1.00", "monthly", "expire")
    assert made.spending == (
        Spend(
            day="2026-11-02", model="haiku", calls=1, input_tokens=1_000, output_tokens=100, cost_nanos=100_000_000
        ),
        Spend(
            day="2026-11-02", model="opus", calls=2, input_tokens=2_000, output_tokens=200, cost_nanos=1_750_000_000
        ),
        Spend(day="2026-11-03", model="opus", calls=1, input_tokens=0, output_tokens=0, cost_nanos=4 * USD),
    )
    assert made.provisional == (
        Provisional(
            call="d",
            at_us=third,
            day="2026-11-03",
            model="opus",
            cost_nanos=4 * USD,
            reason="the provider did not answer in time",
        ),
    )
    assert made.running == (Running(call="f", since_us=fourth + 2, day="2026-11-04", held_nanos=2 * USD),)
    assert made.released_calls == 1
    assert (made.opening_nanos, made.granted_nanos, made.overrun_nanos) == (0, 100 * USD, 0)
    assert (made.spent_nanos, made.expired_nanos) == (5_850_000_000, 0)
    assert (made.closing_nanos, made.available_nanos, made.held_nanos) == (94_150_000_000, 92_150_000_000, 2 * USD)


def test_a_call_over_the_periods_end_is_of_the_period_that_held_for_it(staff: Staff, ada: Person) -> None:
    caller, grant = staff.caller, staff.grant(ada, "engineers")
    old = caller.lot(ada.id, "2026-11", 10, grant_id=grant, zone=ZONE)
    new = caller.lot(ada.id, "2026-12", 10, grant_id=grant, zone=ZONE)
    caller.hold("late", ada.id, (old,), 3 * USD, NOVEMBER.end_us - 5)
    caller.hold("later", ada.id, (old,), 2 * USD, NOVEMBER.end_us - 4)
    caller.hold("december", ada.id, (new,), USD, DECEMBER.start_us + 5)
    before = staff.statement(ada, "2026-11")
    assert [call.call for call in before.running] == ["late", "later"]
    posted(staff.journal.post(Expire(old, 0, NOVEMBER.end_us + 1)))
    caller.settle("late", USD, NOVEMBER.end_us + 20 * DAY)
    caller.settle("december", USD, DECEMBER.start_us + 6)

    november, december = staff.statement(ada, "2026-11"), staff.statement(ada, "2026-12")
    assert [(line.day, line.calls, line.cost_nanos) for line in november.spending] == [("2026-11-30", 1, USD)]
    assert [call.call for call in november.running] == ["later"]
    assert (november.spent_nanos, november.expired_nanos, november.closing_nanos) == (USD, 7 * USD, 2 * USD)
    assert [(line.day, line.calls, line.cost_nanos) for line in december.spending] == [("2026-12-01", 1, USD)]
    assert december.running == ()


def test_an_end_that_a_clock_set_back_dates_before_the_period_is_found(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 10)
    staff.caller.hold("a", ada.id, (lot,), USD, NOVEMBER.start_us + 5)
    staff.caller.settle("a", USD, NOVEMBER.start_us - HOUR)
    made = staff.statement(ada, "2026-11")
    assert (made.spent_nanos, made.running) == (USD, ())
    assert [line.day for line in made.spending] == ["2026-11-01"]


def test_a_call_paid_from_two_plans_is_one_call(staff: Staff, ada: Person) -> None:
    first, second = staff.lot(ada, "small", "2026-11", 1), staff.lot(ada, "large", "2026-11", 50)
    staff.caller.hold("a", ada.id, (first, second), 3 * USD, NOVEMBER.start_us)
    staff.caller.settle("a", 2 * USD, NOVEMBER.start_us + 1)
    made = staff.statement(ada, "2026-11")
    assert [plan.name for plan in made.plans] == ["small", "large"]
    assert [(line.calls, line.input_tokens, line.cost_nanos) for line in made.spending] == [(1, 1_000, 2 * USD)]
    assert (made.granted_nanos, made.available_nanos) == (51 * USD, 49 * USD)


def test_a_limit_is_no_credit(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 10)
    limit = staff.caller.limit(ada.id, "2026-11", 5, NOVEMBER.start_us)
    staff.caller.hold("a", ada.id, (lot,), 3 * USD, NOVEMBER.start_us, limits=(limit,))
    staff.caller.settle("a", USD, NOVEMBER.start_us + 1)
    made = staff.statement(ada, "2026-11")
    assert (made.granted_nanos, made.spent_nanos, made.available_nanos) == (10 * USD, USD, 9 * USD)


def test_what_a_call_cost_beyond_the_budget_is_overrun(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 1)
    staff.caller.hold("a", ada.id, (lot,), USD, NOVEMBER.start_us)
    staff.caller.settle("a", 3 * USD, NOVEMBER.start_us + 1)
    made = staff.statement(ada, "2026-11")
    assert (made.granted_nanos, made.overrun_nanos, made.spent_nanos, made.closing_nanos) == (
        *(USD, 2 * USD, 3 * USD, 0),
    )


def test_a_call_that_cost_nothing_and_one_without_a_record_are_told(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 10)
    staff.caller.hold("free", ada.id, (lot,), USD, NOVEMBER.start_us, model="opus")
    staff.caller.settle("free", 0, NOVEMBER.start_us + 1)
    posted(staff.journal.post(Hold("bare", ada.id, (lot,), (), USD, USD, NOVEMBER.start_us + 2)))
    posted(staff.journal.post(Settle("bare", 5, NOVEMBER.start_us + DAY)))
    made = staff.statement(ada, "2026-11")
    assert [(line.day, line.model, line.calls, line.cost_nanos) for line in made.spending] == [
        ("2026-11-01", "opus", 1, 0),
        ("2026-11-02", "", 1, 5),
    ]


def test_days_are_those_of_the_plans_time_zone(staff: Staff, ada: Person) -> None:
    """In Stockholm clocks go back on 25 October 2026: that day has 25 hours."""
    lot = staff.lot(ada, "engineers", "2026-10", 10)
    october = Monthly(ZONE).named("2026-10")
    start_of_25_us = october.start_us + 24 * DAY
    for name, at_us in (("a", start_of_25_us - 1), ("b", start_of_25_us), ("c", start_of_25_us + 25 * HOUR - 1)):
        staff.caller.hold(name, ada.id, (lot,), 10, at_us)
        staff.caller.settle(name, 1, at_us)
    staff.caller.hold("d", ada.id, (lot,), 10, start_of_25_us + 25 * HOUR)
    staff.caller.settle("d", 1, start_of_25_us + 25 * HOUR)
    days = [(line.day, line.calls) for line in staff.statement(ada, "2026-10").spending]
    assert days == [("2026-10-24", 1), ("2026-10-25", 2), ("2026-10-26", 1)]


def test_another_persons_calls_are_not_on_it(staff: Staff, ada: Person) -> None:
    staff.lot(ada, "engineers", "2026-11", 10)
    grace = staff.person("Grace")
    other = staff.lot(grace, "engineers", "2026-11", 10)
    staff.caller.hold("a", grace.id, (other,), USD, NOVEMBER.start_us)
    staff.caller.settle("a", USD, NOVEMBER.start_us)
    assert staff.statement(ada, "2026-11").spent_nanos == 0
    assert staff.statement(grace, "2026-11").spent_nanos == USD


def test_an_unknown_person_and_an_unknown_period_are_refused_by_name(staff: Staff, ada: Person) -> None:
    nobody = Person(99, "", "", "", 0)
    with pytest.raises(Refused) as refused:
        staff.statement(nobody, "2026-11")
    assert (refused.value.refusal.why, str(refused.value)) == (Why.UNKNOWN, "There is no person '99'.")
    with pytest.raises(Refused) as refused:
        staff.statement(ada, "2026-11")
    assert refused.value.refusal.why is Why.UNKNOWN
    assert str(refused.value) == "There is no budget of ada@example.com for the period '2026-11'."


def test_the_json_has_dollars_and_instants(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 10)
    staff.caller.hold("a", ada.id, (lot,), 5, NOVEMBER.start_us)
    staff.caller.settle("a", 1, NOVEMBER.start_us)
    text = staff.statement(ada, "2026-11").to_json().decode()
    assert '"spent": "0.000000001"' in text
    assert '"closing": "9.999999999"' in text
    assert '"opens": "2026-10-31T23:00:00Z"' in text
    assert text.endswith("}\n")


REBUILD = """
import sys
from pathlib import Path
from bursar.document import Facts
from bursar.reports.statement import statement
from bursar.reports.statement_html import render_html
from bursar.reports.statement_pdf import render_pdf
from bursar.reports.statement_text import render
from bursar.store.database import Database
facts = Facts(id="st-1", number=1, replaces=None, issued="2026-12-01T00:00:00Z")
database = Database.in_folder(Path(sys.argv[1]))
with database.reading() as connection:
    made = statement(connection, 1, "2026-11")
pages = render_html(made, facts, b"{}") + render_pdf(made, facts, b"{}")
sys.stdout.buffer.write(made.to_json() + render(made).encode() + pages)
database.close()
"""


def test_a_statement_made_again_elsewhere_is_the_same_to_the_byte(
    sqlite_database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    journal = Journal(sqlite_database, clock)
    staff = Staff(sqlite_database, journal)
    ada = staff.person("Ada")
    lots = staff.lot(ada, "small", "2026-11", 5), staff.lot(ada, "large", "2026-11", 500)
    _random_calls(staff, ada, lots, random.Random(7), 60)
    journal.close()
    sqlite_database.close()
    there = tmp_path / "elsewhere"
    there.mkdir()
    shutil.copy(tmp_path / "bursar.sqlite", there)
    made: list[bytes] = []
    for folder, zone, locale in ((tmp_path, "UTC", "C.UTF-8"), (there, "Pacific/Apia", "C")):
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(len(made))}
        command = [sys.executable, "-c", REBUILD, str(folder)]
        made.append(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert made[0] == made[1]
    assert len(made[0]) > 20_000


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), calls=st.integers(0, 40))
def test_random_months_add_up(
    seed: int, calls: int, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The law is asserted by `statement` itself; here it is held against what the calls were made to cost."""
    folder = tmp_path_factory.mktemp("month")
    shutil.copy(migrated_file, folder)
    database = Database.in_folder(folder)
    journal = Journal(database, VirtualClock())
    staff = Staff(database, journal)
    ada = staff.person("Ada")
    lots = staff.lot(ada, "small", "2026-11", 3), staff.lot(ada, "large", "2026-11", 300)
    spent, held = _random_calls(staff, ada, lots, random.Random(seed), calls)
    made = staff.statement(ada, "2026-11")
    assert (made.spent_nanos, made.held_nanos) == (spent, held)
    assert made.closing_nanos == 303 * USD + made.overrun_nanos - spent - made.expired_nanos
    with database.reading() as connection:
        assert verify(connection).faults == []
    journal.close()
    database.close()
    shutil.rmtree(folder)


def _random_calls(
    staff: Staff, person: Person, lots: tuple[int, ...], rng: random.Random, count: int
) -> tuple[int, int]:
    """Make calls through November, some of them ending after it. Returns what they cost and what is still held."""
    spent = held = 0
    for index in range(count):
        at_us = NOVEMBER.start_us + rng.randrange(30 * DAY)
        bound = rng.randrange(1, 5 * USD)
        staff.caller.hold(f"c{index}", person.id, lots, bound, at_us, model=rng.choice(["opus", "haiku", "gpt"]))
        ending, end_us = rng.random(), at_us + rng.randrange(2 * DAY)
        cost = rng.randrange(bound + 1)
        if ending < 0.7:
            staff.caller.settle(f"c{index}", cost, end_us)
            spent += cost
        elif ending < 0.8:
            staff.caller.settle(f"c{index}", bound, end_us, reason="no answer")
            spent += bound
        elif ending < 0.9:
            staff.caller.release(f"c{index}", end_us)
        else:
            held += bound
    return spent, held
