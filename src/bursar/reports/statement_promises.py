"""What was promised for a statement's period: plans and their terms, changes of them, pay with the budget in it."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from bursar.ledger.accounts import Account, account_code
from bursar.reports.compensation import compensation
from bursar.reports.lots import PlanLot, terms_of
from bursar.reports.movements import NEVER_US
from bursar.reports.statement_shape import Announced, PlanPeriod, YearlyPay
from bursar.store import directory, schema
from bursar.terms.schedules import local_day
from bursar.terms.written import written


def plans_of(connection: sa.Connection, person_id: int, lots: list[PlanLot]) -> tuple[PlanPeriod, ...]:
    """The plans that some lots come from, as they were when they opened."""
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


def told_terms(plan: directory.Plan) -> dict[str, Any]:
    """Terms as a plan file writes them: what is set, of the terms that there were when they were written down."""
    there = {name.removesuffix("_nanos").removesuffix("_bps") for name in json.loads(plan.terms)}
    told = written(terms_of(plan))
    return {name: value for name, value in told.items() if name in there and value not in (None, "", ())}


def announced(connection: sa.Connection, person_id: int, lots: list[PlanLot]) -> tuple[Announced, ...]:
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


def yearly_pay(connection: sa.Connection, person_id: int, lots: list[PlanLot]) -> YearlyPay | None:
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
