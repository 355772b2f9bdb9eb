"""Random histories of commands, small enough that everything runs into everything: little money, little time.

Several people spend; some of the lots and limits are shared: their owner is nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bursar.ledger.accounts import CREDITED, DEBITED, SHARED, Account, Balance, Kind
from bursar.ledger.postings import (
    Accrue,
    Add,
    Carry,
    CashOut,
    Charge,
    Command,
    Correct,
    Expire,
    Extend,
    Hold,
    Open,
    Posting,
    Release,
    Returned,
    Revoke,
    Settle,
)
from bursar.refusals import Refusal
from tests.ledger.model import Model, Purse, Told

FIGURES = (
    "granted",
    "available",
    "held",
    "spent",
    "expired",
    "overrun",
    "unearned",
    "revoked",
    "carried_out",
    "cashed_out",
    "carried_in",
    "adjusted",
    "expires_us",
)
ASKED: dict[type[Command], Callable[[Model, Any], Told]] = {
    Hold: Model.hold,
    Expire: Model.expire,
    Accrue: Model.accrue,
    Add: Model.add,
    Carry: Model.carry,
    Revoke: Model.revoke,
    CashOut: Model.cash_out,
    Charge: Model.charge,
    Correct: Model.correct,
    Extend: Model.extend,
}


@dataclass
class History:
    """Draws commands for a few people, given the balances opened so far. Time goes on, and now and then back."""

    chance: Random
    people: tuple[int, ...] = (1, 2, 3)
    lots: dict[int, int] = field(default_factory=dict)
    limits: dict[int, int] = field(default_factory=dict)
    """Balances, and whose each is."""
    holds: list[str] = field(default_factory=list)
    at_us: int = 0
    drawn: int = 0

    def opened(self, number: int, kind: Kind, owner: int) -> None:
        """A balance was opened under this number."""
        (self.lots if kind is Kind.LOT else self.limits)[number] = owner

    def command(self, model: Model) -> Command:
        """The next command."""
        self.drawn += 1
        chance = self.chance
        self.at_us = max(1, self.at_us + chance.choice((0, 0, 1, 1, 2, 3, -2)))
        if not self.lots or chance.random() < 0.08:
            return self._open(Kind.LOT)
        pick = chance.random()
        if pick < 0.2:
            return self._open(Kind.LIMIT) if pick < 0.05 else self._change(model)
        if pick < 0.55 or not self.holds:
            return self._hold()
        if pick < 0.65:
            number = chance.choice(list(self.lots))
            expired = model.purses[number].expired if chance.random() < 0.8 else chance.randint(0, 9)
            return Expire(number, expired, self.at_us)
        known = chance.random() < 0.9
        return self._end(chance.choice(self.holds) if known else f"never {self.people[0]}.{self.drawn}")

    def _end(self, hold_id: str) -> Settle | Release:
        chance = self.chance
        if chance.random() < 0.3:
            return Release(hold_id, self.at_us, "test")
        cost = None if chance.random() < 0.1 else chance.choice((0, chance.randint(0, 15), chance.randint(0, 40)))
        return Settle(hold_id, cost, self.at_us, provisional=chance.random() < 0.2)

    def _change(self, model: Model) -> Command:
        """Something that terms do to a lot, mostly as it should be asked for."""
        chance = self.chance
        number = chance.choice(list(self.lots))
        purse = model.purses[number]
        off = 0 if chance.random() < 0.8 else chance.randint(1, 3)
        amount = chance.randint(1, 12)
        name = f"{self.people[0]}.{self.drawn}"
        match chance.randrange(8):
            case 0 | 1 | 2:
                return self._earning(purse, number, amount, name)
            case 3:
                return Revoke(number, amount, name, self.at_us, "test", self._before(purse))
            case 4:
                return CashOut(number, amount, purse.cashed_out + off, self.at_us)
            case 5:
                to = chance.choice(list(self.lots))
                return Carry(number, to, amount, purse.carried_out + off, self.at_us)
            case 6:
                return self._correction(name)
        return self._late(name)

    def _earning(self, purse: Purse, number: int, amount: int, name: str) -> Command:
        """A lot is earned, is given more, or is kept open longer."""
        chance = self.chance
        match chance.randrange(3):
            case 0:
                return Accrue(number, chance.randint(0, purse.unearned), self.at_us, purse.granted)
            case 1:
                unearned = chance.randint(0, amount) if chance.random() < 0.3 else 0
                return Add(number, amount, name, self.at_us, unearned=unearned, before=self._before(purse))
        off = 0 if chance.random() < 0.8 else chance.randint(1, 3)
        return Extend(number, purse.expires_us + off, purse.expires_us + chance.randint(0, 20), name, self.at_us)

    def _before(self, purse: Purse) -> tuple[int, int] | None:
        """Mostly no condition; else how the lot stands, or how it stood."""
        chance = self.chance
        if chance.random() < 0.7:
            return None
        return (purse.granted, purse.revoked + (1 if chance.random() < 0.3 else 0))

    def _late(self, name: str) -> Charge:
        """Somebody's usage that no hold was asked for."""
        chance = self.chance
        person_id = chance.choice(self.people)
        theirs = [number for number, owner in self.lots.items() if owner in (person_id, SHARED)]
        lots = tuple(chance.sample(theirs, chance.randint(0, min(3, len(theirs)))))
        late = chance.random() < 0.2
        counting = [number for number, owner in self.limits.items() if owner in (person_id, SHARED)]
        limits = tuple(chance.sample(counting, chance.randint(0, len(counting))))
        cost = chance.randint(0, 20)
        return Charge(name, person_id, lots, cost, self.at_us, self.at_us, adjustment=late, limits=limits)

    def _correction(self, name: str) -> Correct:
        """A part of what somebody was charged was not due."""
        chance = self.chance
        person_id = chance.choice(self.people)
        owned = [number for number, owner in (self.lots | self.limits).items() if owner in (person_id, SHARED)]
        accounts = (Account.AVAILABLE, Account.AVAILABLE, Account.OVERRUN, Account.ADJUSTED)
        parts = [
            Returned(chance.choice(owned), chance.choice(accounts), chance.randint(1, 5))
            for _ in range(chance.randint(1, 3) if owned else 0)
        ]
        return Correct(name, person_id, tuple(parts), self.at_us, "test")

    def _open(self, kind: Kind) -> Open:
        chance = self.chance
        opens_us = max(0, self.at_us + chance.randint(-3, 3))
        expires_us = opens_us + chance.randint(1, 30) if kind is Kind.LOT or chance.random() < 0.5 else 0
        amount = chance.randint(1, 30)
        return Open(
            chance.choice((*self.people, SHARED)),
            kind,
            f"history:{self.people[0]}",
            f"{self.drawn}",
            amount,
            self.at_us,
            priority=chance.choice((0, 1, 2, 256)),
            opens_us=opens_us,
            expires_us=expires_us,
            unearned=chance.randint(0, amount) if kind is Kind.LOT and chance.random() < 0.3 else 0,
        )

    def _hold(self) -> Hold:
        chance = self.chance
        amount = chance.randint(1, 20)
        person_id = chance.choice(self.people)
        lots, limits = (
            [number for number, owner in opened.items() if owner in (person_id, SHARED)]
            for opened in (self.lots, self.limits)
        )
        self.holds.append(f"{self.people[0]}.{self.drawn}")
        paying = tuple(
            chance.sample(lots, chance.randint(0 if chance.random() < 0.05 else min(1, len(lots)), len(lots)))
        )
        counting = tuple(chance.sample(limits, chance.randint(0, len(limits))))
        return Hold(self.holds[-1], person_id, paying, counting, amount, chance.randint(1, amount), self.at_us)


