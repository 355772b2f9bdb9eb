"""Journal entries: for each day, team and plan one of money, and one of credit.

An entry of *money* is what a company owes: what calls cost, to the providers; and what payroll pays for credit that
was cashed out. One of *credit* is what became of budgets in Bursar's own accounts, which always sum to zero. Debits
are above zero, credits below.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from bursar.exports.centres import Centre, openers
from bursar.exports.chart import Chart
from bursar.exports.movements import Moved, cash_outs, movements
from bursar.exports.span import Span
from bursar.ledger.accounts import Account
from bursar.money import NANOS_PER_USD

MONEY, CREDIT = "money", "credit"
ABOUT = {MONEY: "AI usage", CREDIT: "Token credit"}
_CENT = NANOS_PER_USD // 100


class Line(NamedTuple):
    """An account, and what it is debited (above zero) or credited (below), in nano-USD."""

    account: str
    amount_nanos: int


class Entry(NamedTuple):
    """A balanced entry. `id` is the same whenever the same day, team, plan and kind are exported."""

    id: str
    day: str
    kind: str
    centre: Centre
    lines: tuple[Line, ...]


def entries(connection: sa.Connection, span: Span, chart: Chart, kinds: Iterable[str]) -> Iterator[Entry]:
    """The entries of a time, by day, team and plan. What comes to nothing is no entry."""
    known = openers(connection)
    paid: defaultdict[tuple[str, Centre], int] = defaultdict(int)
    for cash_out in cash_outs(connection, span, known):
        paid[cash_out.day, cash_out.opener.centre] += cash_out.pays_nanos
    for moved in movements(connection, span, known):
        lines = {MONEY: _money(moved, paid[moved.day, moved.centre], chart), CREDIT: _credit(moved, chart)}
        for kind in (MONEY, CREDIT):
            found = _summed(lines[kind])
            if kind in kinds and found:
                yield Entry(_id(moved.day, kind, moved.centre), moved.day, kind, moved.centre, found)


def in_cents(exact: Iterable[Entry], chart: Chart) -> Iterator[Entry]:
    """The same entries in whole cents.

    Each account of a centre is rounded as it stands, not by the day, so a month is right to the cent. What an entry
    is off by then has a line of its own.
    """
    stands: defaultdict[tuple[str, Centre, str], int] = defaultdict(int)
    for entry in exact:
        lines = []
        for account, amount in entry.lines:
            name = (entry.kind, entry.centre, account)
            before = _cents(stands[name])
            stands[name] += amount
            lines.append(Line(account, _cents(stands[name]) - before))
        off = sum(line.amount_nanos for line in lines)
        found = _summed([*lines, Line(chart.rounding, -off)])
        if found:
            yield entry._replace(lines=found)


def _money(moved: Moved, paid_nanos: int, chart: Chart) -> list[Line]:
    cost = moved.net.get(Account.SPENT, 0)
    return [
        Line(chart.usage_expense, cost),
        Line(chart.providers_payable, -cost),
        Line(chart.cash_out_expense, paid_nanos),
        Line(chart.payroll_payable, -paid_nanos),
    ]


def _credit(moved: Moved, chart: Chart) -> list[Line]:
    return [Line(chart.of(account), -moved.net.get(account, 0)) for account in Account]


def _summed(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for each account, in the order of the first; none of zero."""
    sums: dict[str, int] = {}
    for account, amount in lines:
        sums[account] = sums.get(account, 0) + amount
    assert not sum(sums.values()), f"debits and credits differ: {sums}"
    return tuple(Line(account, amount) for account, amount in sums.items() if amount)


def _cents(nanos: int) -> int:
    """The nearest whole cents, in nano-USD; half a cent goes away from zero, so that both sides round alike."""
    magnitude = (abs(nanos) + _CENT // 2) // _CENT * _CENT
    return magnitude if nanos >= 0 else -magnitude


def _id(day: str, kind: str, centre: Centre) -> str:
    """A name of 20 characters: QuickBooks takes 21."""
    digest = hashlib.sha256("\0".join((kind, *centre)).encode()).digest()
    return f"B{day.replace('-', '')}-{b32encode(digest)[:10].decode()}"
