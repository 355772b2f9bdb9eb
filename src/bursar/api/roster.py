"""Roster and pay: bring them in from CSV, show employment, pay, and total compensation with the token budget in it.

What somebody is paid is for that person and for finance.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from bursar.api.access import ADMINISTRATOR, FINANCE, PERSON, Caller
from bursar.api.journal import Progress
from bursar.api.keys import read_amount
from bursar.api.lines import Tell, lines
from bursar.api.moments import day_or_instant
from bursar.api.routes import body, route
from bursar.api.told import told
from bursar.books import Books
from bursar.books.pay import import_pay, set_rate
from bursar.books.roster import import_roster
from bursar.books.rows import Advance, Imported
from bursar.money import usd
from bursar.refusals import Refused, field_invalid
from bursar.reports.compensation import CompensationView, PayView, compensation, pay_history
from bursar.reports.plain import plain
from bursar.rows import FIRST_YEAR, LAST_YEAR, Problem, Problems
from bursar.store.employment import Rate, absences_of, rates

_LINES = body(
    Imported, "Lines of JSON: `{done, total}`, `{problem}` for each wrong cell, and at last this or `{error}`"
)
_PAY = body(told(PayView), "The history, oldest first, and what a period earns")
_COMPENSATION = body(told(CompensationView), "A year's pay and token budget as they are on a day")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_YEAR = re.compile(r"[0-9]{4}")


class NewTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file to take over: its text, how to call it, and whether only to tell what it would change."""

    csv: str
    file: str = "the file"
    dry_run: bool = False


class Wrong(msgspec.Struct, frozen=True):
    """A line that tells of a cell that is wrong."""

    problem: Problem


class NewRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from"}):
    """What a unit of a currency is worth in dollars, from a day (YYYY-MM-DD) on."""

    currency: str
    rate: str
    begins: str


class RateAnswer(msgspec.Struct, frozen=True, rename={"begins": "from"}):
    """What a unit of a currency is worth in dollars from a day on, until the currency's next rate."""

    currency: str
    rate: str
    begins: str

    @classmethod
    def of(cls, rate: Rate) -> RateAnswer:
        """What is told of a rate."""
        return cls(rate.currency, usd(rate.unit_nanos), rate.from_day)


class LeaveAnswer(msgspec.Struct, frozen=True, rename={"first": "from"}):
    """Leave from a first to a last day; null while nobody knows when it ends."""

    first: str
    to: str | None
    reason: str


class EmploymentAnswer(msgspec.Struct, frozen=True):
    """What the roster says of a person. The first and the last day are null when they are not known."""

    email: str
    name: str
    team: str
    start: str | None
    end: str | None
    leave: list[LeaveAnswer]


@route("POST /roster", ADMINISTRATOR, status=200, answer=_LINES)
def add_roster(data: JSONBody[NewTable], books: NamedDependency[Books]) -> Stream:
    """Take a roster over from CSV, all of it or none. Answers with lines of JSON, the last one says what came of it.

    Columns: email, name, team, start, end, leave_from, leave_to. The same roster again changes nothing.
    """
    return _taken_over(data, lambda advance: import_roster(books, data.csv, dry_run=data.dry_run, advance=advance))


@route("POST /pay", FINANCE, status=200, answer=_LINES)
def add_pay(data: JSONBody[NewTable], books: NamedDependency[Books]) -> Stream:
    """Take pay over from CSV, all of it or none. Answers with lines of JSON, the last one says what came of it.

    Columns: email, effective, base, bonus, equity (what vests), currency; amounts are of a year. The same pay again
    changes nothing.
    """
    return _taken_over(data, lambda advance: import_pay(books, data.csv, dry_run=data.dry_run, advance=advance))


@route("POST /pay/rates", FINANCE)
def add_rate(data: JSONBody[NewRate], books: NamedDependency[Books]) -> RateAnswer:
    """Store what a unit of a currency is worth from a day on. A rate that is stored is not changed."""
    begins = _day(data.begins, "from").isoformat()
    rate = Rate(data.currency.strip().upper(), begins, read_amount(data.rate, "rate"))
    return RateAnswer.of(set_rate(books, rate))


@route("GET /pay/rates", PERSON)
def list_rates(books: NamedDependency[Books]) -> list[RateAnswer]:
    """The rates of all currencies, by currency and day."""
    with books.database.reading() as connection:
        return [RateAnswer.of(rate) for rate in rates(connection)]


@route("GET /people/{email:str}/employment", PERSON)
def show_employment(
    email: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> EmploymentAnswer:
    """What the roster says of a person: team, first and last day, leave."""
    with books.database.reading() as connection:
        person = caller.find(connection, email)
        leave = [LeaveAnswer(one.from_day, one.to_day, one.reason) for one in absences_of(connection, person.id)]
    return EmploymentAnswer(person.email, person.name, person.team, person.starts, person.ends, leave)


@route("GET /people/{email:str}/pay", PERSON, answer=_PAY)
def show_pay(
    email: FromPath[str],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    period: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """What a person is and was paid, for themselves and finance; of a period (2026-11, or 2026) its pay, too."""
    days = None if period is None else _days(period)
    with books.database.reading() as connection:
        return plain(pay_history(connection, caller.find_pay(connection, email).id, days))


@route("GET /people/{email:str}/compensation", PERSON, answer=_COMPENSATION)
def show_compensation(
    email: FromPath[str],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    at: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """A person's total compensation a year, for themselves and finance: pay, token budget, and the budget's share.

    As it is now, or on a day or at an instant.
    """
    at_us = books.clock() if at is None else day_or_instant(at, "at", "UTC", books.clock())
    with books.database.reading() as connection:
        return plain(compensation(connection, caller.find_pay(connection, email).id, at_us))


def _taken_over(data: NewTable, take: Callable[[Advance], Imported]) -> Stream:
    """Lines that tell of a file being taken over, and of everything that is wrong with it."""

    def work(tell: Tell) -> Imported:
        try:
            return take(lambda done, total: tell(Progress(done, total)))
        except Problems as problems:
            for problem in problems.found:
                tell(Wrong(problem))
            raise problems.refused(data.file) from None

    return lines(work)


def _days(period: str) -> tuple[date, date]:
    """A month's or a year's first and last day. Refused when it is none."""
    if (month := _MONTH.fullmatch(period)) and FIRST_YEAR <= int(month[1]) <= LAST_YEAR:
        year, number = int(month[1]), int(month[2])
        return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
    if _YEAR.fullmatch(period) and FIRST_YEAR <= int(period) <= LAST_YEAR:
        return date(int(period), 1, 1), date(int(period), 12, 31)
    raise _invalid("period", period, "a month (2026-11) or a year (2026)")


def _day(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _invalid(field, text, "a day (2026-11-01)")
    return day


def _invalid(field: str, got: str, right: str) -> Refused:
    return field_invalid(field, repr(got), right)


ROUTES = (
    add_roster,
    add_pay,
    add_rate,
    list_rates,
    show_employment,
    show_pay,
    show_compensation,
)
