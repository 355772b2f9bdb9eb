"""The tests bite: copies of the code with one mistake each, as rivals have made them, must be caught."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from bursar import periods
from bursar.ledger import decide as real
from bursar.ledger.accounts import Balance, Kind, problems
from tests.ledger.pure import PureBooks
from tests.ledger.tables import run, scenarios
from tests.ledger.test_properties import walk
from tests.unit.test_periods import assert_tiles

MISTAKES = {
    "the hold is not clamped to what is left": (
        "amount = min(command.amount, free)",
        "amount = command.amount",
    ),
    "the limit is looked at but not charged": (
        "(*_draw(lots, amount), *(Leg(limit.id, amount) for limit in limits))",
        "(*_draw(lots, amount),)",
    ),
    "the limit does not clamp": ("free = min(free, limit.available)", "pass"),
    "the limit is not looked at": ("if limit.available < command.minimum:", "if False:"),
    "no check of what is left": ("if free < command.minimum:", "if False:"),
    "check off by one": ("if free < command.minimum:", "if free <= command.minimum:"),
    "no min() when lots pay": ("part = min(lot.available, amount)", "part = amount"),
    "the cost is added to the hold, not put in its place": (
        "move(balance.id, Account.HELD, Account.SPENT, part)",
        "move(balance.id, Account.AVAILABLE, Account.SPENT, part)",
    ),
    "the rest of a hold is kept": ("if held > part:", "if held > part > cost:"),
    "the rest of a hold outlives its period": (
        "Account.EXPIRED if balance.over(at_us) else Account.AVAILABLE",
        "Account.AVAILABLE",
    ),
    "what is beyond the hold is forgotten": (
        "if cost:\n        transfers.append(move(legs[-1][0].id, Account.OVERRUN, Account.SPENT, cost))",
        "",
    ),
    "what is beyond the hold is overrun at once": ("min(balance.available, cost)\n", "0\n"),
    "an excess is taken from a lot that has ended": (
        "0 if balance.over(at_us) else min(balance.available, cost)",
        "min(balance.available, cost)",
    ),
    "lots pay in the order of their ids": (
        "(lot.is_overrun, lot.person_id == SHARED, lot.priority, lot.expires_us, lot.opens_us, lot.id)",
        "lot.id",
    ),
    "what passes the budget pays before the pool": (
        "(lot.is_overrun, lot.person_id == SHARED",
        "(lot.person_id == SHARED",
    ),
    "expiry counts before priority": (
        "lot.priority, lot.expires_us, lot.opens_us, lot.id)",
        "lot.expires_us, lot.priority, lot.opens_us, lot.id)",
    ),
    "the pool pays before a person's own lots": ("lot.person_id == SHARED, lot", "lot.person_id != SHARED, lot"),
    "the pool pays by its priority": ("lot.person_id == SHARED, lot.priority", "lot.priority"),
    "lots that have ended still pay": ("if lot.usable(at_us))", "if lot.opens_us <= at_us)"),
    "a limit never ends": ("if limit.usable(at_us)]", "if limit.opens_us <= at_us]"),
    "held money is told as spent": ("Why.BUDGET_HELD if free + held", "Why.BUDGET_EXHAUSTED if free + held"),
    "an expiry asked for again is posted again": (" or lot.expired != command.expired_before", ""),
    "a lot expires before its time": ("if not lot.over(command.at_us) or", "if"),
    "a release is charged": (
        "_end(balances, hold, command, 0, Verb.RELEASE)",
        "_end(balances, hold, command, 1, Verb.RELEASE)",
    ),
    "a provisional charge is no charge": (
        "cost = hold.amount if command.cost is None else command.cost",
        "cost = command.cost or 0",
    ),
    "a negative cost gives money": ("if not 0 <= cost < MAX_NANOS:", "if not cost < MAX_NANOS:"),
    "a transfer is carried out on one side": ("target[credited] += amount", "pass"),
}


def mutant(module: ModuleType, old: str, new: str) -> ModuleType:
    """A copy of a module with one piece of its text exchanged."""
    assert module.__file__ is not None
    text = Path(module.__file__).read_text()
    assert text.count(old) == 1, f"the text to mutate is there {text.count(old)} times: {old}"
    made = ModuleType(module.__name__)
    exec(compile(text.replace(old, new), f"mutant of {module.__file__}", "exec"), made.__dict__)
    return made


def complaints(module: ModuleType) -> Iterator[str]:
    """What the tables and a few hundred random histories find wrong with a module."""
    for name in ("holds.txt", "endings.txt", "shared.txt"):
        for scenario in scenarios(name):
            try:
                run(scenario, PureBooks(module))
            except (AssertionError, KeyError) as wrong:
                yield str(wrong)
    for seed in range(100):
        try:
            walk(Random(seed), 50, module)
        except (AssertionError, KeyError) as wrong:
            yield f"seed {seed}: {wrong}"


@pytest.mark.parametrize(("old", "new"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_caught(old: str, new: str) -> None:
    assert next(complaints(mutant(real, old, new)), None) is not None


def test_the_real_thing_has_no_complaints() -> None:
    assert list(complaints(real)) == []


def test_the_naive_time_zone_is_caught() -> None:
    zones = ("America/New_York", "Asia/Kolkata", "Pacific/Apia")
    naive = mutant(
        periods,
        "zone = ZoneInfo(self.time_zone)\n        return Period(",
        "zone = ZoneInfo('UTC')\n        return Period(",
    )
    january = periods.to_us(datetime(2026, 1, 1, tzinfo=UTC))
    for zone in zones:
        assert_tiles(periods.Monthly(zone), january, months=12)
        with pytest.raises(AssertionError):
            assert_tiles(naive.Monthly(zone), january, months=12)


def test_a_balance_knows_its_problems() -> None:
    wrong = Balance(1, 1, Kind.LOT, "s", "l", 0, 0, 0, [5, -1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0])
    assert problems(wrong) == [
        "available is -1",
        "funding is credited by 5",
        "overrun is credited by 2",
        "its accounts sum to 6",
    ]
