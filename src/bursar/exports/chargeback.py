"""What each cost centre is charged: by team, plan and month, with what became of the credit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from bursar.exports.centres import Centre, openers
from bursar.exports.movements import Moved, cash_outs, movements
from bursar.exports.span import Span
from bursar.exports.tables import csv_lines
from bursar.ledger.accounts import Account
from bursar.money import usd

HEADINGS = ("month", "team", "plan", "granted", "spent", "overrun", "expired", "revoked", "cashed_out", "payroll")


class CentreView(msgspec.Struct, frozen=True, kw_only=True):
    """A cost centre's month in nano-USD.

    `spent` is what is charged to it: the cost of its calls, of which `overrun` is what no credit covered (usage that
    was reported too late included); below 0 where a provider billed less than calls cost. `payroll_nanos` is what
    payroll pays for the credit that was cashed out.
    """

    month: str
    team: str
    plan: str
    granted_nanos: int
    spent_nanos: int
    overrun_nanos: int
    expired_nanos: int
    revoked_nanos: int
    cashed_out_nanos: int
    payroll_nanos: int


def chargeback(connection: sa.Connection, span: Span) -> list[CentreView]:
    """Every cost centre in which something moved, by month, team and plan."""
    known = openers(connection)
    paid: defaultdict[tuple[str, Centre], int] = defaultdict(int)
    for cash_out in cash_outs(connection, span, known):
        paid[cash_out.day[:7], cash_out.opener.centre] += cash_out.pays_nanos
    nets: defaultdict[tuple[str, Centre], defaultdict[Account, int]] = defaultdict(lambda: defaultdict(int))
    for moved in movements(connection, span, known):
        for account, amount in moved.net.items():
            nets[moved.day[:7], moved.centre][account] += amount
    return [_view(month, centre, nets[month, centre], paid[month, centre]) for month, centre in sorted(nets)]


def _view(month: str, centre: Centre, net: defaultdict[Account, int], payroll: int) -> CentreView:
    return CentreView(
        month=month,
        team=centre.team,
        plan=centre.plan,
        granted_nanos=-net[Account.FUNDING],
        spent_nanos=Moved(month, centre, net).cost_nanos,
        overrun_nanos=-net[Account.OVERRUN] - net[Account.ADJUSTED],
        expired_nanos=net[Account.EXPIRED],
        revoked_nanos=net[Account.REVOKED],
        cashed_out_nanos=net[Account.CASHED_OUT],
        payroll_nanos=payroll,
    )


def lines(connection: sa.Connection, span: Span) -> Iterator[str]:
    """The same as CSV, amounts exact."""
    rows = chargeback(connection, span)
    return csv_lines(HEADINGS, ((*row[:3], *map(usd, row[3:])) for row in map(msgspec.structs.astuple, rows)))
