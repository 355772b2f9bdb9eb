"""The same log of two people: calls are the first one's, until an administrator says that they are the other's.

The words of an administrator are an import, too: another version of what was told of each call, with another person.
What was charged goes back by postings, and is charged anew.
"""

from __future__ import annotations

from functools import partial

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.imports import AT_ONCE, Sorted, keep_sorted, settle_pending
from bursar.refusals import Refused, Why, refuse
from bursar.store import imports as kept
from bursar.store.imports import Import


class Reassigned(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls have become somebody else's, by which import; None when there were none."""

    import_id: int | None
    calls: int


def reassign(books: Books, import_id: int, actor: str) -> Reassigned:
    """Give calls that are another's to those for whom an import told of them. May be repeated at will.

    Raises Refused(UNKNOWN) when there is no such import.
    """
    with books.database.reading() as connection:
        told = kept.find_import(connection, import_id)
    if told is None or told.first_id is not None:
        raise Refused(refuse(Why.UNKNOWN, what="import", name=import_id))
    first_id, calls = None, 0
    while True:
        made = Import(
            0, told.source, f"calls claimed by import {import_id}", actor, books.clock(), 0, 0, 0, 0, first_id
        )
        given = books.journal.write(partial(_reassign, told=told, made=made))
        settle_pending(books)
        if given.import_id is None:
            return Reassigned(import_id=first_id, calls=calls)
        first_id = first_id or given.import_id
        calls += given.calls


def _reassign(connection: sa.Connection, *, told: Import, made: Import) -> Reassigned:
    """Give some of them."""
    claims = kept.open_claims(connection, told.id, AT_ONCE)
    if not claims:
        return Reassigned(import_id=None, calls=0)
    heads = kept.heads(connection, [(claim.source, claim.key) for claim in claims])
    before = kept.records(connection, (head.record_id for head in heads.values()))
    found = Sorted([], [], [], [])
    for claim in claims:
        head = heads[claim.source, claim.key]
        old = before[head.record_id]
        found.versions.append(msgspec.structs.replace(old, version=old.version + 1, person_id=claim.person_id))
        found.heads.append(msgspec.structs.replace(head, person_id=claim.person_id))
    import_id = kept.add_import(connection, msgspec.structs.replace(made, records=len(claims), repeated=len(claims)))
    keep_sorted(connection, import_id, found)
    return Reassigned(import_id=import_id, calls=len(claims))
