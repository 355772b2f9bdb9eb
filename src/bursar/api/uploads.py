"""Reports of any length, sent in parts and taken whole or not at all; and whose calls are that two people told of."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.imports import NewRecord, Source, Text, whose
from bursar.api.paging import Id
from bursar.api.routes import body, route
from bursar.api.told import told
from bursar.books import Books
from bursar.books.claims import Reassigned, reassign
from bursar.books.imports import AT_ONCE, Report
from bursar.books.uploads import MOST_PARTS, Progress, advance, make_whole, open_upload, put_part
from bursar.reports.plain import plain

TAKE_S = 1.0
"""How long one request takes parts, so that whoever asks can tell how far it is."""
_PROGRESS = body(told(Progress), "How far it is")
_REASSIGNED = body(told(Reassigned), "How many calls")


class NewUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report of one `source` to come; `name` says what it is read from.

    An administrator may say whose all of it is by a `person`'s e-mail; a person's own are always their own.
    """

    source: Source
    person: Text | None = None
    name: Text = ""


class UploadAnswer(msgspec.Struct, frozen=True):
    """An upload's number, and how many records a part of it may have."""

    id: int
    records: int


class NewPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `n`th part of a report, from 0 on: at most 250 records."""

    n: Annotated[int, Meta(ge=0, lt=MOST_PARTS)]
    records: Annotated[list[NewRecord], Meta(min_length=1, max_length=AT_ONCE)]


class PartAnswer(msgspec.Struct, frozen=True):
    """The part that waits now."""

    n: int


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many parts there are."""

    parts: Annotated[int, Meta(ge=1, le=MOST_PARTS)]


@route("POST /uploads", PERSON)
def begin_upload(
    data: JSONBody[NewUpload], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> UploadAnswer:
    """Begin a report that is too long for one request. What is not whole after a day is forgotten."""
    person_id = whose(books, caller, data.name, data.person)
    report = Report(source=data.source, records=(), actor=caller.name, name=data.name, person_id=person_id)
    return UploadAnswer(open_upload(books, report), AT_ONCE)


@route("POST /uploads/{upload_id:int}/parts", PERSON, status=200)
def send_part(
    upload_id: Id, data: JSONBody[NewPart], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> PartAnswer:
    """Send a part of a report. Parts come in any order; the same again takes the place of what was sent before."""
    now_us = books.clock()
    records = [record.record("", number, now_us) for number, record in enumerate(data.records)]
    put_part(books, upload_id, caller.name, data.n, records)
    return PartAnswer(data.n)


@route("POST /uploads/{upload_id:int}/take", PERSON, status=200, answer=_PROGRESS)
def take_upload(
    upload_id: Id, data: JSONBody[Whole], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> dict[str, Any]:
    """Take a report whose parts are all there: from the first time that this is asked, it is in the books whatever
    happens. Ask again until `done` is the number of its parts, to be told what came of it.
    """
    make_whole(books, upload_id, caller.name, data.parts)
    return plain(advance(books, upload_id, TAKE_S))


@route("POST /imports/{import_id:int}/reassign", ADMINISTRATOR, status=200, answer=_REASSIGNED)
def reassign_calls(import_id: Id, books: NamedDependency[Books], caller: NamedDependency[Caller]) -> dict[str, Any]:
    """Give calls that an import told of, and that are another's, to those for whom it told of them.

    What was charged for them goes back by postings, and is charged anew.
    """
    return plain(reassign(books, import_id, caller.name))


ROUTES = (begin_upload, send_part, take_upload, reassign_calls)
