"""Checks a price book: against itself, and against a second public table.

The table has the shape of LiteLLM's `model_prices_and_context_window.json`: dollars per token by model, as a file
that the operator brings. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from bursar.money import NANOS_PER_USD
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import SEARCHES_PER_RATE, TOKENS_PER_RATE, RateCard, Rates
from bursar.pricing.snapshot import STANDARD, DatedPrice, Price
from bursar.refusals import Refusal

Table = Mapping[str, Mapping[str, object]]
Lookup = Callable[[str, str], Decimal | None]
"""A price in dollars by its field, and by the ending that the fields have for long prompts."""
_table = msgspec.json.Decoder(dict[str, dict[str, Any]], float_hook=Decimal).decode

_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "cerebras": "cerebras",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "together_ai": "together",
    "xai": "x-ai",
}
"""The table's names of providers, and the book's."""

_MODES = frozenset({"chat", "responses", "completion", "embedding"})

_PRICES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "audio_input": "input_cost_per_audio_token",
    "audio_output": "output_cost_per_audio_token",
    "web_searches": "search_context_cost_per_query",
}

_UNITS = dict.fromkeys(_PRICES, TOKENS_PER_RATE) | {"web_searches": SEARCHES_PER_RATE}
"""How many tokens, or searches, a rate of the book is the price of."""


_VARIANTS = {"flex": "_flex", "priority": "_priority", "batch": "_batches"}
"""Variants that the table prices by fields of their own, and how these end."""

_FACTORS = "provider_specific_entry"
"""Where the table has variants that are a multiple of the standard price, by their name."""


class Disagreement(msgspec.Struct, frozen=True, order=True):
    """A rate on which the book and the table differ, both in nano-USD per million tokens (or thousand searches).

    `named` is what the table calls the model: of several names the first.
    """

    catalog: str
    model: str
    variant: str
    bucket: str
    above_tokens: int
    ours: int
    theirs: Decimal
    named: str


class Comparison(msgspec.Struct, frozen=True):
    """How many models and rates both have, and the rates that differ, sorted."""

    models: int
    rates: int
    disagreements: tuple[Disagreement, ...]


class _Pair(NamedTuple):
    """One rate as both have it; see `Disagreement`."""

    catalog: str
    model: str
    variant: str
    bucket: str
    above_tokens: int
    ours: int
    theirs: Decimal


class Problem(msgspec.Struct, frozen=True, order=True):
    """A price that breaks a rule which sound prices keep; `since` is its date, or "always"."""

    catalog: str
    model: str
    variant: str
    since: str
    rule: str


def read_table(text: str | bytes) -> Table:
    """Read a table's JSON, its prices as exact decimals. Raises msgspec.DecodeError when it is no such table."""
    return _table(text)


def compare(book: PriceBook, table: Table, at: datetime, catalogs: Collection[str] = ()) -> Comparison:
    """What both have at an aware instant, and where they differ; of some catalogs alone when they are named.

    Models that one of the two lacks are passed over, and so are variants.
    """
    pairs: dict[_Pair, str] = {}
    for name, entry in table.items():
        provider = str(entry.get("litellm_provider"))
        catalog = _PROVIDERS.get(provider)
        if catalog is None or entry.get("mode") not in _MODES or (catalogs and catalog not in catalogs):
            continue
        for variant, prices in _priced_variants(entry):
            card = book.card(catalog, name.removeprefix(f"{provider}/"), at, variant)
            if not isinstance(card, Refusal):
                for pair in _pairs(card, prices):
                    pairs[pair] = min(name, pairs.get(pair, name))
    differ = sorted(Disagreement(*pair, named) for pair, named in pairs.items() if pair.ours != pair.theirs)
    return Comparison(len({(pair.catalog, pair.model) for pair in pairs}), len(pairs), tuple(differ))


def check_book(book: PriceBook) -> list[Problem]:
    """Every price in the book that breaks a rule of `_broken_rules` or `_history_problems`, sorted."""
    problems = []
    for catalog, content in book.content.catalogs.items():
        for model in content.models:
            for variant, history in model.variants.items():
                for since, rule in _history_problems(history):
                    problems.append(Problem(catalog, model.id, variant, since, rule))
    return sorted(problems)


def _priced_variants(entry: Mapping[str, object]) -> Iterator[tuple[str, Lookup]]:
    """Every variant that an entry may price, and how to look its prices up."""
    yield STANDARD, partial(_listed, entry, "")
    for variant, ending in _VARIANTS.items():
        yield variant, partial(_listed, entry, ending)
    factors = entry.get(_FACTORS)
    for variant, factor in factors.items() if isinstance(factors, Mapping) else ():
        times = _number(factor)
        if times is not None:
            yield str(variant), partial(_multiplied, entry, times)


def _listed(entry: Mapping[str, object], ending: str, field: str, above: str) -> Decimal | None:
    return _number(entry.get(field + above + ending))


def _multiplied(entry: Mapping[str, object], times: Decimal, field: str, above: str) -> Decimal | None:
    price = None if field == _PRICES["web_searches"] else _listed(entry, "", field, above)
    return None if price is None else price * times


def _pairs(card: RateCard, prices: Lookup) -> Iterator[_Pair]:
    for above in (0, *(tier.above for tier in card.tiers)):
        rates = card.rates_for(above + 1) if above else card.rates
        suffix = f"_above_{(above + 500) // 1_000}k_tokens" if above else ""
        for bucket, field in _PRICES.items():
            ours, theirs = getattr(rates, bucket), prices(field, suffix)
            if ours is not None and theirs is not None:
                exact = (theirs * NANOS_PER_USD * _UNITS[bucket]).normalize()
                yield _Pair(card.catalog, card.model, card.variant, bucket, above, ours, exact)


def _number(price: object) -> Decimal | None:
    """A price, exact; that of a search where it is the same however much of what it finds is read."""
    if isinstance(price, Mapping):
        first, *others = price.values() or [None]
        price = first if all(other == first for other in others) else None
    if not isinstance(price, Decimal | int) or isinstance(price, bool):
        return None
    return Decimal(price) if Decimal(price).is_finite() else None


def _history_problems(history: tuple[DatedPrice, ...]) -> Iterator[tuple[str, str]]:
    if not history:
        yield "always", "it has no price at any time"
    for earlier, later in pairwise(history):
        if later.since is None or (earlier.since is not None and later.since <= earlier.since):
            yield str(later.since), "its dates do not go up"
    for dated in history:
        since = str(dated.since or "always")
        for price in (dated.price, *(window.price for window in dated.daily)):
            for rule in _price_problems(price):
                yield since, rule


def _price_problems(price: Price) -> Iterator[str]:
    thresholds = [tier.above for tier in price.tiers]
    if thresholds != sorted(set(thresholds)):
        yield "its tiers do not go up"
    for rates in (price.rates, *(tier.rates for tier in price.tiers)):
        yield from _broken_rules(rates)


def _broken_rules(rates: Rates) -> Iterator[str]:
    if min(rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h) < 0:
        yield "a rate is negative"
    if rates.input == 0:
        yield "input is free"
    if rates.cache_read > rates.input:
        yield "a cache read costs more than input"
    if rates.cache_write_5m < rates.input:
        yield "a cache write costs less than input"
    if rates.cache_write_1h < rates.cache_write_5m:
        yield "a one-hour cache write costs less than a five-minute one"
    if rates.output is not None and rates.output < rates.input:
        yield "output costs less than input"
