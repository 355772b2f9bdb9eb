"""A second ledger, written to be obviously right and slow: it moves one nano-dollar at a time.

It shares nothing with `bursar.ledger` but the commands it is given, so that both can be asked the same things.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bursar.ledger.postings import (
    Accrue,
    Add,
    Carry,
    CashOut,
    Charge,
    Correct,
    Expire,
    Extend,
    Hold,
    Open,
    Release,
    Revoke,
    Settle,
)

Told = tuple[str, int] | str
"""A posting's verb and amount, or the name of a refusal, or "nothing"."""


@dataclass
class Purse:
    """One lot or limit."""

    is_lot: bool
    priority: int
    opens_us: int
    expires_us: int
    granted: int
    available: int
    held: int = 0
    spent: int = 0
    expired: int = 0
    overrun: int = 0
    unearned: int = 0
    revoked: int = 0
    carried_out: int = 0
    cashed_out: int = 0
    carried_in: int = 0
    adjusted: int = 0
    owner: int = 0

    @property
    def is_shared(self) -> bool:
        return self.owner == 0

    def move_one(self, sources: tuple[str, ...], target: str) -> bool:
        """Move a nano-dollar from the first of some accounts that has one; tells whether any had."""
        for source in sources:
            if getattr(self, source):
                setattr(self, source, getattr(self, source) - 1)
                setattr(self, target, getattr(self, target) + 1)
                return True
        return False

    def ended(self, at_us: int) -> bool:
        return self.expires_us != 0 and at_us >= self.expires_us

    def pays(self, at_us: int) -> bool:
        return at_us >= self.opens_us and not self.ended(at_us)

    def give_back_one(self, at_us: int) -> None:
        self.held -= 1
        self.back_one(at_us)

    def back_one(self, at_us: int) -> None:
        if self.ended(at_us):
            self.expired += 1
        elif self.overrun and not self.is_lot:
            self.overrun -= 1
        else:
            self.available += 1


