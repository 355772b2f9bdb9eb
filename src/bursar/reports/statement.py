"""A person's statement for one period: opening balance + movements = closing balance.

Amounts come from the journal alone (postings, transfers, calls), so a statement can be made again, elsewhere and
later, and is the same to the byte. A call belongs to the lots that held the money for it, whenever it ended: one that
runs over the period's end is on the statement of the period in which it began. Terms and changes are those that the
database keeps as they were announced: neither is ever edited.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Account, account_code
from bursar.ledger.postings import Verb
from bursar.refusals import Refused, Why, refuse
from bursar.reports.compensation import compensation
from bursar.reports.days import Days
from bursar.reports.lots import NO_PLAN_ZONE, PlanLot, PoolLot, known_person, plan_lots, pool_lots, terms_of
from bursar.reports.movements import NEVER_US, Ended, Movements, moved
from bursar.reports.plain import to_json
from bursar.store import directory, schema
from bursar.store.runs import runs_of_keys
from bursar.store.schema import balances
from bursar.terms.schedules import local_day
from bursar.terms.written import written


class PlanPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that gave credit in the period, when that credit could be spent, and the plan's terms in force.

    `version` is that of the terms, 0 for credit of no plan. `terms` has what was set when the plan was added,
    by the names of the plan file. `note` says how the amount came about, where tokens or an escalator made it.
    """

    name: str
    version: int
    time_zone: str
    opens_us: int
    expires_us: int
    terms: dict[str, Any]
    note: str = ""


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the person's terms that was announced in the period, or took effect in it.

    `told` is what the person was told. `approver` is empty when the change needed none.
    """

    kind: str
    amount_nanos: int | None
    announced_us: int
    effective_us: int
    until_us: int
    reason: str
    actor: str
    approver: str
    told: str


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one day to one model came to. Tokens of both directions include cached and audio ones."""

    day: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_nanos: int


