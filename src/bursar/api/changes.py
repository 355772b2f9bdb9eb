"""Terms of a person and their changes: what holds and where it comes from, announcements, requests and answers."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller, caller_of
from bursar.api.answers import TermsAnswer
from bursar.api.keys import read_amount
from bursar.api.moments import day_or_instant
from bursar.api.paging import Id
from bursar.api.routes import route
from bursar.books import Books, changes, requests
from bursar.books.changes import Announcement
from bursar.books.holdings import Holding, holdings
from bursar.money import usd
from bursar.periods import iso
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.changes import STATES, Change, Request, changes_of, requests_of
from bursar.terms import amounts
from bursar.terms.vesting import vested_nanos


class NewChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change to announce: `kind` is amount, pause, resume, revoke or extend.

    `effective` is a day in the plan's time zone, or an instant; at once when left out. `until` is the first day after
    a pause, or the first on which extended credit has ended. With an `amount` only that much of the credit that is
    open is revoked, and the grant goes on. `plan` may be left out when the person has one. `approver_key` is the key
    of a second administrator, for what is done for cause.
    """

    kind: str
    reason: str
    amount: str | None = None
    effective: str | None = None
    until: str | None = None
    plan: str | None = None
    approver_key: str | None = None


class ChangeAnswer(msgspec.Struct, frozen=True):
    """A change of somebody's terms. `plan` is null when it concerns all; `told` is what the person can read.

    `amount` is that of a period from then on, or what is added once. `approver` is empty unless it was for cause.
    """

    id: int
    person: str
    plan: str | None
    kind: str
    amount: str | None
    announced: str
    effective: str
    until: str | None
    reason: str
    actor: str
    approver: str
    told: str


class RequestAnswer(msgspec.Struct, frozen=True):
    """A request for more credit. `state` is open, approved or denied; `change` is what an approved one led to."""

    id: int
    person: str
    amount: str
    reason: str
    state: str
    asked: str
    decided: str | None
    decided_by: str
    answer: str
    change: int | None


class GrantTerms(msgspec.Struct, frozen=True, rename={"begins": "from"}):
    """What holds of one grant at an instant. `state` is in force, not begun, paused or revoked.

    `amount` is what a period is worth; it comes from the change `amount_from`, or from the plan when that is null.
    `amount_note` says what tokens were worth, or what an escalator added; `amount` is null, and it says why, when a
    model that the plan names has no price. `vested` is what of a period's amount could not be revoked.
    """

    plan: str
    version: int
    begins: str
    state: str
    amount: str | None
    amount_from: int | None
    amount_note: str
    vested: str | None
    terms: TermsAnswer


class PersonTerms(msgspec.Struct, frozen=True):
    """What holds for a person at an instant, where it comes from, and the whole history of their terms."""

    person: str
    name: str
    at: str
    starts: str | None
    ends: str | None
    grants: list[GrantTerms]
    history: list[ChangeAnswer]
    requests: list[RequestAnswer]


class NewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for, and why. `person` may be left out for oneself."""

    amount: str
    reason: str
    person: str | None = None


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said to a request. `plan` is whose lot is added to; it may be left out when the person has one."""

    reason: str = ""
    plan: str | None = None


_APPROVED = ("pause", "revoke")
"""The changes for which a second administrator may agree."""


