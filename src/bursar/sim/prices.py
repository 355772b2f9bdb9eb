"""The simulated providers' price lists and their own arithmetic of a bill.

Prices are the public ones of November 2026 as the vendors list them, in dollars per million tokens, kept as exact
fractions. Nothing here is shared with `bursar.pricing`: two sums that agree were reached in two ways.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal, NamedTuple

from bursar.usage import Usage

NANOS_PER_DOLLAR_A_MILLION = 1_000
"""A token at one dollar per million costs a thousand nano-dollars."""
WEB_SEARCH = Fraction(10, 1_000)
"""Dollars for one web search: OpenAI and Anthropic list $10 per thousand."""
US_GEO = Fraction(11, 10)
"""What Anthropic asks for inference kept in the US, on every token, since Opus 4.6."""


class Rates(NamedTuple):
    """Dollars per million tokens."""

    input: Fraction
    output: Fraction
    cache_read: Fraction
    cache_write_5m: Fraction
    cache_write_1h: Fraction


Sold = Literal["answers", "completions", "embeddings"]
"""What a model is sold for, which says on which routes: chat and messages, legacy completions, or embeddings."""


class Model(NamedTuple):
    """What a simulated provider knows of a model it sells."""

    name: str
    snapshot: str
    wire: Literal["openai", "anthropic", "gemini"]
    title: str
    released: str
    context_tokens: int
    max_output_tokens: int
    reasons: bool
    rates: Rates
    long_above_tokens: int | None = None
    long_rates: Rates | None = None
    variants: dict[str, Rates] = {}  # noqa: RUF012 - a constant of the table
    writes_cache: bool = False
    takes_geo: bool = False
    search: Fraction = WEB_SEARCH
    sold: Sold = "answers"


def _rates(prices: str) -> Rates:
    """Read "input output cache_read [cache_write_5m [cache_write_1h]]"; what is not listed costs as input."""
    given = [Fraction(price) for price in prices.split()]
    return Rates(*(given + [given[0]] * (5 - len(given))))


def _scaled(rates: Rates, input_factor: Fraction | int, output_factor: Fraction | int) -> Rates:
    """The same rates at another tier: what goes in times one factor, what comes out times another."""
    return Rates(
        rates.input * input_factor,
        rates.output * output_factor,
        rates.cache_read * input_factor,
        rates.cache_write_5m * input_factor,
        rates.cache_write_1h * input_factor,
    )


def _gpt(
    name: str,
    day: str,
    context: int,
    max_output: int,
    prices: str,
    *,
    snapshot: bool = True,
    reasons: bool = False,
    long: bool = False,
    **variants: str,
) -> Model:
    standard = _rates(prices)
    return Model(
        name=name,
        snapshot=f"{name}-{day}" if snapshot else name,
        wire="openai",
        title=name,
        released=day,
        context_tokens=context,
        max_output_tokens=max_output,
        reasons=reasons,
        rates=standard,
        long_above_tokens=272_000 if long else None,
        long_rates=_scaled(standard, 2, Fraction(3, 2)) if long else None,
        variants={tier: _rates(listed) for tier, listed in variants.items()},
        writes_cache=long,
    )


def _older(name: str, day: str, limits: tuple[int, int], prices: str, sold: Sold) -> Model:
    """A model of OpenAI's older routes: one price for input, one for output, nothing else."""
    return _gpt(name, day, *limits, prices, snapshot=False)._replace(sold=sold)


def _claude(
    name: str,
    title: str,
    day: str,
    context: int,
    prices: str,
    *,
    snapshot: bool = False,
    long: tuple[int, str] | None = None,
    fast: str | None = None,
    takes_geo: bool = False,
) -> Model:
    return Model(
        name=name,
        snapshot=f"{name}-{day.replace('-', '')}" if snapshot else name,
        wire="anthropic",
        title=title,
        released=day,
        context_tokens=context,
        max_output_tokens=64_000 if context == 200_000 or snapshot else 128_000,
        reasons=True,
        rates=_rates(prices),
        long_above_tokens=long[0] if long else None,
        long_rates=_rates(long[1]) if long else None,
        variants={"fast": _rates(fast)} if fast else {},
        writes_cache=True,
        takes_geo=takes_geo,
    )


