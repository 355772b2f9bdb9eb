"""Pay, taken over from a file: what people are paid a year, from a day on, and what other currencies are worth.

Pay that the file does not have stays as it is; the same person and day again is written anew. The same file again
changes nothing. Amounts are of a year: base, bonus and what vests of equity.
"""

from __future__ import annotations

import re

import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.rows import Advance, Change, Imported
from bursar.money import usd
from bursar.refusals import field_invalid
from bursar.rows import Problem, Problems, Row, read_rows
from bursar.store.directory import Person, all_people
from bursar.store.employment import USD, Pay, Rate, add_rate, pay_of, put_pay, rate_on, rates

COLUMNS = ("email", "effective", "base", "bonus", "equity", "currency")
NEEDED = ("email", "effective", "base")
MAX_UNIT_NANOS = 10**12
"""A unit of a currency is worth less than a thousand dollars."""
_CURRENCY = re.compile(r"[A-Z]{3}")


def import_pay(books: Books, text: str, *, dry_run: bool, advance: Advance) -> Imported:
    """Take pay over, all of it or none, or tell what that would change. Raises Problems: all that is wrong."""
    problems: list[Problem] = []
    rows = read_rows(text, NEEDED, COLUMNS, problems)

    def write(connection: sa.Connection) -> _Plan:
        plan = _planned(connection, rows, problems)
        if problems:
            raise Problems(problems)
        if not dry_run:
            put_pay(connection, plan.new, plan.changed)
        return plan

    if dry_run:
        with books.database.reading() as connection:
            plan = write(connection)
    else:
        plan = books.journal.write(write)
    advance(len(rows), len(rows))
    return Imported(
        dry_run=dry_run,
        rows=len(rows),
        added=len(plan.new),
        changed=len(plan.changed),
        unchanged=len(rows) - len(plan.new) - len(plan.changed),
        changes=tuple(plan.changes),
    )


class _Plan:
    """What a file changes of what people are paid."""

    def __init__(self) -> None:
        self.new: list[Pay] = []
        self.changed: list[Pay] = []
        self.changes: list[Change] = []


def _planned(connection: sa.Connection, rows: list[Row], problems: list[Problem]) -> _Plan:
    """What the rows change of what is there. What is wrong with them is noted in `problems`."""
    plan = _Plan()
    people = {person.email: person for person in all_people(connection)}
    stored = {(one.person_id, one.from_day): one for one in pay_of(connection)}
    known_rates = rates(connection)
    lines: dict[tuple[int, str], int] = {}
    for row in rows:
        before = len(problems)
        pay, person = _read(row, people, known_rates)
        if pay is None or person is None or len(problems) > before:
            continue
        which = (pay.person_id, pay.from_day)
        if which in lines:
            row.wrong("effective", f"another day than on line {lines[which]}, for the same person")
            continue
        lines[which] = row.line
        known = stored.get(which)
        if known == pay:
            continue
        (plan.new if known is None else plan.changed).append(pay)
        what = f"pay from {pay.from_day}"
        plan.changes.append(Change(row.line, person.email, what, None if known is None else _told(known), _told(pay)))
    return plan


def _read(row: Row, people: dict[str, Person], known_rates: list[Rate]) -> tuple[Pay | None, Person | None]:
    """The pay that a row says, and whose it is."""
    person = people.get(row.raw("email").lower())
    if person is None:
        row.wrong("email", "the e-mail of somebody who is on the roster")
    day = row.day("effective", needed=True)
    base, bonus, equity = row.amount("base", needed=True), row.amount("bonus"), row.amount("equity")
    currency = row.raw("currency").upper() or USD
    if not _CURRENCY.fullmatch(currency):
        row.wrong("currency", "a currency's three letters, such as USD")
    elif day is not None and rate_on(known_rates, currency, day) is None:
        row.wrong("currency", f"USD, or have a rate that holds on {day}; `bursar pay rate` stores one")
    if day is not None and person is not None and person.ends is not None and day > person.ends:
        row.wrong("effective", f"no later than the last day of employment, {person.ends}")
    if person is None or day is None:
        return None, person
    return Pay(person.id, day, currency, base, bonus, equity), person


def _told(pay: Pay) -> str:
    parts = ((pay.base_nanos, "base"), (pay.bonus_nanos, "bonus"), (pay.equity_nanos, "equity"))
    return ", ".join(f"{usd(nanos)} {name}" for nanos, name in parts if nanos or name == "base") + f" {pay.currency}"


def set_rate(books: Books, rate: Rate) -> Rate:
    """Store what a unit of a currency is worth from a day on. It is not changed afterwards, only followed."""
    if not _CURRENCY.fullmatch(rate.currency) or rate.currency == USD:
        raise field_invalid("currency", repr(rate.currency), "a currency's three letters, such as EUR")
    if not 0 < rate.unit_nanos < MAX_UNIT_NANOS:
        raise field_invalid("rate", usd(rate.unit_nanos), "more than 0 and below 1,000")
    return books.journal.write(lambda connection: add_rate(connection, rate))
