"""Limits that the operator sets: the most that somebody may spend on some models, in all or in each period.

A row says what is allowed; what of it is used stands in balances, one for each period, which the books open. A limit
is never changed: it ends, and another is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import SHARED, Kind
from bursar.ledger.postings import Open
from bursar.periods import SCHEDULES, Period
from bursar.refusals import Refused, Why, refuse
from bursar.store.directory import Key, Person
from bursar.store.schema import keys, limits

LIFE = "life"
"""The period of a limit that is never filled again."""


class Scope(StrEnum):
    """Whose spending a limit counts, all of it together."""

    EVERYBODY = "everybody"
    TEAM = "team"
    PERSON = "person"
    KEY = "key"


class Limit(msgspec.Struct, frozen=True):
    """At most `amount_nanos` of the scope's spending on `models` (a pattern; "" is all) in each period.

    `per` is life, day, week or month, by the calendar of `time_zone`. `soft_nanos` is where it begins to warn; None
    when it does not. It is in force from `created_us` until `ended_us`, None when it has not ended.
    """

    id: int
    scope: Scope
    person_id: int | None
    key_id: int | None
    team: str
    models: str
    per: str
    time_zone: str
    amount_nanos: int
    soft_nanos: int | None
    created_us: int
    ended_us: int | None

    @property
    def owner_id(self) -> int:
        """Whose its balances are: the person's whose spending it counts, or shared."""
        return SHARED if self.person_id is None else self.person_id

    @property
    def source(self) -> str:
        """How its balances name it."""
        return f"limit:{self.id}"

    def period_at(self, at_us: int) -> Period | None:
        """The period that contains an instant; None when the limit has none."""
        return None if self.per == LIFE else SCHEDULES[self.per](self.time_zone).at(at_us)

    def opening(self, at_us: int) -> Open:
        """What opens its balance of the period that contains an instant, whole. The same whenever it is asked for."""
        period = self.period_at(at_us)
        opens_us = self.created_us if period is None else max(self.created_us, period.start_us)
        return Open(
            person_id=self.owner_id,
            kind=Kind.LIMIT,
            source=self.source,
            label=self._label(period),
            amount=self.amount_nanos,
            at_us=opens_us,
            opens_us=opens_us,
            expires_us=0 if period is None else period.end_us,
        )

    def _label(self, period: Period | None) -> str:
        """How refusals and reports name it. The journal keeps it, so it has nothing of a person in it."""
        whose = {Scope.PERSON: "this person", Scope.KEY: "this key", Scope.TEAM: self.team}
        when = "in all" if period is None else f"a {self.per}: {period.label}"
        return ", ".join(part for part in (whose.get(self.scope, "everybody"), self.models, when) if part)


def add_limit(
    connection: sa.Connection,
    *,
    scope: Scope,
    per: str,
    time_zone: str,
    amount_nanos: int,
    now_us: int,
    person_id: int | None = None,
    key_id: int | None = None,
    team: str = "",
    models: str = "",
    soft_nanos: int | None = None,
) -> Limit:
    """Add a limit, in force from now on. A key's limit names the key's person, too."""
    row: dict[str, Any] = {
        "scope": scope,
        "person_id": person_id,
        "key_id": key_id,
        "team": team,
        "models": models,
        "per": per,
        "time_zone": time_zone,
        "amount_nanos": amount_nanos,
        "soft_nanos": soft_nanos,
        "created_us": now_us,
        "ended_us": None,
    }
    made = connection.execute(sa.insert(limits).values({**row, "scope": scope.value})).inserted_primary_key
    assert made is not None
    return Limit(int(made[0]), **row)


def end_limit(connection: sa.Connection, limit_id: int, now_us: int) -> Limit:
    """End a limit; once ended it stays so, at the first time. Refused when there is no such limit."""
    this = limits.c.id == limit_id
    connection.execute(sa.update(limits).where(this, limits.c.ended_us.is_(None)).values(ended_us=now_us))
    row = connection.execute(sa.select(limits).where(this)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="limit", name=limit_id, field="limit"))
    return _limit(row)


def limits_in_force(connection: sa.Connection, person: Person | None = None) -> list[Limit]:
    """The limits in force, oldest first; of a person those that count what the person or one of their keys spends.

    A limit of a key ends with the key.
    """
    revoked = sa.select(keys.c.id).where(keys.c.revoked_us.is_not(None))
    of_a_key_in_force = sa.or_(limits.c.key_id.is_(None), limits.c.key_id.not_in(revoked))
    query = sa.select(limits).where(limits.c.ended_us.is_(None), of_a_key_in_force).order_by(limits.c.id)
    if person is not None:
        theirs = [limits.c.scope == Scope.EVERYBODY.value, limits.c.person_id == person.id]
        if person.team:
            theirs.append(sa.and_(limits.c.scope == Scope.TEAM.value, limits.c.team == person.team))
        query = query.where(sa.or_(*theirs))
    return [_limit(row) for row in connection.execute(query)]


def counting(found: Collection[Limit], key_ids: Collection[int]) -> list[Limit]:
    """Of a person's limits those that count what these keys spend: all but those of other keys."""
    return [limit for limit in found if limit.key_id is None or limit.key_id in key_ids]


def is_limited(connection: sa.Connection, chain: Iterable[Key]) -> bool:
    """Whether a limit is in force on a key of a chain (a key and those that it is a part of)."""
    this = limits.c.key_id.in_([key.id for key in chain])
    query = sa.select(limits.c.id).where(this, limits.c.ended_us.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def _limit(row: Any) -> Limit:
    fields = dict(row._mapping)
    return Limit(**{**fields, "scope": Scope(fields["scope"])})
