"""Changes of terms on both engines: what they do to lots, and what the plan's promises do not let happen."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
import sqlalchemy as sa

from bursar.books import changes, requests
from bursar.books.changes import Announcement
from bursar.books.limits import grant_pool
from bursar.periods import to_us
from bursar.refusals import Refusal, Refused, Why
from bursar.store import directory
from bursar.store.changes import Change, changes_of
from bursar.store.employment import Absence, put_absences
from bursar.store.schema import people, postings
from tests.support.calls import USD
from tests.support.teams import Company

ADA = "ada@example.com"
NOTICE = "notice_reduce_days = 30\nnotice_revoke_days = 60\n"


def us(day: str) -> int:
    return to_us(datetime.fromisoformat(day).replace(tzinfo=UTC))


def hired(company: Company, more: str = "", usd: int = 1_000, begins: str | None = None) -> str:
    """Ada, on a plan of so many dollars a month, from 1 November 2026 or earlier."""
    company.person("ada", usd=None)
    company.plan("engineers", usd, more)
    company.books.grant(ADA, "engineers", None if begins is None else us(begins))
    return ADA


def at(company: Company, day: str) -> None:
    """Let it be a day; nothing runs before somebody asks."""
    company.clock.now_us = us(day)


def announced(effective: str | None = None, **more: str) -> Announcement:
    effective_us = None if effective is None else us(effective)
    return Announcement(person=ADA, reason="why not", actor="boss@example.com", effective_us=effective_us, **more)


def amount(company: Company, usd: int, effective: str | None = None) -> Change:
    return changes.change_amount(company.books, announced(effective), usd * USD)


def refusal_of(company: Company, act: str, effective: str | None = None, usd: int = 0, **more: str) -> Refusal:
    """Why a change is refused: "amount", "pause", "resume" or "revoke"."""
    wanted = announced(effective, **more)
    more_dollars = (usd * USD,) if act == "amount" else ()
    with pytest.raises(Refused) as refused:
        getattr(changes, "change_amount" if act == "amount" else act)(company.books, wanted, *more_dollars)
    return refused.value.refusal


def lot(company: Company, label: str) -> tuple[int, ...]:
    """A period's lot in dollars: granted, available, spent, revoked."""
    company.books.bring_up()
    found = company.balance("grant:1", label)
    return tuple(nanos // USD for nanos in (found.granted, found.available, found.spent, found.revoked))


def labels(company: Company) -> list[str]:
    company.books.bring_up()
    with company.books.database.reading() as connection:
        query = sa.select(postings.c.op).where(postings.c.op.like("open:grant:%")).order_by(postings.c.op)
        return [op.rpartition(":")[2] for op in connection.execute(query).scalars()]


def count_postings(company: Company) -> int:
    with company.books.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(postings)).scalar_one())


def test_a_raise_adds_its_difference_at_once_and_holds_for_the_next_period(company: Company) -> None:
    hired(company)
    assert company.call(ADA, 900) is None
    at(company, "2026-11-10")
    raised = amount(company, 1_500)
    assert (raised.kind, raised.announced_us, raised.effective_us) == ("raise", us("2026-11-10"), us("2026-11-10"))
    assert "$1,500.00 in each period instead of $1,000.00" in raised.told
    assert lot(company, "2026-11") == (1_500, 600, 900, 0)
    before = count_postings(company)
    assert company.books.bring_up() == company.books.bring_up() == 0, "the same journal, however often it is asked"
    assert count_postings(company) == before
    at(company, "2026-12-05")
    assert lot(company, "2026-12")[0] == 1_500


def test_a_raise_in_the_very_instant_in_which_a_lot_opens_is_not_lost(company: Company) -> None:
    hired(company)
    amount(company, 1_200)
    assert lot(company, "2026-11")[0] == 1_200
    amount(company, 900)
    assert lot(company, "2026-11")[0] == 1_200, "a reduction never takes from a lot that is open"
    at(company, "2026-12-01")
    assert lot(company, "2026-12")[0] == 900


