"""A person's lots, with the plan that each comes from."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Balance, Kind
from bursar.ledger.decide import burn_down
from bursar.refusals import Refused, Why, refuse
from bursar.store import directory
from bursar.store.batch import read_balance
from bursar.store.directory import Person
from bursar.store.schema import balances, people
from bursar.terms.plan import Terms

NO_PLAN_ZONE = "UTC"
_terms = msgspec.json.Decoder(Terms).decode


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


def balances_of(
    connection: sa.Connection, person_id: int, kind: Kind, *where: sa.ColumnElement[bool]
) -> list[Balance]:
    """A person's lots or limits as they stand, lots in the order in which they pay."""
    query = sa.select(balances).where(balances.c.person_id == person_id, balances.c.kind == kind.value, *where)
    return burn_down(read_balance(tuple(row)) for row in connection.execute(query))


def plan_lots(connection: sa.Connection, person_id: int, *where: sa.ColumnElement[bool]) -> list[PlanLot]:
    """A person's lots that fulfil conditions on the table `balances`, in the order in which they pay."""
    granted = {
        f"grant:{grant.id}": (plan.name, _terms(plan.terms).time_zone)
        for grant, plan in directory.grants_of(connection, person_id)
    }
    return [
        PlanLot(lot, *granted.get(lot.source, (lot.source, NO_PLAN_ZONE)))
        for lot in balances_of(connection, person_id, Kind.LOT, *where)
    ]
