"""Checks a price book: against itself, and against a second public table.

The table has the shape of LiteLLM's `model_prices_and_context_window.json`: dollars per token by model, as a file
that the operator brings. Nothing is downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

import msgspec

from bursar.money import NANOS_PER_USD
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import TOKENS_PER_RATE, RateCard, Rates
from bursar.pricing.snapshot import DatedPrice, Price
from bursar.refusals import Refusal, Refused, Why, refuse

Table = Mapping[str, Mapping[str, object]]

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
}


class Disagreement(msgspec.Struct, frozen=True, order=True):
    """A rate on which the book and the table differ, both in nano-USD per million tokens."""

    catalog: str
    model: str
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


def load_table(path: Path) -> Table:
    """Read a table. Raises Refused(CONFIG_INVALID) when the file is no such table."""

    def refusal(problem: str) -> Refused:
        return Refused(refuse(Why.CONFIG_INVALID, file=path.name, field="the file", problem=problem))

    try:
        table = json.loads(path.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise refusal(f"it cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise refusal(f"it is no JSON ({error})") from None
    if not isinstance(table, dict) or not all(isinstance(entry, dict) for entry in table.values()):
        raise refusal("it must be an object with one object of prices for each model")
    return table


def compare(book: PriceBook, table: Table, at: datetime) -> list[Disagreement]:
    """The rates that both have and that differ at an aware instant, sorted. Models that one lacks are passed over."""
    found: set[Disagreement] = set()
    for name, entry in table.items():
        catalog = _PROVIDERS.get(str(entry.get("litellm_provider")))
        if catalog is None or entry.get("mode") not in _MODES:
            continue
        card = book.card(catalog, _bare_name(name, str(entry["litellm_provider"])), at)
        if not isinstance(card, Refusal):
            found.update(_differences(card, entry))
    return sorted(found)


def check_book(book: PriceBook) -> list[Problem]:
    """Every price in the book that breaks a rule of `_broken_rules` or `_history_problems`, sorted."""
    problems = []
    for catalog, content in book.content.catalogs.items():
        for model in content.models:
            for variant, history in model.variants.items():
                for since, rule in _history_problems(history):
                    problems.append(Problem(catalog, model.id, variant, since, rule))
    return sorted(problems)


def _bare_name(name: str, provider: str) -> str:
    return name.removeprefix(f"{provider}/")


def _differences(card: RateCard, entry: Mapping[str, object]) -> Iterator[Disagreement]:
    for above in (0, *(tier.above for tier in card.tiers)):
        rates = card.rates_for(above + 1) if above else card.rates
        suffix = f"_above_{(above + 500) // 1_000}k_tokens" if above else ""
        for bucket, field in _PRICES.items():
            ours, theirs = getattr(rates, bucket), _per_million(entry.get(field + suffix))
            if ours is not None and theirs is not None and ours != theirs:
                yield Disagreement(card.catalog, card.model, bucket, above, ours, theirs)


def _per_million(price: object) -> Decimal | None:
    if not isinstance(price, Decimal | int) or isinstance(price, bool):
        return None
    try:
        return (Decimal(price) * NANOS_PER_USD * TOKENS_PER_RATE).normalize()
    except InvalidOperation:
        return None


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
