"""Which lots a grant or a team's pool opens, and when: derived from the clock.

So nothing has to run for a budget to renew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.books.spending import NEVER_US, OpenLot
from bursar.ledger.accounts import SHARED, Kind
from bursar.ledger.postings import Expire, Open
from bursar.store.directory import Grant, Person, Plan, grants_of
from bursar.store.pools import pools_of
from bursar.store.schema import balances
from bursar.terms.plan import Terms

_terms = msgspec.json.Decoder(Terms).decode


def terms_of(plan: Plan) -> Terms:
    """A plan's terms."""
    return _terms(plan.terms)


def source_of(grant: Grant) -> str:
    """How a lot names the grant that opened it."""
    return f"grant:{grant.id}"


class Enrolment(NamedTuple):
    """A grant, or a team's pool: what opens lots. `owner_id` is whose they are, `source` is how they name it."""

    owner_id: int
    source: str
    from_us: int
    terms: Terms


def openings(enrolment: Enrolment, opened: set[str], until_us: int) -> Iterator[Open]:
    """The lots that an enrolment should have opened by an instant and has not: one a period, from its start.

    The first period is granted whole, from the day on which the enrolment begins (terms.md: proration none).
    """
    owner_id, source, from_us, terms = enrolment
    if until_us < from_us:
        return
    period = terms.periods.at(from_us)
    while period.start_us <= until_us:
        if period.label not in opened:
            opens_us = max(period.start_us, from_us)
            yield Open(
                person_id=owner_id,
                kind=Kind.LOT,
                source=source,
                label=period.label,
                amount=terms.amount_nanos,
                at_us=opens_us,
                priority=terms.priority,
                opens_us=opens_us,
                expires_us=period.end_us,
            )
        period = terms.periods.after(period)


class Enrolments:
    """Some enrolments, and the lots that they open."""

    def __init__(self, found: Iterable[Enrolment], lots: sa.ColumnElement[bool]) -> None:
        """`lots` is a condition on the table `balances` that their lots fulfil, and no others."""
        self._all = list(found)
        self._lots = lots

    @classmethod
    def of(cls, connection: sa.Connection, person: Person | None) -> Enrolments:
        """Those of a person, the team's pools included; everybody's when nobody is named."""
        granted = grants_of(connection, None if person is None else person.id)
        found = [
            Enrolment(grant.person_id, source_of(grant), grant.from_us, terms_of(plan)) for grant, plan in granted
        ]
        found += _pooled(connection, None if person is None else person.team)
        return cls(found, balances.c.kind == Kind.LOT.value if person is None else _lots_of(found))

    @classmethod
    def of_pools(cls, connection: sa.Connection, team: str | None) -> Enrolments:
        """The pools of a team, or of every team."""
        found = _pooled(connection, team)
        return cls(found, _lots_of(found))

    def due_openings(self, connection: sa.Connection, now_us: int) -> list[Open]:
        """Every opening that is due."""
        opened: dict[str, set[str]] = {}
        for source, label in connection.execute(sa.select(balances.c.source, balances.c.label).where(self._lots)):
            opened.setdefault(source, set()).add(label)
        return [opening for one in self._all for opening in openings(one, opened.get(one.source, set()), now_us)]

    def due_expiries(self, connection: sa.Connection, now_us: int) -> list[Expire]:
        """Every lot whose time has ended with something unspent."""
        query = sa.select(balances.c.id, balances.c.expired).where(
            self._lots, balances.c.expires_us <= now_us, balances.c.available > 0
        )
        return [Expire(balance_id, expired, now_us) for balance_id, expired in connection.execute(query)]

    def open_lots(self, connection: sa.Connection, now_us: int) -> tuple[OpenLot, ...]:
        """The lots that are open, with the terms under which they may be spent."""
        terms = {one.source: one.terms for one in self._all}
        query = sa.select(balances.c.id, balances.c.source, balances.c.expires_us).where(
            self._lots, balances.c.opens_us <= now_us, balances.c.expires_us > now_us
        )
        rows = connection.execute(query)
        return tuple(OpenLot(balance_id, terms[source], expires_us) for balance_id, source, expires_us in rows)

    def next_us(self, now_us: int) -> int:
        """When the next of them begins that has not begun; NEVER_US when none will."""
        return min((one.from_us for one in self._all if one.from_us > now_us), default=NEVER_US)


def _pooled(connection: sa.Connection, team: str | None) -> list[Enrolment]:
    found = pools_of(connection, team)
    return [Enrolment(SHARED, pool.source, pool.from_us, terms_of(plan)) for pool, plan in found]


def _lots_of(found: list[Enrolment]) -> sa.ColumnElement[bool]:
    return sa.and_(balances.c.kind == Kind.LOT.value, balances.c.source.in_([one.source for one in found]))
