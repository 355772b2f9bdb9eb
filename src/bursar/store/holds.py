"""Open holds, and how holds ended, read through a connection: what is known of a call by its hold's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from bursar.ledger.accounts import Balance
from bursar.ledger.postings import OpenHold
from bursar.store.batch import open_hold, read_balance
from bursar.store.records import CallRecord
from bursar.store.schema import balances, calls, holds, postings


class EndedHold(NamedTuple):
    """A hold that has ended: the record of its call."""

    posting_id: int
    record: CallRecord


class Afterwards(NamedTuple):
    """What was posted for a call after its end: more was charged, or some of it taken back (below 0), in nano-USD.

    With it may stand a record of what the call used.
    """

    nanos: int
    record: CallRecord | None


def find_hold(connection: sa.Connection, hold_id: str) -> OpenHold | EndedHold | None:
    """The hold with this id, open or ended; None when there never was one."""
    row = connection.execute(sa.select(holds).where(holds.c.id == hold_id)).first()
    if row is not None:
        return open_hold(tuple(row))
    query = (
        sa.select(calls).join(postings, postings.c.id == calls.c.posting_id).where(postings.c.op == "end:" + hold_id)
    )
    ended = connection.execute(query).first()
    return None if ended is None else EndedHold(ended[0], CallRecord(*ended[1:]))


def afterwards(connection: sa.Connection, posting_id: int) -> Afterwards | None:
    """What became of the call that a posting ended, when that was known only later; None as long as it is not."""
    signs = {f"correct:call:{posting_id}": -1, f"charge:call:{posting_id}": 1}
    query = (
        sa.select(postings.c.op, postings.c.amount_nanos, calls)
        .outerjoin(calls, calls.c.posting_id == postings.c.id)
        .where(postings.c.op.in_(signs))
    )
    found = connection.execute(query.order_by(postings.c.id)).all()
    if not found:
        return None
    records = [CallRecord(*record) for _, _, posted, *record in found if posted is not None]
    return Afterwards(sum(signs[row[0]] * row[1] for row in found), records[-1] if records else None)


def balances_by_id(connection: sa.Connection, balance_ids: Sequence[int]) -> dict[int, Balance]:
    """Balances as they are now, by their numbers."""
    query = sa.select(balances).where(balances.c.id.in_(balance_ids))
    return {row[0]: read_balance(tuple(row)) for row in connection.execute(query)}


def holds_between(connection: sa.Connection, first: str, beyond: str) -> list[OpenHold]:
    """The open holds whose ids lie in `first <= id < beyond`."""
    query = sa.select(holds).where(holds.c.id >= first, holds.c.id < beyond).order_by(holds.c.id)
    return [open_hold(tuple(row)) for row in connection.execute(query)]
