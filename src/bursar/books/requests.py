"""Requests for more credit: a person asks, an administrator answers, once. What is approved is a change of terms."""

from __future__ import annotations

import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.changes import check_reason
from bursar.books.holdings import Holding, holdings
from bursar.money import MAX_NANOS, SOME_MONEY, people_usd, usd
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.changes import (
    APPROVED,
    DENIED,
    Change,
    Request,
    add_change,
    add_request,
    answer_request,
    lock_person,
    open_request,
)
from bursar.store.schema import balances
from bursar.terms import amounts
from bursar.terms.amounts import Kind
from bursar.terms.worth import Prices


def ask(books: Books, email: str, amount_nanos: int, reason: str) -> Request:
    """Ask for credit beyond what the plan gives. Somebody has to answer."""
    check_reason(reason)
    if not 0 < amount_nanos < MAX_NANOS:
        raise field_invalid("amount", usd(amount_nanos), SOME_MONEY)

    def write(connection: sa.Connection) -> Request:
        person = directory.person(connection, email.strip().lower())
        return add_request(connection, person.id, amount_nanos, reason, books.clock())

    return books.journal.write(write)


def approve(
    books: Books, request_id: int, actor: str, answer: str = "", plan: str | None = None
) -> tuple[Request, Change]:
    """Approve a request: what was asked for is added to the lot that is open now, once.

    Refused when no lot of the person's is open, or when it is not clear whose plan's.
    """
    if answer:
        check_reason(answer)
    with books.database.reading() as connection:
        person_id = open_request(connection, request_id).person_id
    books.bring_up(person_id)

    def write(connection: sa.Connection) -> tuple[Request, Change]:
        lock_person(connection, person_id)
        request, now_us = open_request(connection, request_id), books.clock()
        held = _held_now(connection, books.term_prices, person_id, plan, now_us)
        change = add_change(
            connection,
            person_id=person_id,
            grant_id=held.grant.id,
            kind=Kind.ADD.value,
            amount_nanos=request.amount_nanos,
            announced_us=now_us,
            effective_us=now_us,
            reason=request.reason,
            actor=actor,
            told=(
                f"Your request for {people_usd(request.amount_nanos)} is approved: it is added to this period of the "
                f"plan {held.terms.name}." + (f" {answer}" if answer else "")
            ),
        )
        answered = answer_request(
            connection,
            request,
            state=APPROVED,
            decided_by=actor,
            answer=answer,
            now_us=now_us,
            change_id=change.id,
        )
        return answered, change

    made = books.journal.write(write)
    books.forget_spenders()
    books.bring_up(person_id)
    return made


def deny(books: Books, request_id: int, actor: str, answer: str) -> Request:
    """Deny a request, and say why."""
    check_reason(answer)

    def write(connection: sa.Connection) -> Request:
        lock_person(connection, open_request(connection, request_id).person_id)
        request = open_request(connection, request_id)
        return answer_request(
            connection, request, state=DENIED, decided_by=actor, answer=answer, now_us=books.clock()
        )

    return books.journal.write(write)


def _held_now(connection: sa.Connection, prices: Prices, person_id: int, plan: str | None, now_us: int) -> Holding:
    """The grant whose lot of this period is open: of the plan named, or the only one. Refused when that is not clear.

    A lot of an earlier period that is still open, by its grace, is not added to.
    """
    query = sa.select(balances.c.source, balances.c.opens_us).where(
        balances.c.person_id == person_id,
        balances.c.kind == "lot",
        balances.c.opens_us <= now_us,
        balances.c.expires_us > now_us,
    )
    lots = connection.execute(query).all()
    found = [
        held
        for held in holdings(connection, person_id, prices)
        if any(
            source == f"grant:{held.grant.id}" and opens_us in held.terms.periods.at(now_us)
            for source, opens_us in lots
        )
        and amounts.revocation(held.changes, now_us) is None
        and plan in {None, held.terms.name}
    ]
    if not found:
        raise Refused(refuse(Why.NO_GRANT))
    names = sorted({held.terms.name for held in found})
    if len(names) > 1:
        right = f"one of the person's plans, {' or '.join(names)}"
        raise Refused(refuse(Why.FIELD_MISSING, field="plan", right=right))
    return found[-1]
