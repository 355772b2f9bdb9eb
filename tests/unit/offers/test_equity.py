"""Equity: what vests, times who is still there, times what can be sold; options by the formula or by what is felt."""

import math

import msgspec
import numpy as np
import pytest

from bursar.offers.equity import (
    RISK_FREE_RATE,
    black_scholes_usd,
    certainty_equivalent_usd,
    grant_value_usd,
    vesting,
)
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.person import Person
from bursar.offers.value import exact_value, headline

UNTAXED = Person(marginal_tax_rate=0)
SHARES = EquityGrant(value_usd=480_000)
OPTIONS = EquityGrant(kind="options", shares=10_000, spot_usd=20.0, strike_usd=20.0, volatility=0.5, term_years=7)


def test_nothing_vests_before_the_cliff_then_each_month() -> None:
    months, shares = vesting(SHARES, 48)
    assert months.tolist() == list(range(1, 49))
    assert shares[:11].tolist() == [0.0] * 11
    assert shares[11] == pytest.approx(0.25)
    assert shares[12:].tolist() == pytest.approx([1 / 48] * 36)


def test_quarterly_vesting_and_what_is_left_for_the_end() -> None:
    _, shares = vesting(EquityGrant(value_usd=1.0, vesting_months=10, cliff_months=0, every_months=3), 48)
    assert shares.tolist() == pytest.approx([0, 0, 0.3, 0, 0, 0.3, 0, 0, 0.3, 0.1])


def test_what_vests_after_the_horizon_is_not_counted() -> None:
    offer = Offer(name="shares", base_usd_year=0, equity=(SHARES,))
    two_years = msgspec.structs.replace(UNTAXED, horizon_years=2)
    assert exact_value(offer, two_years, {"h_E": 0.0}).equity_usd == pytest.approx(240_000)
    assert exact_value(offer, UNTAXED, {"h_E": 0.0}).equity_usd == pytest.approx(480_000)
    assert headline(offer).equity_usd_year == 120_000


def test_leavers_taxes_and_what_cannot_be_sold() -> None:
    at_once = EquityGrant(value_usd=100_000, vesting_months=12, cliff_months=12, illiquidity=0.3)
    offer = Offer(name="shares", base_usd_year=0, equity=(at_once,))
    worth = exact_value(offer, Person(marginal_tax_rate=0.4), {"h_E": 0.2}).equity_usd
    assert worth == pytest.approx(100_000 * math.exp(-0.2) * 0.7 * 0.6)


def test_black_and_scholes() -> None:
    """Hull's textbook example: price 42, strike 40, 10 % interest, 20 % volatility, half a year is 4.76."""
    assert round(black_scholes_usd(42, 40, 0.2, 0.1, 0.5), 2) == 4.76
    assert black_scholes_usd(42, 0, 0.2, 0.1, 0.5) == 42


def test_the_formula_is_the_mean_of_what_the_options_pay() -> None:
    deviations = np.random.default_rng(1).standard_normal(400_000)
    spread = 0.5 * math.sqrt(7)
    prices = 20 * np.exp(RISK_FREE_RATE * 7 + spread * deviations - spread**2 / 2)
    paid = math.exp(-RISK_FREE_RATE * 7) * np.maximum(0, prices - 20)
    assert grant_value_usd(OPTIONS, UNTAXED) == pytest.approx(
        10_000 * paid.mean(), abs=3 * 10_000 * paid.std() / len(paid) ** 0.5
    )


def test_who_minds_no_risk_values_options_by_the_formula_others_at_less() -> None:
    formula = grant_value_usd(OPTIONS, UNTAXED)
    felt = [certainty_equivalent_usd(OPTIONS, risk, 500_000) for risk in (0.0, 0.5, 1.0, 2.0, 3.0)]
    assert felt[0] == pytest.approx(formula, rel=1e-4)
    assert felt == sorted(felt, reverse=True)
    assert certainty_equivalent_usd(OPTIONS, 1.0 + 1e-7, 500_000) == pytest.approx(felt[2], rel=1e-5)
    assert certainty_equivalent_usd(OPTIONS, 2.0, 5e9) == pytest.approx(formula, rel=1e-2)
    person = Person(risk_aversion=2.0, outside_wealth_usd=500_000)
    assert grant_value_usd(OPTIONS, person) == felt[3]
