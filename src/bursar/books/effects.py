"""What changes of terms, and leaving, do to lots: postings that are due, derived from the clock.

Whoever asks, on whatever node and however often, finds the same ones; what was posted before is not due again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bursar.books.lots import source_of, terms_of
from bursar.ledger.accounts import Balance, Kind
from bursar.ledger.postings import Add, CashOut, Revoke
from bursar.periods import first_instant, iso
from bursar.refusals import Refusal, Why, refuse
from bursar.store.batch import read_balance
from bursar.store.changes import Change, by_grant, changes_of
from bursar.store.directory import Grant, Person, all_people, grants_of
from bursar.store.schema import balances, changes, people, postings
from bursar.terms import amounts
from bursar.terms.plan import Terms
from bursar.terms.proration import prorated
from bursar.terms.schedules import days_of, local_day
from bursar.terms.vesting import vested_nanos

Effect = Add | Revoke | CashOut
_CHUNK = 500


class Holding(NamedTuple):
    """A grant of somebody, its terms as they were granted, and all that was announced about it since."""

    person: Person
    grant: Grant
    terms: Terms
    changes: tuple[Change, ...]

    @property
    def leaves_us(self) -> int | None:
        """The first instant after the person's last day, in µs UTC."""
        return self._after_last_day(0)

    @property
    def ends_us(self) -> int | None:
        """When a leaver's unvested credit ends, in µs UTC; None when it may be used to its period's end."""
        if self.terms.on_leaving == "period_end":
            return None
        return self._after_last_day(self.terms.leaving_days)

    def _after_last_day(self, days: int) -> int | None:
        if self.person.ends is None:
            return None
        day = date.fromisoformat(self.person.ends) + timedelta(days=1 + days)
        return first_instant(day, ZoneInfo(self.terms.time_zone))


def holdings(connection: sa.Connection, person: Person | None) -> list[Holding]:
    """A person's grants, or everybody's, with what was announced about them."""
    found = grants_of(connection, None if person is None else person.id)
    whose = {someone.id: someone for someone in ([person] if person else all_people(connection))}
    announced = by_grant(changes_of(connection, None if person is None else person.id), (grant for grant, _ in found))
    terms = {plan.id: terms_of(plan) for _, plan in found}
    return [Holding(whose[grant.person_id], grant, terms[plan.id], announced[grant.id]) for grant, plan in found]


def due_effects(connection: sa.Connection, person: Person | None, now_us: int) -> list[Effect]:
    """Every posting that changes of terms and leaving ask for by now, in the order in which they are to be made."""
    concerned = [held for held in holdings(connection, person) if held.changes or held.ends_us is not None]
    if not concerned:
        return []
    lots = _lots(connection, person, now_us)
    found = [effect for held in concerned for effect in _of(held, lots[source_of(held.grant)], now_us)]
    done = _done(connection, [effect.op for effect in found])
    return [effect for effect in found if effect.op not in done]


def next_effect_us(found: Iterable[Holding], now_us: int) -> int | None:
    """When the next of what was announced takes effect or ends, or a leaver's credit does; None when nothing will."""
    instants = [amounts.next_us(held.changes, now_us) for held in found]
    instants += [held.ends_us for held in found if held.ends_us is not None and held.ends_us > now_us]
    return min((instant for instant in instants if instant is not None), default=None)


def closed(found: Iterable[Holding], now_us: int) -> dict[str, Change]:
    """The sources of lots that a pause closes at an instant, and the pause."""
    paused = ((held, amounts.pause_at(held.changes, now_us)) for held in found)
    return {source_of(held.grant): pause for held, pause in paused if pause is not None}


def paused(pause: Change) -> Refusal:
    """Why nothing may be spent during a pause."""
    until = "" if pause.until_us is None else f" until {iso(pause.until_us)}"
    return refuse(Why.PAUSED, since=iso(pause.effective_us), until=until, reason=pause.reason)


def _of(held: Holding, lots: list[Balance], now_us: int) -> Iterator[Effect]:
    for lot in lots:
        yield from _additions(held, lot, now_us)
        yield from _revocations(held, lot, now_us)


