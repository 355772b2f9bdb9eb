"""Changes of a person's terms, and requests for more: who said what, when, from when on, and why.

A change is never edited or taken away; another one follows. A request is answered once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.periods import iso
from bursar.refusals import Refused, Why, refuse
from bursar.store.directory import Grant
from bursar.store.schema import changes, people, requests

OPEN, APPROVED, DENIED = "open", "approved", "denied"
STATES = (OPEN, APPROVED, DENIED)


class Change(msgspec.Struct, frozen=True):
    """One change of a person's terms. Times in µs UTC, amounts in nano-USD.

    `grant_id` None: all that the person has. `amount_nanos` is the new amount of a period, or what is added, for
    kinds that have one. `until_us` is when it ends by itself. `approver` is empty unless a second one was needed;
    `told` is what the person was told.
    """

    id: int
    person_id: int
    grant_id: int | None
    kind: str
    amount_nanos: int | None
    announced_us: int
    effective_us: int
    until_us: int | None
    reason: str
    actor: str
    approver: str
    told: str


class Request(msgspec.Struct, frozen=True):
    """A person's request for more credit, and its answer. `change_id` is what an approved one led to."""

    id: int
    person_id: int
    amount_nanos: int
    reason: str
    state: str
    asked_us: int
    decided_us: int | None
    decided_by: str
    answer: str
    change_id: int | None


def lock_person(connection: sa.Connection, person_id: int) -> None:
    """Let nobody else change this person's terms before this transaction ends."""
    connection.execute(sa.select(people.c.id).where(people.c.id == person_id).with_for_update()).one()


def add_change(
    connection: sa.Connection,
    *,
    person_id: int,
    grant_id: int | None,
    kind: str,
    announced_us: int,
    effective_us: int,
    reason: str,
    actor: str,
    told: str,
    amount_nanos: int | None = None,
    until_us: int | None = None,
    approver: str = "",
) -> Change:
    """Write a change down."""
    row: dict[str, Any] = {
        "person_id": person_id,
        "grant_id": grant_id,
        "kind": kind,
        "amount_nanos": amount_nanos,
        "announced_us": announced_us,
        "effective_us": effective_us,
        "until_us": until_us,
        "reason": reason,
        "actor": actor,
        "approver": approver,
        "told": told,
    }
    return Change(_inserted(connection, changes, row), **row)


def changes_of(connection: sa.Connection, person_id: int | None = None) -> list[Change]:
    """A person's changes, or everybody's, in the order in which they were announced."""
    query = sa.select(changes).order_by(changes.c.id)
    if person_id is not None:
        query = query.where(changes.c.person_id == person_id)
    return [Change(*row) for row in connection.execute(query)]


def by_grant(announced: Iterable[Change], grants: Iterable[Grant]) -> dict[int, tuple[Change, ...]]:
    """What was announced about each grant, by its id: its own changes, and those of all its person has."""
    of: dict[int, list[Change]] = defaultdict(list)
    for change in announced:
        of[change.person_id].append(change)
    return {
        grant.id: tuple(change for change in of[grant.person_id] if change.grant_id in {None, grant.id})
        for grant in grants
    }


def add_request(connection: sa.Connection, person_id: int, amount_nanos: int, reason: str, now_us: int) -> Request:
    """Write a request down. It is open."""
    row: dict[str, Any] = {
        "person_id": person_id,
        "amount_nanos": amount_nanos,
        "reason": reason,
        "state": OPEN,
        "asked_us": now_us,
        "decided_us": None,
        "decided_by": "",
        "answer": "",
        "change_id": None,
    }
    return Request(_inserted(connection, requests, row), **row)


def requests_of(
    connection: sa.Connection, person_id: int | None = None, states: Collection[str] = STATES
) -> list[Request]:
    """A person's requests, or everybody's, that are in one of these states, oldest first."""
    query = sa.select(requests).where(requests.c.state.in_(states)).order_by(requests.c.id)
    if person_id is not None:
        query = query.where(requests.c.person_id == person_id)
    return [Request(*row) for row in connection.execute(query)]


def open_request(connection: sa.Connection, request_id: int) -> Request:
    """A request that nobody has answered. Refused when there is none, or when it was answered."""
    row = connection.execute(sa.select(requests).where(requests.c.id == request_id)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="request", name=request_id, field="request"))
    found = Request(*row)
    if found.state != OPEN:
        decided = iso(found.decided_us or 0)
        facts = refuse(Why.REQUEST_DECIDED, request=found.id, state=found.state, by=found.decided_by, decided=decided)
        raise Refused(facts)
    return found


def answer_request(
    connection: sa.Connection,
    request: Request,
    *,
    state: str,
    decided_by: str,
    answer: str,
    now_us: int,
    change_id: int | None = None,
) -> Request:
    """Answer an open request, once and for all."""
    decided: dict[str, Any] = {
        "state": state,
        "decided_us": now_us,
        "decided_by": decided_by,
        "answer": answer,
        "change_id": change_id,
    }
    connection.execute(sa.update(requests).where(requests.c.id == request.id).values(**decided))
    return msgspec.structs.replace(request, **decided)


def _inserted(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    made = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    assert made is not None
    return int(made[0])
