"""What is wrong in an offer is refused by its field, with what it must be."""

import math
from typing import Any

import pytest

from bursar.offers.budget import Expectation, TokenBudget
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.parameters import Parameter
from bursar.offers.person import Person
from bursar.offers.value import compare, exact_value, mended, value
from bursar.refusals import Refused

NAN = math.nan
BASE: dict[str, Any] = {"name": "an offer", "base_usd_year": 100_000}
BUDGET: dict[str, Any] = {"amount_usd_year": 100_000}
OPTIONS: dict[str, Any] = {"kind": "options", "shares": 1_000, "spot_usd": 10, "strike_usd": 10}

WRONG: list[tuple[type, dict[str, Any], str, str]] = [
    (Offer, BASE | {"name": " "}, "name", "a text of 1 to 200"),
    (Offer, BASE | {"base_usd_year": None}, "base_usd_year", "missing; it must be dollars"),
    (Offer, BASE | {"base_usd_year": -1}, "base_usd_year", "is -1; it must be dollars from 0"),
    (Offer, BASE | {"base_usd_year": NAN}, "base_usd_year", "is nan"),
    (Offer, BASE | {"base_usd_year": math.inf}, "base_usd_year", "is inf"),
    (Offer, BASE | {"base_usd_year": "375k"}, "base_usd_year", "'375k'"),
    (Offer, BASE | {"base_usd_year": True}, "base_usd_year", "True"),
    (Offer, BASE | {"bonus_usd_year": 1e13}, "bonus_usd_year", "1,000,000,000,000"),
    (Offer, BASE | {"currency": "EUR"}, "currency", "USD; convert"),
    (Offer, BASE | {"equity": (EquityGrant(value_usd=1.0),) * 21}, "equity", "at most 20"),
    (EquityGrant, {"kind": "warrants", "value_usd": 1}, "equity.kind", "one of rsu, options"),
    (EquityGrant, {}, "equity.value_usd", "missing"),
    (EquityGrant, {"value_usd": -5}, "equity.value_usd", "from 0"),
    (EquityGrant, {"value_usd": 1, "vesting_months": 0}, "equity.vesting_months", "from 1 to 120"),
    (
        EquityGrant,
        {"value_usd": 1, "vesting_months": 24, "cliff_months": 36},
        "equity.cliff_months",
        "at most the 24",
    ),
    (EquityGrant, {"value_usd": 1, "every_months": 13}, "equity.every_months", "from 1 to 12"),
    (EquityGrant, {"value_usd": 1, "illiquidity": 1.2}, "equity.illiquidity", "a share from 0 to 1"),
    (EquityGrant, {"kind": "options", "spot_usd": 1, "strike_usd": 1}, "equity.shares", "missing"),
    (EquityGrant, OPTIONS | {"strike_usd": None}, "equity.strike_usd", "missing"),
    (EquityGrant, OPTIONS | {"spot_usd": 0}, "equity.spot_usd", "from 1e-06"),
    (EquityGrant, OPTIONS | {"volatility": 0}, "equity.volatility", "from 0.01 to 5"),
    (EquityGrant, OPTIONS | {"term_years": NAN}, "equity.term_years", "from 0.1 to 30"),
    (TokenBudget, {"amount_usd_year": None}, "tokens.amount_usd_year", "missing"),
    (TokenBudget, {"amount_usd_year": -100}, "tokens.amount_usd_year", "from 0"),
    (TokenBudget, BUDGET | {"period_months": 2}, "tokens.period_months", "1, 3, 6 or 12"),
    (TokenBudget, BUDGET | {"denomination": "shells"}, "tokens.denomination", "one of money"),
    (TokenBudget, BUDGET | {"unused": "burn"}, "tokens.unused", "one of expire"),
    (TokenBudget, BUDGET | {"leaver": "never"}, "tokens.leaver", "one of forfeit"),
    (TokenBudget, BUDGET | {"tax_character": "free"}, "tokens.tax_character", "one of tool"),
    (TokenBudget, BUDGET | {"unused": "carry_over"}, "tokens.carry_over_periods", "from 1 to 120"),
    (TokenBudget, BUDGET | {"carry_over_periods": 3}, "tokens.carry_over_periods", "left out"),
    (TokenBudget, BUDGET | {"carry_over_cap_usd": 3.0}, "tokens.carry_over_cap_usd", "left out"),
    (
        TokenBudget,
        BUDGET
        | {"unused": "carry_over", "carry_over_periods": 1, "carry_over_cap_usd": 3.0, "carry_over_cap_share": 0.5},
        "tokens.carry_over_cap_share",
        "a cap in dollars",
    ),
    (TokenBudget, BUDGET | {"unused": "grace"}, "tokens.grace_days", "from 1 to 366"),
    (TokenBudget, BUDGET | {"grace_days": 30}, "tokens.grace_days", "left out"),
    (TokenBudget, BUDGET | {"vesting_cliff_months": 3}, "tokens.vesting_cliff_months", "0, as nothing vests"),
    (
        TokenBudget,
        BUDGET | {"vesting_months": 12, "vesting_cliff_months": 24},
        "tokens.vesting_cliff_months",
        "at most the 12 months",
    ),
    (TokenBudget, BUDGET | {"vesting_months": 121}, "tokens.vesting_months", "from 0 to 120"),
    (
        TokenBudget,
        BUDGET | {"revocable": False, "notice_revoke_days": 30},
        "tokens.notice_revoke_days",
        "not revocable",
    ),
    (TokenBudget, BUDGET | {"notice_reduce_days": 1.5}, "tokens.notice_reduce_days", "a whole number"),
    (TokenBudget, BUDGET | {"personal_use_share": 30}, "tokens.personal_use_share", "a share from 0 to 1"),
    (TokenBudget, BUDGET | {"cash_out_rate": 1.1}, "tokens.cash_out_rate", "a share from 0 to 1"),
    (TokenBudget, BUDGET | {"cash_out_cap_usd": 500.0}, "tokens.cash_out_cap_usd", "cash_out_rate is 0"),
    (TokenBudget, BUDGET | {"escalator_rate": -0.1}, "tokens.escalator_rate", "from 0 to 1"),
    (
        TokenBudget,
        BUDGET | {"escalator_index": True, "denomination": "frontier_tokens"},
        "tokens.escalator_index",
        "follows prices already",
    ),
    (TokenBudget, BUDGET | {"leaver": "days"}, "tokens.leaver_days", "from 1 to 366"),
    (TokenBudget, BUDGET | {"leaver_days": 5}, "tokens.leaver_days", "left out"),
    (TokenBudget, BUDGET | {"leaver_vested": "keep"}, "tokens.leaver_vested", "nothing vests"),
    (TokenBudget, BUDGET | {"leaver_vested": "gone", "vesting_months": 1}, "tokens.leaver_vested", "one of keep"),
    (TokenBudget, BUDGET | {"leaver_vested": "cash_out", "vesting_months": 1}, "tokens.leaver_vested", "rate is 0"),
    (Expectation, {"output_multiple": 0}, "tokens.expectation.output_multiple", "from 0.1"),
    (Person, {"horizon_years": 10**12}, "horizon_years", "is 1000000000000; it must be a whole number from 1 to 40"),
    (Person, {"horizon_years": 0}, "horizon_years", "from 1 to 40"),
    (Person, {"horizon_years": 2.5}, "horizon_years", "a whole number"),
    (Person, {"discount_rate": -0.01}, "discount_rate", "from 0 to 1"),
    (Person, {"discount_rate": NAN}, "discount_rate", "is nan"),
    (Person, {"marginal_tax_rate": 37}, "marginal_tax_rate", "from 0 to 0.95"),
    (Person, {"own_spend_usd_year": -1}, "own_spend_usd_year", "from 0"),
    (Person, {"usage_usd_months": (1.0,) * 121}, "usage_usd_months", "at most 120"),
    (Person, {"usage_usd_months": (1.0, NAN)}, "usage_usd_months", "is nan"),
    (Person, {"risk_aversion": 30}, "risk_aversion", "from 0 to 20"),
    (Person, {"outside_wealth_usd": 0}, "outside_wealth_usd", "from 1"),
]


