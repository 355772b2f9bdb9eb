"""The snapshot of the installed price data: what it holds, and that it prices as its source does."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from genai_prices import Usage as SourceUsage
from genai_prices import types as source
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import PriceDataError, build_book, take_over
from bursar.pricing.limits import load_limits, widest_window
from bursar.pricing.rates import RateCard
from bursar.pricing.snapshot import Content, midnight
from bursar.refusals import Refusal
from bursar.usage import Usage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HISTORY = json.loads((Path(__file__).parent / "history.json").read_bytes())


BOOK = build_book()


def card(book: PriceBook, catalog: str, model: str, at: datetime = NOW, variant: str = "standard") -> RateCard:
    found = book.card(catalog, model, at, variant)
    assert isinstance(found, RateCard), found
    return found


@pytest.mark.parametrize("line", HISTORY, ids=lambda line: f"{line['catalog']}-{line['model']}-{line['on']}")
def test_history_never_changes(book: PriceBook, line: dict[str, Any]) -> None:
    found = card(book, line["catalog"], line["model"], midnight(date.fromisoformat(line["on"])), line["variant"])
    assert msgspec.json.decode(msgspec.json.encode(found.rates)) == line["rates"]
    assert msgspec.json.decode(msgspec.json.encode(found.tiers)) == line.get("tiers", [])


def test_two_builds_and_a_round_trip_are_one_version(book: PriceBook) -> None:
    assert build_book().version == PriceBook.from_json(book.to_json()).version == book.version


def test_the_long_context_cliff_of_a_listed_model(book: PriceBook) -> None:
    sonnet = card(book, "anthropic", "claude-sonnet-4-5-20250929")
    assert sonnet.cost(Usage(input=200_000)) == 600_000_000
    assert sonnet.cost(Usage(input=200_001)) == 1_200_006_000


def test_dated_and_aliased_ids_resolve(book: PriceBook) -> None:
    assert card(book, "openai", "gpt-5.2-20251211").model == "gpt-5.2"
    assert card(book, "azure", "gpt-4o-2024-08-06").model == "gpt-4o"
    assert card(book, "google", "claude-opus-4-6").rates.output == 25_000_000_000


NOT_BY_TOKEN = """
openai    whisper-1                      by the hour of audio
openai    gpt-image-1                    images have their own price
google    gemini-2.5-flash-image         images have their own price
perplexity sonar                         by the request too
perplexity sonar-deep-research           reasoning has its own price
mistral   mistral-ocr-latest             by the page
openai    omni-moderation-latest         has no price
"""


@pytest.mark.parametrize("line", NOT_BY_TOKEN.strip().splitlines())
def test_what_is_not_priced_by_token_alone_is_refused(book: PriceBook, line: str) -> None:
    catalog, model, _ = line.split(maxsplit=2)
    assert isinstance(book.card(catalog, model, NOW), Refusal)


ANTHROPIC_AND_OPENAI = {
    f"{provider.id} {model.id}": (provider, model)
    for provider in providers
    if provider.id in {"anthropic", "openai"}
    for model in provider.models
    if model.id in BOOK.models(provider.id)
}
counts = st.integers(0, 400_000)
instants = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(0, 60 * minutes)
)


@given(st.sampled_from(sorted(ANTHROPIC_AND_OPENAI)), counts, counts, counts, counts, counts, instants)
def test_costs_are_those_of_the_source(  # noqa: PLR0917 - each count is a strategy
    listed: str,
    plain: int,
    read: int,
    write_5m: int,
    write_1h: int,
    output: int,
    at: datetime,
) -> None:
    """The source's own calculation is the oracle, for the buckets that it has a price for."""
    provider, model = ANTHROPIC_AND_OPENAI[listed]
    priced = {key for key, value in vars(model.get_prices(at)).items() if value is not None}
    usage = Usage(
        input=plain,
        cache_read=read if "cache_read_mtok" in priced else 0,
        cache_write_5m=write_5m if "cache_write_mtok" in priced else 0,
        cache_write_1h=write_1h if "cache_write_1h_mtok" in priced else 0,
        output=output if "output_mtok" in priced else 0,
    )
    theirs = model.calc_price(
        SourceUsage(
            input_tokens=usage.total_input,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
            cache_write_5m_tokens=usage.cache_write_5m,
            cache_write_1h_tokens=usage.cache_write_1h,
            output_tokens=usage.output,
        ),
        provider,
        genai_request_timestamp=at,
    )
    assert card(BOOK, provider.id, model.id, at).cost(usage) == ceil(theirs.total_price * 10**9)


