"""The providers' rules that complete the price data: what they price, what they leave alone, what they refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from genai_prices.data import providers

from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import take_over
from bursar.pricing.limits import load_limits
from bursar.pricing.matching import Clause
from bursar.pricing.rates import RateCard, Rates, Tier
from bursar.pricing.rules import Multiple, Rules, complete, load_rules
from bursar.pricing.snapshot import Catalog, Content, DatedPrice, Model, Price, Window
from bursar.refusals import Refusal
from bursar.sim.prices import MODELS, cost_nanos
from bursar.usage import TOKEN_BUCKETS, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LISTED = Content(take_over(providers, load_limits()))
RULES = load_rules()


def card(book: PriceBook, catalog: str, model: str, at: datetime = NOW, variant: str = "standard") -> RateCard:
    found = book.card(catalog, model, at, variant)
    assert isinstance(found, RateCard), found
    return found


US = """
claude-opus-4-6    standard  5.50   27.50  0.55   6.875  11.00
claude-opus-4-8    standard  5.50   27.50  0.55   6.875  11.00
claude-opus-5-5    standard  4.40   22.00  0.22   5.50   8.80
claude-opus-5-5    fast      8.80   44.00  0.44   11.00  17.60
claude-opus-5-5    batch     2.20   11.00  0.11   2.75   4.40
claude-sonnet-4-6  standard  3.30   16.50  0.33   4.125  6.60
claude-sonnet-5-5  standard  2.20   11.00  0.11   2.75   4.40
claude-haiku-5-5   standard  0.11   0.55   0.011  0.1375 0.22
"""


@pytest.mark.parametrize("line", US.strip().splitlines())
def test_a_place_costs_a_tenth_more_on_every_token(book: PriceBook, line: str) -> None:
    """Dollars per million tokens, worked out by hand; a search costs what it costs everywhere."""
    model, variant, *prices = line.split()
    rates = card(book, "anthropic", model, variant="us" if variant == "standard" else f"us+{variant}").rates
    found = (rates.input, rates.output or 0, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h)
    assert found == tuple(round(float(price) * 10**9) for price in prices)
    assert rates.web_searches == 10 * 10**9


def test_the_place_is_combined_with_every_variant_and_tier(book: PriceBook) -> None:
    for model in book.content.catalogs["anthropic"].models:
        plain = {name for name in model.variants if not name.startswith("us")}
        placed = {name for name in model.variants if name.startswith("us")}
        assert placed in (set(), {"us" if name == "standard" else f"us+{name}" for name in plain}), model.id
    haiku, placed_haiku = (card(book, "anthropic", "claude-haiku-5-5", variant=v) for v in ("standard", "us"))
    assert [tier.above for tier in placed_haiku.tiers] == [tier.above for tier in haiku.tiers] == [100_000]
    assert placed_haiku.cost(Usage(input=100_001)) * 10 == haiku.cost(Usage(input=100_001)) * 11


@pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-1"])
def test_a_model_that_has_no_choice_of_place_is_refused(book: PriceBook, model: str) -> None:
    assert isinstance(book.card("anthropic", model, NOW, "us"), Refusal)


@pytest.mark.parametrize("variant", ["eu", "us+priority", "fast+us", "us+us"])
def test_what_the_rules_do_not_say_is_refused_by_name(book: PriceBook, variant: str) -> None:
    refusal = book.card("anthropic", "claude-opus-5-5", NOW, variant)
    assert isinstance(refusal, Refusal)
    assert repr(variant) in refusal.text


@pytest.mark.parametrize("name", [model.name for model in MODELS.values() if model.wire == "anthropic"])
def test_the_simulator_bills_the_place_the_same(book: PriceBook, name: str) -> None:
    """Two sums that were programmed apart, and the same models refuse the field."""
    sold = MODELS[name]
    usages = (
        Usage(input=1_234, cache_read=90_001, cache_write_5m=77, cache_write_1h=13, output=801, web_searches=2),
        Usage(input=300_001, output=1),
        Usage(cache_write_1h=1),
    )
    for variant in (None, *sold.variants):
        found = book.card("anthropic", sold.name, NOW, f"us+{variant}" if variant else "us")
        assert isinstance(found, RateCard) is sold.takes_geo
        if isinstance(found, RateCard):
            for usage in usages:
                assert found.cost(usage) == cost_nanos(sold, usage, variant=variant, us_geo=True)


BATCH = """
claude-opus-4-1-20250805    2025-09-01  7.50   37.50
claude-sonnet-4-20250514    2025-06-01  1.50   7.50
claude-3-5-haiku-20241022   2025-01-01  0.40   2.00
claude-3-haiku-20240307     2025-01-01  0.125  0.625
claude-3-opus-20240229      2025-01-01  7.50   37.50
claude-haiku-4-5            2026-01-01  0.50   2.50
claude-opus-4-6             2026-10-13  2.50   12.50
claude-opus-4-6             2026-10-14  2.50   12.50
"""


@pytest.mark.parametrize("line", BATCH.strip().splitlines())
def test_batches_before_the_price_data_lists_them(book: PriceBook, line: str) -> None:
    """As in the table of the provider's page on batches."""
    model, day, *prices = line.split()
    rates = card(book, "anthropic", model, datetime.fromisoformat(day).replace(tzinfo=UTC), "batch").rates
    assert (rates.input, rates.output) == tuple(round(float(price) * 10**9) for price in prices)