@route("POST /people/{email:str}/changes", ADMINISTRATOR)
def announce_change(
    email: FromPath[str], data: JSONBody[NewChange], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> ChangeAnswer:
    """Announce a change of a person's terms. Refused, with the earliest right date, if the plan promises else."""
    time_zone = _time_zone(books, email, data.plan)

    def instant(text: str | None, field: str) -> int | None:
        return None if text is None else day_or_instant(text, field, time_zone, books.clock())

    announced = Announcement(
        person=email,
        reason=data.reason,
        actor=caller.name,
        effective_us=instant(data.effective, "effective"),
        plan=data.plan,
        approver="" if data.approver_key is None else _approver(books, caller, data.approver_key),
    )
    for field, kinds in (("amount", ("amount", "revoke")), ("until", ("pause", "extend"))):
        if getattr(data, field) is not None and data.kind not in kinds:
            raise field_invalid(field, repr(getattr(data, field)), f"left out, but for {' and '.join(kinds)}")
    amount_nanos = None if data.amount is None else read_amount(data.amount, "amount")
    made = _announce(books, data.kind, announced, amount_nanos, instant(data.until, "until"))
    return _changes(books, made.person_id, [made])[0]


def _announce(
    books: Books, kind: str, announced: Announcement, amount_nanos: int | None, until_us: int | None
) -> Change:
    """Make a change of a kind. Refused when something is missing for it, or too much."""
    if kind not in _APPROVED and announced.approver:
        raise field_invalid("approver_key", "given", f"left out, but for {' and '.join(_APPROVED)}")
    match kind:
        case "amount":
            if amount_nanos is None:
                raise Refused(refuse(Why.FIELD_MISSING, field="amount", right="dollars, such as 1500.00"))
            return changes.change_amount(books, announced, amount_nanos)
        case "pause":
            return changes.pause(books, announced, until_us)
        case "resume":
            return changes.resume(books, announced)
        case "revoke":
            if amount_nanos is None:
                return changes.revoke(books, announced)
            return changes.revoke_part(books, announced, amount_nanos)
        case "extend":
            if until_us is None:
                raise Refused(refuse(Why.FIELD_MISSING, field="until", right="a day, such as 2027-01-15"))
            return changes.extend(books, announced, until_us)
    raise field_invalid("kind", repr(kind), "amount, pause, resume, revoke or extend")


@route("GET /people/{email:str}/terms", PERSON)
def show_terms(
    email: FromPath[str],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    at: FromQuery[str | None] = None,
) -> PersonTerms:
    """What holds for a person, now or at another time, where it comes from, and its whole history."""
    with books.database.reading() as connection:
        person = caller.find(connection, email)
        held = holdings(connection, person.id, books.term_prices)
        announced = changes_of(connection, person.id)
        asked = requests_of(connection, person.id)
    zone = held[0].terms.time_zone if held else "UTC"
    at_us = books.clock() if at is None else day_or_instant(at, "at", zone, books.clock())
    return PersonTerms(
        person=person.email,
        name=person.name,
        at=iso(at_us),
        starts=person.starts,
        ends=person.ends,
        grants=[_grant(one, at_us) for one in held],
        history=_changes(books, person.id, announced),
        requests=_requests(books, asked),
    )


@route("POST /requests", PERSON)
def ask_for_more(
    data: JSONBody[NewRequest], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> RequestAnswer:
    """Ask for credit beyond what the plan gives, for oneself; an administrator may ask for somebody."""
    caller.must_manage_keys()
    with books.database.reading() as connection:
        if data.person is None and caller.person is None:
            raise Refused(refuse(Why.FIELD_MISSING, field="person", right="the e-mail of whom it is for"))
        person = caller.person if data.person is None else caller.find(connection, data.person)
    assert person is not None, "somebody was named, or it is the caller"
    asked = requests.ask(books, person.email, read_amount(data.amount, "amount"), data.reason)
    return _requests(books, [asked])[0]


@route("GET /requests", PERSON)
def list_requests(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    person: FromQuery[str | None] = None,
    only: FromQuery[str | None] = None,
) -> list[RequestAnswer]:
    """Requests, oldest first: everybody's, those of the person named, or a person's own; `only` those in a state."""
    if only is not None and only not in STATES:
        raise field_invalid("only", repr(only), f"one of {', '.join(STATES)}")
    with books.database.reading() as connection:
        found = requests_of(connection, caller.scope(connection, person), STATES if only is None else (only,))
    return _requests(books, found)


@route("POST /requests/{request_id:int}/approve", ADMINISTRATOR, status=200)
def approve_request(
    request_id: Id, data: JSONBody[Answer], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> RequestAnswer:
    """Approve a request: the credit is added to the lot that is open now. Answered once and for all."""
    approved, _ = requests.approve(books, request_id, caller.name, data.reason, data.plan)
    return _requests(books, [approved])[0]


@route("POST /requests/{request_id:int}/deny", ADMINISTRATOR, status=200)
def deny_request(
    request_id: Id, data: JSONBody[Answer], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> RequestAnswer:
    """Deny a request, and say why. Answered once and for all."""
    return _requests(books, [requests.deny(books, request_id, caller.name, data.reason)])[0]


def _approver(books: Books, caller: Caller, secret: str) -> str:
    """The name of the second administrator, whose key this is. Refused when it is no second one."""
    approver = caller_of(books, secret)
    if not approver.is_administrator:
        raise Refused(refuse(Why.APPROVER_NEEDED, problem=f"the key given is that of a {approver.role}"))
    assert approver.key is not None, "whoever has a secret has a key"
    same_key = caller.key is not None and caller.key.id == approver.key.id
    same_person = caller.person is not None and caller.person == approver.person
    if same_key or same_person:
        raise Refused(refuse(Why.APPROVER_NEEDED, problem=f"{approver.name} is the one who asks"))
    return approver.name


def _time_zone(books: Books, email: str, plan: str | None) -> str:
    with books.database.reading() as connection:
        person = directory.person(connection, email.strip().lower())
        found = holdings(connection, person.id, books.term_prices)
    zones = [held.terms.time_zone for held in found if plan in {None, held.terms.name}]
    return zones[-1] if zones else "UTC"


def _grant(held: Holding, at_us: int) -> GrantTerms:
    last = amounts.holding_at(held.changes, at_us)
    try:
        promised, note = held.promised(at_us)
    except Refused as refused:
        promised, note = None, refused.refusal.text
    return GrantTerms(
        plan=held.terms.name,
        version=held.plan.version,
        begins=iso(held.grant.from_us),
        state=_state(held, at_us),
        amount=None if promised is None else usd(promised),
        amount_from=None if last is None else last.id,
        amount_note=note,
        vested=None if promised is None else usd(vested_nanos(held.terms, promised, held.grant.from_us, at_us)),
        terms=TermsAnswer.of(held.terms),
    )


def _state(held: Holding, at_us: int) -> str:
    if amounts.revocation(held.changes, at_us) is not None:
        return "revoked"
    if at_us < held.grant.from_us:
        return "not begun"
    return "in force" if held.pause(at_us) is None else "paused"


def _changes(books: Books, person_id: int, found: list[Change]) -> list[ChangeAnswer]:
    with books.database.reading() as connection:
        email = directory.person_by_id(connection, person_id).email
        plans = {held.grant.id: held.terms.name for held in holdings(connection, person_id, books.term_prices)}
    return [
        ChangeAnswer(
            id=change.id,
            person=email,
            plan=None if change.grant_id is None else plans[change.grant_id],
            kind=change.kind,
            amount=None if change.amount_nanos is None else usd(change.amount_nanos),
            announced=iso(change.announced_us),
            effective=iso(change.effective_us),
            until=None if change.until_us is None else iso(change.until_us),
            reason=change.reason,
            actor=change.actor,
            approver=change.approver,
            told=change.told,
        )
        for change in found
    ]


def _requests(books: Books, found: list[Request]) -> list[RequestAnswer]:
    with books.database.reading() as connection:
        emails = {person.id: person.email for person in directory.all_people(connection)}
    return [
        RequestAnswer(
            id=request.id,
            person=emails[request.person_id],
            amount=usd(request.amount_nanos),
            reason=request.reason,
            state=request.state,
            asked=iso(request.asked_us),
            decided=None if request.decided_us is None else iso(request.decided_us),
            decided_by=request.decided_by,
            answer=request.answer,
            change=request.change_id,
        )
        for request in found
    ]


ROUTES = (announce_change, show_terms, ask_for_more, list_requests, approve_request, deny_request)
