"""The single calls, newest first."""

from __future__ import annotations

from typing import Any

from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from bursar.api.access import PERSON, Caller
from bursar.api.moments import time_before
from bursar.api.paging import PAGE, After, PageSize
from bursar.api.routes import body, route
from bursar.api.told import told_list
from bursar.books import Books
from bursar.reports.plain import plain
from bursar.reports.usage import CallView, calls

_ANSWER = body(told_list(CallView), "Calls, newest first")


@route("GET /usage", PERSON, answer=_ANSWER)
def list_usage(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    person: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    limit: PageSize = PAGE,
    after: After = None,
) -> list[dict[str, Any]]:
    """Calls that ended since a day, an instant or a span ago ("7d"): everybody's, the named person's, or one's own.

    For the next page give the last call's `id` as `after`.
    """
    return _calls(books, caller, person, since=since, limit=limit, after=after)


@route("GET /people/{email:str}/usage", PERSON, answer=_ANSWER)
def list_persons_usage(
    email: FromPath[str],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    since: FromQuery[str | None] = None,
    limit: PageSize = PAGE,
    after: After = None,
) -> list[dict[str, Any]]:
    """One person's calls, as in `/api/usage`."""
    return _calls(books, caller, email, since=since, limit=limit, after=after)


def _calls(
    books: Books, caller: Caller, person: str | None, *, since: str | None, limit: int, after: int | None
) -> list[dict[str, Any]]:
    since_us = None if since is None else time_before(since, "since", books.clock())
    with books.database.reading() as connection:
        person_id = caller.scope(connection, person)
        found = calls(connection, person_id, since_us=since_us, limit=limit, after=after)
    return [plain(call) for call in found]


ROUTES = (list_usage, list_persons_usage)
