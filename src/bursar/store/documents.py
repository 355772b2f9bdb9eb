"""Statements that were given out, kept for ever as they were signed. The table is append-only."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.refusals import Refused, Why, refuse
from bursar.store.schema import documents, people


class Kept(msgspec.Struct, frozen=True):
    """One document: the `n`th of its person and period. `digest` is that of its statement, `signed` the JWS."""

    id: str
    person_id: int
    period: str
    n: int
    digest: bytes
    signed: str
    replaces: str | None
    made_us: int


_COLUMNS = [documents.c[field] for field in Kept.__struct_fields__]


def of_period(connection: sa.Connection, person_id: int, period: str) -> list[Kept]:
    """The documents of a person and period, the oldest first."""
    theirs = sa.select(*_COLUMNS).where(documents.c.person_id == person_id, documents.c.period == period)
    return [Kept(*row) for row in connection.execute(theirs.order_by(documents.c.n))]


def documents_of(connection: sa.Connection, person_id: int) -> list[Kept]:
    """All that a person was given, the oldest first."""
    theirs = sa.select(*_COLUMNS).where(documents.c.person_id == person_id)
    return [Kept(*row) for row in connection.execute(theirs.order_by(documents.c.made_us, documents.c.n))]


def document(connection: sa.Connection, person_id: int, document_id: str) -> Kept:
    """One of a person's documents. Refused when the person has none of this id."""
    theirs = documents.c.person_id == person_id
    row = connection.execute(sa.select(*_COLUMNS).where(theirs, documents.c.id == document_id)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="document", name=document_id))
    return Kept(*row)


def lock_person(connection: sa.Connection, person_id: int) -> None:
    """Let nobody else give this person a document before this transaction ends (SQLite has one writer anyway)."""
    connection.execute(sa.select(people.c.id).where(people.c.id == person_id).with_for_update())


def keep(connection: sa.Connection, made: Kept) -> None:
    """Keep a document."""
    connection.execute(sa.insert(documents).values(msgspec.structs.asdict(made)))