def _gemini(
    name: str,
    title: str,
    day: str,
    prices: str,
    *,
    long: str | None = None,
    search: str = "0.014",
    reasons: bool = True,
) -> Model:
    return Model(
        name=name,
        snapshot=name,
        wire="gemini",
        title=title,
        released=day,
        context_tokens=1_048_576,
        max_output_tokens=65_536,
        reasons=reasons,
        rates=_rates(prices),
        long_above_tokens=200_000 if long else None,
        long_rates=_rates(long) if long else None,
        search=Fraction(search),
    )


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        _gpt("gpt-4o", "2024-08-06", 128_000, 16_384, "2.5 10 1.25", priority="4.25 17 2.125"),
        _gpt("gpt-4o-mini", "2024-07-18", 128_000, 16_384, "0.15 0.6 0.075", priority="0.25 1 0.125"),
        _gpt("gpt-4.1", "2025-04-14", 1_000_000, 32_768, "2 8 0.5", priority="3.5 14 0.875"),
        _gpt("gpt-4.1-mini", "2025-04-14", 1_000_000, 32_768, "0.4 1.6 0.1", priority="0.7 2.8 0.175"),
        _gpt(
            "o4-mini",
            "2025-04-16",
            200_000,
            100_000,
            "1.1 4.4 0.275",
            reasons=True,
            flex="0.55 2.2 0.138",
            priority="2 8 0.5",
        ),
        _gpt(
            "gpt-5",
            "2025-08-07",
            400_000,
            128_000,
            "1.25 10 0.125",
            reasons=True,
            flex="0.625 5 0.0625",
            priority="2.5 20 0.25",
        ),
        _gpt(
            "gpt-5-mini",
            "2025-08-07",
            400_000,
            128_000,
            "0.25 2 0.025",
            reasons=True,
            flex="0.125 1 0.0125",
            priority="0.45 3.6 0.045",
        ),
        _gpt(
            "gpt-5-nano",
            "2025-08-07",
            400_000,
            128_000,
            "0.05 0.4 0.005",
            reasons=True,
            flex="0.025 0.2 0.0025",
        ),
        _gpt("gpt-6-luna", "2026-06-01", 1_050_000, 128_000, "0.1 0.5 0.01 0.125", snapshot=False, long=True),
        _gpt(
            "gpt-6.1-sol", "2026-10-01", 1_050_000, 128_000, "2 10 0.1 2.5", snapshot=False, long=True, reasons=True
        ),
        _older("gpt-3.5-turbo-instruct", "2023-09-19", (4_096, 4_096), "1.5 2", "completions"),
        _older("text-embedding-3-small", "2024-01-25", (300_000, 0), "0.02 0", "embeddings"),
        _older("text-embedding-3-large", "2024-01-25", (300_000, 0), "0.13 0", "embeddings"),
        _claude(
            "claude-sonnet-4-5",
            "Claude Sonnet 4.5",
            "2025-09-29",
            1_000_000,
            "3 15 0.3 3.75 6",
            snapshot=True,
            long=(200_000, "6 22.5 0.6 7.5 12"),
        ),
        _claude("claude-opus-4-5", "Claude Opus 4.5", "2025-11-01", 200_000, "5 25 0.5 6.25 10", snapshot=True),
        _claude("claude-haiku-4-5", "Claude Haiku 4.5", "2025-10-01", 200_000, "1 5 0.1 1.25 2", snapshot=True),
        _claude("claude-opus-4-8", "Claude Opus 4.8", "2026-05-28", 1_000_000, "5 25 0.5 6.25 10", takes_geo=True),
        _claude("claude-sonnet-5", "Claude Sonnet 5", "2026-05-01", 1_000_000, "2 10 0.2 2.5 4", takes_geo=True),
        _claude(
            "claude-sonnet-5-5",
            "Claude Sonnet 5.5",
            "2026-09-01",
            1_000_000,
            "2 10 0.1 2.5 4",
            takes_geo=True,
        ),
        _claude(
            "claude-opus-5-5",
            "Claude Opus 5.5",
            "2026-09-01",
            1_000_000,
            "4 20 0.2 5 8",
            fast="8 40 0.4 10 16",
            takes_geo=True,
        ),
        _claude(
            "claude-haiku-5-5",
            "Claude Haiku 5.5",
            "2026-10-01",
            1_000_000,
            "0.1 0.5 0.01 0.125 0.2",
            long=(100_000, "0.5 2.5 0.05 0.625 1"),
            takes_geo=True,
        ),
        _gemini(
            "gemini-2.5-pro",
            "Gemini 2.5 Pro",
            "2025-06-17",
            "1.25 10 0.125",
            long="2.5 15 0.25",
            search="0.035",
        ),
        _gemini("gemini-2.5-flash", "Gemini 2.5 Flash", "2025-06-17", "0.3 2.5 0.03", search="0.035"),
        _gemini(
            "gemini-2.5-flash-lite",
            "Gemini 2.5 Flash-Lite",
            "2025-07-22",
            "0.1 0.4 0.01",
            search="0.035",
            reasons=False,
        ),
        _gemini("gemini-3.1-pro-preview", "Gemini 3.1 Pro Preview", "2026-02-19", "2 12 0.2", long="4 18 0.4"),
        _gemini("gemini-3.5-flash", "Gemini 3.5 Flash", "2026-05-19", "1.5 9 0.15"),
        _gemini("gemini-embedding-001", "Gemini Embedding", "2025-07-14", "0.15 0")._replace(
            max_output_tokens=0, reasons=False, sold="embeddings"
        ),
        _gemini("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", "2026-07-21", "0.3 2.5 0.03"),
    )
}
"""Every model for sale, by the name that clients ask for. An embedding model takes 300,000 tokens of all inputs
together. Claude Sonnet 4.5 keeps its retired 1M window, so that the tier above 200,000 tokens can be exercised."""


