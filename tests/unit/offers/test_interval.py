"""Interval, tornado, months and comparison: how sure a value is, and what it hangs on."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np
import pytest

from bursar.offers.budget import Expectation, TokenBudget
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.parameters import TABLE, Parameter, parameters_for
from bursar.offers.person import Person
from bursar.offers.points import KEPT_SEED, points, sobol
from bursar.offers.rows import drawn
from bursar.offers.survival import survival
from bursar.offers.value import POINTS, compare, exact_value, mended, value

ARTICLE = Offer(
    name="article",
    base_usd_year=375_000,
    tokens=TokenBudget(amount_usd_year=100_000, expectation=Expectation(output_multiple=2.0)),
)
CASH = Offer(name="cash", base_usd_year=400_000)


def test_draws_have_the_default_as_their_median_and_stay_in_the_range() -> None:
    unit = (np.arange(1_000) + 0.5) / 1_000
    for parameter in parameters_for(ARTICLE.tokens, Person()).values():
        values = drawn(parameter, unit)
        assert values.min() >= parameter.low
        assert values.max() <= parameter.high
        assert np.median(values) == pytest.approx(parameter.value, abs=1e-3 + 1e-3 * parameter.high)


def test_points_that_are_kept_are_those_that_scipy_draws() -> None:
    for count in (POINTS, 64):
        assert (points(count, len(TABLE), KEPT_SEED) == sobol(count, len(TABLE), KEPT_SEED)).all()
    assert (points(64, len(TABLE), 7) == sobol(64, len(TABLE), 7)).all()
    assert points(64, 3, KEPT_SEED).shape == (64, 3)


def test_no_statistics_are_imported_to_value_an_offer() -> None:
    """They take longer than everything else together."""
    asked = "import sys; from bursar.offers.value import Offer, value; value(Offer(name='a', base_usd_year=1))"
    asked += "; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False, timeout=60).returncode == 0


def test_a_factor_is_drawn_by_its_logarithm() -> None:
    pi = Parameter(name="pi", label="", value=10.0, low=9.0, high=900.0, unit="factor", basis="")
    assert drawn(pi, np.array([0.0, 0.5, 0.75, 1.0])).tolist() == pytest.approx([9, 10, 10 * 90**0.5, 900])


def test_the_same_seed_gives_the_same_and_another_nearly_so() -> None:
    assert value(ARTICLE) == value(ARTICLE)
    one, other = value(ARTICLE).tokens_interval, value(ARTICLE, seed=7).tokens_interval
    assert one != other
    assert one.median == pytest.approx(other.median, rel=0.15)
    assert one.high == pytest.approx(other.high, rel=0.1)


def test_intervals_enclose_the_value_and_shrink_with_what_is_known() -> None:
    valuation = value(ARTICLE)
    known = value(ARTICLE, parameters={parameter.name: parameter.value for parameter in valuation.assumptions})
    assert valuation.total_interval.low < valuation.worth.total_usd < valuation.total_interval.high
    assert valuation.break_even_interval.low < valuation.worth.break_even_base_usd_year
    assert known.tornado == ()
    assert known.total_interval.low == known.total_interval.high == pytest.approx(valuation.worth.total_usd)


def test_a_bar_of_the_tornado_is_what_setting_its_parameter_gives() -> None:
    valuation = value(ARTICLE)
    swings = [bar.swing_usd_year for bar in valuation.tornado]
    assert swings == sorted(swings, reverse=True)
    assert {"s", "u", "h_C", "h_R", "h_E", "kappa", "p", "imputed"} <= {bar.parameter for bar in valuation.tornado}
    for bar in valuation.tornado:
        for end, expected in ((bar.low, bar.at_low_usd_year), (bar.high, bar.at_high_usd_year)):
            got = exact_value(ARTICLE, parameters={bar.parameter: end}).break_even_base_usd_year
            assert got == pytest.approx(expected, abs=1e-6)


def test_months_tell_survival_use_and_breakage() -> None:
    valuation = value(ARTICLE)
    first, later = valuation.months[0], valuation.months[24]
    assert len(valuation.months) == 48
    assert first.survival == 1
    assert later.survival == pytest.approx(np.exp(-0.278 * 2) * (0.3 + 0.7 * np.exp(-1)))
    assert (first.granted_usd, first.used_usd, first.expired_usd) == pytest.approx(
        (8_333.33, 4_166.67, 4_166.67), abs=0.01
    )
    assert valuation.used_share == pytest.approx(0.5)
    assert valuation.breakage_share == pytest.approx(0.5)


def test_notice_delays_vesting_takes_out_and_the_unrevocable_is_not_revoked() -> None:
    months = np.array([0.0, 6.0, 12.0, 24.0])
    rows = {
        name: np.array([[parameter.value]])
        for name, parameter in parameters_for(None, Person(), {"h_E": 0.0}).items()
    }

    def left(**terms: object) -> list[float]:
        budget = msgspec.structs.replace(TokenBudget(amount_usd_year=1.0), **terms)
        return [float(part) for part in survival(budget, rows, months)[0]]

    def cut(years: float) -> float:
        return float(0.3 + 0.7 * np.exp(-0.5 * years))

    half = 182.625 / 365.25
    assert left(revocable=False) == pytest.approx([1, cut(0.5), cut(1), cut(2)])
    noticed = left(revocable=False, notice_reduce_days=183)
    assert noticed == pytest.approx([1, 1, cut(1 - half), cut(2 - half)], abs=1e-3)
    vested = left(revocable=False, vesting_months=24, vesting_cliff_months=12)
    assert vested == pytest.approx([1, cut(0.5), 0.5 + 0.5 * cut(1), 1])


def test_own_usage_takes_the_place_of_the_prior() -> None:
    person = Person(usage_usd_months=(1_000.0, 3_000.0, 20_000.0), own_spend_usd_year=600.0)
    valuation = value(ARTICLE, person)
    found = {parameter.name: parameter for parameter in valuation.assumptions}
    assert [month.used_usd for month in valuation.months[:4]] == pytest.approx(
        [1_000, 3_000, 8_333.33, 1_000], abs=0.01
    )
    assert found["u"].value == pytest.approx(0.96)
    assert "your own use, $8,000 a month over 3" in found["u"].basis
    assert (found["x"].low, found["x"].value, found["x"].high) == (300, 600, 1_200)
    half = value(ARTICLE, person, {"u": 0.48})
    assert half.months[0].used_usd == pytest.approx(500)


def test_carry_over_is_worth_something_to_who_uses_unevenly() -> None:
    person = Person(usage_usd_months=(1_000.0, 3_000.0, 20_000.0))
    carried = mended(ARTICLE, unused="carry_over", carry_over_periods=2)
    assert exact_value(carried, person).tokens_usd > 1.2 * exact_value(ARTICLE, person).tokens_usd
    assert exact_value(carried).tokens_usd == exact_value(ARTICLE).tokens_usd  # even use below the budget needs none


def test_a_value_is_quick() -> None:
    """CPU of the quickest of some runs: at most 2 ms exactly, 150 ms with interval and tornado."""
    person = Person(usage_usd_months=(1_000.0, 3_000.0, 20_000.0))
    rich = mended(ARTICLE, unused="carry_over", carry_over_periods=3, vesting_months=24, cash_out_rate=0.5)
    for offer in (ARTICLE, rich):
        assert quickest_ms(partial(exact_value, offer, person)) <= 2
        assert quickest_ms(partial(value, offer, person)) <= 150


def quickest_ms(work: Callable[[], object]) -> float:
    times_s = []
    for _ in range(10):
        since_s = time.process_time()
        work()
        times_s.append(time.process_time() - since_s)
    return 1e3 * min(times_s)


def test_every_parameter_says_where_it_comes_from() -> None:
    budgets = [
        ARTICLE.tokens,
        TokenBudget(amount_usd_year=1, firm=False, models=("one",), denomination="commodity_tokens"),
        TokenBudget(
            amount_usd_year=1, denomination="frontier_tokens", tax_character="imputed", personal_use_share=0.3
        ),
        TokenBudget(amount_usd_year=1, escalator_index=True, tax_character="tool"),
    ]
    for budget in budgets:
        for parameter in parameters_for(budget, Person()).values():
            assert parameter.basis
            assert parameter.label
            assert parameter.low <= parameter.value <= parameter.high
            row = TABLE[parameter.name]
            assert row.least <= parameter.low
            assert parameter.high <= row.most


def test_a_comparison_ranks_by_worth_and_says_how_far_behind() -> None:
    comparison = compare([ARTICLE, CASH])
    first, second = comparison.valuations
    assert [first.offer.name, second.offer.name] == ["cash", "article"]
    assert first.worth.tokens_usd == first.worth.tokens_face_usd == 0
    assert (first.months, first.tornado) == ((), ())
    behind = comparison.behind[1]
    assert behind.low < first.worth.total_usd - second.worth.total_usd < behind.high
    assert (comparison.behind[0].low, comparison.behind[0].high) == (0, 0)
    apart = first.total_interval.high - second.total_interval.low
    assert behind.high - behind.low < apart / 2  # the same draws for both


def test_expectation_is_held_against_the_pay() -> None:
    pressure = value(ARTICLE).pressure
    assert pressure is not None
    assert (pressure.expectation, round(pressure.residual_effort, 3)) == (2.0, round(2 / 1.35 - 1, 3))
    assert value(CASH).pressure is None


def test_a_notebook_shows_tables() -> None:
    offer = msgspec.structs.replace(ARTICLE, name="A & <B>", equity=(EquityGrant(value_usd=1_000),))
    shown = value(offer)._repr_html_()
    assert "A &amp; &lt;B&gt;: present value over 4 years, after tax" in shown
    assert "<td style='text-align:right'>$758,000</td>" in shown
    assert "career gain per dollar of work use" in shown
    ranked = compare([ARTICLE, CASH])._repr_html_()
    assert ranked.index("cash") < ranked.index("article")
    assert "What moves it" not in value(CASH)._repr_html_()
