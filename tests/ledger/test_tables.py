"""The ledger tables, on `decide()` and `apply()` alone."""

from __future__ import annotations

import pytest

from tests.ledger.pure import PureBooks
from tests.ledger.tables import Scenario, run, scenarios

ALL = [scenario for name in ("holds.txt", "endings.txt", "shared.txt") for scenario in scenarios(name)]


@pytest.mark.parametrize("scenario", ALL, ids=[f"{scenario.where} {scenario.title}" for scenario in ALL])
def test_table(scenario: Scenario) -> None:
    run(scenario, PureBooks())


def test_a_table_that_is_wrong_fails() -> None:
    scenario = next(scenarios("holds.txt"))
    scenario.steps[0].after["A"] = "available 7 held 3"
    with pytest.raises(AssertionError, match="expected"):
        run(scenario, PureBooks())