def test_a_prorated_raise_counts_from_its_day(company: Company) -> None:
    hired(company, 'proration = "daily"')
    amount(company, 1_300, "2026-11-21")
    assert lot(company, "2026-11")[0] == 1_000
    at(company, "2026-11-21")
    assert lot(company, "2026-11")[0] == 1_100, "ten days of thirty"


def test_a_reduction_needs_its_notice_and_then_holds_from_the_next_period(company: Company) -> None:
    hired(company, NOTICE)
    at(company, "2026-11-20")
    refusal = refusal_of(company, "amount", "2026-12-01", 500)
    assert (refusal.why, refusal.field, refusal.status) == (Why.NOTICE_TOO_SHORT, "effective", 409)
    assert refusal.text == (
        "The plan engineers promises 30 days of notice before a budget is reduced, so 2026-12-01 is too soon. "
        "The earliest date is 2026-12-21."
    )
    assert refusal_of(company, "amount", "2026-12-20", 500).why is Why.NOTICE_TOO_SHORT
    assert amount(company, 500, "2026-12-21").kind == "reduce"
    at(company, "2026-12-30")
    assert lot(company, "2026-12")[0] == 1_000, "the notice spans a period, which keeps what it was opened with"
    at(company, "2027-01-02")
    assert lot(company, "2027-01")[0] == 500


def test_two_changes_on_one_day_the_later_announced_holds(company: Company) -> None:
    hired(company)
    at(company, "2026-11-10")
    amount(company, 1_500, "2026-12-01")
    amount(company, 1_200, "2026-12-01")
    at(company, "2026-12-01")
    assert lot(company, "2026-12")[0] == 1_200
    amount(company, 1_400)
    amount(company, 1_800)
    assert lot(company, "2026-12")[0] == 1_800
    assert [change.kind for change in found(company)] == ["raise", "reduce", "raise", "raise"]


