"""Which lots a grant or a team's pool opens, and when: derived from the clock.

So nothing has to run for a budget to renew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from bursar.books.close import closings
from bursar.books.earned import earned
from bursar.books.effects import effects, next_effect_us, paused
from bursar.books.personal import PersonalUse, personal_use
from bursar.books.spending import NEVER_US, OpenLot
from bursar.ledger.accounts import LAST_PRIORITY, SHARED, Balance, Kind
from bursar.ledger.decide import burn_down
from bursar.ledger.postings import Command, Open
from bursar.periods import Period, first_instant
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.batch import read_balance
from bursar.store.changes import Change, changes_of
from bursar.store.directory import Grant, Person, Plan, all_people, grants_of, person_by_id
from bursar.store.employment import absences_of
from bursar.store.pools import pools_of
from bursar.store.schema import balances
from bursar.terms.amounts import REVOCATIONS, holding_at_opening, pause_at
from bursar.terms.opening import first_us, opening
from bursar.terms.plan import Terms
from bursar.terms.proration import ALWAYS, Employment
from bursar.terms.runout import closes_us
from bursar.terms.schedules import local_day, period_after, period_at
from bursar.terms.worth import Prices, worth_at_opening

_terms = lru_cache(maxsize=1024)(msgspec.json.Decoder(Terms).decode)


def terms_of(plan: Plan) -> Terms:
    """A plan's terms."""
    return _terms(plan.terms)


def source_of(grant: Grant) -> str:
    """How a lot names the grant that opened it."""
    return f"grant:{grant.id}"


def overrun_source(source: str) -> str:
    """How what lets calls pass a budget names the grant or pool whose lot it stands beside."""
    return f"overrun:{source}"


