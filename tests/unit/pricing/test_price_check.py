"""The checks behind `bursar prices check`."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from bursar.pricing.book import PriceBook
from bursar.pricing.check import Comparison, check_book, compare, read_table
from bursar.pricing.matching import Clause
from bursar.pricing.rates import Rates, Tier
from bursar.pricing.snapshot import Catalog, Content, DatedPrice, Model, Price, Window

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SOUND = Rates(100, 10, 125, 200, 500)

TABLE = """
{
  "claude-sonnet-4-5": {"litellm_provider": "anthropic", "mode": "chat",
    "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
    "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 0.0000061,
    "input_cost_per_token_above_200k_tokens": 7e-06, "input_cost_per_token_batches": 1.5e-06,
    "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.01}},
  "claude-opus-5-5": {"litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 4e-06,
    "output_cost_per_token": 2e-05, "provider_specific_entry": {"us": 1.1, "fast": 2.5, "note": "as listed"},
    "search_context_cost_per_query": {"low": 0.02, "high": 0.02}},
  "gpt-5": {"litellm_provider": "openai", "mode": "responses", "input_cost_per_token_priority": 2.5e-06,
    "output_cost_per_token_priority": 2.1e-05, "cache_read_input_token_cost_flex": 6.25e-08,
    "search_context_cost_per_query": {"low": 0.03, "high": 0.05}},
  "gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "mode": "chat",
    "input_cost_per_token": 1.25e-06, "output_cost_per_token": 0.000011},
  "gpt-4o": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 1},
  "unheard-of": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1},
  "elsewhere": {"litellm_provider": "nobody", "mode": "chat", "input_cost_per_token": 1}
}
"""


def test_differences_to_a_public_table_are_told_by_rate(book: PriceBook) -> None:
    found = compare(book, read_table(TABLE), NOW)
    assert [(d.model, d.variant, d.bucket, d.above_tokens, d.ours, int(d.theirs)) for d in found.disagreements] == [
        ("claude-opus-5-5", "fast", "input", 0, 8_000_000_000, 10_000_000_000),
        ("claude-opus-5-5", "fast", "output", 0, 40_000_000_000, 50_000_000_000),
        ("claude-opus-5-5", "standard", "web_searches", 0, 10_000_000_000, 20_000_000_000),
        ("claude-sonnet-4-5", "standard", "cache_write_1h", 0, 6_000_000_000, 6_100_000_000),
        ("claude-sonnet-4-5", "standard", "input", 200_000, 6_000_000_000, 7_000_000_000),
        ("gemini-2.5-pro", "standard", "output", 0, 10_000_000_000, 11_000_000_000),
        ("gpt-5", "priority", "output", 0, 20_000_000_000, 21_000_000_000),
    ]
    assert (found.models, found.rates) == (4, 20)
    assert found.disagreements[5].named == "gemini/gemini-2.5-pro"


def test_some_catalogs_alone(book: PriceBook) -> None:
    found = compare(book, read_table(TABLE), NOW, ["google"])
    assert (found.models, found.rates) == (1, 2)
    assert [each.catalog for each in found.disagreements] == ["google"]


@pytest.mark.parametrize("price", ['"0.1"', "true", "null", "[1]", '{"a": {}, "b": {}}', "{}", '{"a": 1, "b": 2}'])
def test_what_is_no_price_is_passed_over(book: PriceBook, price: str) -> None:
    listed = f'"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": {price}'
    table = f'{{"gpt-5": {{{listed}, "search_context_cost_per_query": {price}}}}}'
    assert compare(book, read_table(table), NOW) == Comparison(0, 0, ())


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"input_cost_per_token": NaN}}'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_table(text)


def rules(*history: DatedPrice) -> list[str]:
    model = Model("m", Clause("equals", "m"), {"standard": history})
    return [problem.rule for problem in check_book(PriceBook(Content({"acme": Catalog((model,))})))]


def test_sound_prices_have_no_problem() -> None:
    price = Price(SOUND, (Tier(10, SOUND), Tier(20, SOUND)))
    assert rules(DatedPrice(price), DatedPrice(price, date(2026, 1, 1))) == []


BROKEN = {
    "a rate is negative": Rates(100, -1, 125, 200, 500),
    "input is free": Rates(0, 0, 125, 200, 500),
    "a cache read costs more than input": Rates(100, 101, 125, 200, 500),
    "a cache write costs less than input": Rates(100, 10, 99, 200, 500),
    "a one-hour cache write costs less than a five-minute one": Rates(100, 10, 125, 124, 500),
    "output costs less than input": Rates(100, 10, 125, 200, 99),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_is_checked_in_prices_tiers_and_hours(rule: str) -> None:
    broken = BROKEN[rule]
    assert rules(DatedPrice(Price(broken))) == [rule]
    assert rules(DatedPrice(Price(SOUND, (Tier(10, broken),)))) == [rule]
    assert rules(DatedPrice(Price(SOUND), daily=(Window(0, 60, Price(broken)),))) == [rule]


def test_histories_and_tiers_must_go_up() -> None:
    first = DatedPrice(Price(SOUND), date(2026, 1, 1))
    assert rules() == ["it has no price at any time"]
    assert rules(first, first) == ["its dates do not go up"]
    assert rules(first, DatedPrice(Price(SOUND))) == ["its dates do not go up"]
    assert rules(DatedPrice(Price(SOUND, (Tier(10, SOUND), Tier(10, SOUND))))) == ["its tiers do not go up"]


def test_the_prices_of_the_direct_providers_are_sound(book: PriceBook) -> None:
    """What is left is known: an image model whose text output is cheaper than its input."""
    found = {
        (p.catalog, p.model) for p in check_book(book) if p.catalog in {"anthropic", "openai", "google", "azure"}
    }
    assert found == {("openai", "gpt-5-image-mini")}
