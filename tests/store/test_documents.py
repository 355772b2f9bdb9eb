"""Documents are kept as they were given out, and never changed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from bursar.refusals import Refused, Why
from bursar.store import directory, documents
from bursar.store.database import Database
from bursar.store.documents import Kept
from bursar.store.journal import Journal


def kept(journal: Journal, person_id: int, n: int, period: str = "2026-11", replaces: str | None = None) -> Kept:
    made = Kept(f"st-{person_id}-{period}-{n}", person_id, period, n, b"\1" * 32, "a.b.c", replaces, 10 * n)

    def write(connection: sa.Connection) -> None:
        documents.lock_person(connection, person_id)
        documents.keep(connection, made)

    journal.write(write)
    return made


def test_documents_are_found_as_they_were_kept(database: Database, journal: Journal) -> None:
    ada = journal.write(lambda connection: directory.add_person(connection, "ada@example.com", "Ada", "", 1))
    bert = journal.write(lambda connection: directory.add_person(connection, "bert@example.com", "Bert", "", 1))
    first = kept(journal, ada.id, 1)
    second = kept(journal, ada.id, 2, replaces=first.id)
    december = kept(journal, ada.id, 1, "2026-12")
    kept(journal, bert.id, 1)
    with database.reading() as connection:
        assert documents.of_period(connection, ada.id, "2026-11") == [first, second]
        assert documents.documents_of(connection, ada.id) == [first, december, second]
        assert documents.document(connection, ada.id, second.id) == second
        with pytest.raises(Refused) as refused:
            documents.document(connection, bert.id, second.id)
    assert refused.value.refusal.why is Why.UNKNOWN


@pytest.mark.parametrize("change", ["UPDATE documents SET signed = ''", "DELETE FROM documents"])
def test_a_document_is_never_changed(database: Database, journal: Journal, change: str) -> None:
    ada = journal.write(lambda connection: directory.add_person(connection, "ada@example.com", "Ada", "", 1))
    made = kept(journal, ada.id, 1)
    with pytest.raises(DatabaseError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.text(change))
    with database.reading() as connection:
        assert documents.document(connection, ada.id, made.id) == made


def test_two_documents_cannot_have_one_number(journal: Journal) -> None:
    ada = journal.write(lambda connection: directory.add_person(connection, "ada@example.com", "Ada", "", 1))
    kept(journal, ada.id, 1)
    again = Kept("st-other", ada.id, "2026-11", 1, b"\1", "a.b.c", None, 1)
    with pytest.raises(DatabaseError):
        journal.write(lambda connection: documents.keep(connection, again))