@pytest.mark.parametrize(("kind", "fields", "field", "right"), WRONG)
def test_wrong_fields_are_refused_by_name(kind: type, fields: dict[str, Any], field: str, right: str) -> None:
    with pytest.raises(Refused) as caught:
        kind(**fields)
    assert caught.value.refusal.field == field
    assert right in str(caught.value)


OFFER = Offer(**BASE, tokens=TokenBudget(**BUDGET))
WRONG_PARAMETERS: list[tuple[dict[str, Any], str]] = [
    ({"h_c": 0.2}, "There is no parameter (they are h_E, h_C,"),
    ({"h_C": -0.2}, "The field h_C is -0.2; it must be a number from 0 to 10"),
    ({"h_C": NAN}, "The field h_C is nan"),
    ({"u": 50}, "The field u is 50; it must be a number from 0 to 1"),
    ({"eps": -1}, "The field eps is -1; it must be a number from 0 to inf"),
    (
        {"u": Parameter(name="u", label="use", value=0.9, low=0.1, high=0.5, unit="share", basis="a guess")},
        "The field u is 0.9; it must be between its ends 0.1 and 0.5",
    ),
    (
        {"u": Parameter(name="u", label="use", value=0.3, low=-0.1, high=0.5, unit="share", basis="a guess")},
        "The field u is -0.1",
    ),
]


@pytest.mark.parametrize(("parameters", "text"), WRONG_PARAMETERS)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], text: str) -> None:
    with pytest.raises(Refused) as caught:
        exact_value(OFFER, parameters=parameters)
    assert text in str(caught.value)


def test_what_cannot_be_valued_is_refused() -> None:
    with pytest.raises(Refused, match="points is 1000; it must be a power of two"):
        value(OFFER, points=1000)
    with pytest.raises(Refused, match="points is 1;"):
        value(OFFER, points=1)
    with pytest.raises(Refused, match="offers is none"):
        compare([])
    with pytest.raises(Refused, match="a token budget, to have terms"):
        mended(Offer(**BASE), vesting_months=12)
    with pytest.raises(Refused, match=r"tokens\.cash_out_rate is 2"):
        mended(OFFER, cash_out_rate=2)
