"""A person's own use as months: whole ones, counted back from now."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.offers.budget import TokenBudget
from bursar.offers.offer import Offer
from bursar.offers.parameters import own_use, parameters_for
from bursar.offers.person import Person
from bursar.offers.use import MONTH_US, Spent, months_usd, with_use
from bursar.offers.value import exact_value
from bursar.refusals import Refused

NOW_US = 1_795_000_000_000_000
DAY_US = 86_400_000_000


def days_ago(days: float, cost_usd: float) -> Spent:
    return Spent(NOW_US - int(days * DAY_US), cost_usd)


def test_months_are_counted_back_from_now() -> None:
    spent = [days_ago(1, 5), days_ago(29, 7), days_ago(32, 11), days_ago(100, 2), days_ago(91, 3)]
    assert months_usd(spent, NOW_US) == (3.0, 11.0, 12.0)
    assert months_usd([days_ago(100, 2), days_ago(1, 5)], NOW_US) == (0.0, 0.0, 5.0)


def test_the_month_in_which_use_began_is_left_out_unless_it_is_the_only_one() -> None:
    assert months_usd([days_ago(3, 9), days_ago(40, 100)], NOW_US) == (9.0,)
    assert months_usd([days_ago(3, 9)], NOW_US) == (9.0,)
    assert months_usd([Spent(NOW_US - 2 * MONTH_US + 1, 4), days_ago(1, 1)], NOW_US) == (1.0,)


def test_what_is_later_than_now_is_not_counted() -> None:
    assert months_usd([Spent(NOW_US + 1, 50), days_ago(0, 1)], NOW_US) == (1.0,)


@given(st.lists(st.tuples(st.integers(0, 119 * MONTH_US), st.floats(0.01, 1e4)), min_size=1, max_size=40))
def test_no_cost_is_lost_but_that_of_the_first_month(ages: list[tuple[int, float]]) -> None:
    spent = [Spent(NOW_US - age_us, cost_usd) for age_us, cost_usd in ages]
    months = months_usd(spent, NOW_US)
    kept = math.fsum(cost for age_us, cost in ages if age_us < len(months) * MONTH_US)
    assert math.fsum(months) == pytest.approx(kept)
    oldest = max(age_us for age_us, _ in ages) // MONTH_US
    assert len(months) == max(1, oldest)
    assert months_usd(reversed(spent), NOW_US) == pytest.approx(months)


@pytest.mark.parametrize("spent", [[], [Spent(NOW_US + 1, 5)], [days_ago(1, 0)]])
def test_no_use_is_refused(spent: list[Spent]) -> None:
    with pytest.raises(Refused, match="nothing that cost anything"):
        months_usd(spent, NOW_US)


@pytest.mark.parametrize("cost_usd", [-0.01, math.nan])
def test_a_wrong_cost_is_refused(cost_usd: float) -> None:
    with pytest.raises(Refused, match="0 or more dollars"):
        months_usd([days_ago(1, cost_usd)], NOW_US)


def test_own_use_takes_the_place_of_the_guess() -> None:
    budget = TokenBudget(amount_usd_year=12_000)
    person = with_use(Person(), [days_ago(day, 10) for day in range(1, 61)], NOW_US)
    assert person.usage_usd_months == (300.0,)
    assert own_use(budget, person) == pytest.approx(0.3)
    found = parameters_for(budget, person)["u"]
    assert found.value == pytest.approx(0.3)
    assert "your own use, $300 a month" in found.basis
    offer = Offer(name="a", base_usd_year=100_000, tokens=budget)
    assert exact_value(offer, person).tokens_usd < exact_value(offer).tokens_usd
