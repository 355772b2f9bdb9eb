"""What payroll needs to know of each person: what it pays for credit, and what is income though nobody pays it.

Three kinds of lines, of which none counts what another one does. *Cash-out*: what payroll pays for credit that was
turned into pay. *Plan*: the cost of usage under a plan whose tax character is imputed income. *Personal*: the cost of
usage with personal keys under other plans. Nothing here is tax advice.

Amounts are of pay periods. A file for a payroll system has them in cents, what comes to no cent left out, and exactly
beside that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.exports.centres import Openers, openers
from bursar.exports.movements import LOT, cash_outs
from bursar.exports.payslips import USUAL, Setup
from bursar.exports.span import Span
from bursar.exports.tables import csv_lines
from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, Account, Kind
from bursar.money import NANOS_PER_USD, usd
from bursar.periods import Period
from bursar.refusals import field_invalid
from bursar.store import directory
from bursar.store.schema import balances, calls, keys, postings, transfers
from bursar.terms.schedules import local_day

IMPUTED = "imputed_income"
HEADINGS = (
    *(
        "employee_number",
        "person",
        "name",
        "team",
        "period_start",
        "period_end",
        "earning_code",
        "amount",
        "currency",
    ),
    *("kind", "plan", "tax_character", "exact"),
)
_CENT = NANOS_PER_USD // 100


class Why(StrEnum):
    """Why something is on the payroll."""

    CASH_OUT = "cash_out"
    PLAN = "plan"
    PERSONAL = "personal"


class IncomeView(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of one person's in a pay period, in nano-USD; `kind` is cash_out, plan or personal.

    `employee_number` is empty where no numbers were given. Periods are told by their first and last day.
    """

    employee_number: str

    person: str
    name: str
    team: str
    period_start: str
    period_end: str
    earning_code: str
    kind: Why
    plan: str
    tax_character: str
    amount_nanos: int


_Key = tuple[int, str, Why, str, str]
NOBODYS: Mapping[str, str] = {}


def income(
    connection: sa.Connection, span: Span, setup: Setup = USUAL, numbers: Mapping[str, str] = NOBODYS
) -> list[IncomeView]:
    """What there is for payroll, by person, pay period, kind and plan. Pools are nobody's income.

    Refused where numbers of employees are given, and somebody who has a line has none.
    """
    known = openers(connection)
    periods = _pay_periods(span, setup)
    sums: defaultdict[tuple[int, tuple[str, str], Why, str, str], int] = defaultdict(int)
    for key, amount in (*_paid(connection, span, known), *_used(connection, span, known)):
        person_id, day, kind, plan, character = key
        sums[person_id, periods[day], kind, plan, character] += amount
    everybody = {person.id: person for person in directory.all_people(connection)}
    codes = msgspec.structs.asdict(setup.codes)
    views = [
        IncomeView(
            employee_number=_number(everybody[person_id].email, numbers),
            person=everybody[person_id].email,
            name=everybody[person_id].name,
            team=everybody[person_id].team,
            period_start=first,
            period_end=last,
            earning_code=codes[kind],
            kind=kind,
            plan=plan,
            tax_character=character,
            amount_nanos=amount,
        )
        for (person_id, (first, last), kind, plan, character), amount in sums.items()
        if amount
    ]
    return sorted(views, key=lambda view: (view.person, view.period_start, view.kind, view.plan, view.tax_character))


def lines(
    connection: sa.Connection, span: Span, setup: Setup = USUAL, numbers: Mapping[str, str] = NOBODYS
) -> Iterator[str]:
    """The same as CSV for a payroll system."""
    views = income(connection, span, setup, numbers)
    return csv_lines(HEADINGS, (_row(view) for view in views if _cents(view.amount_nanos)))


def _row(view: IncomeView) -> tuple[str, ...]:
    told = (view.employee_number, view.person, view.name, view.team, view.period_start, view.period_end)
    amount = usd(_cents(view.amount_nanos) * _CENT)
    about = (view.kind, view.plan, view.tax_character, usd(view.amount_nanos))
    return (*told, view.earning_code, amount, "USD", *about)


def _cents(nanos: int) -> int:
    """The nearest whole number of cents, half of one away from zero."""
    magnitude = (abs(nanos) + _CENT // 2) // _CENT
    return magnitude if nanos >= 0 else -magnitude


def _pay_periods(span: Span, setup: Setup) -> dict[str, tuple[str, str]]:
    """The first and the last day of the pay period that each day is in."""
    schedule = setup.periods(span.time_zone)
    found: dict[str, tuple[str, str]] = {}
    period: Period | None = None
    for day in span.days:
        if period is None or day.start_us >= period.end_us:
            period = schedule.at(day.start_us)
            bounds = (
                local_day(period.start_us, span.time_zone).isoformat(),
                local_day(period.end_us - 1, span.time_zone).isoformat(),
            )
        found[day.label] = bounds
    return found


def _number(email: str, numbers: Mapping[str, str]) -> str:
    if numbers and email not in numbers:
        raise field_invalid("employees", f"without {email}", "the number of everybody who has a line")
    return numbers.get(email, "")


def _paid(connection: sa.Connection, span: Span, known: Openers) -> Iterator[tuple[_Key, int]]:
    for one in cash_outs(connection, span, known):
        opener = one.opener
        if opener.person_id is not None and opener.terms is not None:
            named = (one.day, Why.CASH_OUT, opener.centre.plan, opener.terms.tax_character)
            yield (opener.person_id, *named), one.pays_nanos


def _used(connection: sa.Connection, span: Span, known: Openers) -> Iterator[tuple[_Key, int]]:
    """What was spent of credit that is imputed income, or with personal keys."""
    for part in span.parts():
        for n, source, is_personal, amount in connection.execute(_spent(part)):
            opener = known.of(source)
            if opener.person_id is None or opener.terms is None:
                continue
            character = opener.terms.tax_character
            if character == IMPUTED or is_personal:
                kind = Why.PLAN if character == IMPUTED else Why.PERSONAL
                named = (part.days[n].label, kind, opener.centre.plan, character)
                yield (opener.person_id, *named), int(amount)


def _spent(part: Span) -> sa.Select[Any]:
    """What came to be spent in lots, less what was taken back, by day, source and kind of key."""
    debited, credited = (side % ACCOUNTS_PER_BALANCE for side in (transfers.c.debit, transfers.c.credit))
    amount = transfers.c.amount_nanos
    spent = sa.case((credited == Account.SPENT.value, amount), (debited == Account.SPENT.value, -amount), else_=0)
    return (
        sa.select(
            part.day_column(),
            balances.c.source,
            sa.func.coalesce(keys.c.personal, 0).label("its_personal"),
            sa.func.sum(spent),
        )
        .select_from(postings)
        .join(transfers, transfers.c.posting_id == postings.c.id)
        .join(balances, LOT)
        .outerjoin(calls, calls.c.posting_id == postings.c.id)
        .outerjoin(keys, keys.c.id == calls.c.key_id)
        .where(part.posted, balances.c.kind == Kind.LOT.value)
        .group_by("its_day", balances.c.source, "its_personal")
    )
