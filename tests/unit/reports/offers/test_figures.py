"""Amounts in tables and charts."""

from __future__ import annotations

import pytest

from bursar.reports.offers.figures import short, thousands, whole


@pytest.mark.parametrize(
    ("usd", "table", "chart"),
    [
        (0, "$0", "$0"),
        (0.4, "$0", "$0"),
        (940, "$940", "$940"),
        (1_819, "$1,819", "$1.8k"),
        (17_349.5, "$17,350", "$17k"),
        (375_000, "$375,000", "$375k"),
        (99_960, "$99,960", "$100k"),
        (1_234_567, "$1,234,567", "$1.23M"),
        (-37_000, "−$37,000", "−$37k"),
    ],
)
def test_amounts(usd: float, table: str, chart: str) -> None:
    assert whole(usd) == table
    assert short(usd) == chart


def test_a_yearly_pay_is_told_to_the_thousand() -> None:
    assert thousands(376_819) == "$377,000"
    assert thousands(9_499) == "$9,499"
    assert thousands(-20_600) == "−$21,000"
