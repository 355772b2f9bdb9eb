"""What becomes of a budget's credit, month by month, as tables: 100 are granted in each."""

import msgspec
import numpy as np
import pytest

from bursar.offers import tokens
from bursar.offers.budget import TokenBudget
from bursar.offers.credit import Flows, Wants, keep_for_cash, life_of, play, play_at_once
from bursar.offers.parameters import parameters_for
from bursar.offers.person import Person
from bursar.offers.rows import default_row

TABLES = {
    "expires": (
        {},
        """
        need     50  150  100
        used     50  100  100
        expired  50    0    0
        left      0    0    0
        """,
    ),
    "carried over for one period, the oldest is spent first": (
        {"unused": "carry_over", "carry_over_periods": 1},
        """
        need     50  150    0   30
        used     50  150    0   30
        expired   0    0    0   70
        left     50    0  100  100
        """,
    ),
    "carried over, at most 20": (
        {"unused": "carry_over", "carry_over_periods": 9, "carry_over_cap_usd": 20.0},
        """
        need     50  150    0  150
        used     50  120    0  120
        expired  30    0   80    0
        left     20    0   20    0
        """,
    ),
    "carried over, at most half of what was granted": (
        {"unused": "carry_over", "carry_over_periods": 9, "carry_over_cap_share": 0.5},
        """
        need      0    0  300
        used      0    0  150
        expired  50  100    0
        left     50   50    0
        """,
    ),
    "a quarter's credit lives till the quarter ends": (
        {"period_months": 3},
        """
        need     20   20  200    0    0   50
        used     20   20  200    0    0   50
        expired   0    0   60    0    0  250
        left     80  160    0  100  200    0
        """,
    ),
    "a quarter's credit is carried over for a quarter": (
        {"period_months": 3, "unused": "carry_over", "carry_over_periods": 1},
        """
        need      0    0    0    0  250    0
        used      0    0    0    0  250    0
        expired   0    0    0    0    0   50
        left    100  200  300  400  250  300
        """,
    ),
    "grace of a month and a half": (
        {"unused": "grace", "grace_days": 46},
        """
        need      0    0   80
        used      0    0   80
        expired   0  59.0965   60.9035
        left    100  140.9035  100
        """,
    ),
    "it never ends": (
        {"unused": "keep"},
        """
        need      0    0  250
        used      0    0  250
        expired   0    0    0
        left    100  200   50
        """,
    ),
    "what ends is cashed out, up to 30; at the horizon's end what is left": (
        {"cash_out_rate": 0.5, "cash_out_cap_usd": 30.0},
        """
        need     50  100   90
        used     50  100   90
        cashed   30    0   10
        expired  20    0    0
        left      0    0    0
        """,
    ),
    "what is carried over is cashed out when it ends": (
        {"unused": "carry_over", "carry_over_periods": 1, "cash_out_rate": 0.5},
        """
        need     50  120   40   20    0
        used     50  120   40   20    0
        cashed    0    0    0   70  200
        expired   0    0    0    0    0
        left     50   30   90  100    0
        """,
    ),
}


@pytest.mark.parametrize(("terms", "table"), TABLES.values(), ids=TABLES)
def test_credit_month_by_month(terms: dict[str, object], table: str) -> None:
    lines = {line.split()[0]: [float(cell) for cell in line.split()[1:]] for line in table.strip().splitlines()}
    need = np.array([lines.pop("need")])
    granted = np.full_like(need, 100.0)
    budget = TokenBudget(amount_usd_year=1_200, **terms)  # type: ignore[arg-type]
    cap = 0.0
    if budget.cash_out_rate:
        cap = np.inf if budget.cash_out_cap_usd is None else budget.cash_out_cap_usd
    flows = play(granted, need, life_of(budget, granted), cap)
    assert_flows(flows, lines)
    if not terms:
        assert_flows(play_at_once(granted, need), lines)


def test_credit_that_is_worth_more_as_cash_is_kept_for_the_close() -> None:
    """Above 40 a dollar of use is worth less than cash; of a quarter at most 150 are cashed out, so 50 of a month."""
    need = np.array([[100.0, 30.0, 100.0, 0.0, 45.0, 45.0]])
    wants = Wants(need, np.full_like(need, 40.0))
    flows = keep_for_cash(np.full_like(need, 100.0), wants, 3, 150.0)
    lines = {
        "used": [50, 30, 50, 0, 45, 45],
        "cashed": [0, 0, 150, 0, 0, 150],
        "expired": [0, 20, 0, 50, 5, 5],
        "left": [50, 100, 0, 50, 100, 0],
    }
    assert_flows(flows, {name: [float(cell) for cell in cells] for name, cells in lines.items()})


def assert_flows(flows: Flows, lines: dict[str, list[float]]) -> None:
    for name, cells in lines.items():
        assert getattr(flows, name)[0].tolist() == pytest.approx(cells, abs=1e-3), name


def test_who_leaves_is_paid_for_vested_credit_that_was_kept_for_later() -> None:
    """Nothing is needed in one month and twice the grant in the next: a leaver of the first has a month's credit."""
    budget = TokenBudget(amount_usd_year=12_000, unused="keep", cash_out_rate=0.5, vesting_months=0)
    paid, kept = (msgspec.structs.replace(budget, leaver_vested=word) for word in ("cash_out", "keep"))
    person = Person(horizon_years=2, discount_rate=0.0, marginal_tax_rate=0.4, usage_usd_months=(0.0, 2_000.0))
    given = {"s": 0.9, "p": 0.0, "h_E": 0.3, "u": 1.0}

    def worth(budget: TokenBudget) -> float:
        row = default_row(parameters_for(budget, person, given))
        return float(tokens.story(budget, person, row).present_usd[0])

    more = worth(paid) - worth(budget)
    chances = [np.exp(-0.3 * month / 12) - np.exp(-0.3 * (month + 1) / 12) for month in range(0, 24, 2)]
    assert more == pytest.approx(sum(chances) * 1_000 * 0.5 * (1 - 0.4))
    assert worth(kept) == worth(budget)