class Enrolment(NamedTuple):
    """A grant, or a team's pool: what opens lots. `owner_id` is whose they are, `source` is how they name it.

    `employment` is when its person is there; `events` are the changes that were announced to the grant; `prices` are
    what models cost at any time.
    """

    owner_id: int
    source: str
    from_us: int
    terms: Terms
    prices: Prices
    employment: Employment = ALWAYS
    events: tuple[Change, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """How its lots name it, and what lets calls pass them."""
        return (self.source, overrun_source(self.source)) if self.terms.overrun == "soft" else (self.source,)

    def goes_on(self, now_us: int) -> bool:
        """Whether there will be further lots, as far as is known now."""
        today = local_day(now_us, self.terms.time_zone)
        left = self.employment.ends is not None and self.employment.ends < today
        last = holding_at_opening(self.events, now_us)
        return not left and (last is None or last.kind not in REVOCATIONS)

    def opened_nanos(self, opens_us: int) -> int:
        """What a lot of a whole period was opened with at an instant. Raises Refused when its model has no price."""
        return worth_at_opening(self.terms, self.from_us, opens_us, self.events, self.prices).amount_nanos

    def span(self, label: str, opens_us: int, expires_us: int) -> Period:
        """The time in which a lot is earned: from its opening to its period's end, or to its own if that is first."""
        end_us = self.terms.periods.named(label).end_us
        return Period(label, opens_us, min(end_us, expires_us))


def openings(enrolment: Enrolment, opened: set[tuple[str, str]], until_us: int) -> Iterator[Open]:
    """The lots that an enrolment should have opened by an instant and has not: one a period, from its start.

    Beside it what lets calls pass the budget, if the plan is soft. `opened` are sources and labels. One whose model
    has no price is not opened: it will be when there is a price, and never at zero.
    """
    if until_us < enrolment.from_us:
        return
    schedule = enrolment.terms.periods
    period = period_at(schedule, enrolment.from_us)
    while period.start_us <= until_us:
        missing = {source for source in enrolment.sources if (source, period.label) not in opened}
        for lot in _opens(enrolment, period) if missing else ():
            if isinstance(lot, Open) and lot.source in missing and lot.opens_us <= until_us:
                yield lot
        period = period_after(schedule, period)


def _opens(one: Enrolment, period: Period) -> Iterator[Open | Refusal]:
    """A period's lot, and what lets calls pass it; or why there is none, if that is because a model has no price."""
    try:
        found = opening(one.terms, period, one.from_us, one.employment, events=one.events, prices=one.prices)
    except Refused as refused:
        yield refused.refusal
        return
    if found is None:
        return
    lot = Open(
        person_id=one.owner_id,
        kind=Kind.LOT,
        source=one.source,
        label=found.label,
        amount=found.amount_nanos,
        at_us=found.opens_us,
        priority=one.terms.priority,
        opens_us=found.opens_us,
        expires_us=found.expires_us,
        unearned=found.unearned_nanos,
        reason=found.note,
    )
    yield lot
    if found.overrun_nanos:
        beside = {"source": overrun_source(one.source), "amount": found.overrun_nanos, "priority": LAST_PRIORITY + 1}
        yield msgspec.structs.replace(lot, **beside, reason="")


class Enrolments:
    """Some enrolments, and the lots that they open."""

    def __init__(
        self,
        found: Iterable[Enrolment],
        lots: sa.ColumnElement[bool],
        again: Callable[[sa.Connection], list[Enrolment]],
    ) -> None:
        """`lots` is a condition on the table `balances` that their lots fulfil, and no others.

        `again` finds them anew, as they are when lots are compared with what they should be.
        """
        self._all = list(found)
        self._lots = lots
        self._again = again
        self._openers = {source: one for one in self._all for source in one.sources}

    @classmethod
    def of(cls, connection: sa.Connection, person: Person | None, prices: Prices) -> Enrolments:
        """Those of a person, the team's pools included; everybody's when nobody is named."""

        def find(connection: sa.Connection) -> list[Enrolment]:
            one = None if person is None else person_by_id(connection, person.id)
            return _granted(connection, one, prices) + _pooled(connection, None if one is None else one.team, prices)

        found = find(connection)
        return cls(found, balances.c.kind == Kind.LOT.value if person is None else _lots_of(found), find)

    @classmethod
    def of_pools(cls, connection: sa.Connection, team: str | None, prices: Prices) -> Enrolments:
        """The pools of a team, or of every team."""

        def find(connection: sa.Connection) -> list[Enrolment]:
            return _pooled(connection, team, prices)

        found = find(connection)
        return cls(found, _lots_of(found), find)

    def due_openings(self, connection: sa.Connection, now_us: int) -> list[Command]:
        """Every opening that is due."""
        rows = connection.execute(sa.select(balances.c.source, balances.c.label).where(self._lots))
        opened = {(source, label) for source, label in rows}
        return [lot for one in self._all for lot in openings(one, opened, now_us)]

    def due_earnings(self, connection: sa.Connection, now_us: int) -> list[Command]:
        """Every day's part of a lot that is earned and is not available yet, each as of its day."""
        return earned(connection, self._lots, self._openers, now_us)

    def due_effects(self, connection: sa.Connection, now_us: int) -> list[Command]:
        """What changes of terms, and leaving, do to lots that are open.

        By the terms as they are in this transaction: what was announced since they were read may be in a lot already.
        """
        openers = {source: one for one in self._again(connection) for source in one.sources}
        return effects(connection, self._lots, openers, now_us)

    def next_close_us(self, connection: sa.Connection, after_us: int, now_us: int) -> int:
        """When the next lot after an instant closed that has something available; now when none has closed by now."""
        lot = balances.c
        if not any(one.terms.run_out_days for one in self._all):
            query = sa.select(sa.func.min(lot.expires_us)).where(
                self._lots, lot.available > 0, lot.expires_us > after_us, lot.expires_us < now_us
            )
            found = connection.execute(query).scalar()
            return now_us if found is None else int(found)
        ended = sa.select(lot.source, lot.expires_us).where(self._lots, lot.available > 0, lot.expires_us < now_us)
        closes = (self._closes_us(source, expires_us) for source, expires_us in connection.execute(ended.distinct()))
        return min((instant for instant in closes if after_us < instant < now_us), default=now_us)

    def _closes_us(self, source: str, expires_us: int) -> int:
        """When a lot that ends at an instant is closed for good."""
        opener = self._openers.get(source)
        return expires_us if opener is None else closes_us(opener.terms, expires_us)

    def due_closings(self, connection: sa.Connection, now_us: int) -> list[Command]:
        """What becomes of every lot whose time has ended with something unspent, as far as it can be said now."""
        return closings(connection, self._lots, self._openers, now_us)

    def open_lots(self, connection: sa.Connection, now_us: int) -> tuple[OpenLot, ...]:
        """The lots that are open, with the terms under which they may be spent."""
        pauses = self._pauses(now_us)
        if any(pause.grant_id is None for pause in pauses.values()):
            return ()
        terms = {source: one.terms for source, one in self._openers.items() if one.source not in pauses}
        query = sa.select(balances.c.id, balances.c.source, balances.c.expires_us).where(
            self._lots, balances.c.opens_us <= now_us, balances.c.expires_us > now_us
        )
        rows = connection.execute(query)
        return tuple(
            OpenLot(balance_id, terms[source], expires_us)
            for balance_id, source, expires_us in rows
            if source in terms
        )

    def paused(self, now_us: int) -> Refusal | None:
        """Why nothing can be spent now, if that is because of a pause."""
        return next((paused(pause) for pause in self._pauses(now_us).values()), None)

    def unpriced(self, now_us: int) -> Refusal | None:
        """Why a lot of now is not open, if that is because its model has no price."""
        begun = [one for one in self._all if one.from_us <= now_us]
        lots = (lot for one in begun for lot in _opens(one, period_at(one.terms.periods, now_us)))
        problem = next((lot.text for lot in lots if isinstance(lot, Refusal)), None)
        return None if problem is None else refuse(Why.BUDGET_NOT_PRICED, problem=problem)

    def all_lots(self, connection: sa.Connection) -> list[tuple[Balance, Terms]]:
        """All lots that there are or ever were, as they stand, in the order in which they pay; with their terms."""
        rows = connection.execute(sa.select(balances).where(self._lots))
        return [(lot, self._openers[lot.source].terms) for lot in burn_down(map(read_balance, rows))]

    def personal_use(self, connection: sa.Connection, now_us: int) -> PersonalUse | None:
        """What may be spent on personal use now, and from which lots; None when no open lot's plan allows it."""
        pauses = self._pauses(now_us)
        return personal_use(
            connection, [(lot, terms) for lot, terms in self.all_lots(connection) if lot.source not in pauses], now_us
        )

    def _pauses(self, now_us: int) -> dict[str, Change]:
        """The pauses that close lots at an instant, by what opened the lots."""
        pauses = ((one.source, pause_at(one.events, now_us)) for one in self._all)
        return {source: pause for source, pause in pauses if pause is not None}

    def next_us(self, now_us: int) -> int:
        """When more may come of one of them: its beginning, a new period, another day's part; NEVER_US if never."""
        return min((instant for one in self._all for instant in _instants(one, now_us)), default=NEVER_US)


def _instants(one: Enrolment, now_us: int) -> Iterator[int]:
    """Instants after now at which something may come of an enrolment."""
    if one.from_us > now_us:
        yield one.from_us
        return
    zone = one.terms.time_zone
    yield period_at(one.terms.periods, now_us).end_us
    starts_us = first_us(one.employment.starts, zone)
    if starts_us > now_us:
        yield starts_us
    if one.terms.availability == "accrual":
        tomorrow_us = first_instant(local_day(now_us, zone) + timedelta(days=1), ZoneInfo(zone))
        if tomorrow_us > now_us:
            yield tomorrow_us
    change_us = next_effect_us(one, now_us)
    if change_us is not None:
        yield change_us


def _granted(connection: sa.Connection, person: Person | None, prices: Prices) -> list[Enrolment]:
    """The grants of a person, or of everybody, with what is known of employment and of changes."""
    person_id = None if person is None else person.id
    people = {one.id: one for one in (all_people(connection) if person is None else [person])}
    leave: dict[int, list[tuple[date, date | None]]] = {}
    for absence in absences_of(connection, person_id):
        last = None if absence.to_day is None else date.fromisoformat(absence.to_day)
        leave.setdefault(absence.person_id, []).append((date.fromisoformat(absence.from_day), last))
    events: dict[int, list[Change]] = {}
    for change in changes_of(connection, person_id):
        events.setdefault(change.person_id, []).append(change)
    return [
        Enrolment(
            grant.person_id,
            source_of(grant),
            grant.from_us,
            terms_of(plan),
            prices,
            Employment(
                _day(people[grant.person_id].starts),
                _day(people[grant.person_id].ends),
                tuple(leave.get(grant.person_id, ())),
            ),
            tuple(event for event in events.get(grant.person_id, ()) if event.grant_id in {None, grant.id}),
        )
        for grant, plan in grants_of(connection, person_id)
    ]


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)


def _pooled(connection: sa.Connection, team: str | None, prices: Prices) -> list[Enrolment]:
    found = pools_of(connection, team)
    return [Enrolment(SHARED, pool.source, pool.from_us, terms_of(plan), prices) for pool, plan in found]


def _lots_of(found: list[Enrolment]) -> sa.ColumnElement[bool]:
    sources = [source for one in found for source in one.sources]
    return sa.and_(balances.c.kind == Kind.LOT.value, balances.c.source.in_(sources))
