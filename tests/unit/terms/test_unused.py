"""Unused credit: what is carried over, cashed out and lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.terms.plan import Terms
from bursar.terms.unused import Ages, ages_after, closing, pays_nanos
from tests.unit.terms.plans import USD, carry_over, plan

NANOS = st.integers(0, 5_000 * USD)


@given(
    st.sampled_from([plan(), plan('cash_out_rate = "50%"\ncash_out_cap = "100.00"'), carry_over(), carry_over(3)])
    | st.builds(carry_over, st.integers(1, 4), st.sampled_from(["", "25%", "100.00", "0.01%"])),
    st.lists(NANOS, min_size=1, max_size=5).map(tuple),
    st.data(),
)
def test_what_is_unspent_is_divided_without_rest(terms: Terms, ages: Ages, data: st.DataObject) -> None:
    unspent = data.draw(st.integers(0, sum(ages)))
    goes_on = data.draw(st.booleans())
    end = closing(terms, ages, unspent, goes_on=goes_on)
    assert sum(end) == unspent
    assert min(end) >= 0
    if not goes_on or terms.unused != "carry_over":
        assert end.carry == 0
    after = ages_after(terms, ages, end.carry, 7)
    assert after[0] == 7
    assert sum(after[1:]) == end.carry
    assert len(after) <= terms.carry_over_periods + 1


@pytest.mark.parametrize(
    ("periods", "left"),
    [(1, [1_000, 1_000, 1_000, 1_000]), (2, [2_000, 2_000, 2_000, 2_000]), (3, [2_000, 3_000, 3_000, 3_000])],
)
def test_credit_lives_for_so_many_further_periods(periods: int, left: list[int]) -> None:
    # Nobody spends: after n periods what is carried into each lot is at most n amounts.
    terms = carry_over(periods)
    ages: Ages = (1_000 * USD,)
    carried = []
    for _ in range(5):
        end = closing(terms, ages, sum(ages), goes_on=True)
        carried.append(end.carry // USD)
        ages = ages_after(terms, ages, end.carry, 1_000 * USD)
    assert carried[0] == 1_000
    assert carried[1:] == left


def test_a_chain_with_partial_spend() -> None:
    terms = carry_over(2)
    ages: Ages = (1_000 * USD,)
    first = closing(terms, ages, 700 * USD, goes_on=True)  # 300 spent
    assert first == (700 * USD, 0, 0)
    ages = ages_after(terms, ages, first.carry, 1_000 * USD)
    second = closing(terms, ages, 1_100 * USD, goes_on=True)  # 600 spent, the carried ones first
    assert second == (1_100 * USD, 0, 0)
    ages = ages_after(terms, ages, second.carry, 1_000 * USD)
    assert ages == (1_000 * USD, 1_000 * USD, 100 * USD)
    third = closing(
        terms, ages, 2_050 * USD, goes_on=True
    )  # 50 of the oldest spent: its other 50 have had their time
    assert third == (2_000 * USD, 0, 50 * USD)


@pytest.mark.parametrize(("cap", "carried"), [("500.00", 500), ("25%", 250), ("100%", 1_000), ("9999.00", 1_000)])
def test_the_cap(cap: str, carried: int) -> None:
    assert closing(carry_over(cap=cap), (1_000 * USD,), 1_000 * USD, goes_on=True).carry == carried * USD


def test_what_is_cashed_out_pays_its_rate() -> None:
    terms = plan('cash_out_rate = "12.5%"\ncash_out_cap = "200.00"')
    end = closing(terms, (1_000 * USD,), 300 * USD, goes_on=True)
    assert end == (0, 200 * USD, 100 * USD)
    assert pays_nanos(terms, end.cash_out) == 25 * USD
    assert pays_nanos(terms, 7) == 0
