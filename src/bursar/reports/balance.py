"""What a person has now."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Balance, Kind
from bursar.reports.lots import PlanLot, balances_of, known_person, plan_lots
from bursar.store.schema import balances


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


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """One limit within the budget, such as a key's: what it lets through in all, and what of that is left."""

    name: str
    source: str
    expires_us: int
    granted_nanos: int
    available_nanos: int
    held_nanos: int
    spent_nanos: int


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """A person's budget: the lots that are open at `at_us`, in the order in which they pay, and their sums.

    granted + overrun = available + held + spent + expired. `ends_us` is when the first of the lots ends, 0 when none
    does. The amounts are those of now, whatever `at_us` is.
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
    lots: tuple[LotView, ...]
    limits: tuple[LimitView, ...]


def balance(connection: sa.Connection, person_id: int, at_us: int) -> BalanceView:
    """What a person has in the lots that are open at an instant. Refused when there is no such person."""
    person = known_person(connection, person_id)
    open_then = (
        balances.c.opens_us <= at_us,
        sa.or_(balances.c.expires_us == 0, balances.c.expires_us > at_us),
    )
    found = plan_lots(connection, person_id, *open_then)
    lots = [lot.balance for lot in found]
    return BalanceView(
        person=person.email,
        name=person.name,
        currency="USD",
        at_us=at_us,
        ends_us=min((lot.expires_us for lot in lots if lot.expires_us), default=0),
        granted_nanos=sum(lot.granted for lot in lots),
        available_nanos=sum(lot.available for lot in lots),
        held_nanos=sum(lot.held for lot in lots),
        spent_nanos=sum(lot.spent for lot in lots),
        expired_nanos=sum(lot.expired for lot in lots),
        overrun_nanos=sum(lot.overrun for lot in lots),
        lots=tuple(map(_lot, found)),
        limits=tuple(_limit(limit) for limit in balances_of(connection, person_id, Kind.LIMIT, *open_then)),
    )


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
    )


def _limit(limit: Balance) -> LimitView:
    return LimitView(
        name=limit.label,
        source=limit.source,
        expires_us=limit.expires_us,
        granted_nanos=limit.granted,
        available_nanos=limit.available,
        held_nanos=limit.held,
        spent_nanos=limit.spent,
    )
