"""Which lots a grant opens, and when: derived from the clock, so nothing has to run for a budget to renew."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Kind
from bursar.ledger.postings import Expire, Open
from bursar.store.directory import Grant, Plan, grants_of
from bursar.store.schema import balances
from bursar.terms.plan import Terms

_terms = msgspec.json.Decoder(Terms).decode


def terms_of(plan: Plan) -> Terms:
    """A plan's terms."""
    return _terms(plan.terms)


def source_of(grant: Grant) -> str:
    """How a lot names the grant that opened it."""
    return f"grant:{grant.id}"


def openings(grant: Grant, terms: Terms, opened: set[str], until_us: int) -> Iterator[Open]:
    """The lots that a grant should have opened by an instant and has not: one a period, from the grant's start.

    The first period is granted whole, from the day on which the grant begins (terms.md: proration none).
    """
    if until_us < grant.from_us:
        return
    period = terms.periods.at(grant.from_us)
    while period.start_us <= until_us:
        if period.label not in opened:
            opens_us = max(period.start_us, grant.from_us)
            yield Open(
                person_id=grant.person_id,
                kind=Kind.LOT,
                source=source_of(grant),
                label=period.label,
                amount=terms.amount_nanos,
                at_us=opens_us,
                priority=terms.priority,
                opens_us=opens_us,
                expires_us=period.end_us,
            )
        period = terms.periods.after(period)


def due_openings(connection: sa.Connection, person_id: int | None, now_us: int) -> list[Open]:
    """Every opening that is due, for one person or for everybody."""
    query = sa.select(balances.c.source, balances.c.label).where(balances.c.kind == Kind.LOT.value)
    if person_id is not None:
        query = query.where(balances.c.person_id == person_id)
    opened: dict[str, set[str]] = {}
    for source, label in connection.execute(query):
        opened.setdefault(source, set()).add(label)
    return [
        opening
        for grant, plan in grants_of(connection, person_id)
        for opening in openings(grant, terms_of(plan), opened.get(source_of(grant), set()), now_us)
    ]


def due_expiries(connection: sa.Connection, person_id: int | None, now_us: int) -> list[Expire]:
    """Every lot whose time has ended with something unspent, for one person or for everybody."""
    query = sa.select(balances.c.id, balances.c.expired).where(
        balances.c.kind == Kind.LOT.value, balances.c.expires_us <= now_us, balances.c.available > 0
    )
    if person_id is not None:
        query = query.where(balances.c.person_id == person_id)
    return [Expire(balance_id, expired, now_us) for balance_id, expired in connection.execute(query)]
