"""A person's statement for one period: opening balance + movements = closing balance.

Amounts come from the journal alone (postings, transfers, calls), so a statement can be made again, elsewhere and
later, and is the same to the byte. A call belongs to the lots that held the money for it, whenever it ended: one that
runs over the period's end is on the statement of the period in which it began. Terms and changes are those that the
database keeps as they were announced: neither is ever edited.
"""

from __future__ import annotations

import sqlalchemy as sa

from bursar.ledger.accounts import Account
from bursar.ledger.postings import Verb
from bursar.refusals import Refused, Why, refuse
from bursar.reports.lots import PoolLot, known_person, plan_lots, pool_lots
from bursar.reports.movements import Ended, Movements, moved
from bursar.reports.statement_calls import (
    corrected,
    days_of_lots,
    personal_nanos,
    provisional,
    reported,
    spending,
    spent_by_runs,
)
from bursar.reports.statement_payroll import for_payroll
from bursar.reports.statement_promises import announced, plans_of, yearly_pay
from bursar.reports.statement_shape import FromPool, Running, Statement
from bursar.store.schema import balances


def statement(connection: sa.Connection, person_id: int, period_label: str, *, with_pay: bool = False) -> Statement:
    """A person's statement for the period that people call so ("2026-11"), with total compensation if it is wanted.

    Refused when there is no such person, or the person has no credit of that period; and as `compensation` refuses.
    """
    person = known_person(connection, person_id)
    found = plan_lots(connection, person_id, balances.c.label == period_label)
    lots = [lot for lot in found if not lot.balance.is_overrun]
    from_pools = _from_pools(connection, person_id, period_label)
    if not lots and not from_pools:
        raise Refused(refuse(Why.UNKNOWN, what=f"budget of {person.email} for the period", name=period_label))
    movements = Movements(connection, person_id, [lot.balance for lot in found])
    net, added = movements.sums(lot.balance for lot in lots)
    beyond = movements.sums(lot.balance for lot in found if lot.balance.is_overrun).net
    days = days_of_lots(lots)
    ended = movements.ended()
    any_personal = personal_nanos(connection, person_id, ended)
    running = [hold for hold in movements.held if hold.ended_by is None]
    made = Statement(
        person=person.email,
        name=person.name,
        period=period_label,
        currency="USD",
        plans=plans_of(connection, person_id, lots),
        opening_nanos=0,  # a lot begins with nothing; what it is given at its opening is granted
        granted_nanos=-net[Account.FUNDING] - added,
        added_nanos=added,
        carried_in_nanos=-net[Account.CARRIED_IN],
        overrun_nanos=beyond[Account.SPENT] + beyond[Account.HELD] + beyond[Account.ADJUSTED] - net[Account.OVERRUN],
        adjusted_nanos=-net[Account.ADJUSTED] - beyond[Account.ADJUSTED],
        spent_nanos=net[Account.SPENT] + beyond[Account.SPENT],
        expired_nanos=net[Account.EXPIRED],
        revoked_nanos=net[Account.REVOKED],
        carried_out_nanos=net[Account.CARRIED_OUT],
        cashed_out_nanos=net[Account.CASHED_OUT],
        closing_nanos=net[Account.AVAILABLE] + net[Account.UNEARNED] + net[Account.HELD] + beyond[Account.HELD],
        available_nanos=net[Account.AVAILABLE],
        unearned_nanos=net[Account.UNEARNED],
        held_nanos=net[Account.HELD] + beyond[Account.HELD],
        overrun_ceiling_nanos=-beyond[Account.FUNDING],
        personal_nanos=any_personal,
        used_share=_used_share(net),
        spending=spending(ended, days),
        runs=spent_by_runs(connection, person_id, ended),
        provisional=tuple(
            provisional(call, days) for call in ended if call.verb is Verb.PROVISIONAL and not call.taken_back
        ),
        reported=reported(ended, days),
        corrected=tuple(corrected(call, days) for call in ended if call.taken_back),
        running=tuple(
            Running(call=hold.hold_id, since_us=hold.since_us, day=days.of(hold.since_us), held_nanos=hold.amount)
            for hold in running
        ),
        released_calls=sum(call.verb is Verb.RELEASE for call in ended),
        from_pools=from_pools,
        payroll=for_payroll(connection, person_id, lots, is_personal=any_personal > 0),
        changes=announced(connection, person_id, lots),
        compensation=yearly_pay(connection, person_id, lots) if with_pay else None,
    )
    _adds_up(made)
    return made