def test_there_were_no_batches_before_there_were(book: PriceBook) -> None:
    before, after = datetime(2024, 10, 7, 23, 59, tzinfo=UTC), datetime(2024, 10, 8, tzinfo=UTC)
    assert isinstance(book.card("anthropic", "claude-3-haiku", before, "batch"), Refusal)
    assert card(book, "anthropic", "claude-3-haiku", after, "batch").rates.input == 125_000_000
    assert isinstance(book.card("anthropic", "claude-2", after, "batch"), Refusal)


CLIFFS = """
anthropic  claude-sonnet-4-5       2026-11-23  200000  3.00  6.00
anthropic  claude-opus-4-6         2026-03-12  200000  5.00  10.00
anthropic  claude-haiku-5-5        2026-11-23  100000  0.10  0.50
openai     gpt-5.4                 2026-11-23  272000  2.50  5.00
openai     gpt-5.5                 2026-11-23  272000  5.00  10.00
openai     gpt-6.1-sol             2026-11-23  272000  2.00  4.00
google     gemini-2.5-pro          2026-11-23  200000  1.25  2.50
google     gemini-3.1-pro-preview  2026-11-23  200000  2.00  4.00
x-ai       grok-4.7                2026-11-23  199999  2.00  4.00
"""


@pytest.mark.parametrize("line", CLIFFS.strip().splitlines())
def test_a_long_prompt_moves_the_whole_request_to_the_higher_price(book: PriceBook, line: str) -> None:
    """The token that crosses the line raises the price of all before it, whichever bucket they are in."""
    catalog, model, day, above, below_price, above_price = line.split()
    found = card(book, catalog, model, datetime.fromisoformat(day).replace(tzinfo=UTC))
    tokens = int(above)
    low, high = (round(float(price) * 1_000) for price in (below_price, above_price))
    assert found.cost(Usage(input=tokens)) == tokens * low
    assert found.cost(Usage(input=tokens + 1)) == (tokens + 1) * high
    cached = found.cost(Usage(input=1, cache_read=tokens)) - high
    assert cached == -(-tokens * found.tiers[0].rates.cache_read // 10**6)
    assert found.bound(tokens + 1, 0, cache_writes=False) == (tokens + 1) * high


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-5-5", "claude-sonnet-5-5"])
def test_the_newer_large_models_of_anthropic_have_one_price_for_a_million_tokens(book: PriceBook, model: str) -> None:
    assert card(book, "anthropic", model).tiers == ()


SEARCHES = """
anthropic  claude-haiku-4-5        10
anthropic  claude-opus-5-5         10
anthropic  claude-3-5-haiku-latest 10
anthropic  claude-3-haiku          -
openai     gpt-4o                  10
openai     gpt-4.1-mini            10
openai     gpt-4.1-nano            -
openai     gpt-5                   10
openai     gpt-5.3-codex           10
openai     gpt-6.1-sol             10
openai     o4-mini-deep-research   10
openai     o3-mini                 -
google     gemini-2.5-flash        35
google     gemini-2.5-pro          35
google     gemini-3.1-pro-preview  14
google     gemini-4-argon          14
google     gemini-embedding-001    -
x-ai       grok-4.7                5
x-ai       grok-3                  -
"""


@pytest.mark.parametrize("line", SEARCHES.strip().splitlines())
def test_a_thousand_searches(book: PriceBook, line: str) -> None:
    """Dollars; a model that cannot search has no price for it, so that such a call is refused."""
    catalog, model, dollars = line.split()
    found = card(book, catalog, model)
    assert found.rates.web_searches == (None if dollars == "-" else int(dollars) * 10**9)
    assert all(tier.rates.web_searches == found.rates.web_searches for tier in found.tiers)
    if dollars != "-":
        assert found.cost(Usage(web_searches=3)) == 3 * int(dollars) * 10**6


@pytest.mark.parametrize(
    ("catalog", "name"),
    [
        ("openai", "gpt-4o-search-preview"),
        ("openai", "gpt-4o-search-preview-2025-03-11"),
        ("openai", "gpt-4o-mini-search-preview"),
        ("openai", "gpt-5-search-api-2025-10-14"),
        ("azure", "gpt-4o-mini-search-preview"),
    ],
)
def test_a_model_whose_searches_a_usage_does_not_count_is_refused(book: PriceBook, catalog: str, name: str) -> None:
    """Some of these ids look like those of a model that has a price; their searches would go unpaid."""
    refusal = book.card(catalog, name, NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.why.value == "model_not_priced"
    assert name not in book.models(catalog)
    assert card(book, catalog, "gpt-4o-mini").rates.input == 150_000_000


def test_the_price_data_goes_before_the_rules(book: PriceBook) -> None:
    """Nothing that is listed is changed: not a price, not a date."""
    for catalog, home in LISTED.catalogs.items():
        completed = {model.id: model for model in book.content.catalogs[catalog].models}
        for model in home.models:
            variants = completed.get(model.id, model).variants or model.variants
            for name, history in model.variants.items():
                kept = variants[name][len(variants[name]) - len(history) :]
                assert [_silenced(dated) for dated in kept] == [_silenced(dated) for dated in history], model.id


def _silenced(dated: DatedPrice) -> tuple[date | None, list[int | None]]:
    rates = (dated.price.rates, *(tier.rates for tier in dated.price.tiers))
    return dated.since, [getattr(each, bucket) for each in rates for bucket in TOKEN_BUCKETS]


def test_every_rule_has_a_source_a_date_and_an_effect() -> None:
    rules = (*RULES.multiple, *RULES.searches, *RULES.unpriced)
    assert all(rule.source.startswith("https://") and rule.checked <= NOW.date() for rule in rules)
    alone = (
        *(Rules(multiple=(rule,)) for rule in RULES.multiple),
        *(Rules(searches=(rule,)) for rule in RULES.searches),
        *(Rules(unpriced=(rule,)) for rule in RULES.unpriced),
    )
    for rule in alone:
        assert complete(LISTED, rule) != LISTED, rule


def test_dates_windows_and_tiers_of_a_multiple() -> None:
    """The base's dates before the rule's own are one; its hours and tiers are multiplied like the rest."""

    def at(since: date | None, times: int) -> DatedPrice:
        raised = Rates(10 * times, times, 13 * times, 20 * times, 50 * times, web_searches=7)
        return DatedPrice(Price(raised, (Tier(100, raised),)), since, (Window(0, 60, Price(raised)),))

    days = [date(2026, month, 1) for month in (1, 3, 5)]
    listed = (at(None, 1), at(days[0], 2), at(days[2], 3))
    content = Content({"acme": Catalog((Model("m", Clause("equals", "m"), {"standard": listed}),))})
    rule = Multiple(
        catalog="acme",
        models=("m",),
        variant="half",
        of="standard",
        factor="0.5",
        since=days[1],
        source="",
        checked=days[0],
    )
    [model] = complete(content, Rules(multiple=(rule,))).catalogs["acme"].models
    found = model.variants["half"]
    assert [(dated.since, dated.price.rates.input) for dated in found] == [(days[1], 10), (days[2], 15)]
    half = Rates(15, 2, 20, 30, 75, web_searches=7)  # 1.5 and 19.5 are rounded up
    assert (found[1].price.rates, found[1].price.tiers[0].rates, found[1].daily[0].price.rates) == (half, half, half)
    assert model.variants["standard"] == listed
