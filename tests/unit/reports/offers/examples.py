"""Offers that the tests of letters write about."""

from __future__ import annotations

from bursar.offers.budget import Expectation, TokenBudget
from bursar.offers.offer import EquityGrant, Offer

TOKENS = Offer(
    name="Base and tokens",
    base_usd_year=375_000,
    tokens=TokenBudget(
        amount_usd_year=100_000,
        unused="expire",
        revocable=True,
        personal_use_share=0.0,
        in_headline=True,
        expectation=Expectation(output_multiple=2.0),
    ),
)
BASE = Offer(name="Base alone", base_usd_year=400_000)
FULL = Offer(
    name="All of it",
    base_usd_year=300_000,
    bonus_usd_year=30_000,
    equity=(EquityGrant(value_usd=200_000), EquityGrant(kind="options", shares=1000, spot_usd=20, strike_usd=15)),
    tokens=TokenBudget(
        amount_usd_year=60_000,
        unused="carry_over",
        carry_over_periods=3,
        carry_over_cap_share=0.25,
        vesting_months=12,
        vesting_cliff_months=3,
        notice_reduce_days=90,
        notice_revoke_days=1,
        personal_use_share=0.25,
        cash_out_rate=0.5,
        cash_out_cap_usd=2000,
        escalator_rate=0.05,
        models=("claude-*", "gpt-*"),
        leaver="days",
        leaver_days=30,
        tax_character="personal",
    ),
)
TAXED = Offer(
    name="Taxed",
    base_usd_year=200_000,
    tokens=TokenBudget(amount_usd_year=100_000, personal_use_share=0.0, tax_character="imputed"),
)
UNSTATED = Offer(
    name="No amount", base_usd_year=200_000, tokens=TokenBudget(amount_usd_year=0, firm=False, period_months=None)
)
HOSTILE = Offer(name='<script>alert("1")</script> #set page(width: 1pt) $x$ & \x1b[31mred', base_usd_year=100_000)
OFFERS = (TOKENS, BASE, FULL, TAXED, UNSTATED, HOSTILE)
