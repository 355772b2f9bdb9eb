"""The close of lots, at their end or after their run-out: what is unspent is carried over, cashed out, or expires.

Derived from the balances, so that it may be asked any number of times, on any node. What a call gives back after the
end is divided by the same rules as if it had been there at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import sqlalchemy as sa

from bursar.ledger.accounts import LAST_PRIORITY
from bursar.ledger.postings import Carry, CashOut, Command, Expire
from bursar.periods import US_PER_SECOND
from bursar.store.schema import balances
from bursar.terms.plan import Terms
from bursar.terms.runout import closes_us
from bursar.terms.unused import Ages, ages_after, closing, payroll_text

DAY_US = 86_400 * US_PER_SECOND
LATE_US = 35 * DAY_US
"""How long after a lot's end a call may give back what it held; none runs for longer."""


class Opener(Protocol):
    """What opened lots: its terms, and whether there will be more."""

    @property
    def terms(self) -> Terms: ...  # noqa: D102

    def goes_on(self, now_us: int) -> bool: ...  # noqa: D102


class Lot(NamedTuple):
    """A lot as it stands, amounts in nano-USD."""

    id: int
    source: str
    priority: int
    expires_us: int
    granted: int
    available: int
    expired: int
    carried_out: int
    cashed_out: int

    @property
    def unspent(self) -> int:
        """What was, or is, unspent at its end, whatever has become of it."""
        return self.available + self.expired + self.carried_out + self.cashed_out


def closings(
    connection: sa.Connection, lots: sa.ColumnElement[bool], openers: Mapping[str, Opener], now_us: int
) -> list[Command]:
    """What is to be posted for lots that close with something available. `lots` is a condition on balances.

    Credit that came by carrying over is divided once it is there: ask again until there is nothing.
    """
    run_out_us = max((one.terms.run_out_days + 1 for one in openers.values()), default=0) * DAY_US
    late = sa.and_(balances.c.expired > 0, balances.c.expires_us > now_us - LATE_US - run_out_us)
    ended = sa.and_(lots, balances.c.expires_us <= now_us, sa.or_(balances.c.available > 0, late))
    due: list[Command] = []
    apart: set[str] = set()
    for lot in _read(connection, ended):
        opener = openers.get(lot.source)
        if opener is not None and closes_us(opener.terms, lot.expires_us) > now_us:
            continue
        if opener is not None and _is_divided(opener.terms, lot):
            apart.add(lot.source)
        elif lot.available:
            due.append(Expire(lot.id, lot.expired, now_us, _due_us(opener, lot)))
    chains: dict[str, list[Lot]] = {source: [] for source in apart}
    if apart:
        for lot in _read(connection, sa.and_(lots, balances.c.source.in_(apart)) if len(apart) < 500 else lots):
            if lot.source in chains:
                chains[lot.source].append(lot)
    for source, chain in chains.items():
        due += _chain(openers[source], chain, now_us)
    return due


def _is_divided(terms: Terms, lot: Lot) -> bool:
    """Whether more may become of what is unspent in a lot than that it expires."""
    return lot.priority <= LAST_PRIORITY and (terms.unused == "carry_over" or terms.cash_out_rate_bps > 0)


def _due_us(opener: Opener | None, lot: Lot) -> int:
    """When a lot is closed if that is not at its end, else 0."""
    return closes_us(opener.terms, lot.expires_us) if opener is not None and opener.terms.run_out_days else 0


def _read(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Lot]:
    columns = [balances.c[field] for field in Lot._fields]
    query = sa.select(*columns).where(where).order_by(balances.c.source, balances.c.opens_us, balances.c.id)
    return [Lot(*row) for row in connection.execute(query)]


def _chain(opener: Opener, chain: Sequence[Lot], now_us: int) -> Iterator[Command]:
    """What is to be posted for the lots of one source, which follow one another.

    One at a time where credit is carried over: what comes must be there, and may be revoked, before the next closes.
    """
    terms = opener.terms
    ages: Ages = ()
    carried = 0
    for lot, later in zip(chain, (*chain[1:], None), strict=True):
        ages = ages_after(terms, ages, carried, lot.granted)
        carried = lot.carried_out
        waits = terms.unused == "carry_over" and later is None and opener.goes_on(now_us)
        if closes_us(terms, lot.expires_us) <= now_us and lot.available + lot.expired and not waits:
            divided = list(_divide(opener, lot, later, ages, now_us))
            yield from divided
            if divided and terms.unused == "carry_over":
                return


def _divide(opener: Opener, lot: Lot, later: Lot | None, ages: Ages, now_us: int) -> Iterator[Command]:
    """Carry over and cash out what is still to be, and let the rest expire.

    Both take what is available first, then what expired: that is where a call gives back what it held over the end.
    """
    terms, due_us = opener.terms, _due_us(opener, lot)
    target = closing(terms, ages, lot.unspent, goes_on=later is not None)
    left = lot.available + lot.expired
    carry = min(target.carry - lot.carried_out, left)
    if carry > 0 and later is not None:
        yield Carry(lot.id, later.id, carry, lot.carried_out, now_us, due_us)
        left -= carry
    cash_out = min(target.cash_out - lot.cashed_out, left)
    if cash_out > 0:
        yield CashOut(lot.id, cash_out, lot.cashed_out, now_us, payroll_text(terms, cash_out))
        left -= cash_out
    if left > lot.expired:
        yield Expire(lot.id, lot.expired, now_us, due_us)
