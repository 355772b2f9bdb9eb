"""What changes of terms, and leaving, do to lots: postings that are due, derived from the clock.

Whoever asks, on whatever node and however often, finds the same ones; what was posted before is not due again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Add, CashOut, Command, Revoke
from bursar.periods import first_instant, iso
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.batch import read_balance
from bursar.store.changes import Change
from bursar.store.schema import balances, postings
from bursar.terms import amounts
from bursar.terms.plan import Terms
from bursar.terms.proration import Employment, prorated
from bursar.terms.schedules import days_of, local_day
from bursar.terms.vesting import vested_nanos

_CHUNK = 500
LEFT = "left the company"


class Granted(Protocol):
    """What opened lots: terms from an instant on, when the person is there, and the changes that were announced."""

    @property
    def from_us(self) -> int: ...  # noqa: D102

    @property
    def terms(self) -> Terms: ...  # noqa: D102

    @property
    def employment(self) -> Employment: ...  # noqa: D102

    @property
    def events(self) -> tuple[Change, ...]: ...  # noqa: D102

    def opened_nanos(self, opens_us: int) -> int: ...  # noqa: D102


def effects(
    connection: sa.Connection, lots: sa.ColumnElement[bool], openers: Mapping[str, Granted], now_us: int
) -> list[Command]:
    """What changes, and leaving, ask to be posted to lots by an instant. `lots` is a condition on balances."""
    concerned = {source: one for source, one in openers.items() if one.events or _ends_us(one) is not None}
    if not concerned:
        return []
    found: list[Command] = []
    for lot in _read(connection, lots, list(concerned), now_us):
        found += _of(concerned[lot.source], lot, now_us)
    done = _done(connection, [effect.op for effect in found])
    return [effect for effect in found if effect.op not in done]


def next_effect_us(one: Granted, now_us: int) -> int | None:
    """When the next announced change takes effect or ends, or a leaver's credit ends; None when nothing will."""
    found = [amounts.next_us(one.events, now_us), _ends_us(one)]
    return min((instant for instant in found if instant is not None and instant > now_us), default=None)


def paused(pause: Change) -> Refusal:
    """Why nothing may be spent during a pause."""
    until = "" if pause.until_us is None else f" until {iso(pause.until_us)}"
    return refuse(Why.PAUSED, since=iso(pause.effective_us), until=until, reason=pause.reason)


def _ends_us(one: Granted) -> int | None:
    """When a leaver's unvested credit ends; None when it may be used to its period's end, or nobody leaves."""
    if one.employment.ends is None or one.terms.on_leaving == "period_end":
        return None
    day = one.employment.ends + timedelta(days=1 + one.terms.leaving_days)
    return first_instant(day, ZoneInfo(one.terms.time_zone))


def _of(one: Granted, lot: Balance, now_us: int) -> Iterator[Command]:
    yield from _additions(one, lot, now_us)
    revoked = amounts.revocation(one.events, now_us)
    if revoked is not None and lot.usable(revoked.effective_us):
        yield from _revoke(one, lot, revoked.effective_us, str(revoked.id), revoked.reason)
        return
    ends_us = _ends_us(one)
    if ends_us is not None and ends_us <= now_us and lot.usable(ends_us):
        yield from _revoke(one, lot, ends_us, f"left:{one.employment.ends}", LEFT)
        yield from _cash_out(one, lot, ends_us)


def _additions(one: Granted, lot: Balance, now_us: int) -> Iterator[Add]:
    """Raises that came while the lot's period ran, and what a request brought."""
    terms = one.terms
    period = terms.periods.at(lot.opens_us)
    days = days_of(period, terms.time_zone)
    last_us = min(now_us, period.end_us - 1)
    for change, more in _raises(one, lot.opens_us, last_us):
        begins = local_day(change.effective_us, terms.time_zone)
        amount = prorated(terms, more, days, {day for day in days if day >= begins})
        if amount:
            yield Add(lot.id, amount, str(change.id), change.effective_us, change.reason)
    for change in one.events:
        if change.kind == amounts.Kind.ADD and change.effective_us in period:
            assert change.amount_nanos is not None, "an addition has an amount"
            yield Add(lot.id, change.amount_nanos, str(change.id), change.effective_us, change.reason)


def _raises(one: Granted, opens_us: int, last_us: int) -> Iterator[tuple[Change, int]]:
    """Raises while a lot is open, each with what it adds to a whole period.

    None when what the lot was opened with cannot be told any more: its model's price is not in the book now in force.
    """
    if not any(event.kind in amounts.AMOUNTS for event in one.events):
        return
    try:
        opened_nanos = one.opened_nanos(opens_us)
    except Refused:
        return
    yield from amounts.raises_within(opened_nanos, one.events, opens_us, last_us)


def _revoke(one: Granted, lot: Balance, at_us: int, change: str, reason: str) -> Iterator[Revoke]:
    """Take what of the lot was not vested at an instant.

    Calls that ran then keep what they hold; what of it they give back is taken, too, so that in the end nothing is
    left but what had vested. What was taken before is in the operation's name.
    """
    amount = _unvested(one, lot, at_us)
    if amount:
        yield Revoke(lot.id, amount, f"{change}:{lot.revoked}", at_us, reason)


def _unvested(one: Granted, lot: Balance, at_us: int) -> int:
    """What of a lot may be taken back: never what is vested, spent or held. What was spent counts as vested first."""
    put_in = lot.granted + lot.carried_in
    vested = vested_nanos(one.terms, put_in, one.from_us, at_us)
    return max(0, min(put_in - vested - lot.revoked, lot.available + lot.unearned))


def _cash_out(one: Granted, lot: Balance, at_us: int) -> Iterator[CashOut]:
    """Turn a leaver's vested credit into pay, up to the plan's cap, if the plan says so."""
    if one.terms.leaving_vested == "cash_out" and not lot.cashed_out and not _unvested(one, lot, at_us):
        cap_nanos = one.terms.cash_out_cap_nanos
        amount = lot.available if cap_nanos is None else min(lot.available, cap_nanos)
        if amount:
            yield CashOut(lot.id, amount, 0, at_us, LEFT)


def _read(
    connection: sa.Connection, lots: sa.ColumnElement[bool], sources: Sequence[str], now_us: int
) -> Iterator[Balance]:
    wanted = set(sources)
    if len(wanted) < _CHUNK:
        lots = sa.and_(lots, balances.c.source.in_(sources))
    query = (
        sa.select(balances).where(lots, balances.c.opens_us <= now_us).order_by(balances.c.opens_us, balances.c.id)
    )
    for row in connection.execute(query):
        if row.source in wanted:
            yield read_balance(tuple(row))


def _done(connection: sa.Connection, ops: list[str]) -> set[str]:
    """Which of these operations the journal has."""
    done: set[str] = set()
    for begin in range(0, len(ops), _CHUNK):
        query = sa.select(postings.c.op).where(postings.c.op.in_(ops[begin : begin + _CHUNK]))
        done.update(connection.execute(query).scalars())
    return done
