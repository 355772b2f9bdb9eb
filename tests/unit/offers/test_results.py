"""The results that must come out: the numbered list of the model's design, to the digits given."""

import math

import pytest

from bursar.offers.budget import TokenBudget
from bursar.offers.expectation import pressure
from bursar.offers.offer import Offer
from bursar.offers.person import Person
from bursar.offers.value import exact_value, headline, value

ARTICLE = Offer(name="article", base_usd_year=375_000, tokens=TokenBudget(amount_usd_year=100_000))
UNTAXED = Person(marginal_tax_rate=0)
ONE_YEAR = Person(horizon_years=1, discount_rate=0, marginal_tax_rate=0)
SAFE = {"h_E": 0.0, "h_R": 0.0, "h_C": 0.0}
WHOLE = SAFE | {"u": 1.0, "p": 1.0, "x": 1e6, "s": 0.0}
FACE_USD = 345_396.49


def test_1_the_headline_and_the_tokens_share_of_it() -> None:
    advertised = headline(ARTICLE)
    assert advertised.total_usd_year == 475_000
    assert round(100 * advertised.tokens_share, 4) == 21.0526


def test_2_without_hazards_all_used_personally_within_own_demand_is_the_face_value() -> None:
    worth = exact_value(ARTICLE, UNTAXED, WHOLE)
    assert round(worth.tokens_usd, 2) == FACE_USD
    assert round(worth.tokens_face_usd, 2) == FACE_USD
    assert worth.tokens_share_of_face == pytest.approx(1)


def test_2_so_it_is_where_demand_stretches_without_end() -> None:
    assert round(exact_value(ARTICLE, UNTAXED, WHOLE | {"x": 240.0, "eps": math.inf}).tokens_usd, 2) == FACE_USD


def test_2_more_demand_than_budget_adds_nothing() -> None:
    least = exact_value(ARTICLE, UNTAXED, WHOLE | {"x": 100_000.0}).tokens_usd
    assert round(least, 2) == FACE_USD
    assert exact_value(ARTICLE, UNTAXED, WHOLE | {"x": 99_000.0}).tokens_usd < least


def test_3_work_use_alone_with_no_career_gain_and_no_cash_out_is_worth_nothing() -> None:
    assert exact_value(ARTICLE, parameters={"p": 0.0, "s": 0.0}).tokens_usd == 0


def test_3_own_demand_that_does_not_stretch_caps_the_worth() -> None:
    rigid = exact_value(ARTICLE, ONE_YEAR, WHOLE | {"x": 1_200.0, "eps": 0.0}).tokens_usd
    nearly = exact_value(ARTICLE, ONE_YEAR, WHOLE | {"x": 1_200.0, "eps": 0.001}).tokens_usd
    assert rigid == pytest.approx(1_200)
    assert nearly == pytest.approx(1_200, rel=2e-3)
    assert nearly > rigid


def test_4_revocation_alone_leaves_its_geometric_part_of_the_face() -> None:
    ratio = exact_value(ARTICLE, UNTAXED, WHOLE | {"h_R": 0.5}).tokens_usd / FACE_USD
    step, discount = math.exp(-0.5 / 12), 1.08 ** (-1 / 12)
    closed = (1 - (step * discount) ** 48) / (1 - step * discount) * (1 - discount) / (1 - discount**48)
    assert round(ratio, 7) == 0.4628388
    assert ratio == pytest.approx(closed)


def test_5_an_amount_of_tokens_loses_dollars_as_prices_fall() -> None:
    tokens = TokenBudget(amount_usd_year=100_000, denomination="commodity_tokens")
    offer = Offer(name="tokens", base_usd_year=0, tokens=tokens)
    assert round(exact_value(offer, ONE_YEAR, WHOLE | {"pi": 10.0}).tokens_usd / 100_000, 7) == 0.4295636
    assert round(0.9 / math.log(10), 6) == 0.390865  # the limit of ever shorter steps, which the months exceed


def test_6_phantom_income_makes_a_value_negative() -> None:
    tokens = TokenBudget(amount_usd_year=100_000, tax_character="imputed")
    offer = Offer(name="phantom", base_usd_year=0, tokens=tokens)
    person = Person(horizon_years=1, discount_rate=0, marginal_tax_rate=0.37)
    assert exact_value(offer, person, SAFE | {"p": 0.0, "s": 0.0}).tokens_usd == pytest.approx(-37_000)


@pytest.mark.parametrize(("phi", "expected"), [(1.0, 154_053.26), (0.0, 83_251.88), (0.5, 118_652.57)])
def test_7_a_base_gap_is_worth_what_survives_a_change_of_job(phi: float, expected: float) -> None:
    person = Person(horizon_years=10, marginal_tax_rate=0)
    gap = Offer(name="gap", base_usd_year=20_000)
    assert round(exact_value(gap, person, {"h_E": 0.178, "phi": phi, "g": 0.035}).base_usd, 2) == expected


def test_8_twice_the_output_for_pay_that_did_not_double() -> None:
    assert round(pressure(2, 475 / 375, 1.77).expectation, 3) == 1.579
    assert pressure(2, 1, 1.77).expectation == 2
    assert round(100 * pressure(2, 1, 1.77).residual_effort, 1) == 13.0
    assert pressure(1.5, 1, 1.77).residual_effort == 0


def test_the_parts_sum_to_the_whole() -> None:
    valuation = value(ARTICLE)
    worth = valuation.worth
    assert worth.total_usd == worth.base_usd + worth.bonus_usd + worth.equity_usd + worth.tokens_usd
    assert worth.tokens_usd == pytest.approx(sum(month.present_usd for month in valuation.months))
    assert worth == exact_value(ARTICLE)


def test_break_even_base_is_worth_the_tokens() -> None:
    as_base = exact_value(ARTICLE).break_even_base_usd_year
    alone = Offer(name="base alone", base_usd_year=as_base)
    assert exact_value(alone).base_usd == pytest.approx(exact_value(ARTICLE).tokens_usd)
