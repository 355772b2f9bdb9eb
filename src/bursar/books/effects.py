"""What changes of terms, leaving and the roster do to lots: postings that are due, derived from the clock.

Whoever asks, on whatever node and however often, finds the same ones; what was posted before is not due again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bursar.books.additions import added_nanos, addition_ops, additions
from bursar.books.earned import open_op
from bursar.books.granted import Granted, Posted
from bursar.books.reproration import part_name, part_op, reprorated
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import CashOut, Command, Extend, Revoke
from bursar.periods import first_instant, iso
from bursar.refusals import Refusal, Why, refuse
from bursar.store.batch import read_balance
from bursar.store.changes import Change
from bursar.store.posted import posted_nanos
from bursar.store.schema import balances
from bursar.terms import amounts
from bursar.terms.amounts import Kind
from bursar.terms.proration import ALWAYS
from bursar.terms.unused import payroll_text
from bursar.terms.vesting import vested_nanos

_CHUNK = 500
LEFT = "left the company"


def effects(
    connection: sa.Connection, lots: sa.ColumnElement[bool], openers: Mapping[str, Granted], now_us: int
) -> list[Command]:
    """What is to be posted to lots by an instant. `lots` is a condition on the table `balances`."""
    concerned = {source: one for source, one in openers.items() if _is_concerned(one)}
    if not concerned:
        return []
    of: dict[str, list[Balance]] = {}
    for lot in _read(connection, lots, list(concerned), now_us):
        of.setdefault(lot.source, []).append(lot)
    posted = posted_nanos(connection, (op for source, its in of.items() for op in _ops(concerned[source], its)))
    found = [effect for source, its in of.items() for effect in _of(concerned[source], its, posted, now_us)]
    done = posted_nanos(connection, (effect.op for effect in found if effect.op not in posted))
    return [effect for effect in found if effect.op not in posted and effect.op not in done]


def _is_concerned(one: Granted) -> bool:
    return bool(one.events) or one.employment != ALWAYS or one.terms.proration == "daily"


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


def _ops(one: Granted, lots: Sequence[Balance]) -> Iterator[str]:
    """Operations of which it matters, beside whether they were done, what came of them."""
    for lot in lots:
        yield open_op(lot)
        yield from addition_ops(one.events, lot)
        yield from (part_op(change, lot) for change in one.events if change.kind == Kind.REVOKE_PART)


def _of(one: Granted, lots: Sequence[Balance], posted: Posted, now_us: int) -> Iterator[Command]:
    """What is due to the lots of one source. Until what changes added is there nothing else can be said of a lot."""
    settled = []
    for lot in lots:
        added = [] if lot.is_overrun else [add for add in additions(one, lot, now_us) if add.op not in posted]
        yield from added
        ended = list(_ended(one, lot, now_us))
        yield from ended
        if not added and not ended and not lot.is_overrun:
            settled.append(lot)
    for lot in settled:
        yield from _extended(one, lot, now_us)
    yield from _partly_revoked(one, settled, posted, now_us)
    for lot in settled:
        if lot.usable(now_us) and not _is_over(one, now_us):
            yield from reprorated(one, lot, posted, _unvested(one, lot, now_us), now_us)


def _is_over(one: Granted, now_us: int) -> bool:
    """Whether the grant was revoked, or its person has left."""
    ends_us = _ends_us(one)
    return amounts.revocation(one.events, now_us) is not None or (ends_us is not None and ends_us <= now_us)


def _ended(one: Granted, lot: Balance, now_us: int) -> Iterator[Command]:
    """A grant that was revoked, or whose person has left."""
    revoked = amounts.revocation(one.events, now_us)
    if revoked is not None and lot.usable(revoked.effective_us):
        yield from _revoke(one, lot, revoked.effective_us, str(revoked.id), revoked.reason)
        return
    ends_us = _ends_us(one)
    if ends_us is not None and ends_us <= now_us and lot.usable(ends_us):
        yield from _revoke(one, lot, ends_us, f"left:{one.employment.ends}", LEFT)
        if not lot.is_overrun:
            yield from _cash_out(one, lot, ends_us)


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
    if lot.is_overrun:
        return lot.available
    put_in = lot.granted + lot.carried_in
    vested = vested_nanos(one.terms, put_in, one.from_us, at_us)
    return max(0, min(put_in - vested - lot.revoked, lot.available + lot.unearned))


def _cash_out(one: Granted, lot: Balance, at_us: int) -> Iterator[CashOut]:
    """Turn a leaver's vested credit into pay, up to the plan's cap, if the plan says so."""
    if one.terms.leaving_vested == "cash_out" and not lot.cashed_out and not _unvested(one, lot, at_us):
        cap_nanos = one.terms.cash_out_cap_nanos
        amount = lot.available if cap_nanos is None else min(lot.available, cap_nanos)
        if amount:
            yield CashOut(lot.id, amount, 0, at_us, f"{LEFT}; {payroll_text(one.terms, amount)}")


def _extended(one: Granted, lot: Balance, now_us: int) -> Iterator[Extend]:
    """Keep a lot open that an extension found open."""
    for change in amounts.in_order(one.events):
        if change.kind == Kind.EXTEND and change.effective_us <= now_us and lot.usable(change.effective_us):
            assert change.until_us is not None, "an extension has an end"
            if lot.expires_us < change.until_us:
                at_us = change.effective_us
                yield Extend(lot.id, lot.expires_us, change.until_us, str(change.id), at_us, change.reason)
                return


def _partly_revoked(one: Granted, lots: Sequence[Balance], posted: Posted, now_us: int) -> Iterator[Revoke]:
    """Take a part of the credit that was open, once: from what ends first, and never what was given afterwards."""
    for change in amounts.in_order(one.events):
        if change.kind != Kind.REVOKE_PART or change.effective_us > now_us:
            continue
        assert change.amount_nanos is not None, "a part is an amount"
        left = change.amount_nanos - sum(posted.get(part_op(change, lot), 0) for lot in lots)
        for lot in sorted(lots, key=lambda lot: (lot.expires_us, lot.opens_us)):
            if left <= 0 or part_op(change, lot) in posted or not lot.usable(change.effective_us):
                continue
            later = [event for event in one.events if _turn(event) > _turn(change)]
            used = lot.spent + lot.held - lot.overrun - lot.adjusted
            there = lot.granted + lot.carried_in - added_nanos(later, lot, posted) - lot.revoked - used
            amount = min(left, there, _unvested(one, lot, change.effective_us))
            if amount > 0:
                yield Revoke(lot.id, amount, part_name(change), change.effective_us, change.reason)
                left -= amount


def _turn(change: Change) -> tuple[int, int]:
    """By which changes are ordered as they take effect."""
    return change.effective_us, change.id


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
