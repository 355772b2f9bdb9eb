"""What equity is worth today: what vests, times who is still there, times what can be sold.

    sum over months m of vested_m * value * exp(-h_E m/12) * (1 - illiquidity) * (1 - tau), nothing before the cliff

Value is today's: a share's price already is the present value of what it will bring, so it is not discounted again.
Options are worth what Black and Scholes (1973) say, or, where the person states an aversion to risk, the sum in cash
that they would take instead (the certainty equivalent of Hall and Murphy 2002): options cannot be sold or hedged, and
are a large part of what their owner has.
"""

from __future__ import annotations

import math

import numpy as np

from bursar.offers.offer import EquityGrant
from bursar.offers.person import Person
from bursar.offers.rows import Floats, Rows

RISK_FREE_RATE = 0.04
"""A year, continuously: about what a ten-year US government bond pays. Judgement."""


def present_usd(grant: EquityGrant, person: Person, rows: Rows) -> Floats:
    """The present value of a grant after tax, for each row."""
    months, vests = vesting(grant, 12 * person.horizon_years)
    stays = np.exp(-rows["h_E"] * months / 12)
    sold = grant_value_usd(grant, person) * (1 - grant.illiquidity) * (1 - person.marginal_tax_rate)
    worth: Floats = sold * np.sum(vests * stays, axis=1)
    return worth


def vesting(grant: EquityGrant, within_months: int) -> tuple[Floats, Floats]:
    """The months, from 1, and the share of the grant that vests at the end of each; what vests later is left out."""
    months = np.arange(1, min(within_months, grant.vesting_months) + 1)
    done = np.where(months >= grant.vesting_months, months, months // grant.every_months * grant.every_months)
    vested = np.where(months < grant.cliff_months, 0.0, done / grant.vesting_months)
    return months.astype(np.float64), np.diff(vested, prepend=0.0)


def grant_value_usd(grant: EquityGrant, person: Person) -> float:
    """What all of a grant is worth today if all of it vested now and could be kept to its end; before tax."""
    if grant.kind == "rsu":
        assert grant.value_usd is not None
        return grant.value_usd
    assert grant.shares is not None
    assert grant.spot_usd is not None
    assert grant.strike_usd is not None
    if person.risk_aversion is None:
        return grant.shares * black_scholes_usd(
            grant.spot_usd, grant.strike_usd, grant.volatility, RISK_FREE_RATE, grant.term_years
        )
    return certainty_equivalent_usd(grant, person.risk_aversion, person.outside_wealth_usd)


def black_scholes_usd(spot_usd: float, strike_usd: float, volatility: float, rate: float, term_years: float) -> float:
    """A European call on one share that pays no dividend (Black and Scholes 1973)."""
    if strike_usd == 0:
        return spot_usd
    spread = volatility * math.sqrt(term_years)
    upper = (math.log(spot_usd / strike_usd) + rate * term_years) / spread + spread / 2
    return spot_usd * _normal(upper) - strike_usd * math.exp(-rate * term_years) * _normal(upper - spread)


def certainty_equivalent_usd(grant: EquityGrant, risk_aversion: float, outside_wealth_usd: float) -> float:
    """The cash today that an owner of constant relative aversion to risk would take for options that they must keep.

    Utility of wealth W is W^(1-rho) / (1-rho), ln W at rho = 1. Other wealth earns the risk-free rate, and so, as
    expected, does the share: no premium is credited for a risk that the owner did not choose. At rho = 0 it is
    Black–Scholes; it falls as rho rises.
    """
    assert grant.spot_usd is not None
    assert grant.strike_usd is not None
    assert grant.shares is not None
    deviations = np.linspace(-8.0, 8.0, 4001)
    weights = np.exp(-(deviations**2) / 2)
    weights /= weights.sum()
    spread = grant.volatility * math.sqrt(grant.term_years)
    growth = math.exp(RISK_FREE_RATE * grant.term_years)
    prices = grant.spot_usd * growth * np.exp(spread * deviations - spread**2 / 2)
    gains = grant.shares * np.maximum(0.0, prices - grant.strike_usd) / (outside_wealth_usd * growth)
    if abs(risk_aversion - 1.0) < 1e-9:
        sure = math.expm1(float(np.sum(weights * np.log1p(gains))))
    else:
        power = 1.0 - risk_aversion
        sure = float(np.sum(weights * (1.0 + gains) ** power)) ** (1.0 / power) - 1.0
    return sure * outside_wealth_usd


def _normal(deviation: float) -> float:
    return 0.5 * math.erfc(-deviation / math.sqrt(2.0))
