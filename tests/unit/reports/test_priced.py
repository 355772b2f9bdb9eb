"""What providers bill for a model beside what the price book makes of its usage."""

from __future__ import annotations

from typing import Any

import pytest

from bursar.periods import Monthly, from_us
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.pricing.rates import RateCard
from bursar.reports.priced import ModelPrice, model_prices
from bursar.reports.told_by import Reported
from bursar.store.totals import Total
from bursar.usage import Usage

NOVEMBER = Monthly("UTC").named("2026-11")
DAY_US = 86_400 * 1_000_000
SONNET, MINI = "claude-sonnet-4-5-20250929", "gpt-5-mini-2025-08-07"
COUNTS = ("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens")


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return build_book()


def total(day: int = 1, *, source: str = "anthropic-usage", **more: Any) -> Total:
    starts_us = NOVEMBER.start_us + (day - 1) * DAY_US
    texts = dict.fromkeys(("variant", "item", "person", "api_key", "project", "grouping"), "")
    counts = dict.fromkeys((*COUNTS, "input_tokens", "output_tokens", "audio_output_tokens", "web_searches"), 0)
    place = {"key": "k", "version": 1, "catalog": "anthropic", "model": SONNET, "requests": None, "cost_nanos": None}
    return Total(
        source=source, starts_us=starts_us, ends_us=starts_us + DAY_US, **{**texts, **counts, **place, **more}
    )


def cost(nanos: int, *, source: str = "anthropic-cost", **more: Any) -> Total:
    return total(source=source, cost_nanos=nanos, **more)


def told(usage: list[Total], costs: list[Total], day: str = "2026-11-01") -> Reported:
    return Reported(day, usage[0].catalog, usage, costs, [])


def price(book: PriceBook, *days: Reported) -> ModelPrice:
    [found] = model_prices(days, book)
    return found


def test_usage_at_our_prices_is_what_the_provider_bills(book: PriceBook) -> None:
    used = total(input_tokens=100_000, cache_read_tokens=50_000, output_tokens=10_000, web_searches=7)
    nanos = 300_000_000 + 15_000_000 + 150_000_000  # $3, $0.30 and $15 for a million
    found = price(book, told([used], [cost(nanos)]))
    assert (found.least_nanos, found.most_nanos, found.apart_nanos, found.apart_permille) == (nanos, nanos, 0, 0)
    assert (found.model, found.days, found.tokens) == ("claude-sonnet-4-5", 1, 160_000)


def test_a_discount_and_a_price_that_is_wrong_are_told(book: PriceBook) -> None:
    used = total(input_tokens=100_000)
    discount = price(book, told([used], [cost(264_000_000)]))
    assert (discount.apart_nanos, discount.apart_permille) == (-36_000_000, -120)
    dearer = price(book, told([used], [cost(450_000_000)]), told([used], [cost(300_000_000)], "2026-11-02"))
    assert (dearer.days, dearer.apart_nanos, dearer.apart_permille) == (2, 150_000_000, 250)


def test_where_long_calls_can_hide_it_lies_between_two_amounts(book: PriceBook) -> None:
    used = total(input_tokens=1_000_000, output_tokens=10_000)
    least, most = 3_150_000_000, 6_225_000_000  # $3 and $15, or above 200,000 tokens of input $6 and $22.50
    for billed, apart in (
        (least, 0),
        (4_000_000_000, 0),
        (most, 0),
        (most + 1_000, 1_000),
        (3_000_000_000, -150_000_000),
    ):
        found = price(book, told([used], [cost(billed)]))
        assert (found.least_nanos, found.most_nanos, found.apart_nanos) == (least, most, apart)


def test_as_many_tokens_as_one_short_call_may_have_hide_no_long_one(book: PriceBook) -> None:
    found = price(book, told([total(input_tokens=200_000)], [cost(1)]))
    assert found.least_nanos == found.most_nanos == 600_000_000


def test_variants_have_prices_of_their_own_and_priority_is_no_part_of_anthropics_costs(book: PriceBook) -> None:
    used = [total(input_tokens=100_000, variant="batch"), total(input_tokens=900_000, variant="priority")]
    assert price(book, told(used, [cost(150_000_000)])).apart_nanos == 0


def test_what_has_no_price_is_told_without_one(book: PriceBook) -> None:
    used = [
        total(input_tokens=100_000, model="claude-next"),
        total(input_tokens=5, variant="no-such", model="claude-next"),
    ]
    found = price(book, told(used, [cost(1_000, model="claude-next")]))
    assert (found.least_nanos, found.apart_nanos, found.apart_permille, found.billed_nanos) == (
        None,
        None,
        None,
        1_000,
    )


def test_only_days_with_usage_and_costs_of_the_model_count(book: PriceBook) -> None:
    used = total(input_tokens=100_000)
    others = [cost(5), cost(9, model=""), cost(7, model="claude-opus-4-5")]
    assert price(book, told([used], others), told([used], [cost(7, model="")])).billed_nanos == 5
    assert list(model_prices([told([used], [])], book)) == []


def test_every_model_of_the_book_lies_between_its_tiers(book: PriceBook) -> None:
    """A day of single calls, short and long, comes to something from the least to the most."""
    for catalog in ("anthropic", "openai", "google"):
        for model in book.models(catalog):
            card = book.card(catalog, model, from_us(NOVEMBER.start_us))
            if not isinstance(card, RateCard) or card.rates.output is None:
                continue
            counts = [(1_000, 10), (199_999, 10), (300_000, 10), (900_000, 10)]
            single = sum(card.cost(Usage(input=into, output=out)) for into, out in counts)
            used = total(catalog=catalog, model=model, input_tokens=1_400_999, output_tokens=40)
            found = price(book, told([used], [cost(single, catalog=catalog, model=model)]))
            assert found.least_nanos is not None
            assert found.apart_nanos is not None
            assert abs(found.apart_nanos) <= len(counts), (catalog, model)
