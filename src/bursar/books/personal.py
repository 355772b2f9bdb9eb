"""Personal use: what a plan lets a person spend on their own ends, with keys that are made for it.

All personal keys of a person share one limit a period: a share of what the period's lot was opened with. They draw on
one budget: of those that allow personal use the one that pays first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import SHARED, Balance, Kind
from bursar.ledger.postings import Open
from bursar.store.directory import grants_of
from bursar.store.posted import posted_nanos
from bursar.terms.fields import WHOLE_BPS
from bursar.terms.plan import Terms
from bursar.terms.schedules import period_at

_terms = msgspec.json.Decoder(Terms).decode


class PersonalUse(NamedTuple):
    """What opens the limit of personal use in a period, and the lots that it is a limit on."""

    limit: Open
    lots: frozenset[int]


def allows_personal_use(connection: sa.Connection, person_id: int) -> bool:
    """Whether one of a person's plans does."""
    return any(_terms(plan.terms).personal_use_bps for _, plan in grants_of(connection, person_id))


def personal_use(connection: sa.Connection, lots: Sequence[tuple[Balance, Terms]], now_us: int) -> PersonalUse | None:
    """What may be spent on personal use now, given a person's lots in burn-down order; None when nothing may."""
    allowing = [
        (lot, terms)
        for lot, terms in lots
        if terms.personal_use_bps and lot.person_id != SHARED and not lot.is_overrun and lot.usable(now_us)
    ]
    if not allowing:
        return None
    first, terms = allowing[0]
    period = period_at(terms.periods, now_us)
    op = Open(first.person_id, Kind.LOT, first.source, period.label, 0, 0).op
    opened_nanos = posted_nanos(connection, [op]).get(op, 0)
    amount = opened_nanos * terms.personal_use_bps // WHOLE_BPS
    if not amount:
        return None
    limit = Open(
        person_id=first.person_id,
        kind=Kind.LIMIT,
        source=f"personal:{first.source}",
        label=f"personal use, {period.label}",
        amount=amount,
        at_us=period.start_us,
        opens_us=period.start_us,
        expires_us=period.end_us,
    )
    return PersonalUse(limit, frozenset(lot.id for lot, _ in allowing if lot.source == first.source))
