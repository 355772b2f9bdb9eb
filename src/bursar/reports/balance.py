"""What a person has now."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Balance, Kind
from bursar.reports.limits import LimitState, limits
from bursar.reports.lots import PlanLot, balances_of, known_person, open_at, plan_lots
from bursar.reports.pools import PoolView, pools
from bursar.store.schema import balances, keys


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """One lot that is open. Calls can be paid from it until `expires_us`; lower priorities pay first."""

    plan: str
    period: str
    time_zone: str
    priority: int
    opens_us: int
    expires_us: int
    granted_nanos: int
    available_nanos: int
    held_nanos: int
    spent_nanos: int
    expired_nanos: int
    overrun_nanos: int
    adjusted_nanos: int
    carried_in_nanos: int
    unearned_nanos: int
    revoked_nanos: int
    carried_out_nanos: int
    cashed_out_nanos: int


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """One limit within the budget: what it lets through until `expires_us`, and what of that is left.

    A key's own, or one that an administrator set; a team's or everybody's counts what others spend, too. `models` is
    a pattern, empty for all. `soft_passed` warns: more than `soft_nanos` is spent or held.
    """

    name: str
    source: str
    models: str
    expires_us: int
    granted_nanos: int
    soft_nanos: int | None
    available_nanos: int
    held_nanos: int
    spent_nanos: int
    soft_passed: bool


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """A person's budget: the lots that are open at `at_us`, in the order in which they pay, and their sums.

    granted + carried in + overrun + adjusted = available + unearned + held + spent + expired + revoked + carried out
    + cashed out; what is unearned becomes available day by day. What calls hold and spend beyond the budget is in
    overrun as well; by `beyond_nanos` more they may pass it. `ends_us` is when the first of the lots ends, 0 when
    none does. The amounts are those of now, whatever `at_us` is. `pools` are those of the person's team: they pay
    after the lots, are the team's together, and are not in the sums.
    """

    person: str
    name: str
    currency: str
    at_us: int
    ends_us: int
    granted_nanos: int
    available_nanos: int
    held_nanos: int
    spent_nanos: int
    expired_nanos: int
    overrun_nanos: int
    adjusted_nanos: int
    carried_in_nanos: int
    unearned_nanos: int
    revoked_nanos: int
    carried_out_nanos: int
    cashed_out_nanos: int
    beyond_nanos: int
    lots: tuple[LotView, ...]
    limits: tuple[LimitView, ...]
    pools: tuple[PoolView, ...]


def balance(connection: sa.Connection, person_id: int, at_us: int) -> BalanceView:
    """What a person has in the lots that are open at an instant. Refused when there is no such person."""
    person = known_person(connection, person_id)
    open_then = open_at(at_us)
    found = plan_lots(connection, person_id, open_then)
    of_keys = (balances.c.source.startswith("key:"), _not_over(person_id, at_us))
    keys_own = balances_of(connection, person_id, Kind.LIMIT, open_then, *of_keys)
    pooled = pools(connection, person.team, at_us)
    lots = [lot.balance for lot in found if not lot.balance.is_overrun]
    beyond = [lot.balance for lot in found if lot.balance.is_overrun]
    passed_held, passed_spent = sum(lot.held for lot in beyond), sum(lot.spent for lot in beyond)
    return BalanceView(
        person=person.email,
        name=person.name,
        currency="USD",
        at_us=at_us,
        ends_us=min((lot.expires_us for lot in lots if lot.expires_us), default=0),
        granted_nanos=sum(lot.granted for lot in lots),
        available_nanos=sum(lot.available for lot in lots),
        held_nanos=sum(lot.held for lot in lots) + passed_held,
        spent_nanos=sum(lot.spent for lot in lots) + passed_spent,
        expired_nanos=sum(lot.expired for lot in lots),
        overrun_nanos=sum(lot.overrun for lot in lots) + passed_held + passed_spent,
        adjusted_nanos=sum(lot.adjusted for lot in lots),
        carried_in_nanos=sum(lot.carried_in for lot in lots),
        unearned_nanos=sum(lot.unearned for lot in lots),
        revoked_nanos=sum(lot.revoked for lot in lots),
        carried_out_nanos=sum(lot.carried_out for lot in lots),
        cashed_out_nanos=sum(lot.cashed_out for lot in lots),
        beyond_nanos=sum(lot.available for lot in beyond),
        lots=tuple(_lot(lot) for lot in found if not lot.balance.is_overrun),
        limits=(*map(_keys_own, keys_own), *map(_limit, limits(connection, person, at_us))),
        pools=tuple(pool for pool in pooled if pool.period),
    )


def _not_over(person_id: int, at_us: int) -> sa.ColumnElement[bool]:
    """The condition that a limit is not that of a key which has ended: every agent run leaves one behind."""
    over = sa.or_(keys.c.revoked_us <= at_us, keys.c.expires_us <= at_us)
    ended = sa.select(keys.c.limit_id).where(keys.c.person_id == person_id, keys.c.limit_id.is_not(None), over)
    return balances.c.id.not_in(ended)


def _lot(found: PlanLot) -> LotView:
    lot = found.balance
    return LotView(
        plan=found.plan,
        period=lot.label,
        time_zone=found.time_zone,
        priority=lot.priority,
        opens_us=lot.opens_us,
        expires_us=lot.expires_us,
        granted_nanos=lot.granted,
        available_nanos=lot.available,
        held_nanos=lot.held,
        spent_nanos=lot.spent,
        expired_nanos=lot.expired,
        overrun_nanos=lot.overrun,
        adjusted_nanos=lot.adjusted,
        carried_in_nanos=lot.carried_in,
        unearned_nanos=lot.unearned,
        revoked_nanos=lot.revoked,
        carried_out_nanos=lot.carried_out,
        cashed_out_nanos=lot.cashed_out,
    )


def _keys_own(limit: Balance) -> LimitView:
    return LimitView(
        name=limit.label,
        source=limit.source,
        models="",
        expires_us=limit.expires_us,
        granted_nanos=limit.granted,
        soft_nanos=None,
        available_nanos=limit.available,
        held_nanos=limit.held,
        spent_nanos=limit.spent,
        soft_passed=False,
    )


def _limit(limit: LimitState) -> LimitView:
    return LimitView(
        name=limit.name,
        source=f"limit:{limit.id}",
        models=limit.models,
        expires_us=limit.ends_us,
        granted_nanos=limit.amount_nanos,
        soft_nanos=limit.soft_nanos,
        available_nanos=limit.available_nanos,
        held_nanos=limit.held_nanos,
        spent_nanos=limit.spent_nanos,
        soft_passed=limit.soft_passed,
    )
