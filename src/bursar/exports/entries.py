"""Journal entries: for each day or month, team and plan one of money, and one of credit.

An entry of *money* is what a company owes: what calls cost, to the providers; and what payroll pays for credit that
was cashed out. One of *credit* is what became of budgets in Bursar's own accounts, which always sum to zero. Debits
are above zero, credits below.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
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


DAY, MONTH = "day", "month"


class Entry(NamedTuple):
    """A balanced entry. `id` is the same whenever the same day or month, team, plan and kind are exported.

    What was recorded since another export was made has ids of its own. An entry of a month is of its last day.
    """

    id: str
    day: str
    kind: str
    centre: Centre
    lines: tuple[Line, ...]


def entries(
    connection: sa.Connection, span: Span, chart: Chart, kinds: Iterable[str], *, per: str = DAY
) -> Iterator[Entry]:
    """The entries of a time, by day or month, team and plan. What comes to nothing is no entry."""
    known = openers(connection)
    paid: defaultdict[tuple[str, Centre], int] = defaultdict(int)
    ends = _ends(span) if per == MONTH else {}
    for cash_out in cash_outs(connection, span, known):
        paid[ends.get(cash_out.day[:7], cash_out.day), cash_out.opener.centre] += cash_out.pays_nanos
    moves = movements(connection, span, known)
    for moved in _by_month(moves, ends) if per == MONTH else moves:
        lines = {MONEY: _money(moved, paid[moved.day, moved.centre], chart), CREDIT: _credit(moved, chart)}
        for kind in (MONEY, CREDIT):
            found = _summed(lines[kind])
            if kind in kinds and found:
                name = _id(moved.day, kind, moved.centre, span.recorded.since_us, per)
                yield Entry(name, moved.day, kind, moved.centre, found)


def _ends(span: Span) -> dict[str, str]:
    """The last day of each month."""
    return {day.label[:7]: day.label for day in span.days}


def _by_month(moves: Iterable[Moved], ends: dict[str, str]) -> Iterator[Moved]:
    """What moves in each month, by month, team and plan."""
    for month, its in groupby(moves, key=lambda moved: moved.day[:7]):
        nets: defaultdict[Centre, defaultdict[Account, int]] = defaultdict(lambda: defaultdict(int))
        for moved in its:
            for account, amount in moved.net.items():
                nets[moved.centre][account] += amount
        yield from (Moved(ends[month], centre, dict(nets[centre])) for centre in sorted(nets))


def in_cents(exact: Iterable[Entry], chart: Chart, earlier: Iterable[Entry] = ()) -> Iterator[Entry]:
    """The same entries in whole cents.

    Each account of a centre is rounded as it stands in the month, not by the day, so a month is right to half a cent.
    What an entry is off by then has a line of its own. `earlier` is what stands there of these months already: with
    it an entry is the same in a file of its day as in one of its month, and what comes later adds up with what came
    before.
    """
    stands: defaultdict[tuple[str, str, Centre, str], int] = defaultdict(int)
    for entry in earlier:
        for account, amount in entry.lines:
            stands[entry.day[:7], entry.kind, entry.centre, account] += amount
    for entry in exact:
        lines = []
        for account, amount in entry.lines:
            name = (entry.day[:7], entry.kind, entry.centre, account)
            before = _cents(stands[name])
            stands[name] += amount
            lines.append(Line(account, _cents(stands[name]) - before))
        off = sum(line.amount_nanos for line in lines)
        found = _summed([*lines, Line(chart.rounding, -off)])
        if found:
            yield entry._replace(lines=found)


def _money(moved: Moved, paid_nanos: int, chart: Chart) -> list[Line]:
    return [
        Line(chart.usage_expense, moved.cost_nanos),
        Line(chart.providers_payable, -moved.cost_nanos),
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


def _id(day: str, kind: str, centre: Centre, since_us: int | None, per: str) -> str:
    """A name of 20 characters: QuickBooks takes 21."""
    later = [] if since_us is None else [str(since_us)]
    months = [MONTH] if per == MONTH else []
    digest = hashlib.sha256("\0".join((kind, *centre, *later, *months)).encode()).digest()
    return f"B{day.replace('-', '')}-{b32encode(digest)[:10].decode()}"