ALL_CARDS = [
    RateCard(
        model=model.id, version="v", rates=dated.price.rates, tiers=dated.price.tiers, catalog=name, variant=variant
    )
    for name, catalog in BOOK.content.catalogs.items()
    for model in catalog.models
    for variant, history in model.variants.items()
    for dated in history
]
share = st.integers(0, 150_000)


@given(st.sampled_from(ALL_CARDS), share, share, share, share, share, st.integers(0, 9))
def test_no_usage_costs_more_than_its_bound_on_any_listed_card(  # noqa: PLR0917 - each count is a strategy
    listed: RateCard, plain: int, read: int, write_5m: int, write_1h: int, output: int, searches: int
) -> None:
    usage = Usage(
        input=plain,
        cache_read=read,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        output=output if listed.rates.output is not None else 0,
        web_searches=searches if listed.rates.web_searches is not None else 0,
    )
    bound = listed.bound(usage.total_input, usage.output, cache_writes=True, web_searches=usage.web_searches)
    assert listed.cost(usage) <= bound


@pytest.mark.parametrize("tokens", [0, 1, 99_999, 200_000, 200_001, 272_001, 1_000_000])
def test_bounds_hold_on_every_listed_card_for_each_bucket_alone(tokens: int) -> None:
    for listed in ALL_CARDS:
        bound = listed.bound(tokens, 0, cache_writes=True)
        for bucket in ("input", "cache_read", "cache_write_5m", "cache_write_1h"):
            assert listed.cost(Usage(**{bucket: tokens})) <= bound, listed


def a_model(prices: Any, variants: list[source.PriceVariant] | None = None) -> source.ModelInfo:
    return source.ModelInfo(
        id="m", match=source.ClauseEquals("m"), context_window=4_000, prices=prices, price_variants=variants
    )


def a_book(model: source.ModelInfo, catalog: str = "acme") -> PriceBook:
    provider = source.Provider(id=catalog, name="Acme", api_pattern="", models=[model])
    return PriceBook(Content(take_over([provider], load_limits())))


def usd(text: str) -> Decimal:
    return Decimal(text)


def test_a_price_that_is_no_whole_number_of_nanos_stops_the_build() -> None:
    model = a_model(source.ModelPrice(input_mtok=usd("0.08333333333"), output_mtok=usd("1")))
    with pytest.raises(PriceDataError, match=r"acme/m input_mtok: 0\.08333333333 is not a whole number"):
        a_book(model)
    with pytest.raises(PriceDataError, match="0 or more"):
        a_book(a_model(source.ModelPrice(input_mtok=usd("-1"))))
    assert card(a_book(model, "openrouter"), "openrouter", "m").rates.input == 83_333_334


