"""What a person has, and what became of it: balance and statement."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import MediaType, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from bursar.api.access import PERSON, Caller
from bursar.api.paging import PageWidth
from bursar.api.routes import body, route
from bursar.api.told import told
from bursar.books import Books
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.reports.balance import BalanceView, balance
from bursar.reports.plain import plain
from bursar.reports.statement import statement
from bursar.reports.statement_shape import Statement
from bursar.reports.statement_text import render

FORMATS = ("json", "text")
_BALANCE = body(told(BalanceView), "The lots that are open now, and their sums")
_STATEMENT = body(told(Statement), "Opening balance, movements, closing balance")


@route(
    "GET /people/{email:str}/balance",
    PERSON,
    answer=_BALANCE,
)
def show_balance(
    email: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> dict[str, Any]:
    """What a person has now: granted, available, held, spent, and until when."""
    person_id = brought_up(books, caller, email)
    with books.database.reading() as connection:
        return plain(balance(connection, person_id, books.clock()))


@route(
    "GET /people/{email:str}/statement",
    PERSON,
    answer=_STATEMENT,
)
def show_statement(
    email: FromPath[str],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    period: FromQuery[str | None] = None,
    format: FromQuery[str] = FORMATS[0],
    width: PageWidth = 80,
    pay: FromQuery[bool] = False,
) -> Response[dict[str, Any]] | Response[str]:
    """A person's statement for a period (2026-11), or the current one; `format=text` is for reading.

    `width` is that of the text, in columns. With `pay=true` it has total compensation, too; that is for the person
    and for finance.
    """
    if format not in FORMATS:
        raise field_invalid("format", repr(format), " or ".join(FORMATS))
    person_id = brought_up(books, caller, email)
    with books.database.reading() as connection:
        if pay:
            caller.find_pay(connection, email)
        label = period if period is not None else current_period(connection, person_id, books.clock())
        made = statement(connection, person_id, label, with_pay=pay)
    if format == "text":
        return Response(render(made, width), media_type=MediaType.TEXT)
    return Response(plain(made), media_type=MediaType.JSON)


def brought_up(books: Books, caller: Caller, email: str) -> int:
    """The person's id, with the lots that are due by now opened, and those that are over expired."""
    with books.database.reading() as connection:
        person_id = caller.find(connection, email).id
    books.bring_up(person_id)
    return person_id


def current_period(connection: sa.Connection, person_id: int, now_us: int) -> str:
    """The period that is open now, of the plan that pays first. Refused when there is none."""
    now = balance(connection, person_id, now_us)
    periods = [lot.period for lot in now.lots] + [pool.period for pool in now.pools]
    if not periods:
        raise Refused(refuse(Why.NO_GRANT))
    return periods[0]


ROUTES = (show_balance, show_statement)
