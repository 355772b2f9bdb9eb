"""Limits: set one, list those in force with what is used of them, end one."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.keys import read_amount
from bursar.api.paging import Id
from bursar.api.routes import body, route
from bursar.api.told import told, told_list
from bursar.books import Books
from bursar.books.limits import Wanted, end, set_limit
from bursar.reports.limits import LimitState, limits, states
from bursar.reports.plain import plain
from bursar.store import directory
from bursar.store.limits import Limit

_ONE = body(told(LimitState), "The limit, and what of it is used now")
_LIST = body(told_list(LimitState), "The limits in force, oldest first")


class NewLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A limit to set, on what exactly one of a team, a person, a key or everybody spends together.

    `amount` is in dollars, for each `per` (life, day, week from Monday, month) by the calendar of `time_zone`. `soft`
    is where it begins to warn. `models` is a name or a pattern ("claude-*"); all when left out.
    """

    amount: str
    per: str
    everybody: bool = False
    team: str | None = None
    person: str | None = None
    key: int | None = None
    models: str = ""
    soft: str | None = None
    time_zone: str = "UTC"


@route("POST /limits", ADMINISTRATOR, status=201, answer=_ONE)
def add_limit(data: JSONBody[NewLimit], books: NamedDependency[Books]) -> dict[str, Any]:
    """Set a limit. It is in force when this answers, and counts what is spent from then on."""
    wanted = Wanted(
        amount_nanos=read_amount(data.amount, "amount"),
        per=data.per,
        everybody=data.everybody,
        team=data.team,
        person=data.person,
        key_id=data.key,
        models=data.models,
        soft_nanos=None if data.soft is None else read_amount(data.soft, "soft"),
        time_zone=data.time_zone,
    )
    return _shown(books, set_limit(books, wanted))


@route("GET /limits", PERSON, answer=_LIST)
def list_limits(
    books: NamedDependency[Books], caller: NamedDependency[Caller], person: FromQuery[str | None] = None
) -> list[dict[str, Any]]:
    """The limits in force, oldest first: all, those that apply to the person named, or to a person themselves."""
    with books.database.reading() as connection:
        person_id = caller.scope(connection, person)
        whose = None if person_id is None else directory.person_by_id(connection, person_id)
        return [plain(state) for state in limits(connection, whose, books.clock())]


@route("DELETE /limits/{limit_id:int}", ADMINISTRATOR, status=200, answer=_ONE)
def end_limit(limit_id: Id, books: NamedDependency[Books]) -> dict[str, Any]:
    """End a limit. When this answers it stops nobody; what it counted stays in the journal."""
    return _shown(books, end(books, limit_id))


def _shown(books: Books, limit: Limit) -> dict[str, Any]:
    with books.database.reading() as connection:
        [state] = states(connection, [limit], books.clock())
    return plain(state)


ROUTES = (add_limit, list_limits, end_limit)