def model_named(name: str, wire: str) -> Model | None:
    """The model that a request on this wire means, by its name or its dated snapshot; None when not for sale."""
    model = MODELS.get(name) or _SNAPSHOTS.get(name)
    return model if model is not None and model.wire == wire else None


_SNAPSHOTS = {model.snapshot: model for model in MODELS.values()}


def cost_nanos(model: Model, usage: Usage, *, variant: str | None = None, us_geo: bool = False) -> int:
    """What one call costs in nano-dollars: exact fractions, rounded up once.

    A prompt above the model's threshold moves the **whole** request to the long rates, as both vendors publish.
    """
    rates = model.variants[variant] if variant is not None else model.rates
    if model.long_above_tokens is not None and usage.total_input > model.long_above_tokens:
        rates = _long(model, rates)
    dollars_a_million = Fraction(0)
    for tokens, rate in (
        (usage.input, rates.input),
        (usage.cache_read, rates.cache_read),
        (usage.cache_write_5m, rates.cache_write_5m),
        (usage.cache_write_1h, rates.cache_write_1h),
        (usage.output, rates.output),
    ):
        if tokens:
            dollars_a_million += tokens * rate
    if us_geo:
        dollars_a_million *= US_GEO
    nanos = dollars_a_million * NANOS_PER_DOLLAR_A_MILLION
    if usage.web_searches:
        nanos += usage.web_searches * model.search * 1_000_000_000
    return math.ceil(nanos)


def _long(model: Model, rates: Rates) -> Rates:
    """Rates above the threshold; a variant grows by the same factors as the standard rates."""
    assert model.long_rates is not None
    if rates is model.rates:
        return model.long_rates
    grown = zip(rates, model.rates, model.long_rates, strict=True)
    return Rates(*(rate * high / low for rate, low, high in grown))
