"""What is earned by the day under plans of accrual: a lot's own amount, and what raises added to it."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from bursar.books.additions import added_nanos, addition_ops, raise_parts
from bursar.books.granted import Granted, Posted
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Accrue, Command
from bursar.periods import Period
from bursar.store.batch import read_balance
from bursar.store.posted import posted_nanos
from bursar.store.schema import balances, postings
from bursar.terms.accrual import Part, earnings_of


def earned(
    connection: sa.Connection, lots: sa.ColumnElement[bool], openers: Mapping[str, Granted], now_us: int
) -> list[Command]:
    """Every day's part that is earned and is not available yet. `lots` is a condition on the table `balances`."""
    found = _unearned(connection, lots, openers)
    posted = posted_nanos(connection, (op for lot, one, _ in found for op in addition_ops(one.events, lot)))
    return [command for lot, one, opened in found for command in _of(one, lot, opened, posted, now_us)]


def _unearned(
    connection: sa.Connection, lots: sa.ColumnElement[bool], openers: Mapping[str, Granted]
) -> list[tuple[Balance, Granted, int]]:
    """The lots of which something is unearned, with what they were opened with."""
    op = sa.literal("open:") + balances.c.source + ":" + balances.c.label
    query = (
        sa.select(balances, postings.c.amount_nanos)
        .join(postings, postings.c.op == op)
        .where(balances.c.unearned > 0)
    )
    found = []
    for *row, opened in connection.execute(query.where(lots)):
        lot = read_balance(row)
        if lot.source in openers:
            found.append((lot, openers[lot.source], int(opened)))
    return found


def _of(one: Granted, lot: Balance, opened_nanos: int, posted: Posted, now_us: int) -> list[Command]:
    parts, revoked_nanos = earned_parts(one, lot, opened_nanos, posted)
    return [
        Accrue(lot.id, still, at_us, lot.granted - opened_nanos)
        for at_us, still in earnings_of(parts, revoked_nanos, one.terms.time_zone, now_us)
        if still < lot.unearned
    ]


def earned_parts(
    one: Granted, lot: Balance, opened_nanos: int, posted: Posted, more_nanos: int = 0
) -> tuple[list[Part], int]:
    """The parts in which a lot is earned, and what was revoked of it, given what it was opened with.

    `more_nanos` is what the roster adds now. What the roster took and gave back again is neither added nor revoked.
    """
    by_roster = lot.granted - added_nanos(one.events, lot, posted) - opened_nanos + more_nanos
    back = min(by_roster, lot.revoked)
    span = Period(lot.label, lot.opens_us, min(one.terms.periods.at(lot.opens_us).end_us, lot.expires_us))
    own = Part(opened_nanos + by_roster - back, span)
    return [own, *raise_parts(one, lot, posted)], lot.revoked - back


def open_op(lot: Balance) -> str:
    """The operation that opened a lot."""
    return f"open:{lot.source}:{lot.label}"
