"""Everything that is known about a person, to take away."""

from __future__ import annotations

from litestar import Response
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from bursar.api.access import PERSON, Caller
from bursar.api.accounts import brought_up
from bursar.api.routes import route
from bursar.books import Books
from bursar.refusals import Refused
from bursar.reports.export import export

_ARCHIVE = ResponseSpec(bytes, generate_examples=False, media_type="application/zip", description="The archive")


@route("GET /people/{email:str}/export", PERSON, answer=_ARCHIVE)
def export_person(
    email: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Everything that Bursar knows about a person, as a ZIP of CSV and JSON files with a README.

    What the person is paid is in it when the person or finance asks.
    """
    person_id = brought_up(books, caller, email)
    with books.database.reading() as connection:
        archive = export(connection, person_id, with_pay=may_see_pay(books, caller, email))
    headers = {"content-disposition": 'attachment; filename="export.zip"'}
    return Response(archive, media_type="application/zip", headers=headers)


def may_see_pay(books: Books, caller: Caller, email: str) -> bool:
    """Whether the caller may see what this person is paid."""
    with books.database.reading() as connection:
        try:
            caller.find_pay(connection, email)
        except Refused:
            return False
    return True


ROUTES = (export_person,)
