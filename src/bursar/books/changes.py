"""The verbs that change somebody's terms: raise, reduce, pause, resume, revoke, extend. Each is an event that stays.

A change is checked against what the plan promised, and refused by name with the earliest date that would be right.
It acts from its effective instant on: what was spent or held before is never taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.holdings import Holding, holdings
from bursar.books.lots import source_of
from bursar.money import MAX_NANOS, SOME_MONEY, people_usd, usd
from bursar.periods import first_instant
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.changes import Change, add_change, lock_person
from bursar.store.directory import Person
from bursar.store.employment import absences_of
from bursar.store.schema import balances
from bursar.terms.amounts import Kind
from bursar.terms.notice import Worse, earliest_us, notice_days
from bursar.terms.schedules import local_day
from bursar.terms.vesting import vested_nanos
from bursar.terms.worth import Prices

MAX_REASON_LENGTH = 500
_OF_TOKENS = "left out: the plan {plan} gives tokens; revoke it and grant another plan, or approve a request once"
T = TypeVar("T")


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """Who announces a change to whom, from when on it is to hold, and why.

    `person` is an e-mail. `effective_us` None is at once. `plan` names the grant; it may be left out when there is
    only one, and for what concerns all of them. `approver` is a second administrator, who has been asked already;
    with one a change is for cause, and needs no notice.
    """

    person: str
    reason: str
    actor: str
    effective_us: int | None = None
    plan: str | None = None
    approver: str = ""


def change_amount(books: Books, announced: Announcement, amount_nanos: int) -> Change:
    """Raise or reduce what a grant gives in each period.

    A raise adds its difference to the lot that is open when it takes effect; a reduction holds for lots that open
    from then on. Refused without notice of a reduction.
    """
    if not 0 < amount_nanos < MAX_NANOS:
        raise field_invalid("amount", usd(amount_nanos), f"{SOME_MONEY}; to end a budget, revoke it")

    def decide(change: _Changing) -> Change:
        held = change.only(announced.plan)
        effective_us = change.effective_us(held, announced.effective_us)
        _must_go_on(held, effective_us)
        if held.terms.tokens:
            raise field_invalid("amount", usd(amount_nanos), _OF_TOKENS.format(plan=held.terms.name))
        before = held.promised(effective_us).amount_nanos
        if amount_nanos == before:
            raise _nothing(f"{people_usd(before)} is what the plan {held.terms.name} gives then already")
        kind = Kind.RAISE if amount_nanos > before else Kind.REDUCE
        if kind is Kind.REDUCE:
            change.must_have_notice(held, "reduce", effective_us)
        told = (
            f"From {held.day(effective_us)} on the plan {held.terms.name} gives you {people_usd(amount_nanos)} "
            f"in each period instead of {people_usd(before)}."
        )
        return change.write(kind, held, effective_us, told, amount_nanos=amount_nanos)

    return _announce(books, announced, decide)


def pause(books: Books, announced: Announcement, until_us: int | None = None) -> Change:
    """Close a person's budgets, or one of them, from an instant on: no call is paid, and no lot opens.

    It ends by itself at `until_us`, or with `resume`. A budget that is paused is worth nothing, so this is refused
    without the notice that a reduction needs, unless the person is on leave all the time or there is an approver.
    """

    def decide(change: _Changing) -> Change:
        concerned = change.all(announced.plan)
        effective_us = change.effective_us(concerned[0], announced.effective_us)
        if until_us is not None and until_us <= effective_us:
            raise field_invalid("until", concerned[0].day(until_us), "later than the pause begins")
        closed = [held.pause(effective_us) for held in concerned]
        if all(one is not None and (announced.plan is not None or one.grant_id is None) for one in closed):
            raise _nothing(f"the budget is paused on {concerned[0].day(effective_us)} already")
        for held in concerned:
            if not announced.approver and not change.on_leave(held, effective_us, until_us):
                change.must_have_notice(held, "reduce", effective_us, changed="paused")
        ends = "until you are told otherwise" if until_us is None else f"until {concerned[0].day(until_us)}"
        told = f"From {concerned[0].day(effective_us)} on {change.budgets(announced.plan)} paused, {ends}."
        only = concerned[0] if announced.plan is not None else None
        return change.write(Kind.PAUSE, only, effective_us, told, until_us=until_us)

    return _announce(books, announced, decide)


def resume(books: Books, announced: Announcement) -> Change:
    """End a pause."""

    def decide(change: _Changing) -> Change:
        concerned = change.all(announced.plan)
        effective_us = change.effective_us(concerned[0], announced.effective_us)
        if not any(held.pause(effective_us) for held in concerned):
            raise _nothing(f"nothing is paused on {concerned[0].day(effective_us)}")
        told = f"From {concerned[0].day(effective_us)} on {change.budgets(announced.plan)} open again."
        only = concerned[0] if announced.plan is not None else None
        return change.write(Kind.RESUME, only, effective_us, told)

    return _announce(books, announced, decide)


def revoke(books: Books, announced: Announcement) -> Change:
    """End a grant: no lot opens from then on, and what is neither spent nor vested in those that are open is taken.

    Refused without notice, and when the plan says that credit is not revocable; with an approver it is for cause, and
    neither holds it up. Vested credit stays in any case: when all of it is vested, the grant ends with its period.
    """

    def decide(change: _Changing) -> Change:
        held = change.only(announced.plan)
        effective_us = change.effective_us(held, announced.effective_us)
        _must_go_on(held, effective_us)
        _may_be_revoked(change, held, effective_us)
        kind = Kind.REVOKE_FOR_CAUSE if announced.approver else Kind.REVOKE
        for_cause = " for cause" if announced.approver else ""
        told = (
            f"The plan {held.terms.name} is revoked{for_cause} from {held.day(effective_us)} on. What you have "
            "spent and what has vested stays yours."
        )
        return change.write(kind, held, effective_us, told)

    return _announce(books, announced, decide)


def revoke_part(books: Books, announced: Announcement, amount_nanos: int) -> Change:
    """Take a part of the credit that is open at an instant, as far as it is neither spent, held nor vested by then.

    The grant goes on: lots that open afterwards are whole. Refused as `revoke` is.
    """
    if not 0 < amount_nanos < MAX_NANOS:
        raise field_invalid("amount", usd(amount_nanos), SOME_MONEY)

    def decide(change: _Changing) -> Change:
        held = change.only(announced.plan)
        effective_us = change.effective_us(held, announced.effective_us)
        _must_go_on(held, effective_us)
        _may_be_revoked(change, held, effective_us)
        for_cause = " for cause" if announced.approver else ""
        told = (
            f"Of the credit of the plan {held.terms.name} that is open on {held.day(effective_us)}, "
            f"{people_usd(amount_nanos)} is taken back{for_cause}, as far as it is neither spent nor vested by then. "
            "Later periods are whole."
        )
        return change.write(Kind.REVOKE_PART, held, effective_us, told, amount_nanos=amount_nanos)

    return _announce(books, announced, decide)


def extend(books: Books, announced: Announcement, until_us: int) -> Change:
    """Let credit that is open at an instant be used longer: until `until_us`, if it would end before.

    Nothing else changes: the periods stay as they are, and lots that open afterwards end as the plan says.
    """

    def decide(change: _Changing) -> Change:
        held = change.only(announced.plan)
        effective_us = change.effective_us(held, announced.effective_us)
        _must_go_on(held, effective_us)
        ends_us = change.ends_us(held, effective_us)
        if until_us <= ends_us:
            right = f"later than {held.day(ends_us)}, when the credit that is open then ends"
            raise field_invalid("until", held.day(until_us), right)
        told = (
            f"Credit of the plan {held.terms.name} that is open on {held.day(effective_us)} can be used until "
            f"{held.day(until_us)}."
        )
        return change.write(Kind.EXTEND, held, effective_us, told, until_us=until_us)

    return _announce(books, announced, decide)


def _may_be_revoked(change: _Changing, held: Holding, effective_us: int) -> None:
    """Refuse to revoke what the plan says is not, or sooner than it says, but for cause; and what has vested."""
    if not change.for_cause:
        if not held.terms.revocable:
            raise Refused(refuse(Why.NOT_REVOCABLE, plan=held.terms.name))
        change.must_have_notice(held, "revoke", effective_us)
    _must_leave_vested(held, effective_us)


class _Changing:
    """One person's terms while they are changed, in one transaction."""

    def __init__(
        self,
        connection: sa.Connection,
        person: Person,
        announced: Announcement,
        announced_us: int,
        prices: Prices,
    ) -> None:
        self._connection, self._person = connection, person
        self._announced, self.announced_us = announced, announced_us
        self._held = [
            held
            for held in holdings(connection, person.id, prices)
            if held.revoked is None or held.revoked.effective_us > announced_us
        ]

    def all(self, plan: str | None) -> list[Holding]:
        """The grants that are not revoked: of a plan the newest, or all. Refused when there is none."""
        if plan is not None:
            return [self.only(plan)]
        if not self._held:
            raise Refused(refuse(Why.NO_GRANT))
        return self._held

    def only(self, plan: str | None) -> Holding:
        """The newest grant of a plan, or the only one there is. Refused when that is not clear."""
        if plan is not None:
            named = [held for held in self._held if held.terms.name == plan]
            if not named:
                raise Refused(refuse(Why.UNKNOWN, what="grant of the plan", name=plan, field="plan"))
            return named[-1]
        if len({held.terms.name for held in self.all(None)}) > 1:
            names = " or ".join(sorted({held.terms.name for held in self._held}))
            raise Refused(refuse(Why.FIELD_MISSING, field="plan", right=f"one of the person's plans, {names}"))
        return self._held[-1]

    def budgets(self, plan: str | None) -> str:
        """What a pause concerns, in words."""
        return "all your budgets are" if plan is None else f"your budget of the plan {plan} is"

    def effective_us(self, held: Holding, wanted_us: int | None) -> int:
        """When the change takes effect: at once, or when it is wanted. Refused when that is in the past."""
        zone = held.terms.time_zone
        if wanted_us is None or wanted_us == first_instant(local_day(self.announced_us, zone), ZoneInfo(zone)):
            return self.announced_us
        if wanted_us < self.announced_us:
            raise field_invalid("effective", held.day(wanted_us), "today or later: no change reaches back")
        return wanted_us

    @property
    def for_cause(self) -> bool:
        """Whether a second administrator agrees, so that no notice is needed."""
        return bool(self._announced.approver)

    def ends_us(self, held: Holding, at_us: int) -> int:
        """When the last lot of a grant ends that is open at an instant. Refused when none is open now."""
        lot = balances.c
        query = sa.select(sa.func.max(lot.expires_us)).where(
            lot.source == source_of(held.grant), lot.opens_us <= at_us, lot.expires_us > at_us
        )
        found = self._connection.execute(query).scalar()
        if found is not None:
            return int(found)
        if at_us <= self.announced_us:
            raise _nothing(f"no credit of the plan {held.terms.name} is open")
        return held.terms.periods.at(at_us).end_us

    def must_have_notice(self, held: Holding, worse: Worse, effective_us: int, *, changed: str = "") -> None:
        """Refuse a change for the worse that comes sooner than the plan promises."""
        right_us = earliest_us(held.terms, worse, self.announced_us)
        if effective_us < right_us:
            raise Refused(
                refuse(
                    Why.NOTICE_TOO_SHORT,
                    field="effective",
                    plan=held.terms.name,
                    days=notice_days(held.terms, worse),
                    changed=changed or {"reduce": "reduced", "revoke": "revoked"}[worse],
                    effective=held.day(effective_us),
                    earliest=held.day(right_us),
                )
            )

    def on_leave(self, held: Holding, from_us: int, until_us: int | None) -> bool:
        """Whether the person is away for all of a time, by the roster."""
        zone = held.terms.time_zone
        first = local_day(from_us, zone).isoformat()
        last = None if until_us is None else local_day(until_us - 1, zone).isoformat()
        return any(
            absence.from_day <= first and (absence.to_day is None or (last is not None and last <= absence.to_day))
            for absence in absences_of(self._connection, self._person.id)
        )

    def write(
        self,
        kind: Kind,
        held: Holding | None,
        effective_us: int,
        told: str,
        *,
        amount_nanos: int | None = None,
        until_us: int | None = None,
    ) -> Change:
        """Write the change down."""
        return add_change(
            self._connection,
            person_id=self._person.id,
            grant_id=None if held is None else held.grant.id,
            kind=kind.value,
            amount_nanos=amount_nanos,
            announced_us=self.announced_us,
            effective_us=effective_us,
            until_us=until_us,
            reason=self._announced.reason,
            actor=self._announced.actor,
            approver=self._announced.approver,
            told=told,
        )