def _additions(held: Holding, lot: Balance, now_us: int) -> Iterator[Add]:
    """Raises that came while the lot was open, and what a request brought."""
    terms = held.terms
    period = terms.periods.at(lot.opens_us)
    days = days_of(period, terms.time_zone)
    last_us = min(now_us, period.end_us - 1)
    for change, more in amounts.raises_within(terms.amount_nanos, held.changes, lot.opens_us, last_us):
        begins = local_day(change.effective_us, terms.time_zone)
        amount = prorated(terms, more, days, {day for day in days if day >= begins})
        if amount:
            yield Add(lot.id, amount, str(change.id), change.effective_us, change.reason)
    for change in held.changes:
        if change.kind == amounts.Kind.ADD and change.effective_us in period:
            assert change.amount_nanos is not None, "an addition has an amount"
            yield Add(lot.id, change.amount_nanos, str(change.id), change.effective_us, change.reason)


def _revocations(held: Holding, lot: Balance, now_us: int) -> Iterator[Revoke | CashOut]:
    """What of the lot was not vested when it was revoked, or when the person's time was over.

    Calls that ran then keep what they hold; what of it they give back is revoked, too, so that in the end nothing is
    left but what has vested. What was asked before names the operation.
    """
    revoked = amounts.revocation(held.changes, now_us)
    if revoked is not None and lot.usable(revoked.effective_us):
        amount = _unvested(held, lot, revoked.effective_us)
        if amount:
            change = f"{revoked.id}:{lot.revoked}"
            yield Revoke(lot.id, amount, change, revoked.effective_us, revoked.reason)
        return
    ends_us = held.ends_us
    if ends_us is not None and ends_us <= now_us and lot.usable(ends_us):
        amount = _unvested(held, lot, ends_us)
        if amount:
            yield Revoke(lot.id, amount, f"left:{held.person.ends}:{lot.revoked}", ends_us, "left")
        yield from _cash_out(held, lot, lot.available + lot.unearned - amount, ends_us)


def _unvested(held: Holding, lot: Balance, at_us: int) -> int:
    """What of a lot may be taken back: never what is vested, spent or held. What was spent counts as vested first."""
    put_in = lot.granted + lot.carried_in
    vested = vested_nanos(held.terms, put_in, held.grant.from_us, at_us)
    return max(0, min(put_in - vested - lot.revoked, lot.available + lot.unearned))


def _cash_out(held: Holding, lot: Balance, vested: int, at_us: int) -> Iterator[CashOut]:
    terms = held.terms
    if terms.leaving_vested != "cash_out" or lot.cashed_out:
        return
    amount = min(vested, lot.available, terms.cash_out_cap_nanos or vested)
    if amount > 0:
        yield CashOut(lot.id, amount, lot.cashed_out, at_us, "left")


def _lots(connection: sa.Connection, person: Person | None, now_us: int) -> dict[str, list[Balance]]:
    """The lots of a person, or of everybody whose terms were changed or who leaves, by what opened them."""
    if person is not None:
        whose = balances.c.person_id == person.id
    else:
        leavers = sa.select(people.c.id).where(people.c.ends.is_not(None))
        whose = balances.c.person_id.in_(sa.union(sa.select(changes.c.person_id), leavers))
    query = sa.select(balances).where(whose, balances.c.kind == Kind.LOT.value, balances.c.opens_us <= now_us)
    lots: dict[str, list[Balance]] = defaultdict(list)
    for row in connection.execute(query.order_by(balances.c.opens_us)):
        lot = read_balance(tuple(row))
        lots[lot.source].append(lot)
    return lots


def _done(connection: sa.Connection, ops: list[str]) -> set[str]:
    """Which of these operations the journal has."""
    done: set[str] = set()
    for begin in range(0, len(ops), _CHUNK):
        query = sa.select(postings.c.op).where(postings.c.op.in_(ops[begin : begin + _CHUNK]))
        done.update(connection.execute(query).scalars())
    return done
