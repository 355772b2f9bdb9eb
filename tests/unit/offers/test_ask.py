"""Counter-offers: each is worth the target by the model, the cheapest first, and of terms no more than it takes."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from bursar.offers.ask import ROUND_USD, TERM_SETS, Asked, Counter, ask
from bursar.offers.better import SHARES, changes, menu, sets
from bursar.offers.budget import TokenBudget, Unused
from bursar.offers.cash import base_usd_of_one
from bursar.offers.file import OfferFile, read_offer
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.parameters import parameters_for
from bursar.offers.person import Person
from bursar.offers.rows import default_row
from bursar.offers.template import template
from bursar.offers.value import exact_value, mended
from bursar.refusals import Refused

ARTICLE = read_offer(template())


def worth_usd_year(offer: Offer, person: Person) -> float:
    unit = base_usd_of_one(person, default_row(parameters_for(offer.tokens, person)))
    return exact_value(offer, person).total_usd / float(unit[0])


def kinds(asked: Asked) -> list[str]:
    return [counter.kind for counter in asked.counters]


def of_kind(asked: Asked, kind: str) -> Counter:
    return next(counter for counter in asked.counters if counter.kind == kind)


def test_the_article_s_offer_against_420000() -> None:
    asked = ask(ARTICLE, 420_000)
    assert asked.worth_usd_year == pytest.approx(375_000 + exact_value(ARTICLE.offer).break_even_base_usd_year)
    assert sorted(set(kinds(asked))) == ["base", "swap", "terms"]
    assert of_kind(asked, "base").offer.base_usd_year == 418_500
    assert of_kind(asked, "base").asks == ("a base of $418,500 instead of $375,000",)
    swap = of_kind(asked, "swap").offer
    assert swap.tokens is not None
    assert swap.base_usd_year + swap.tokens.amount_usd_year == 475_000, "dollar for dollar"
    terms = of_kind(asked, "terms")
    assert terms.offer.base_usd_year == 375_000
    assert terms.asks == ("unused credit is paid out at 100%, without a cap",)
    assert "Better terms alone can reach it." in asked.text
    assert "$43,000 a year are missing to $420,000" in asked.text


def test_terms_that_cannot_reach_the_target_are_not_said_to() -> None:
    asked = ask(ARTICLE, 470_000)
    assert "terms" not in kinds(asked)
    assert asked.terms_usd_year < 470_000
    assert "Better terms alone cannot" in asked.text
    both = of_kind(asked, "terms and base")
    assert 375_000 < both.offer.base_usd_year < of_kind(asked, "base").offer.base_usd_year
    assert both.asks[-1].startswith("a base of $")
    assert "unused credit is carried over for a year, without a cap" not in both.asks, "it makes no difference here"


@pytest.mark.parametrize("target", [1, 376_000])
def test_nothing_is_asked_for_where_the_target_is_reached(target: float) -> None:
    asked = ask(ARTICLE, target)
    assert asked.counters == ()
    assert asked.gap_usd_year <= 0
    assert "already" in asked.text


def test_without_tokens_there_is_only_base() -> None:
    asked = ask(read_offer('name = "a"\nbase = 400000'), 420_000)
    assert kinds(asked) == ["base"]
    assert asked.counters[0].offer.base_usd_year == 420_000
    assert asked.tokens_usd_year is None
    assert asked.counters[0].worth_interval.low == pytest.approx(420_000)


@pytest.mark.parametrize("target", [0.0, -1.0, float("nan"), float("inf"), 2e12])
def test_a_target_that_is_no_amount_is_refused(target: float) -> None:
    with pytest.raises(Refused) as raised:
        ask(ARTICLE, target)
    assert raised.value.refusal.field == "target"


def some_file(dice: random.Random) -> OfferFile:
    """An offer with terms of any kind, to somebody."""
    unused: Unused = dice.choice(["expire", "carry_over", "keep"])
    budget = TokenBudget(
        amount_usd_year=dice.choice([6_000, 24_000, 100_000, 250_000]),
        firm=dice.random() < 0.7,
        period_months=dice.choice([1, 3, 12]),
        unused=unused,
        carry_over_periods=2 if unused == "carry_over" else 0,
        denomination=dice.choice(["money", "frontier_tokens", "commodity_tokens"]),
        vesting_months=dice.choice([None, 0, 12, 36]),
        revocable=dice.choice([None, True, False]),
        notice_reduce_days=dice.choice([None, 0, 30, 120]),
        personal_use_share=dice.choice([None, 0.0, 0.25, 1.0]),
        cash_out_rate=dice.choice([0.0, 0.25, 0.6]),
        models=dice.choice([None, (), ("house-*",)]),
        leaver=dice.choice([None, "forfeit", "period_end"]),
        tax_character=dice.choice([None, "tool", "imputed"]),
    )
    grants = (EquityGrant(value_usd=200_000.0),) if dice.random() < 0.5 else ()
    person = Person(horizon_years=dice.choice([1, 4, 10]), own_spend_usd_year=dice.choice([None, 5_000.0]))
    offer = Offer(name="a", base_usd_year=200_000, bonus_usd_year=dice.choice([0.0, 20_000.0]), equity=grants)
    return OfferFile(offer=replace(offer, tokens=budget), person=person)


@pytest.mark.parametrize("seed", range(8))
def test_every_counter_offer_is_worth_the_target(seed: int) -> None:
    dice = random.Random(seed)
    file = some_file(dice)
    now = worth_usd_year(file.offer, file.person)
    asked = ask(file, now + dice.choice([1_123.0, 10_123.0, 60_123.0]), points=16)
    assert asked.worth_usd_year == pytest.approx(now)
    assert {"base"} <= set(kinds(asked))
    costs = [counter.employer_usd_year for counter in asked.counters]
    assert costs == sorted(costs)
    for counter in asked.counters:
        worth = worth_usd_year(counter.offer, file.person)
        assert worth == pytest.approx(counter.worth_usd_year)
        assert worth >= asked.target_usd_year
        if counter.kind in ("base", "swap", "terms and base"):
            more_usd = counter.offer.base_usd_year - file.offer.base_usd_year
            less = replace(counter.offer, base_usd_year=counter.offer.base_usd_year - ROUND_USD)
            assert worth_usd_year(less, file.person) < asked.target_usd_year
            assert more_usd > 0
            assert counter.kind != "base" or more_usd % ROUND_USD == 0


@pytest.mark.parametrize("seed", range(8))
def test_no_term_of_a_set_can_be_left_out(seed: int) -> None:
    dice = random.Random(seed)
    file = some_file(dice)
    assert file.offer.tokens is not None
    best = {slot: terms[-1] for slot, terms in menu(file.offer.tokens).items()}
    most = worth_usd_year(mended(file.offer, **changes(tuple(best.values()))), file.person)
    now = worth_usd_year(file.offer, file.person)
    asked = ask(file, now + 0.7 * (most - now), points=16)
    assert asked.terms_usd_year == pytest.approx(most)
    told = [counter for counter in asked.counters if counter.kind == "terms"]
    assert 1 <= len(told) <= TERM_SETS
    by_words = {term.words: term for terms in menu(file.offer.tokens).values() for term in terms}
    for counter in told:
        terms = tuple(by_words[words] for words in counter.asks)
        assert len({term.slot for term in terms}) == len(terms)
        assert counter.offer == mended(file.offer, **changes(terms))
        for term in terms:
            fewer = tuple(other for other in terms if other is not term)
            without = mended(file.offer, **changes(fewer)) if fewer else file.offer
            assert worth_usd_year(without, file.person) < asked.target_usd_year


def with_amount(file: OfferFile, usd_year: float) -> Offer:
    assert file.offer.tokens is not None
    return replace(file.offer, tokens=replace(file.offer.tokens, amount_usd_year=usd_year))


def test_how_many_tokens_it_would_take_under_the_same_terms() -> None:
    usd_year = ask(ARTICLE, 420_000, points=16).tokens_usd_year
    assert usd_year is not None
    assert usd_year > 1_000_000
    assert worth_usd_year(with_amount(ARTICLE, usd_year), ARTICLE.person) >= 420_000
    assert worth_usd_year(with_amount(ARTICLE, usd_year - ROUND_USD), ARTICLE.person) < 420_000


def test_no_budget_is_enough_when_more_of_it_is_only_more_tax() -> None:
    taxed = replace(ARTICLE, offer=mended(ARTICLE.offer, tax_character="imputed"))
    asked = ask(taxed, 380_000, points=16)
    assert asked.worth_usd_year < 375_000
    assert asked.tokens_usd_year is None
    assert "it would take a budget" not in asked.text


def test_the_menu_has_what_the_budget_lacks() -> None:
    budget = TokenBudget(amount_usd_year=100)
    assert set(menu(budget)) == {
        "revocable", "notice", "vesting", "carry-over", "cash-out", "personal", "escalator",
    }  # fmt: skip
    lacking = TokenBudget(
        amount_usd_year=100, firm=False, denomination="frontier_tokens", models=("a",), tax_character="imputed",
        leaver="forfeit",
    )  # fmt: skip
    assert set(menu(lacking)) - set(menu(budget)) == {"firm", "money", "models", "tax", "leaver"}
    everything = replace(budget, **changes(tuple(terms[-1] for terms in menu(budget).values())))
    assert menu(everything) == {}
    assert sum(1 for _ in sets(menu(budget), 1)) == 6 + 2 * len(SHARES)
    assert sum(1 for _ in sets(menu(budget), 7)) == 2 * len(SHARES) ** 2
