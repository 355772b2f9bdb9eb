"""What the calls of a statement's period came to: by day and model, by agent run, and the ones that take telling."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from bursar.ledger.postings import Verb
from bursar.reports.days import Days
from bursar.reports.lots import NO_PLAN_ZONE, PlanLot
from bursar.reports.movements import Ended
from bursar.reports.statement_shape import Corrected, Provisional, Reported, RunSpend, Spend
from bursar.store import schema
from bursar.store.runs import runs_of_keys


def days_of_lots(lots: list[PlanLot]) -> Days:
    """The days in which the lots can be spent, as the zone of the plan that pays first has them."""
    starts_us = min((lot.balance.opens_us for lot in lots), default=0)
    time_zone = lots[0].time_zone if lots else NO_PLAN_ZONE
    return Days(time_zone, starts_us, max((lot.balance.expires_us for lot in lots), default=0))


def spending(ended: Iterable[Ended], days: Days) -> tuple[Spend, ...]:
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


def spent_by_runs(connection: sa.Connection, person_id: int, ended: Iterable[Ended]) -> tuple[RunSpend, ...]:
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


def personal_nanos(connection: sa.Connection, person_id: int, ended: Iterable[Ended]) -> int:
    """What the calls cost that were made with personal keys."""
    keys = schema.keys
    personal = sa.select(keys.c.id).where(keys.c.person_id == person_id, keys.c.personal != 0)
    ids = set(connection.execute(personal).scalars())
    return sum(call.cost for call in ended if call.key_id in ids)


def reported(ended: Iterable[Ended], days: Days) -> tuple[Reported, ...]:
    """What is told of usage that was reported: a line for each day, model and reason, in the order of the first."""
    lines: dict[tuple[str, str, str, bool], Reported] = {}
    for call in ended:
        if call.verb is not Verb.CHARGE:
            continue
        day = days.of(call.started_us)
        name = (day, call.model, call.reason, bool(call.adjusted))
        line = lines.get(name)
        lines[name] = Reported(
            id=call.op.removeprefix("charge:") if line is None else line.id,
            at_us=call.started_us if line is None else line.at_us,
            day=day,
            model=call.model,
            cost_nanos=call.cost + (line.cost_nanos if line else 0),
            adjusted_nanos=call.adjusted + (line.adjusted_nanos if line else 0),
            reason=call.reason,
            calls=1 + (line.calls if line else 0),
        )
    return tuple(lines.values())


def corrected(call: Ended, days: Days) -> Corrected:
    """What is told of a call of which something was taken back."""
    return Corrected(
        call=call.op.partition(":")[2],
        at_us=call.started_us,
        day=days.of(call.started_us),
        model=call.model,
        cost_nanos=call.cost,
        taken_back_nanos=call.taken_back,
        reason=call.why_back,
    )


def provisional(call: Ended, days: Days) -> Provisional:
    """What is told of a charge that stands until something better is known."""
    return Provisional(
        call=call.op.removeprefix("end:"),
        at_us=call.started_us,
        day=days.of(call.started_us),
        model=call.model,
        cost_nanos=call.cost,
        reason=call.reason,
    )