def _announce(books: Books, announced: Announcement, decide: Callable[[_Changing], T]) -> T:
    """Decide a change in a transaction, and let it take effect if it is time.

    What is due before it is posted first, so that lots that opened by now have opened under the old terms.
    """
    check_reason(announced.reason)
    email = announced.person.strip().lower()
    with books.database.reading() as connection:
        person_id = directory.person(connection, email).id
    books.bring_up(person_id)

    def write(connection: sa.Connection) -> T:
        lock_person(connection, person_id)
        person = directory.person_by_id(connection, person_id)
        return decide(_Changing(connection, person, announced, books.clock(), books.term_prices))

    made = books.journal.write(write)
    books.forget_spenders()
    books.bring_up(person_id)
    return made


def check_reason(reason: str) -> None:
    """Refuse a reason that is none."""
    if not reason.strip():
        raise Refused(refuse(Why.FIELD_MISSING, field="reason", right="why; the person reads it"))
    if len(reason) > MAX_REASON_LENGTH or not reason.isprintable():
        raise field_invalid(
            "reason", "too long or not printable", f"a line of at most {MAX_REASON_LENGTH} characters"
        )


def _must_go_on(held: Holding, effective_us: int) -> None:
    """Refuse to change a grant from an instant at which it will be revoked."""
    if held.revoked is not None and held.revoked.effective_us <= effective_us:
        raise _nothing(f"the plan {held.terms.name} is revoked from {held.day(held.revoked.effective_us)} on")


def _must_leave_vested(held: Holding, effective_us: int) -> None:
    """Refuse to revoke in the midst of a period whose credit has all vested: nothing of it could be taken."""
    period = held.terms.periods.at(effective_us)
    begins_us = max(period.start_us, held.grant.from_us)
    whole = MAX_NANOS
    if begins_us < effective_us and vested_nanos(held.terms, whole, held.grant.from_us, effective_us) >= whole:
        raise Refused(
            refuse(
                Why.CREDIT_VESTED,
                field="effective",
                plan=held.terms.name,
                effective=held.day(effective_us),
                earliest=held.day(period.end_us),
            )
        )


def _nothing(problem: str) -> Refused:
    return Refused(refuse(Why.NOTHING_TO_CHANGE, problem=problem))