def test_tiers_of_single_buckets_are_merged() -> None:
    tiered = source.TieredPrices(usd("1"), [source.Tier(100, usd("2")), source.Tier(300, usd("4"))])
    priced = source.ModelPrice(
        input_mtok=tiered, output_mtok=source.TieredPrices(usd("5"), [source.Tier(200, usd("7"))])
    )
    found = card(a_book(a_model(priced)), "acme", "m")
    steps = [(0, found.rates), *((tier.above, tier.rates) for tier in found.tiers)]
    assert [(above, rates.input // 10**9, (rates.output or 0) // 10**9) for above, rates in steps] == [
        (0, 1, 5),
        (100, 2, 5),
        (200, 2, 7),
        (300, 4, 7),
    ]


def test_a_variant_changes_what_it_names_from_its_date_on() -> None:
    start = source.StartDateConstraint(date(2026, 10, 12))
    prices = [
        source.ConditionalPrice(prices=source.ModelPrice(input_mtok=usd("4"), output_mtok=usd("8"))),
        source.ConditionalPrice(
            constraint=source.StartDateConstraint(date(2026, 11, 1)),
            prices=source.ModelPrice(input_mtok=usd("3"), output_mtok=usd("6")),
        ),
    ]
    flex = source.PriceVariant({"service_tier": "flex"}, source.ModelPrice(input_mtok=usd("1")), start)
    book = a_book(a_model(prices, [flex]))
    assert isinstance(book.card("acme", "m", datetime(2026, 10, 11, tzinfo=UTC), "flex"), Refusal)
    before = card(book, "acme", "m", datetime(2026, 10, 12, tzinfo=UTC), "flex").rates
    after = card(book, "acme", "m", NOW, "flex").rates
    assert (before.input, before.output, after.input, after.output) == (10**9, 8 * 10**9, 10**9, 6 * 10**9)


def test_a_variant_by_the_hour_stops_the_build() -> None:
    night = source.TimeOfDateConstraint(time(0), time(6))
    flex = source.PriceVariant({"service_tier": "flex"}, source.ModelPrice(input_mtok=usd("1")), night)
    with pytest.raises(PriceDataError, match="hours of the day"):
        a_book(a_model(source.ModelPrice(input_mtok=usd("4")), [flex]))


def test_listed_prices_by_the_hour(book: PriceBook) -> None:
    day, night = (datetime(2025, 6, 1, hour, tzinfo=UTC) for hour in (12, 20))
    assert card(book, "deepseek", "deepseek-chat", day).rates.input == 270_000_000
    assert card(book, "deepseek", "deepseek-chat", night).rates.input == 135_000_000


def test_missing_cache_prices() -> None:
    def rates(catalog: str, model: str, **prices: Decimal) -> tuple[int, int, int]:
        listed = a_model(source.ModelPrice(input_mtok=usd("4"), output_mtok=usd("8"), **prices))
        listed.id, listed.match = model, source.ClauseEquals(model)
        found = card(a_book(listed, catalog), catalog, model).rates
        return found.cache_read, found.cache_write_5m, found.cache_write_1h

    assert rates("acme", "m") == (4 * 10**9,) * 3
    assert rates("acme", "claude-x") == (4 * 10**9, 5 * 10**9, 8 * 10**9)
    assert rates("acme", "m", cache_write_mtok=usd("5")) == (4 * 10**9, 5 * 10**9, 5 * 10**9)
    assert rates("openrouter", "m", cache_write_mtok=usd("0.5"))[1] == 4_500_000_000


def test_every_reviewed_limit_is_about_a_listed_model(book: PriceBook) -> None:
    limits = load_limits()
    used = {id(limits.find(catalog, model)) for catalog in book.catalogs() for model in book.models(catalog)}
    assert [limit for limit in limits.limit if id(limit) not in used] == []


def test_no_window_is_below_a_tier_of_its_model(book: PriceBook) -> None:
    for catalog in book.content.catalogs.values():
        for model in catalog.models:
            tiers = [t.above for history in model.variants.values() for dated in history for t in dated.price.tiers]
            assert model.context_tokens is None or model.context_tokens > max(tiers, default=0), model


def test_round_windows_are_widened_to_powers_of_two() -> None:
    assert widest_window(128_000, 0) == 134_218
    assert widest_window(1_000_000, 0) == 1_048_576
    assert widest_window(16_385, 0) == 16_385
    assert widest_window(200_000, 200_000) is None
    assert widest_window(None, 0) is None