def expected(model: Model, command: Command, opened: int) -> Told:
    """What the model says to a command; `opened` is the number under which a balance was opened."""
    if isinstance(command, Open):
        return model.open(opened, command)
    if isinstance(command, Settle | Release):
        return model.end(command)
    return ASKED[type(command)](model, command)


def told(answer: Posting | Refusal | None) -> Told:
    """An answer in the model's words."""
    if answer is None:
        return "nothing"
    return answer.why.value if isinstance(answer, Refusal) else (answer.verb.value, answer.amount)


def assert_agrees(model: Model, balances: dict[int, Balance]) -> None:
    """Every balance is as the model has it, balances to zero, and nothing credited is negative."""
    for number, purse in model.purses.items():
        balance = balances[number]
        for name in FIGURES:
            assert getattr(balance, name) == getattr(purse, name), (number, name)
        assert sum(balance.amounts) == 0
        assert min(balance.amounts[account] for account in CREDITED) >= 0
        assert max(balance.amounts[account] for account in DEBITED) <= 0


def assert_bounded(model: Model, balances: dict[int, Balance]) -> None:
    """Nobody spends more than was granted, but for a settle above its hold, and then the overrun says so."""
    lots = [balance for balance in balances.values() if balance.kind is Kind.LOT]
    assert sum(lot.spent for lot in lots) <= sum(lot.granted + lot.overrun + lot.adjusted for lot in lots)
    assert sum(lot.carried_in for lot in lots) == sum(lot.carried_out for lot in lots)
    endless = [balance for balance in balances.values() if balance.kind is Kind.LIMIT and not balance.expires_us]
    assert not any(limit.overrun and limit.available for limit in endless), "what was passed lets nothing through"
    if not model.exceeded:
        assert sum(balance.overrun for balance in balances.values()) == 0