def _adds_up(made: Statement) -> None:
    """The law of the statement, and of its parts."""
    came = made.opening_nanos + made.granted_nanos + made.added_nanos + made.carried_in_nanos
    came += made.overrun_nanos + made.adjusted_nanos
    gone = made.spent_nanos + made.expired_nanos
    gone += made.revoked_nanos + made.carried_out_nanos + made.cashed_out_nanos
    assert came - gone == made.closing_nanos, f"the movements come to {came - gone}, not {made.closing_nanos}"
    spent = sum(line.cost_nanos for line in made.spending)
    assert spent == made.spent_nanos, f"the calls cost {spent}, {made.spent_nanos} is spent"
    held = sum(call.held_nanos for call in made.running)
    assert held == made.held_nanos, f"running calls hold {held}, {made.held_nanos} is held"
    assert made.personal_nanos <= spent, f"personal calls cost {made.personal_nanos}, all calls {spent}"
    by_runs = sum(run.cost_nanos for run in made.runs)
    assert by_runs <= spent, f"agent runs cost {by_runs}, all calls {spent}"


def _used_share(net: dict[Account, int]) -> str:
    """The part that was spent of what was given, four decimals, rounded down; without a budget "0.0000"."""
    given = -net[Account.FUNDING] - net[Account.CARRIED_IN] - net[Account.REVOKED]
    within = net[Account.SPENT] + net[Account.OVERRUN] + net[Account.ADJUSTED]
    tenthousandths = within * 10_000 // given if given else 0
    return f"{tenthousandths // 10_000}.{tenthousandths % 10_000:04d}"


def _from_pools(connection: sa.Connection, person_id: int, period_label: str) -> tuple[FromPool, ...]:
    """What the person's calls drew from lots of pools of this period, whatever team the person is in now."""
    pools = pool_lots(connection, balances.c.label == period_label)
    drawn_on = moved(connection, person_id, [lot.balance for lot in pools])
    by_pool: dict[str, list[PoolLot]] = {}
    for lot in pools:
        by_pool.setdefault(lot.pool, []).append(lot)
    return tuple(
        _from_pool(connection, person_id, lots)
        for lots in by_pool.values()
        if drawn_on.intersection(lot.balance.id for lot in lots)
    )


def _from_pool(connection: sa.Connection, person_id: int, lots: list[PoolLot]) -> FromPool:
    """What was drawn from a pool's lot, and from what lets calls pass it."""
    movements = Movements(connection, person_id, [lot.balance for lot in lots])
    net = movements.sums().net
    beyond = movements.sums(lot.balance for lot in lots if lot.balance.is_overrun).net
    ended = movements.ended()
    return FromPool(
        team=lots[0].team,
        plan=lots[0].plan,
        calls=sum(call.verb is not Verb.RELEASE and not _is_gone(call) for call in ended),
        spent_nanos=net[Account.SPENT],
        held_nanos=net[Account.HELD],
        beyond_nanos=beyond[Account.SPENT]
        + beyond[Account.ADJUSTED]
        + beyond[Account.OVERRUN]
        - net[Account.OVERRUN],
        adjusted_nanos=-net[Account.ADJUSTED],
        taken_back_nanos=sum(call.taken_back for call in ended),
    )


def _is_gone(call: Ended) -> bool:
    """Whether all of what a call was charged was taken back."""
    return bool(call.taken_back) and not call.cost
