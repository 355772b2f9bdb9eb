"""A second ledger, written to be obviously right and slow: it moves one nano-dollar at a time.

It shares nothing with `bursar.ledger` but the commands it is given, so that both can be asked the same things.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bursar.ledger.postings import Expire, Hold, Open, Release, Settle

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
    is_shared: bool = False

    def ended(self, at_us: int) -> bool:
        return self.expires_us != 0 and at_us >= self.expires_us

    def pays(self, at_us: int) -> bool:
        return at_us >= self.opens_us and not self.ended(at_us)

    def give_back_one(self, at_us: int) -> None:
        self.held -= 1
        if self.ended(at_us):
            self.expired += 1
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
            command.amount,
            is_shared=command.person_id == 0,
        )
        return ("open", command.amount)

    def hold(self, command: Hold) -> Told:
        at_us = command.at_us
        numbers = [n for n in command.lots if self.purses[n].pays(at_us)]
        numbers.sort(key=lambda n: (self.purses[n].priority, self.purses[n].expires_us, self.purses[n].opens_us, n))
        numbers = [n for n in numbers if not self.purses[n].is_shared] + [
            n for n in numbers if self.purses[n].is_shared
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
