"""Team pools: grant a plan to a team, list pools with what is left in them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.grants import begins_us
from bursar.api.routes import body, route
from bursar.api.told import told, told_list
from bursar.books import Books
from bursar.books.limits import grant_pool
from bursar.reports.plain import plain
from bursar.reports.pools import PoolView, pools
from bursar.store import directory

_ONE = body(told(PoolView), "The pool, and what is left in it now")
_LIST = body(told_list(PoolView), "Pools, oldest first")


class NewPool(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from"}):
    """Which team gets which plan. `from` is a day in the plan's time zone; this period's first when left out."""

    team: str
    plan: str
    begins: str | None = None


@route("POST /pools", ADMINISTRATOR, status=201, answer=_ONE)
def add_pool(data: JSONBody[NewPool], books: NamedDependency[Books]) -> dict[str, Any]:
    """Grant a plan's newest version to a team. The same again is the same pool."""
    from_us = None if data.begins is None else begins_us(books, data.plan, data.begins)
    made = grant_pool(books, data.team, data.plan, from_us)
    return next(pool for pool in _shown(books, made.team) if pool["id"] == made.id)


@route("GET /pools", PERSON, answer=_LIST)
def list_pools(
    books: NamedDependency[Books], caller: NamedDependency[Caller], person: FromQuery[str | None] = None
) -> list[dict[str, Any]]:
    """Pools, oldest first: all, those that the person named may draw on, or that a person may draw on themselves."""
    with books.database.reading() as connection:
        person_id = caller.scope(connection, person)
        team = None if person_id is None else directory.person_by_id(connection, person_id).team
    return _shown(books, team)


def _shown(books: Books, team: str | None) -> list[dict[str, Any]]:
    """Pools with what is left in them, after what is due by now has been opened."""
    books.bring_up_pools(team)
    with books.database.reading() as connection:
        return [plain(pool) for pool in pools(connection, team, books.clock())]


ROUTES = (add_pool, list_pools)
