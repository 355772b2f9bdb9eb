"""Grants: enrol a person in a plan, list who is enrolled in what."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.answers import GrantAnswer
from bursar.api.moments import day_or_instant
from bursar.api.routes import route
from bursar.books import Books
from bursar.books.lots import terms_of
from bursar.store import directory


class NewGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from"}):
    """Whom to enrol in which plan. `from` is a day in the plan's time zone; this period's first when left out."""

    person: str
    plan: str
    begins: str | None = None


@route("POST /grants", ADMINISTRATOR)
def add_grant(data: JSONBody[NewGrant], books: NamedDependency[Books]) -> GrantAnswer:
    """Enrol a person in a plan's newest version. The same enrolment again is the same grant."""
    email = data.person.strip().lower()
    from_us = None if data.begins is None else begins_us(books, data.plan, data.begins)
    grant = books.grant(email, data.plan, from_us)
    with books.database.reading() as connection:
        plans = {plan.id: plan for _, plan in directory.grants_of(connection, grant.person_id)}
    return GrantAnswer.of(grant, plans[grant.plan_id], email)


def begins_us(books: Books, plan: str, begins: str) -> int:
    """The first instant of a day in a plan's time zone, or an instant. µs UTC. Refused by the field's name."""
    with books.database.reading() as connection:
        time_zone = terms_of(directory.plan(connection, plan)).time_zone
    return day_or_instant(begins, "from", time_zone, books.clock())


@route("GET /grants", PERSON)
def list_grants(
    books: NamedDependency[Books], caller: NamedDependency[Caller], person: FromQuery[str | None] = None
) -> list[GrantAnswer]:
    """Grants, oldest first: of everybody, of the person named, or a person's own."""
    with books.database.reading() as connection:
        person_id = caller.scope(connection, person)
        emails = {someone.id: someone.email for someone in directory.all_people(connection)}
        found = directory.grants_of(connection, person_id)
    return [GrantAnswer.of(grant, plan, emails[grant.person_id]) for grant, plan in found]


ROUTES = (add_grant, list_grants)
