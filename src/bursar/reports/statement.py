"""A person's statement for one period: opening balance + movements = closing balance.

Amounts come from the journal alone (postings, transfers, calls), so a statement can be made again, elsewhere and
later, and is the same to the byte. A call belongs to the lots that held the money for it, whenever it ended: one that
runs over the period's end is on the statement of the period in which it began.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Account
from bursar.ledger.postings import Verb
from bursar.refusals import Refused, Why, refuse
from bursar.reports.days import Days
from bursar.reports.lots import NO_PLAN_ZONE, PlanLot, PoolLot, known_person, plan_lots, pool_lots
from bursar.reports.movements import Ended, Movements, moved
from bursar.reports.plain import to_json
from bursar.store.schema import balances


class PlanPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that gave credit in the period, and when that credit could be spent."""

    name: str
    time_zone: str
    opens_us: int
    expires_us: int


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one day to one model came to. Tokens of both directions include cached and audio ones."""

    day: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_nanos: int


class Provisional(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that stands until something better is known, and why it is one."""

    call: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    reason: str


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has not ended, and what is held for it."""

    call: str
    since_us: int
    day: str
    held_nanos: int


class FromPool(msgspec.Struct, frozen=True, kw_only=True):
    """What calls of this person drew from a pool of the team's in the period: a memo, not a part of the sums."""

    team: str
    plan: str
    calls: int
    spent_nanos: int
    held_nanos: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One person, one period. Amounts in nano-USD, times in microseconds UTC, days as the plan's time zone has them.

    opening + granted + overrun - spent - expired = closing = available + held. `overrun` is what calls cost beyond
    the budget; the employer bears it. `released_calls` were not charged. Whoever has no budget of their own, and drew
    on a pool, has a statement without plans.
    """

    person: str
    name: str
    period: str
    currency: str
    plans: tuple[PlanPeriod, ...]
    opening_nanos: int
    granted_nanos: int
    overrun_nanos: int
    spent_nanos: int
    expired_nanos: int
    closing_nanos: int
    available_nanos: int
    held_nanos: int
    spending: tuple[Spend, ...]
    provisional: tuple[Provisional, ...]
    running: tuple[Running, ...]
    released_calls: int
    from_pools: tuple[FromPool, ...]

    @property
    def opens_us(self) -> int:
        """When the period's first credit opens; 0 when the person has none."""
        return min((plan.opens_us for plan in self.plans), default=0)

    @property
    def time_zone(self) -> str:
        """Where the statement's days are days: the zone of the plan that pays first."""
        return self.plans[0].time_zone if self.plans else NO_PLAN_ZONE

    def to_json(self) -> bytes:
        """The statement as JSON, exact to the nano-dollar. The same journal gives the same bytes."""
        return to_json(self)


def statement(connection: sa.Connection, person_id: int, period_label: str) -> Statement:
    """A person's statement for the period that people call so ("2026-11").

    Refused when there is no such person, or the person has no credit of that period.
    """
    person = known_person(connection, person_id)
    lots = plan_lots(connection, person_id, balances.c.label == period_label)
    from_pools = _from_pools(connection, person_id, period_label)
    if not lots and not from_pools:
        raise Refused(refuse(Why.UNKNOWN, what=f"budget of {person.email} for the period", name=period_label))
    movements = Movements(connection, person_id, [lot.balance for lot in lots])
    net = movements.sums()
    days = _days(lots)
    ended = list(movements.ended())
    running = [hold for hold in movements.held if hold.ended_by is None]
    made = Statement(
        person=person.email,
        name=person.name,
        period=period_label,
        currency="USD",
        plans=tuple(map(_plan, lots)),
        opening_nanos=0,  # a lot begins with nothing; what it is given at its opening is granted
        granted_nanos=-net[Account.FUNDING],
        overrun_nanos=-net[Account.OVERRUN],
        spent_nanos=net[Account.SPENT],
        expired_nanos=net[Account.EXPIRED],
        closing_nanos=net[Account.AVAILABLE] + net[Account.HELD],
        available_nanos=net[Account.AVAILABLE],
        held_nanos=net[Account.HELD],
        spending=_spending(ended, days),
        provisional=tuple(_provisional(call, days) for call in ended if call.verb is Verb.PROVISIONAL),
        running=tuple(
            Running(call=hold.hold_id, since_us=hold.since_us, day=days.of(hold.since_us), held_nanos=hold.amount)
            for hold in running
        ),
        released_calls=sum(call.verb is Verb.RELEASE for call in ended),
        from_pools=from_pools,
    )
    _adds_up(made)
    return made


def _adds_up(made: Statement) -> None:
    """The law of the statement, and of its parts."""
    total = made.opening_nanos + made.granted_nanos + made.overrun_nanos - made.spent_nanos - made.expired_nanos
    assert total == made.closing_nanos, f"the movements come to {total}, the balance is {made.closing_nanos}"
    spent = sum(line.cost_nanos for line in made.spending)
    assert spent == made.spent_nanos, f"the calls cost {spent}, {made.spent_nanos} is spent"
    held = sum(call.held_nanos for call in made.running)
    assert held == made.held_nanos, f"running calls hold {held}, {made.held_nanos} is held"


def _plan(lot: PlanLot) -> PlanPeriod:
    kept = lot.balance
    return PlanPeriod(name=lot.plan, time_zone=lot.time_zone, opens_us=kept.opens_us, expires_us=kept.expires_us)


def _from_pools(connection: sa.Connection, person_id: int, period_label: str) -> tuple[FromPool, ...]:
    """What the person's calls drew from lots of pools of this period, whatever team the person is in now."""
    pools = pool_lots(connection, balances.c.label == period_label)
    drawn_on = moved(connection, person_id, [lot.balance for lot in pools])
    return tuple(_from_pool(connection, person_id, lot) for lot in pools if lot.balance.id in drawn_on)


def _from_pool(connection: sa.Connection, person_id: int, lot: PoolLot) -> FromPool:
    movements = Movements(connection, person_id, [lot.balance])
    net = movements.sums()
    return FromPool(
        team=lot.team,
        plan=lot.plan,
        calls=sum(call.verb is not Verb.RELEASE for call in movements.ended()),
        spent_nanos=net[Account.SPENT],
        held_nanos=net[Account.HELD],
    )


def _days(lots: list[PlanLot]) -> Days:
    starts_us = min((lot.balance.opens_us for lot in lots), default=0)
    time_zone = lots[0].time_zone if lots else NO_PLAN_ZONE
    return Days(time_zone, starts_us, max((lot.balance.expires_us for lot in lots), default=0))


def _spending(ended: Iterable[Ended], days: Days) -> tuple[Spend, ...]:
    """Charged calls by the day on which they began and by model."""
    sums: dict[tuple[str, str], list[int]] = {}
    for call in ended:
        if call.verb is Verb.RELEASE:
            continue
        line = sums.setdefault((days.of(call.started_us), call.model), [0, 0, 0, 0])
        line[0] += 1
        line[1] += call.input_tokens
        line[2] += call.output_tokens
        line[3] += call.cost
    return tuple(
        Spend(day=day, model=model, calls=line[0], input_tokens=line[1], output_tokens=line[2], cost_nanos=line[3])
        for (day, model), line in sorted(sums.items())
    )


def _provisional(call: Ended, days: Days) -> Provisional:
    return Provisional(
        call=call.op.removeprefix("end:"),
        at_us=call.started_us,
        day=days.of(call.started_us),
        model=call.model,
        cost_nanos=call.cost,
        reason=call.reason,
    )
