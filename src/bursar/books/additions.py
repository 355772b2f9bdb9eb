"""What changes of terms put into lots that are open: raises, and what a request brought."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from bursar.books.granted import Granted, Posted
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Add
from bursar.periods import Period
from bursar.refusals import Refused
from bursar.store.changes import Change
from bursar.terms import amounts
from bursar.terms.accrual import Part, unearned_at_opening
from bursar.terms.amounts import Kind
from bursar.terms.proration import counted_days, prorated
from bursar.terms.schedules import days_of, local_day

GIVING = (*amounts.AMOUNTS, Kind.ADD)
"""The kinds of changes that may add to a lot."""


def addition_ops(events: Iterable[Change], lot: Balance) -> list[str]:
    """The operations by which changes may have added to a lot."""
    return [_op(change, lot) for change in events if change.kind in GIVING]


def additions(one: Granted, lot: Balance, now_us: int) -> Iterator[Add]:
    """Raises that came while the lot's period ran, and what a request brought."""
    period = one.terms.periods.at(lot.opens_us)
    for change, amount in raised(one, lot, now_us):
        span = raise_span(one, lot, change)
        accrues = one.terms.availability == "accrual" and span.start_us < span.end_us
        unearned = unearned_at_opening(amount, span, one.terms.time_zone) if accrues else 0
        yield Add(lot.id, amount, str(change.id), change.effective_us, change.reason, unearned)
    for change in one.events:
        if change.kind == Kind.ADD and change.effective_us in period:
            assert change.amount_nanos is not None, "an addition has an amount"
            yield Add(lot.id, change.amount_nanos, str(change.id), change.effective_us, change.reason)


def raised(one: Granted, lot: Balance, now_us: int) -> Iterator[tuple[Change, int]]:
    """The raises that took effect while the lot's period ran, each with what its days that count are worth."""
    terms = one.terms
    period = terms.periods.at(lot.opens_us)
    days = days_of(period, terms.time_zone)
    for change, more in _raises(one, lot.opens_us, min(now_us, period.end_us - 1)):
        begins = local_day(change.effective_us, terms.time_zone)
        amount = prorated(terms, more, days, counted_days(terms, one.employment, days, begins))
        if amount:
            yield change, amount


def raise_parts(one: Granted, lot: Balance, posted: Posted) -> list[Part]:
    """What raises have added to a lot of a plan that is earned by the day, and the days on which it is earned."""
    return [
        Part(posted[_op(change, lot)], raise_span(one, lot, change))
        for change in one.events
        if change.kind in amounts.AMOUNTS and _op(change, lot) in posted
    ]


def raise_span(one: Granted, lot: Balance, change: Change) -> Period:
    """The time in which what a raise added to a lot is earned: from its day on."""
    end_us = min(one.terms.periods.at(lot.opens_us).end_us, lot.expires_us)
    return Period(lot.label, max(change.effective_us, lot.opens_us), end_us)


def added_nanos(events: Iterable[Change], lot: Balance, posted: Posted, kinds: Collection[str] = GIVING) -> int:
    """What changes of some kinds have added to a lot."""
    return sum(posted.get(_op(change, lot), 0) for change in events if change.kind in kinds)


def _op(change: Change, lot: Balance) -> str:
    return Add(lot.id, 1, str(change.id), 0).op


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
