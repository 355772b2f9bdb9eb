"""Team pools: plans that give their credit to a team, for whoever is in it to draw on."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.store.directory import Plan
from bursar.store.schema import plans, pools


class Pool(msgspec.Struct, frozen=True):
    """A team's enrolment in a plan's version from an instant."""

    id: int
    team: str
    plan_id: int
    from_us: int
    created_us: int

    @property
    def source(self) -> str:
        """How its lots name it."""
        return f"pool:{self.id}"


def add_pool(connection: sa.Connection, team: str, plan_id: int, from_us: int, now_us: int) -> Pool:
    """Enrol a team in a plan's version. The same enrolment again is the same pool."""
    same = sa.and_(pools.c.team == team, pools.c.plan_id == plan_id, pools.c.from_us == from_us)
    found = connection.execute(sa.select(pools).where(same)).first()
    if found is not None:
        return Pool(*found)
    row: dict[str, Any] = {"team": team, "plan_id": plan_id, "from_us": from_us, "created_us": now_us}
    made = connection.execute(sa.insert(pools).values(row)).inserted_primary_key
    assert made is not None
    return Pool(int(made[0]), **row)


def pools_of(connection: sa.Connection, team: str | None = None) -> list[tuple[Pool, Plan]]:
    """Pools with their plans, oldest first; of every team when none is named. Who is in no team has none."""
    query = sa.select(pools, plans).join(plans, plans.c.id == pools.c.plan_id).order_by(pools.c.id)
    if team is not None:
        query = query.where(pools.c.team == team)
    width = len(pools.columns)
    return [(Pool(*row[:width]), Plan(*row[width:])) for row in connection.execute(query)]
