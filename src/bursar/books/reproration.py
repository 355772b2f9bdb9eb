"""What the roster says late: a first or last day, or leave, that was entered when the lot was open already.

A lot that is open is brought to what it would have been opened with, by postings: more is added; what is too much is
taken back, but never what is vested, spent or held, nor what a change has added. What was carried in is spent first.
"""

from __future__ import annotations

from collections.abc import Iterator

from bursar.books.additions import added_nanos, raised
from bursar.books.earned import earned_parts, open_op
from bursar.books.granted import Granted, Posted
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Add, Revoke
from bursar.refusals import Refused
from bursar.store.changes import Change
from bursar.terms.accrual import unearned_of
from bursar.terms.amounts import AMOUNTS, Kind, resumes_us
from bursar.terms.opening import first_us
from bursar.terms.proration import counted_days, prorated
from bursar.terms.schedules import days_of, local_day

REASON = "the roster says other days"


def part_name(change: Change) -> str:
    """How the operation is called that takes a part of a lot back."""
    return f"part:{change.id}"


def part_op(change: Change, lot: Balance) -> str:
    """The operation that takes a part of a lot back."""
    return Revoke(lot.id, 1, part_name(change), 0, "").op


def reprorated(one: Granted, lot: Balance, posted: Posted, free_nanos: int, now_us: int) -> Iterator[Add | Revoke]:
    """What brings an open lot to what the roster says now. `free_nanos` is what may be taken back of it."""
    try:
        opened_nanos = _opened_nanos(one, lot)
    except Refused:
        return  # what it was opened with cannot be told any more
    asked = added_nanos(one.events, lot, posted, (Kind.ADD,))
    taken = sum(posted.get(part_op(change, lot), 0) for change in one.events if change.kind == Kind.REVOKE_PART)
    is_now = lot.granted - asked - (lot.revoked - taken)
    more = opened_nanos + sum(amount for _, amount in raised(one, lot, now_us)) - is_now
    before = (lot.granted, lot.revoked)
    name = f"roster:{lot.granted}:{lot.revoked}"
    if more > 0:
        yield Add(lot.id, more, name, now_us, REASON, _unearned(one, lot, posted, more, now_us), before)
    elif more < 0:
        base = is_now - added_nanos(one.events, lot, posted, AMOUNTS)
        used = lot.spent + lot.held - lot.overrun - lot.adjusted
        amount = min(-more, free_nanos, max(0, min(base, lot.carried_in + base - used)))
        if amount > 0:
            yield Revoke(lot.id, amount, name, now_us, REASON, before)


def _opened_nanos(one: Granted, lot: Balance) -> int:
    """What the lot would be opened with by what the roster says now. Raises Refused when that cannot be told."""
    terms, period = one.terms, one.terms.periods.at(lot.opens_us)
    begins_us = max(period.start_us, one.from_us, first_us(one.employment.starts, terms.time_zone))
    known = [event for event in one.events if event.announced_us < lot.opens_us]
    resumed_us = resumes_us(known, begins_us)
    begins_us = lot.opens_us if resumed_us is None else resumed_us
    if begins_us >= period.end_us:
        return 0
    days = days_of(period, terms.time_zone)
    counted = counted_days(terms, one.employment, days, local_day(begins_us, terms.time_zone))
    return prorated(terms, one.opened_nanos(lot.opens_us), days, counted) if counted else 0


def _unearned(one: Granted, lot: Balance, posted: Posted, more_nanos: int, now_us: int) -> int:
    """What of an addition is not earned yet, in a plan that is earned by the day."""
    if one.terms.availability != "accrual":
        return 0
    zone = one.terms.time_zone
    parts, revoked_nanos = earned_parts(one, lot, posted[open_op(lot)], posted, more_nanos)
    unearned = unearned_of(parts, revoked_nanos, zone, local_day(now_us, zone))
    return max(0, min(more_nanos, unearned - lot.unearned))
