"""People: add, list, look up."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.answers import PersonAnswer
from bursar.api.routes import route
from bursar.books import Books
from bursar.store import directory


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to add."""

    email: str
    name: str
    team: str = ""


@route("POST /people", ADMINISTRATOR)
def add_person(data: JSONBody[NewPerson], books: NamedDependency[Books]) -> PersonAnswer:
    """Add somebody who may be granted a budget. Refused when the e-mail is taken."""
    return PersonAnswer.of(books.add_person(data.email, data.name, data.team))


@route("GET /people", ADMINISTRATOR)
def list_people(books: NamedDependency[Books]) -> list[PersonAnswer]:
    """Everybody, by e-mail."""
    with books.database.reading() as connection:
        return [PersonAnswer.of(person) for person in directory.all_people(connection)]


@route("GET /people/{email:str}", PERSON)
def show_person(email: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]) -> PersonAnswer:
    """One person."""
    with books.database.reading() as connection:
        return PersonAnswer.of(caller.find(connection, email))


ROUTES = (add_person, list_people, show_person)
