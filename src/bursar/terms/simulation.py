"""A plan played through: its lots period by period, given what is used on each day. Pure, by the rules that hold.

It takes steps of a day: a day's usage is taken at its first instant from what is available then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bursar.periods import Period, first_instant
from bursar.terms.accrual import earnings
from bursar.terms.opening import Opening, opening
from bursar.terms.plan import Terms
from bursar.terms.proration import ALWAYS, Employment
from bursar.terms.runout import closes_us
from bursar.terms.schedules import period_after, period_at
from bursar.terms.unused import Ages, ages_after, closing
from bursar.terms.worth import Prices

Usage = Mapping[date, int]
"""What is used on a day, in nano-USD."""


class SimulatedLot(msgspec.Struct, kw_only=True):
    """A lot as it ended, or as it stands on the last day. Amounts in nano-USD, times in µs UTC.

    granted + carried in + overrun = spent + carried out + cashed out + expired + left.
    """

    period: str
    opens_us: int
    expires_us: int
    granted_nanos: int
    carried_in_nanos: int = 0
    spent_nanos: int = 0
    carried_out_nanos: int = 0
    cashed_out_nanos: int = 0
    expired_nanos: int = 0
    left_nanos: int = 0
    """Available or not earned yet; after the lot's end, until the run-out is over, only late usage may be charged."""
    overrun_nanos: int = 0
    """What was spent beyond the budget, where the plan lets calls pass it."""
    note: str = ""
    """How the amount came about: what tokens were worth, what an escalator added."""


class Simulation(msgspec.Struct, frozen=True):
    """The lots in their order, and what was used without anything to pay for it."""

    lots: tuple[SimulatedLot, ...]
    uncovered_nanos: int


def simulate(
    terms: Terms,
    first: date,
    last: date,
    usage: Usage | None = None,
    employment: Employment = ALWAYS,
    *,
    prices: Prices,
) -> Simulation:
    """Play a plan through from its grant on the first day to the end of the last one.

    Raises Refused when a model that the terms name has no price when a lot opens.
    """
    play = _Play(terms, first, employment, prices)
    used = usage or {}
    day, uncovered = first, 0
    while day <= last:
        play.come_to(day)
        uncovered += play.spend(used.get(day, 0))
        day += timedelta(days=1)
    play.come_to(day)
    return Simulation(tuple(lot.seen() for lot in play.lots if lot.seen().opens_us < play.now_us), uncovered)


class _Lot:
    """A lot while it is played: what is available, what is earned when, and the ages of its credit."""

    def __init__(self, found: Opening, time_zone: str) -> None:
        self.available = found.amount_nanos - found.unearned_nanos
        self.unearned = found.unearned_nanos
        self.ages: Ages = (found.amount_nanos,)
        self.closed = False
        self._overrun = found.overrun_nanos
        span = Period(found.label, found.opens_us, found.earned_by_us)
        self._earnings = (
            list(earnings(found.amount_nanos, span, time_zone, found.expires_us)) if self.unearned else []
        )
        self.told = SimulatedLot(
            period=found.label,
            opens_us=found.opens_us,
            expires_us=found.expires_us,
            granted_nanos=found.amount_nanos,
            note=found.note,
        )

    def earn(self, now_us: int) -> None:
        """Make available what is earned by now."""
        while self._earnings and self._earnings[0][0] <= now_us:
            _, still = self._earnings.pop(0)
            self.available += self.unearned - still
            self.unearned = still

    def take(self, amount: int) -> int:
        """Spend at most so much; returns what was spent."""
        part = min(amount, self.available)
        self.available -= part
        self.told.spent_nanos += part
        return part

    def overrun(self, amount: int) -> int:
        """Spend at most so much beyond the budget; returns what was spent."""
        part = min(amount, self._overrun)
        self._overrun -= part
        self.told.overrun_nanos += part
        self.told.spent_nanos += part
        return part

    def close(self, terms: Terms, later: _Lot | None) -> None:
        """Divide what is unspent."""
        end = closing(terms, self.ages, self.available, goes_on=later is not None)
        told = self.told
        told.carried_out_nanos, told.cashed_out_nanos, told.expired_nanos = end
        if later is not None and end.carry:
            later.available += end.carry
            later.told.carried_in_nanos = end.carry
            later.ages = ages_after(terms, self.ages, end.carry, later.told.granted_nanos)
        self.available, self.closed = 0, True

    def seen(self) -> SimulatedLot:
        """What is told of it."""
        self.told.left_nanos = self.available + self.unearned
        return self.told


class _Play:
    """The lots while time goes on."""

    def __init__(self, terms: Terms, first: date, employment: Employment, prices: Prices) -> None:
        self.lots: list[_Lot] = []
        self._prices = prices
        self._terms = terms
        self._employment = employment
        self._zone = ZoneInfo(terms.time_zone)
        self._from_us = self.now_us = first_instant(first, self._zone)
        self._period = period_at(terms.periods, self._from_us)

    def come_to(self, day: date) -> None:
        """Do all that is due at a day's first instant."""
        self.now_us = first_instant(day, self._zone)
        while self._period.start_us <= self.now_us:
            found = opening(
                self._terms, self._period, self._from_us, self._employment, events=(), prices=self._prices
            )
            if found is not None and found.opens_us > self.now_us:
                break
            if found is not None:
                self.lots.append(_Lot(found, self._terms.time_zone))
            self._period = period_after(self._terms.periods, self._period)
        for lot in self.lots:
            lot.earn(self.now_us)
        followers: Iterable[_Lot | None] = (*self.lots[1:], None)
        for lot, later in zip(self.lots, followers, strict=False):
            waits = self._terms.unused == "carry_over" and later is None and self._employment.employed(day)
            if not lot.closed and closes_us(self._terms, lot.told.expires_us) <= self.now_us and not waits:
                lot.close(self._terms, later)

    def spend(self, amount: int) -> int:
        """Spend from the lots that are open, the one that ends first first; returns what nothing could pay."""
        usable = [lot for lot in self.lots if not lot.closed and lot.told.expires_us > self.now_us]
        usable.sort(key=lambda lot: (lot.told.expires_us, lot.told.opens_us))
        for lot in usable:
            amount -= lot.take(amount)
        for lot in usable:
            amount -= lot.overrun(amount)
        return amount
