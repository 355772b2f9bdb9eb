"""A person's lots, with the plan that each comes from."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import SHARED, Balance, Kind
from bursar.ledger.decide import burn_down
from bursar.refusals import Refused, Why, refuse
from bursar.store import directory
from bursar.store.batch import read_balance
from bursar.store.directory import Person, Plan
from bursar.store.pools import pools_of
from bursar.store.schema import balances, people
from bursar.terms.plan import Terms

NO_PLAN_ZONE = "UTC"
_terms = msgspec.json.Decoder(Terms).decode


def terms_of(plan: Plan) -> Terms:
    """A plan's terms."""
    return _terms(plan.terms)


class PlanLot(NamedTuple):
    """A lot, the name of its plan, and the plan's time zone. A lot of no grant is named by its source, in UTC."""

    balance: Balance
    plan: str
    time_zone: str


def known_person(connection: sa.Connection, person_id: int) -> Person:
    """The person with this id. Refused when there is none."""
    row = connection.execute(sa.select(people).where(people.c.id == person_id)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="person", name=person_id))
    return Person(*row)


def open_at(at_us: int) -> sa.ColumnElement[bool]:
    """The condition that a balance is open at an instant."""
    ends_later = sa.or_(balances.c.expires_us == 0, balances.c.expires_us > at_us)
    return sa.and_(balances.c.opens_us <= at_us, ends_later)


def balances_of(
    connection: sa.Connection, person_id: int, kind: Kind, *where: sa.ColumnElement[bool]
) -> list[Balance]:
    """A person's lots or limits as they stand, lots in the order in which they pay."""
    query = sa.select(balances).where(balances.c.person_id == person_id, balances.c.kind == kind.value, *where)
    return burn_down(read_balance(tuple(row)) for row in connection.execute(query))


def plan_lots(connection: sa.Connection, person_id: int, *where: sa.ColumnElement[bool]) -> list[PlanLot]:
    """A person's lots that fulfil conditions on the table `balances`, in the order in which they pay."""
    granted = {
        f"grant:{grant.id}": (plan.name, terms_of(plan).time_zone)
        for grant, plan in directory.grants_of(connection, person_id)
    }
    return [
        PlanLot(lot, *granted.get(lot.source, (lot.source, NO_PLAN_ZONE)))
        for lot in balances_of(connection, person_id, Kind.LOT, *where)
    ]


class PoolLot(NamedTuple):
    """A lot of a team's pool or of what lets calls pass it, the pool's source, the team, and the name of the plan."""

    balance: Balance
    pool: str
    team: str
    plan: str


def pool_lots(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[PoolLot]:
    """The lots of all pools that fulfil conditions on the table `balances`, in the order in which they pay."""
    pools = {pool.source: (pool.source, pool.team, plan.name) for pool, plan in pools_of(connection)}
    pools |= {f"overrun:{source}": pool for source, pool in pools.items()}
    of_pools = balances.c.source.in_(list(pools))
    return [PoolLot(lot, *pools[lot.source]) for lot in balances_of(connection, SHARED, Kind.LOT, of_pools, *where)]
