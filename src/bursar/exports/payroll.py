"""What payroll needs to know of each person: what it pays for credit, and what is income though nobody pays it.

Three kinds of lines, of which none counts what another one does. *Cash-out*: what payroll pays for credit that was
turned into pay. *Plan*: the cost of usage under a plan whose tax character is imputed income. *Personal*: the cost of
usage with personal keys under other plans. Nothing here is tax advice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.exports.centres import Openers, openers
from bursar.exports.movements import LOT, cash_outs
from bursar.exports.span import Span
from bursar.exports.tables import csv_lines
from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, Account, Kind
from bursar.money import usd
from bursar.store import directory
from bursar.store.schema import balances, calls, keys, postings, transfers

IMPUTED = "imputed_income"
HEADINGS = ("person", "name", "team", "month", "kind", "plan", "tax_character", "amount", "currency")


class Why(StrEnum):
    """Why something is on the payroll."""

    CASH_OUT = "cash_out"
    PLAN = "plan"
    PERSONAL = "personal"


class IncomeView(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of one person's in a month, in nano-USD; `kind` is cash_out, plan or personal."""

    person: str
    name: str
    team: str
    month: str
    kind: Why
    plan: str
    tax_character: str
    amount_nanos: int


_Key = tuple[int, str, Why, str, str]


def income(connection: sa.Connection, span: Span) -> list[IncomeView]:
    """What there is for payroll, by person, month, kind and plan. Pools are nobody's income."""
    known = openers(connection)
    sums: defaultdict[_Key, int] = defaultdict(int)
    for key, amount in (*_paid(connection, span, known), *_used(connection, span, known)):
        sums[key] += amount
    everybody = {person.id: person for person in directory.all_people(connection)}
    views = [
        IncomeView(
            person=everybody[person_id].email,
            name=everybody[person_id].name,
            team=everybody[person_id].team,
            month=month,
            kind=kind,
            plan=plan,
            tax_character=character,
            amount_nanos=amount,
        )
        for (person_id, month, kind, plan, character), amount in sums.items()
        if amount
    ]
    return sorted(views, key=lambda view: (view.person, view.month, view.kind, view.plan, view.tax_character))


def lines(connection: sa.Connection, span: Span) -> Iterator[str]:
    """The same as CSV, amounts exact."""
    rows = map(msgspec.structs.astuple, income(connection, span))
    return csv_lines(HEADINGS, ((*facts, usd(amount), "USD") for *facts, amount in rows))


def _paid(connection: sa.Connection, span: Span, known: Openers) -> Iterator[tuple[_Key, int]]:
    for one in cash_outs(connection, span, known):
        opener = one.opener
        if opener.person_id is not None and opener.terms is not None:
            named = (one.day[:7], Why.CASH_OUT, opener.centre.plan, opener.terms.tax_character)
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
                named = (part.days[n].label[:7], kind, opener.centre.plan, character)
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