def test_nothing_is_the_same_whether_somebody_looked_in_between_or_not(company: Company) -> None:
    """The journal is derived from the clock: months later it is what it would have been."""
    hired(company, 'vesting_months = 10\nunused = "carry_over"\ncarry_over_periods = 2', begins="2026-11-01")
    amount(company, 1_500, "2026-12-10")
    changes.revoke(company.books, announced("2027-02-10"))
    at(company, "2027-05-01")
    company.books.bring_up()
    granted = [company.balance("grant:1", label).granted // USD for label in ("-11", "-12", "-01", "-02")]
    assert granted == [1_000, 1_500, 1_500, 1_500]
    last = company.balance("grant:1", "2027-02")
    put_in = last.granted + last.carried_in
    assert put_in == 4_500 * USD, "December and January were carried on; November's two periods were over"
    assert last.revoked == put_in - put_in * 3 // 10
    assert labels(company)[-1] == "2027-02", "no lot opens after a revocation"


def test_spent_held_and_vested_credit_is_never_taken_back(company: Company) -> None:
    hired(company, "vesting_months = 10", begins="2026-09-01")
    at(company, "2026-11-15")
    assert company.call(ADA, 100) is None
    held = company.hold(ADA, 500)
    company.books.bring_up()
    changes.revoke(company.books, announced())
    assert lot(company, "2026-11") == (1_000, 0, 100, 400), "2 of 10 months are vested, and less is spent and held"
    company.settle(held, 50)  # type: ignore[arg-type]
    assert lot(company, "2026-11") == (1_000, 50, 150, 800), "what the call gave back was not vested but for 50"
    assert company.call(ADA, 50) is None, "what is vested may be spent"
    at(company, "2026-12-02")
    assert labels(company)[-1] == "2026-11"
    refused = company.hold(ADA, 1)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.NO_GRANT


def test_what_vests_until_a_revocation_takes_effect_is_kept(company: Company) -> None:
    hired(company, NOTICE + "vesting_months = 4\nvesting_cliff_months = 2", begins="2026-11-01")
    refusal = refusal_of(company, "revoke", "2026-12-15")
    assert (refusal.why, refusal.facts["earliest"]) == (Why.NOTICE_TOO_SHORT, "2027-01-01")
    changes.revoke(company.books, announced("2027-01-20"))
    at(company, "2027-01-19")
    assert lot(company, "2027-01") == (1_000, 1_000, 0, 0)
    spender = company.spender(ADA)
    assert spender.until_us <= us("2027-01-20"), "who is known is looked up again when it takes effect"
    at(company, "2027-01-20")
    assert lot(company, "2027-01") == (1_000, 500, 0, 500)


def test_when_all_is_vested_a_grant_ends_with_its_period(company: Company) -> None:
    hired(company, "vesting_months = 2", begins="2026-09-01")
    at(company, "2026-11-15")
    for approver in ("", "second@example.com"):
        refusal = refusal_of(company, "revoke", approver=approver)
        assert (refusal.why, refusal.facts["earliest"]) == (Why.CREDIT_VESTED, "2026-12-01")
    changes.revoke(company.books, announced("2026-12-01"))
    at(company, "2026-12-01")
    assert lot(company, "2026-11") == (1_000, 0, 0, 0)
    assert labels(company)[-1] == "2026-11"


def test_not_revocable_but_for_cause(company: Company) -> None:
    hired(company, "revocable = false\nnotice_reduce_days = 30")
    at(company, "2026-11-10")
    assert refusal_of(company, "revoke", "2027-11-01").why is Why.NOT_REVOCABLE
    made = changes.revoke(company.books, announced(approver="second@example.com"))
    assert (made.kind, made.approver) == ("revoke_for_cause", "second@example.com")
    assert "for cause" in made.told
    assert lot(company, "2026-11") == (1_000, 0, 0, 1_000)
    assert refusal_of(company, "revoke").why is Why.NO_GRANT
    assert refusal_of(company, "amount", None, 5).why is Why.NO_GRANT


def test_for_cause_comes_before_a_revocation_that_was_announced(company: Company) -> None:
    hired(company, NOTICE)
    changes.revoke(company.books, announced("2027-02-01"))
    assert refusal_of(company, "revoke", "2027-03-01").why is Why.NOTHING_TO_CHANGE
    assert refusal_of(company, "amount", "2027-02-01", 2_000).why is Why.NOTHING_TO_CHANGE
    changes.revoke(company.books, announced("2026-12-10", approver="second@example.com"))
    at(company, "2027-01-05")
    assert labels(company) == ["2026-11", "2026-12"]
    assert company.balance("grant:1", "2026-12").revoked == 1_000 * USD


def test_a_pause_closes_admission_and_a_resumption_opens_it(company: Company) -> None:
    hired(company)
    at(company, "2026-11-10")
    company.spender(ADA)
    changes.pause(company.books, announced("2026-11-20"))
    assert company.call(ADA, 1) is None, "not yet"
    assert company.spender(ADA).until_us <= us("2026-11-20")
    at(company, "2026-11-20")
    spender = company.spender(ADA)
    assert spender.lots == ()
    assert spender.paused is not None
    assert (spender.paused.why, spender.paused.status) == (Why.PAUSED, 402)
    assert "paused since 2026-11-20T00:00:00Z: why not" in spender.paused.text
    at(company, "2026-12-10")
    assert labels(company) == ["2026-11"], "no period opens in a pause"
    assert refusal_of(company, "pause").why is Why.NOTHING_TO_CHANGE
    changes.resume(company.books, announced())
    assert company.call(ADA, 1) is None
    assert company.balance("grant:1", "2026-12").opens_us == us("2026-12-10")
    assert refusal_of(company, "resume").why is Why.NOTHING_TO_CHANGE


def test_a_pause_with_an_end_ends_by_itself(company: Company) -> None:
    hired(company, 'proration = "daily"', usd=3_100)
    changes.pause(company.books, announced("2026-11-20"), us("2026-12-22"))
    at(company, "2026-12-21")
    assert company.spender(ADA).lots == ()
    assert company.spender(ADA).until_us <= us("2026-12-22")
    at(company, "2026-12-22")
    assert company.call(ADA, 1) is None
    assert lot(company, "2026-12")[0] == 1_000, "ten days of thirty-one"
    with pytest.raises(Refused) as refused:
        changes.pause(company.books, announced("2027-01-05"), us("2027-01-05"))
    assert refused.value.refusal.field == "until"


def test_a_pause_is_no_way_around_the_notice_but_for_leave(company: Company) -> None:
    hired(company, NOTICE)
    refusal = refusal_of(company, "pause", "2026-11-20")
    assert (refusal.why, refusal.facts["earliest"]) == (Why.NOTICE_TOO_SHORT, "2026-12-02")
    with company.books.database.reading() as connection:
        person = directory.person(connection, ADA)
    leave = Absence(person.id, "2026-11-16", "2026-12-15", "parental leave")
    company.books.journal.write(lambda connection: put_absences(connection, [leave], []))
    assert refusal_of(company, "pause", "2026-11-20").why is Why.NOTICE_TOO_SHORT, "leave ends, the pause would not"
    with pytest.raises(Refused):
        changes.pause(company.books, announced("2026-11-15"), us("2026-12-16"))
    changes.pause(company.books, announced("2026-11-16"), us("2026-12-16"))
    changes.pause(company.books, announced("2026-12-20", approver="second@example.com"))


def test_the_teams_pool_is_closed_by_a_pause_too(company: Company) -> None:
    hired(company)
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared")
    assert len(company.spender(ADA).lots) == 2
    changes.pause(company.books, announced(plan="engineers"))
    assert len(company.spender(ADA).lots) == 1, "the pause of a plan closes that plan's lots"
    changes.pause(company.books, announced("2026-11-02"))
    at(company, "2026-11-02")
    assert company.spender(ADA).lots == ()


@pytest.mark.parametrize(
    ("terms", "revoked", "cashed", "left"),
    [
        ('on_leaving = "forfeit"', 900, 0, 0),
        ('on_leaving = "forfeit"\nvesting_months = 10', 800, 0, 100),
        (
            'on_leaving = "forfeit"\nvesting_months = 10\nleaving_vested = "cash_out"\ncash_out_rate = "50%"',
            800,
            100,
            0,
        ),
        ('on_leaving = "days"\nleaving_days = 5', 0, 0, 900),
        ('on_leaving = "period_end"', 0, 0, 900),
    ],
)
def test_who_leaves_keeps_what_the_plan_says(
    company: Company, terms: str, revoked: int, cashed: int, left: int
) -> None:
    hired(company, terms, begins="2026-09-01")
    at(company, "2026-11-12")
    assert company.call(ADA, 100) is None
    ends = sa.update(people).where(people.c.email == ADA).values(ends="2026-11-14")
    company.books.journal.write(lambda connection: connection.execute(ends))
    at(company, "2026-11-15")
    for _ in range(2):
        assert lot(company, "2026-11") == (1_000, left, 100, revoked)
        assert company.balance("grant:1", "2026-11").cashed_out == cashed * USD
    at(company, "2026-11-20")
    assert lot(company, "2026-11")[1] == (0 if "leaving_days" in terms else left)
    at(company, "2026-12-02")
    assert labels(company)[-1] == "2026-11"


def test_a_change_says_why_and_never_reaches_back(company: Company) -> None:
    hired(company)
    at(company, "2026-11-10")
    refusal = refusal_of(company, "amount", "2026-11-09", 5_000)
    assert (refusal.why, refusal.field) == (Why.FIELD_INVALID, "effective")
    assert amount(company, 5_000, "2026-11-10").effective_us == company.clock(), "today is at once"
    for reason in ("", "  ", "a\nb", "x" * 501):
        with pytest.raises(Refused) as refused:
            changes.pause(company.books, Announcement(person=ADA, reason=reason, actor="boss"))
        assert refused.value.refusal.field == "reason"
    with pytest.raises(Refused) as refused:
        changes.change_amount(company.books, announced(), 0)
    assert refused.value.refusal.field == "amount"
    assert refusal_of(company, "amount", None, 5_000).why is Why.NOTHING_TO_CHANGE


def test_with_several_plans_one_is_named(company: Company) -> None:
    hired(company)
    company.plan("tools", 10)
    company.books.grant(ADA, "tools")
    assert refusal_of(company, "amount", None, 50).field == "plan"
    assert refusal_of(company, "amount", None, 50, plan="nothing").why is Why.UNKNOWN
    changes.change_amount(company.books, announced(plan="tools"), 50 * USD)
    assert company.balance("grant:2").granted == 50 * USD


def test_a_request_is_not_added_to_what_is_left_of_an_earlier_period(company: Company) -> None:
    """November's lot has its grace, but Ada left with November: no lot of December is there to add to."""
    hired(company, 'unused = "grace"\ngrace_days = 15')
    asked = requests.ask(company.books, ADA, 500 * USD, "load test")
    left = sa.update(people).values(ends="2026-11-30")
    company.books.journal.write(lambda connection: connection.execute(left))
    at(company, "2026-12-05")
    with pytest.raises(Refused) as refused:
        requests.approve(company.books, asked.id, "boss@example.com")
    assert refused.value.refusal.why is Why.NO_GRANT
    assert lot(company, "2026-11") == (1_000, 1_000, 0, 0)


def test_a_request_is_answered_once_and_adds_to_the_lot_that_is_open(company: Company) -> None:
    hired(company, "vesting_months = 10")
    at(company, "2026-11-10")
    asked = requests.ask(company.books, ADA, 500 * USD, "load test")
    assert (asked.state, asked.asked_us) == ("open", us("2026-11-10"))
    answered, change = requests.approve(company.books, asked.id, "boss@example.com", "Good luck")
    assert (answered.state, answered.change_id, change.kind) == ("approved", change.id, "add")
    assert lot(company, "2026-11") == (1_500, 1_500, 0, 0)
    with pytest.raises(Refused) as refused:
        requests.deny(company.books, asked.id, "boss@example.com", "No")
    assert refused.value.refusal.text == (
        "The request 1 was approved by boss@example.com on 2026-11-10T00:00:00Z already."
    )
    second = requests.ask(company.books, ADA, 5 * USD, "more")
    assert requests.deny(company.books, second.id, "boss@example.com", "Enough").answer == "Enough"
    at(company, "2026-12-10")
    assert lot(company, "2026-12")[0] == 1_000, "once"
    changes.revoke(company.books, announced())
    third = requests.ask(company.books, ADA, 5 * USD, "please")
    with pytest.raises(Refused) as refused:
        requests.approve(company.books, third.id, "boss@example.com")
    assert refused.value.refusal.why is Why.NO_GRANT


def found(company: Company) -> list[Change]:
    with company.books.database.reading() as connection:
        return changes_of(connection)


def test_a_change_cannot_be_edited_or_taken_away(company: Company) -> None:
    hired(company)
    amount(company, 2_000)
    for change in ("UPDATE changes SET reason = ''", "DELETE FROM changes"):
        statement = sa.text(change)
        with pytest.raises(sa.exc.DBAPIError):
            company.books.journal.write(partial(sa.Connection.execute, statement=statement))
    assert [change.reason for change in found(company)] == ["why not"]
