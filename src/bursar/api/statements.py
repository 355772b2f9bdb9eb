"""Statements that are given out: signed, kept, and the same bytes whenever they are asked for again."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import sqlalchemy as sa
from litestar import Response
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from bursar.api.access import PERSON, Caller
from bursar.api.accounts import brought_up, current_period
from bursar.api.export import may_see_pay
from bursar.api.routes import route
from bursar.books import Books
from bursar.document import (
    JSON,
    MEDIA_TYPES,
    PDF,
    STATEMENT,
    Content,
    content_of,
    payload_of,
    sealed,
    signed_file,
    to_sign,
)
from bursar.periods import iso
from bursar.refusals import field_invalid
from bursar.reports.export import tells_pay
from bursar.reports.plain import plain
from bursar.reports.statement import statement
from bursar.reports.statement_html import render_html
from bursar.reports.statement_pdf import render_pdf
from bursar.reports.statement_shape import Statement
from bursar.signing import SigningKeys
from bursar.store import documents
from bursar.store.documents import Kept

_FILE = ResponseSpec(bytes, generate_examples=False, media_type="application/octet-stream", description="The file")


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which statement: of a period ("2026-11", the current one when none is named), in which form.

    With `pay` it has total compensation, too. That is for the person and for finance.
    """

    period: str | None = None
    format: str = JSON
    pay: bool = False


class DocumentAnswer(msgspec.Struct, frozen=True):
    """A document that was given out. `replaces` names the one before it of the period, which stays valid."""

    id: str
    period: str
    number: int
    replaces: str | None
    issued: str

    @classmethod
    def of(cls, kept: Kept) -> DocumentAnswer:
        """What is told of a document."""
        return cls(kept.id, kept.period, kept.n, kept.replaces, iso(kept.made_us))


@route("POST /people/{email:str}/statements", PERSON, status=200, answer=_FILE)
def give_statement(
    email: FromPath[str],
    data: JSONBody[Wanted],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    signing_keys: NamedDependency[SigningKeys],
) -> Response[bytes]:
    """A person's statement as a signed document, to keep: JSON, or an HTML or PDF page that carries the JSON.

    As long as nothing on it changes it is the same document. When something has changed since, a new one is made
    that names the one before; both stay valid.
    """
    if data.format not in MEDIA_TYPES:
        right = " or ".join(MEDIA_TYPES)
        raise field_invalid("format", repr(data.format), right)
    person_id = brought_up(books, caller, email)
    with books.database.reading() as connection:
        if data.pay:
            caller.find_pay(connection, email)
        label = data.period if data.period is not None else current_period(connection, person_id, books.clock())
        made = statement(connection, person_id, label, with_pay=data.pay)
    kept = _kept(books, signing_keys, person_id, made)
    file = file_of(kept)
    if data.format != JSON:
        facts = msgspec.json.decode(payload_of(kept.signed), type=Content).document
        render = render_pdf if data.format == PDF else render_html
        file = sealed(render(made, facts, file), data.format, kept.id, signing_keys.sign)
    return _file(file, data.format, f"statement-{label}.{data.format}")


@route("GET /people/{email:str}/statements", PERSON)
def list_statements(
    email: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> list[DocumentAnswer]:
    """The documents that a person was given, the oldest first."""
    with books.database.reading() as connection:
        person = caller.find(connection, email)
        found = documents.documents_of(connection, person.id)
    sees_pay = may_see_pay(books, caller, email)
    return [DocumentAnswer.of(kept) for kept in found if sees_pay or not tells_pay(kept)]


@route("GET /people/{email:str}/statements/{document:str}", PERSON, answer=_FILE)
def show_given_statement(
    email: FromPath[str], document: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """A document that was given out, as its signed JSON, also when a newer one has replaced it."""
    with books.database.reading() as connection:
        person = caller.find(connection, email)
        kept = documents.document(connection, person.id, document)
        if tells_pay(kept):
            caller.find_pay(connection, email)
    return _file(file_of(kept), JSON, f"{kept.id}.json")


def file_of(kept: Kept) -> bytes:
    """The signed JSON file of a document."""
    return signed_file(payload_of(kept.signed), kept.signed)


def _file(file: bytes, form: str, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(file, media_type=MEDIA_TYPES[form], headers=headers)


def _kept(books: Books, signing_keys: SigningKeys, person_id: int, made: Statement) -> Kept:
    """The document of a statement: the newest one of its period if it says the same, else a new one.

    Statements with pay and those without are two series of documents with one numbering.
    """
    digest = sha256(made.to_json()).digest()
    with books.database.reading() as connection:
        newest = _newest(connection, person_id, made)
    if newest is not None and newest.digest == digest:
        return newest

    def write(connection: sa.Connection) -> Kept:
        documents.lock_person(connection, person_id)
        before = _newest(connection, person_id, made)
        if before is not None and before.digest == digest:
            return before
        number = 1 + len(documents.of_period(connection, person_id, made.period))
        replaces = None if before is None else before.id
        now_us = books.clock()
        content = content_of(plain(made), number=number, replaces=replaces, issued_us=now_us)
        jws = signing_keys.sign(to_sign(content), STATEMENT)
        new = Kept(content.document.id, person_id, made.period, number, digest, jws, replaces, now_us)
        documents.keep(connection, new)
        return new

    return books.journal.write(write)


def _newest(connection: sa.Connection, person_id: int, made: Statement) -> Kept | None:
    """The last document of the statement's period that has pay if the statement has."""
    given = documents.of_period(connection, person_id, made.period)
    with_pay = made.compensation is not None
    return next((kept for kept in reversed(given) if tells_pay(kept) == with_pay), None)


ROUTES = (list_statements, give_statement, show_given_statement)
"""In this order: of two routes on a path Litestar 2.25 wraps the earlier one twice, which one that makes its answer
itself does not survive.
"""