@dataclass
class Model:
    """Purses by number, and who holds how much in which, in order."""

    purses: dict[int, Purse] = field(default_factory=dict)
    holds: dict[str, list[list[int]]] = field(default_factory=dict)
    exceeded: bool = False
    """Whether any settle was above its hold."""

    def open(self, number: int, command: Open) -> Told:
        self.purses[number] = Purse(
            command.kind == "lot",
            command.priority,
            command.opens_us,
            command.expires_us,
            command.amount,
            command.amount - command.unearned,
            unearned=command.unearned,
            owner=command.person_id,
        )
        return ("open", command.amount)

    def hold(self, command: Hold) -> Told:
        at_us = command.at_us
        numbers = [n for n in command.lots if self.purses[n].pays(at_us)]
        numbers.sort(key=lambda n: (self.purses[n].priority, self.purses[n].expires_us, self.purses[n].opens_us, n))
        numbers = [n for n in numbers if not self.purses[n].is_shared] + [
            n for n in numbers if self.purses[n].is_shared
        ]
        numbers = [n for n in numbers if self.purses[n].priority <= 255] + [
            n for n in numbers if self.purses[n].priority > 255
        ]
        limits = [n for n in command.limits if self.purses[n].pays(at_us)]
        if not numbers:
            return "no_grant"
        for name, group in [("budget", numbers), *(("limit", [n]) for n in limits)]:
            left = sum(self.purses[n].available for n in group)
            held = sum(self.purses[n].held for n in group)
            if left < command.minimum:
                exhausted = "budget_exhausted" if name == "budget" else "limit_reached"
                return exhausted if left + held < command.minimum else f"{name}_held"
        legs: list[list[int]] = []
        amount = 0
        while amount < command.amount and all(self.purses[n].available for n in limits):
            paying = next((n for n in numbers if self.purses[n].available), None)
            if paying is None:
                break
            for n in (paying, *limits):
                self.purses[n].available -= 1
                self.purses[n].held += 1
            if not legs or legs[-1][0] != paying:
                legs.append([paying, 0])
            legs[-1][1] += 1
            amount += 1
        self.holds[command.id] = legs + [[n, amount] for n in limits]
        return ("hold", amount)

    def end(self, command: Settle | Release) -> Told:
        if command.hold_id not in self.holds:
            return "hold_unknown"
        legs = self.holds.pop(command.hold_id)
        lots = [leg for leg in legs if self.purses[leg[0]].is_lot]
        amount = sum(leg[1] for leg in lots)
        cost = 0 if isinstance(command, Release) else amount if command.cost is None else command.cost
        self.exceeded = self.exceeded or cost > amount
        for group in [lots, *([leg] for leg in legs if leg not in lots)]:
            self._charge(group, cost, command.at_us)
        if isinstance(command, Release):
            return ("release", amount)
        return ("provisional" if command.provisional else "settle", cost)

    def _charge(self, legs: list[list[int]], cost: int, at_us: int) -> None:
        purses = [self.purses[n] for n, held in legs for _ in range(held)]
        for purse in purses[:cost]:
            purse.held -= 1
            purse.spent += 1
        for purse in purses[cost:]:
            purse.give_back_one(at_us)
        for _ in range(cost - len(purses)):
            open_legs = [self.purses[n] for n, _ in legs if not self.purses[n].ended(at_us)]
            paying = next((purse for purse in open_legs if purse.available), None)
            if paying is not None:
                paying.available -= 1
                paying.spent += 1
            else:
                last = self.purses[legs[-1][0]]
                last.overrun += 1
                last.spent += 1

    def expire(self, command: Expire) -> Told:
        purse = self.purses[command.balance_id]
        if not purse.ended(command.at_us) or not purse.available or purse.expired != command.expired_before:
            return "nothing"
        amount, purse.available = purse.available, 0
        purse.expired += amount
        return ("expire", amount)

    def accrue(self, command: Accrue) -> Told:
        purse = self.purses[command.balance_id]
        moved = 0
        while purse.unearned > command.unearned:
            moved += purse.move_one(("unearned",), "available")
        return ("accrue", moved) if moved else "nothing"

    def add(self, command: Add) -> Told:
        purse = self.purses[command.balance_id]
        if command.before and command.before != (purse.granted, purse.revoked):
            return "nothing"
        purse.granted += command.amount
        purse.available += command.amount - command.unearned
        purse.unearned += command.unearned
        return ("add", command.amount)

    def carry(self, command: Carry) -> Told:
        purse, later = self.purses[command.balance_id], self.purses[command.to_id]
        if not purse.ended(command.at_us) or purse.carried_out != command.carried_before:
            return "nothing"
        if purse.owner != later.owner or purse is later or command.amount > purse.available + purse.expired:
            return "amount_invalid"
        for _ in range(command.amount):
            assert purse.move_one(("available", "expired"), "carried_out")
            later.carried_in += 1
            later.available += 1
        return ("carry", command.amount)

    def revoke(self, command: Revoke) -> Told:
        purse = self.purses[command.balance_id]
        is_other = command.before and command.before != (purse.granted, purse.revoked)
        if is_other or purse.ended(command.at_us):
            return "nothing"
        moved = sum(purse.move_one(("unearned", "available"), "revoked") for _ in range(command.amount))
        return ("revoke", moved) if moved else "nothing"

    def cash_out(self, command: CashOut) -> Told:
        purse = self.purses[command.balance_id]
        if purse.cashed_out != command.cashed_before:
            return "nothing"
        if command.amount > purse.available + purse.expired:
            return "amount_invalid"
        for _ in range(command.amount):
            assert purse.move_one(("available", "expired"), "cashed_out")
        return ("cash_out", command.amount)

    def charge(self, command: Charge) -> Told:
        if not command.lots:
            return "no_grant"
        for _ in range(command.cost):
            self._charge_one(command)
            for number in command.limits:
                if not self.purses[number].move_one(("available",), "spent"):
                    self.purses[number].overrun += 1
                    self.purses[number].spent += 1
                    self.exceeded = True
        return ("charge", command.cost) if command.cost else "nothing"

    def _charge_one(self, command: Charge) -> None:
        lots = [self.purses[number] for number in command.lots]
        if command.adjustment:
            lots[0].adjusted += 1
            lots[0].spent += 1
            return
        for purse in lots:
            sources = ("available", "expired") if purse.ended(command.at_us) else ("available",)
            if purse.move_one(sources, "spent"):
                return
        own = [purse for purse in lots if not purse.is_shared] or lots
        own[-1].overrun += 1
        own[-1].spent += 1
        self.exceeded = True

    def correct(self, command: Correct) -> Told:
        if not command.parts:
            return "nothing"
        wanted: Counter[tuple[int, str]] = Counter()
        for number, account, amount in command.parts:
            wanted[number, account.name.lower()] += amount
        for number in {part.balance_id for part in command.parts}:
            asked = {name: amount for (of, name), amount in wanted.items() if of == number}
            purse = self.purses[number]
            beyond = purse.is_lot and any(
                asked.get(name, 0) > getattr(purse, name) for name in ("overrun", "adjusted")
            )
            if beyond or sum(asked.values()) > purse.spent:
                return "amount_invalid"
        for (number, name), amount in wanted.items():
            purse = self.purses[number]
            purse.spent -= amount
            if not purse.is_lot:
                for _ in range(amount):
                    purse.back_one(command.at_us)
            elif name == "available":
                back = "expired" if purse.ended(command.at_us) else name
                setattr(purse, back, getattr(purse, back) + amount)
            else:
                setattr(purse, name, getattr(purse, name) - amount)
        return ("correct", sum(part.amount for part in command.parts if self.purses[part.balance_id].is_lot))

    def extend(self, command: Extend) -> Told:
        purse = self.purses[command.balance_id]
        ends_later = 0 < command.from_us == purse.expires_us < command.until_us
        if purse.ended(command.at_us) or not ends_later:
            return "nothing"
        purse.expires_us = command.until_us
        return ("extend", 0)
