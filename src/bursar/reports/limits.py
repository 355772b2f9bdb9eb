"""Limits in force, and what of them is used."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Balance
from bursar.periods import Period
from bursar.reports.lots import open_at
from bursar.store.batch import read_balance
from bursar.store.directory import Person
from bursar.store.limits import Limit, limits_in_force
from bursar.store.schema import balances, keys, people


class LimitState(msgspec.Struct, frozen=True, kw_only=True):
    """One limit, and its use in the period that is open at the instant asked for.

    `scope` is everybody, team, person or key, and `whose` names it. `models` is a pattern, empty for all. `name` is
    how refusals call it. `ends_us` is when it is whole again, 0 when it never is. `soft_passed` warns: more than
    `soft_nanos` is spent or held.
    """

    id: int
    scope: str
    whose: str
    models: str
    per: str
    time_zone: str
    name: str
    period: str
    ends_us: int
    amount_nanos: int
    soft_nanos: int | None
    spent_nanos: int
    held_nanos: int
    available_nanos: int
    soft_passed: bool
    created_us: int
    ended_us: int


def limits(connection: sa.Connection, person: Person | None, at_us: int) -> list[LimitState]:
    """The limits in force, oldest first; of a person those that count what they spend."""
    return states(connection, limits_in_force(connection, person), at_us)


def states(connection: sa.Connection, found: Iterable[Limit], at_us: int) -> list[LimitState]:
    """What of limits is used at an instant. A period in which nobody has spent yet has no balance: all is left."""
    found = list(found)
    query = sa.select(balances).where(balances.c.source.in_([limit.source for limit in found]), open_at(at_us))
    used = {balance.source: balance for balance in (read_balance(tuple(row)) for row in connection.execute(query))}
    names = _names(connection, found)
    return [_state(limit, limit.period_at(at_us), used.get(limit.source), names[limit.id], at_us) for limit in found]


def _state(limit: Limit, period: Period | None, used: Balance | None, whose: str, at_us: int) -> LimitState:
    spent, held = (used.spent, used.held) if used is not None else (0, 0)
    return LimitState(
        id=limit.id,
        scope=limit.scope.value,
        whose=whose,
        models=limit.models,
        per=limit.per,
        time_zone=limit.time_zone,
        name=limit.opening(at_us).label,
        period="" if period is None else period.label,
        ends_us=0 if period is None else period.end_us,
        amount_nanos=limit.amount_nanos,
        soft_nanos=limit.soft_nanos,
        spent_nanos=spent,
        held_nanos=held,
        available_nanos=limit.amount_nanos if used is None else used.available,
        soft_passed=limit.soft_nanos is not None and spent + held > limit.soft_nanos,
        created_us=limit.created_us,
        ended_us=limit.ended_us or 0,
    )


def _names(connection: sa.Connection, found: list[Limit]) -> dict[int, str]:
    """Whose limits are, by their ids: a team's name, an e-mail, a key's name."""
    emails = sa.select(people.c.id, people.c.email).where(people.c.id.in_([limit.person_id for limit in found]))
    email = dict(map(tuple, connection.execute(emails)))
    named = sa.select(keys.c.id, keys.c.name, keys.c.shown).where(keys.c.id.in_([limit.key_id for limit in found]))
    key = {key_id: f"key {key_id} ({name or shown})" for key_id, name, shown in connection.execute(named)}
    return {
        limit.id: key.get(limit.key_id or 0) or email.get(limit.person_id or 0) or limit.team or limit.scope.value
        for limit in found
    }