class RunSpend(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one agent run, without the runs within it, came to in the period."""

    run: str
    name: str
    calls: int
    cost_nanos: int


class YearlyPay(msgspec.Struct, frozen=True, kw_only=True):
    """Total compensation a year as it is on the period's last day: base + bonus + equity + tokens = total.

    `tokens_nanos` is what the plans promise a year; `tokens_share_bps` is its part of the total in basis points.
    """

    day: str
    base_nanos: int
    bonus_nanos: int
    equity_nanos: int
    tokens_nanos: int
    total_nanos: int
    tokens_share_bps: int


class Provisional(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that stands until something better is known, and why it is one."""

    call: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    reason: str


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A call of which too much was charged: what was taken back, and why. `cost_nanos` is what it costs without."""

    call: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    taken_back_nanos: int
    reason: str


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """Usage that did not pass the gateway and was reported; who reported it, and why it is told here.

    `day` is that of the usage. What was adjusted was reported too late to be charged to the budget.
    """

    id: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    adjusted_nanos: int
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

    opening + granted + added + carried_in + overrun + adjusted
        - spent - expired - revoked - carried_out - cashed_out = closing = available + unearned + held.

    `added` is credit given after the opening, `unearned` what accrual has yet to make available. `overrun` is what
    calls cost beyond the budget, and `adjusted` usage that was reported too late for it; the employer bears both.
    Up to `overrun_ceiling` calls may pass the budget. `personal` is the part of what was spent that was made with
    personal keys. `used_share` is the part of what was given that was spent
    within the budget, with four decimals. `released_calls` were not charged. `runs` is a part of `spending`, told
    again by agent run. `compensation` is there when it was asked for and pay is known. Whoever has no budget of their
    own, and drew on a pool, has a statement without plans.
    """

    person: str
    name: str
    period: str
    currency: str
    plans: tuple[PlanPeriod, ...]
    opening_nanos: int
    granted_nanos: int
    added_nanos: int
    carried_in_nanos: int
    overrun_nanos: int
    adjusted_nanos: int
    spent_nanos: int
    expired_nanos: int
    revoked_nanos: int
    carried_out_nanos: int
    cashed_out_nanos: int
    closing_nanos: int
    available_nanos: int
    unearned_nanos: int
    held_nanos: int
    overrun_ceiling_nanos: int
    personal_nanos: int
    used_share: str
    spending: tuple[Spend, ...]
    runs: tuple[RunSpend, ...]
    provisional: tuple[Provisional, ...]
    reported: tuple[Reported, ...]
    corrected: tuple[Corrected, ...]
    running: tuple[Running, ...]
    released_calls: int
    from_pools: tuple[FromPool, ...]
    changes: tuple[Announced, ...]
    compensation: YearlyPay | None

    @property
    def given_nanos(self) -> int:
        """What could be spent: granted, added and carried in, less what was revoked."""
        return self.granted_nanos + self.added_nanos + self.carried_in_nanos - self.revoked_nanos

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
    days = _days(lots)
    ended = movements.ended()
    running = [hold for hold in movements.held if hold.ended_by is None]
    made = Statement(
        person=person.email,
        name=person.name,
        period=period_label,
        currency="USD",
        plans=_plans(connection, person_id, lots),
        opening_nanos=0,  # a lot begins with nothing; what it is given at its opening is granted
        granted_nanos=-net[Account.FUNDING] - added,
        added_nanos=added,
        carried_in_nanos=-net[Account.CARRIED_IN],
        overrun_nanos=-net[Account.OVERRUN] - beyond[Account.OVERRUN] + beyond[Account.SPENT] + beyond[Account.HELD],
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
        personal_nanos=_personal(connection, person_id, ended),
        used_share=_used_share(net),
        spending=_spending(ended, days),
        runs=_runs(connection, person_id, ended),
        provisional=tuple(
            _provisional(call, days) for call in ended if call.verb is Verb.PROVISIONAL and not call.taken_back
        ),
        reported=tuple(_reported(call, days) for call in ended if call.verb is Verb.CHARGE),
        corrected=tuple(_corrected(call, days) for call in ended if call.taken_back),
        running=tuple(
            Running(call=hold.hold_id, since_us=hold.since_us, day=days.of(hold.since_us), held_nanos=hold.amount)
            for hold in running
        ),
        released_calls=sum(call.verb is Verb.RELEASE for call in ended),
        from_pools=from_pools,
        changes=_announced(connection, person_id, lots),
        compensation=_yearly_pay(connection, person_id, lots) if with_pay else None,
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


def _plans(connection: sa.Connection, person_id: int, lots: list[PlanLot]) -> tuple[PlanPeriod, ...]:
    granted = {f"grant:{grant.id}": plan for grant, plan in directory.grants_of(connection, person_id)}
    notes = _notes(connection, lots)
    return tuple(_plan(lot, granted.get(lot.balance.source), notes.get(lot.balance.id, "")) for lot in lots)


def _notes(connection: sa.Connection, lots: list[PlanLot]) -> dict[int, str]:
    """What was noted when lots were opened, by the lots' ids."""
    postings, transfers = schema.postings, schema.transfers
    of_lots = {account_code(lot.balance.id, Account.FUNDING): lot.balance for lot in lots}
    ops = [f"open:{lot.source}:{lot.label}" for lot in of_lots.values()]
    query = (
        sa.select(transfers.c.debit, postings.c.reason)
        .join(transfers, transfers.c.posting_id == postings.c.id)
        .where(postings.c.op.in_(ops), transfers.c.debit.in_(of_lots))
    )
    return {of_lots[debit].id: reason for debit, reason in connection.execute(query)}


def _announced(connection: sa.Connection, person_id: int, lots: list[PlanLot]) -> tuple[Announced, ...]:
    """Changes that were announced, or took effect, while the period's credit could be spent."""
    changes = schema.changes
    from_us = min((lot.balance.opens_us for lot in lots), default=0)
    to_us = max((lot.balance.expires_us or NEVER_US for lot in lots), default=0) - 1
    query = (
        sa.select(changes)
        .where(
            changes.c.person_id == person_id,
            sa.or_(changes.c.announced_us.between(from_us, to_us), changes.c.effective_us.between(from_us, to_us)),
        )
        .order_by(changes.c.announced_us, changes.c.id)
    )
    return tuple(
        Announced(
            kind=row.kind,
            amount_nanos=row.amount_nanos,
            announced_us=row.announced_us,
            effective_us=row.effective_us,
            until_us=row.until_us or 0,
            reason=row.reason,
            actor=row.actor,
            approver=row.approver,
            told=row.told,
        )
        for row in connection.execute(query)
    )


def _plan(lot: PlanLot, plan: directory.Plan | None, note: str) -> PlanPeriod:
    return PlanPeriod(
        name=lot.plan,
        version=0 if plan is None else plan.version,
        time_zone=lot.time_zone,
        opens_us=lot.balance.opens_us,
        expires_us=lot.balance.expires_us,
        terms={} if plan is None else told_terms(plan),
        note=note,
    )


def _yearly_pay(connection: sa.Connection, person_id: int, lots: list[PlanLot]) -> YearlyPay | None:
    """Total compensation on the period's last day; None when there is no period, or no pay is known for the day.

    The period is that of the plan that pays first: grace or an extension let credit live on, pay does not.
    """
    plans = {f"grant:{grant.id}": plan for grant, plan in directory.grants_of(connection, person_id)}
    ends = [(terms_of(plans[lot.balance.source]).periods, lot) for lot in lots if lot.balance.source in plans]
    if not ends:
        return None
    periods, lot = ends[0]
    last_us = periods.named(lot.balance.label).end_us - 1
    view = compensation(connection, person_id, last_us, local_day(last_us, lot.time_zone))
    if view.total_nanos is None or view.tokens_share_bps is None:
        return None
    return YearlyPay(
        day=view.day,
        base_nanos=view.base_nanos or 0,
        bonus_nanos=view.bonus_nanos or 0,
        equity_nanos=view.equity_nanos or 0,
        tokens_nanos=view.tokens_nanos,
        total_nanos=view.total_nanos,
        tokens_share_bps=view.tokens_share_bps,
    )


def told_terms(plan: directory.Plan) -> dict[str, Any]:
    """Terms as a plan file writes them: what is set, of the terms that there were when they were written down."""
    there = {name.removesuffix("_nanos").removesuffix("_bps") for name in json.loads(plan.terms)}
    told = written(terms_of(plan))
    return {name: value for name, value in told.items() if name in there and value not in (None, "", ())}


def _from_pools(connection: sa.Connection, person_id: int, period_label: str) -> tuple[FromPool, ...]:
    """What the person's calls drew from lots of pools of this period, whatever team the person is in now."""
    pools = pool_lots(connection, balances.c.label == period_label)
    drawn_on = moved(connection, person_id, [lot.balance for lot in pools])
    return tuple(_from_pool(connection, person_id, lot) for lot in pools if lot.balance.id in drawn_on)


def _from_pool(connection: sa.Connection, person_id: int, lot: PoolLot) -> FromPool:
    movements = Movements(connection, person_id, [lot.balance])
    net = movements.sums().net
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


def _runs(connection: sa.Connection, person_id: int, ended: Iterable[Ended]) -> tuple[RunSpend, ...]:
    """Charged calls by the agent run whose key, or a key made with it, they were made with; the dearest first."""
    sums: dict[int, tuple[int, int]] = {}
    for call in ended:
        if call.verb is not Verb.RELEASE:
            calls, cost = sums.get(call.key_id, (0, 0))
            sums[call.key_id] = calls + 1, cost + call.cost
    lines: dict[str, RunSpend] = {}
    for key_id, run in runs_of_keys(connection, person_id, sums).items():
        before = lines.get(run.token)
        calls, cost = sums[key_id]
        lines[run.token] = RunSpend(
            run=run.token,
            name=run.name,
            calls=calls + (before.calls if before else 0),
            cost_nanos=cost + (before.cost_nanos if before else 0),
        )
    return tuple(sorted(lines.values(), key=lambda line: (-line.cost_nanos, line.run)))


def _personal(connection: sa.Connection, person_id: int, ended: Iterable[Ended]) -> int:
    """What the calls cost that were made with personal keys."""
    keys = schema.keys
    personal = sa.select(keys.c.id).where(keys.c.person_id == person_id, keys.c.personal != 0)
    ids = set(connection.execute(personal).scalars())
    return sum(call.cost for call in ended if call.key_id in ids)


def _reported(call: Ended, days: Days) -> Reported:
    return Reported(
        id=call.op.removeprefix("charge:"),
        at_us=call.started_us,
        day=days.of(call.started_us),
        model=call.model,
        cost_nanos=call.cost,
        adjusted_nanos=call.adjusted,
        reason=call.reason,
    )


def _corrected(call: Ended, days: Days) -> Corrected:
    return Corrected(
        call=call.op.partition(":")[2],
        at_us=call.started_us,
        day=days.of(call.started_us),
        model=call.model,
        cost_nanos=call.cost,
        taken_back_nanos=call.taken_back,
        reason=call.why_back,
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
