"""Files for finance, streamed as they are made. What is due to lots is posted first, so that nothing is missing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from litestar.response import Stream

from bursar.api.access import ACCOUNTS, FINANCE
from bursar.api.moments import day_or_instant
from bursar.api.routes import body, route
from bursar.api.told import told_list
from bursar.books import Books
from bursar.books.upkeep import close_periods
from bursar.exports import chargeback, payroll
from bursar.exports.calls import MEDIA_TYPE as ARROW
from bursar.exports.calls import Calls
from bursar.exports.focus import VERSION, Focus
from bursar.exports.journal import Journal
from bursar.exports.payslips import read_numbers, read_setup
from bursar.exports.span import Recorded, Span, check_recorded, check_time_zone, read_span
from bursar.refusals import field_invalid
from bursar.reports.plain import plain

CSV = "text/csv"
TEXT = "text/plain"
_FORMATS = ("json", "csv")
PIECE_CHARACTERS = 64_000
Lines = Callable[[sa.Connection], Iterable[str]]


def _file(media_type: str, about: str) -> ResponseSpec:
    return ResponseSpec(bytes, generate_examples=False, media_type=media_type, description=about)


class JournalWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which journal: `format` is beancount, hledger, csv, netsuite or quickbooks.

    `entries` are of money (what is owed), of credit (what became of budgets) or all; by default what the format is
    for. An entry is of a day or, with `per` "month", of a month. `accounts` is a TOML file with names of accounts.
    Of what happened in the period it has what was recorded since and before the two instants, a day or
    2026-12-03T09:00:00Z; what is new since another file has ids of its own.
    """

    period: str
    format: str
    time_zone: str = "UTC"
    entries: str | None = None
    accounts: str = ""
    per: str = "day"
    recorded_since: str | None = None
    recorded_before: str | None = None


class FocusWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which usage: of a period of UTC's calendar, by team or, with `people`, by person."""

    period: str
    version: str = VERSION
    people: bool = False


class CallsWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which calls: those of a period, with who made them unless `people` is false."""

    period: str
    time_zone: str = "UTC"
    people: bool = True


class TableWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which table: of a period, as json or csv, of what was recorded since and before the two instants."""

    period: str
    time_zone: str = "UTC"
    format: str = _FORMATS[0]
    recorded_since: str | None = None
    recorded_before: str | None = None


class PayrollWanted(TableWanted, frozen=True):
    """Which amounts for payroll: as a table, with pay periods, earning codes and numbers of employees.

    `setup` is a TOML file: schedule (weekly, biweekly, semimonthly or monthly), first_day, and under [codes] the
    earning codes cash_out, plan and personal. `employees` is a CSV file with the columns email and number.
    """

    setup: str = ""
    employees: str = ""


@route("POST /exports/gl", ACCOUNTS, status=200, answer=_file("text/plain", "The journal"))
def export_journal(data: JSONBody[JournalWanted], books: NamedDependency[Books]) -> Stream:
    """A balanced journal of a period by day, team and plan, for a general ledger.

    The same entries have the same ids whenever they are exported.
    """
    wanted = Journal(
        data.period,
        data.format,
        time_zone=data.time_zone,
        kinds=data.entries,
        accounts=data.accounts,
        per=data.per,
        recorded=_recorded(data, books.clock()),
    )
    return _streamed(books, wanted.lines, CSV if wanted.is_table else TEXT)


@route("POST /exports/focus", ACCOUNTS, status=200, answer=_file("text/csv", "The rows"))
def export_focus(data: JSONBody[FocusWanted], books: NamedDependency[Books]) -> Stream:
    """Usage as rows of FOCUS 1.2, by day, team, provider and model."""
    return _streamed(books, Focus(data.period, version=data.version, with_people=data.people).lines, CSV)


@route("POST /exports/calls", ACCOUNTS, status=200, answer=_file(ARROW, "The calls"))
def export_calls(data: JSONBody[CallsWanted], books: NamedDependency[Books]) -> Stream:
    """Every call as an Arrow IPC stream, day after day. The schema's metadata `bursar.rows` says how many come."""
    wanted = Calls(data.period, time_zone=data.time_zone, with_people=data.people)
    close_periods(books, books.clock())
    return Stream(_read(books, wanted.pieces), media_type=ARROW)


@route(
    "POST /exports/chargeback",
    ACCOUNTS,
    status=200,
    answer=body(told_list(chargeback.CentreView), "Cost centres, by month, team and plan"),
)
def export_chargeback(data: JSONBody[TableWanted], books: NamedDependency[Books]) -> Stream | Response[Any]:
    """What each cost centre is charged, by month, team and plan."""
    return _table(data, books, chargeback.lines, chargeback.chargeback)


@route(
    "POST /exports/payroll",
    FINANCE,
    status=200,
    answer=body(told_list(payroll.IncomeView), "Amounts, by person, pay period and kind"),
)
def export_payroll(data: JSONBody[PayrollWanted], books: NamedDependency[Books]) -> Stream | Response[Any]:
    """What payroll pays for credit, and what of its use is imputed income, by person and pay period."""
    setup, numbers = read_setup(data.setup), read_numbers(data.employees)
    lines = partial(payroll.lines, setup=setup, numbers=numbers)
    return _table(data, books, lines, partial(payroll.income, setup=setup, numbers=numbers))


def _recorded(wanted: JournalWanted | TableWanted, now_us: int) -> Recorded:
    """The bounds that are asked for. Refused when they are no times, or more could still come between them."""
    check_time_zone(wanted.time_zone)
    bounds = {"recorded_since": wanted.recorded_since, "recorded_before": wanted.recorded_before}
    since_us, before_us = (
        None if text is None else day_or_instant(text, name, wanted.time_zone, now_us)
        for name, text in bounds.items()
    )
    return check_recorded(Recorded(since_us, before_us), now_us)


def _table(
    wanted: TableWanted,
    books: Books,
    lines: Callable[[sa.Connection, Span], Iterable[str]],
    views: Callable[[sa.Connection, Span], Iterable[msgspec.Struct]],
) -> Stream | Response[Any]:
    if wanted.format not in _FORMATS:
        raise field_invalid("format", repr(wanted.format), " or ".join(_FORMATS))
    span = read_span(wanted.period, wanted.time_zone, _recorded(wanted, books.clock()))
    if wanted.format == "csv":
        return _streamed(books, lambda connection: lines(connection, span), CSV)
    close_periods(books, books.clock())
    with books.database.reading() as connection:
        return Response([plain(view) for view in views(connection, span)])


def _streamed(books: Books, lines: Lines, media_type: str) -> Stream:
    close_periods(books, books.clock())
    return Stream(_read(books, lambda connection: _together(lines(connection))), media_type=media_type)


def _together(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as pieces of some size: each piece that is sent costs more than what is in it."""
    text = io.StringIO()
    for line in lines:
        text.write(line)
        if text.tell() >= PIECE_CHARACTERS:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    if rest := text.getvalue():
        yield rest.encode()


def _read(books: Books, pieces: Callable[[sa.Connection], Iterable[bytes]]) -> Iterator[bytes]:
    """What is read from one state of the books, piece by piece."""
    with books.database.reading() as connection:
        yield from pieces(connection)


ROUTES = (export_journal, export_focus, export_calls, export_chargeback, export_payroll)
