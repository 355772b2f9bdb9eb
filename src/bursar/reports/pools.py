"""Team pools, and what is left in them."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Kind
from bursar.reports.lots import open_at, terms_of
from bursar.store.batch import read_balance
from bursar.store.pools import pools_of
from bursar.store.schema import balances


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """One pool, and the lot of it that is open at the instant asked for.

    Everybody in the team may draw on it, after what is their own. `period` is empty, and all amounts are 0, when
    none of its lots is open.
    """

    id: int
    team: str
    plan: str
    version: int
    time_zone: str
    begins_us: int
    period: str
    expires_us: int
    granted_nanos: int
    available_nanos: int
    held_nanos: int
    spent_nanos: int
    created_us: int


def pools(connection: sa.Connection, team: str | None, at_us: int) -> list[PoolView]:
    """Pools, oldest first, of a team or of every team. `team` "" is nobody's: there are none."""
    found = pools_of(connection, team)
    query = sa.select(balances).where(
        balances.c.kind == Kind.LOT.value,
        balances.c.source.in_([pool.source for pool, _ in found]),
        open_at(at_us),
    )
    lots = {lot.source: lot for lot in (read_balance(tuple(row)) for row in connection.execute(query))}
    views = []
    for pool, plan in found:
        lot = lots.get(pool.source)
        views.append(
            PoolView(
                id=pool.id,
                team=pool.team,
                plan=plan.name,
                version=plan.version,
                time_zone=terms_of(plan).time_zone,
                begins_us=pool.from_us,
                period="" if lot is None else lot.label,
                expires_us=0 if lot is None else lot.expires_us,
                granted_nanos=0 if lot is None else lot.granted,
                available_nanos=0 if lot is None else lot.available,
                held_nanos=0 if lot is None else lot.held,
                spent_nanos=0 if lot is None else lot.spent,
                created_us=pool.created_us,
            )
        )
    return views
