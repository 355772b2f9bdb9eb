"""Makes a price book from the installed genai-prices data, the reviewed rules and the operator's overrides.

The data is read once, into plain integers; genai-prices itself prices nothing here and is imported only to build.
Rules for what it leaves open are in `_rates`. Left out, and so refused by name: models with no price per input token
and models that are also billed by units a usage does not count (images, video, audio hours, characters, pages,
requests, reasoning apart from output).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from bursar.money import NANOS_PER_USD, ceil_div
from bursar.pricing.book import PriceBook
from bursar.pricing.limits import Limits, load_limits, widest_window
from bursar.pricing.matching import Clause, How
from bursar.pricing.negotiated import apply_overrides
from bursar.pricing.overrides import Overrides
from bursar.pricing.rates import Rates, Tier
from bursar.pricing.rules import complete, load_rules
from bursar.pricing.snapshot import STANDARD, Catalog, Content, DatedPrice, Model, Price, Window

if TYPE_CHECKING:
    from genai_prices import types as source

    Constraint = source.StartDateConstraint | source.TimeOfDateConstraint | None

Tiered = Mapping[int, int]
"""A price by threshold: nano-USD per unit of rate for a request with more input tokens than the key; base at -1."""

_COUNTED = frozenset(
    {
        "input_mtok",
        "output_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "cache_write_5m_mtok",
        "cache_write_1h_mtok",
        "input_audio_mtok",
        "output_audio_mtok",
        "web_searches_kcount",
    }
)
"""The prices that a usage has buckets for."""

_PASSED_OVER = frozenset({"cache_audio_read_mtok", "storage_searches_kcount"})
"""Prices that do not keep a model out: cached audio is billed as audio input, the dearer of the two, and searches of
stored files are a hosted tool that a call has to ask for."""

_ROUNDED_UP = frozenset({"openrouter", "huggingface_together"})
"""Catalogs whose prices went through floating point (0.0833333333333333 for a twelfth). These are rounded up to whole
nano-dollars; everywhere else such a price stops the build."""

_AUDIO_AT_TEXT_PRICE = frozenset({"google"})
"""Catalogs that list an audio input price only where it differs from text (ai.google.dev/gemini-api/docs/pricing)."""

_WRITE_IS_SURCHARGE = frozenset({"openrouter"})
"""Catalogs whose cache write price, where it is below input, is five minutes of storage on top of the input price
(openrouter.ai/docs, prompt caching)."""

_BASE = -1


class PriceDataError(ValueError):
    """The price data has something that cannot be taken over exactly; no book is made of it."""


def build_book(overrides: Overrides | None = None) -> PriceBook:
    """Snapshot the installed price data. Takes about a second; the same data gives the same version everywhere.

    Raises PriceDataError for data that cannot be taken over, Refused for overrides that do not fit it.
    """
    from genai_prices.data import providers  # noqa: PLC0415 - 30,000 lines, needed only here

    content = complete(Content(take_over(providers, load_limits())), load_rules())
    return PriceBook(apply_overrides(content, overrides) if overrides else content)


def take_over(providers: Iterable[source.Provider], limits: Limits) -> dict[str, Catalog]:
    """Turn genai-prices providers into catalogs by name; providers of which no model is left are left out."""
    catalogs = {}
    for provider in providers:
        models = tuple(_model(provider.id, model, limits) for model in provider.models if _is_priced_by_token(model))
        if models:
            catalogs[provider.id] = Catalog(models, tuple(provider.fallback_model_providers or ()))
    return catalogs


def _is_priced_by_token(model: source.ModelInfo) -> bool:
    priced = [set(_listed(dated.prices)) for dated in _conditions(model)]
    return bool(priced) and all("input_mtok" in keys and keys <= _COUNTED | _PASSED_OVER for keys in priced)


def _model(catalog: str, model: source.ModelInfo, limits: Limits) -> Model:
    variants = {STANDARD: _history(catalog, model, None)}
    for variant in model.price_variants or ():
        if _is_hourly(variant.constraint):
            raise PriceDataError(f"{catalog}/{model.id}: a variant with hours of the day is not provided for")
    for name in sorted({_variant_name(variant) for variant in model.price_variants or ()} - {"default"}):
        variants[name] = _history(catalog, model, name)
    limit = limits.find(catalog, model.id)
    tiers = [tier.above for history in variants.values() for dated in history for tier in dated.price.tiers]
    return Model(
        id=model.id,
        match=_clause(model.match),
        variants=variants,
        context_tokens=limit.context_tokens or widest_window(model.context_window, max(tiers, default=0)),
        max_output_tokens=limit.max_output_tokens,
    )


def _history(catalog: str, model: source.ModelInfo, variant: str | None) -> tuple[DatedPrice, ...]:
    """The prices of a model at every date at which the data changes them, oldest first.

    A variant changes some of the standard prices from its own date on; before that date it has no price.
    """
    conditions = _conditions(model)
    changes = [v for v in model.price_variants or () if _variant_name(v) == variant]
    days = {_start(dated.constraint) for dated in conditions}
    if changes:
        starts = {_start(change.constraint) for change in changes}
        first = min(starts, key=_order)
        days = {day for day in days | starts if _order(day) >= _order(first)} | {first}
    history: list[DatedPrice] = []
    for day in sorted(days, key=_order):
        dated = _dated(catalog, model, day, changes)
        if not history or (history[-1].price, history[-1].daily) != (dated.price, dated.daily):
            history.append(dated)
    return tuple(history)


def _dated(catalog: str, model: source.ModelInfo, day: date | None, changes: list[source.PriceVariant]) -> DatedPrice:
    """The price from a day on: the last listed condition that holds wins, hours of the day over what is before."""
    conditions = _conditions(model)
    all_day = [
        index
        for index, condition in enumerate(conditions)
        if not _is_hourly(condition.constraint) and _order(_start(condition.constraint)) <= _order(day)
    ]
    at = all_day[-1] if all_day else 0
    changed: dict[str, Tiered] = {}
    for change in changes:
        if _order(_start(change.constraint)) <= _order(day):
            changed = _exact(catalog, model, change.prices) | changed
    windows = tuple(
        Window(
            _utc_second(condition.constraint.start_time),
            _utc_second(condition.constraint.end_time),
            _price(catalog, model, _exact(catalog, model, condition.prices) | changed),
        )
        for condition in conditions[at + 1 :]
        if _is_hourly(condition.constraint)
    )
    price = _price(catalog, model, _exact(catalog, model, conditions[at].prices) | changed)
    return DatedPrice(price, day, windows)


def _price(catalog: str, model: source.ModelInfo, prices: Mapping[str, Tiered]) -> Price:
    def at(above: int) -> Rates:
        reached = {key: tiered[max(start for start in tiered if start <= above)] for key, tiered in prices.items()}
        return _rates(catalog, model.id, reached)

    starts = sorted({start for tiered in prices.values() for start in tiered} - {_BASE})
    return Price(at(_BASE), tuple(Tier(start, at(start)) for start in starts))


def _rates(catalog: str, model: str, prices: Mapping[str, int]) -> Rates:
    """Fill in what the data leaves open. Cached tokens without a price of their own cost what input costs.

    Claude's cache writes are 1.25 times and 2 times its input price (platform.claude.com, prompt caching); elsewhere
    a one-hour write without a price costs what the other write does.
    """
    claude = "claude" in model
    plain = prices["input_mtok"]
    write = prices.get("cache_write_5m_mtok", prices.get("cache_write_mtok"))
    if write is None:
        write = ceil_div(plain * 5, 4) if claude else plain
    elif write < plain and catalog in _WRITE_IS_SURCHARGE:
        write += plain
    return Rates(
        input=plain,
        cache_read=prices.get("cache_read_mtok", plain),
        cache_write_5m=write,
        cache_write_1h=prices.get("cache_write_1h_mtok", plain * 2 if claude else write),
        output=prices.get("output_mtok"),
        audio_input=prices.get("input_audio_mtok", plain if catalog in _AUDIO_AT_TEXT_PRICE else None),
        audio_output=prices.get("output_audio_mtok"),
        web_searches=prices.get("web_searches_kcount"),
    )


def _exact(catalog: str, model: source.ModelInfo, prices: source.ModelPrice) -> dict[str, Tiered]:
    taken: dict[str, Tiered] = {}
    for key, value in _listed(prices).items():
        if key not in _COUNTED:
            continue
        steps = {_BASE: value} if isinstance(value, Decimal) else _steps(value)
        taken[key] = {
            start: _nanos(price, f"{catalog}/{model.id} {key}", up=catalog in _ROUNDED_UP)
            for start, price in steps.items()
        }
    return taken


def _steps(tiered: source.TieredPrices) -> dict[int, Decimal]:
    return {_BASE: tiered.base} | {tier.start: tier.price for tier in tiered.tiers}


def _nanos(price: Decimal, what: str, *, up: bool) -> int:
    numerator, denominator = price.as_integer_ratio()
    nanos, rest = divmod(numerator * NANOS_PER_USD, denominator)
    if nanos < 0 or (rest and not up):
        raise PriceDataError(f"{what}: {price} is not a whole number of nano-dollars, 0 or more")
    return nanos + 1 if rest else nanos


def _listed(prices: source.ModelPrice) -> dict[str, Decimal | source.TieredPrices]:
    return {key: value for key, value in vars(prices).items() if value is not None}


def _conditions(model: source.ModelInfo) -> list[source.ConditionalPrice]:
    from genai_prices.types import ConditionalPrice  # noqa: PLC0415 - slow, needed only to build

    return model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]


def _is_hourly(constraint: Constraint) -> TypeGuard[source.TimeOfDateConstraint]:
    return hasattr(constraint, "start_time")


def _is_dated(constraint: Constraint) -> TypeGuard[source.StartDateConstraint]:
    return hasattr(constraint, "start_date")


def _start(constraint: Constraint) -> date | None:
    return constraint.start_date if _is_dated(constraint) else None


def _order(day: date | None) -> date:
    return day or date.min


def _utc_second(moment: time) -> int:
    offset = moment.utcoffset()
    second = moment.hour * 3_600 + moment.minute * 60 + moment.second
    return (second - (int(offset.total_seconds()) if offset else 0)) % 86_400


def _variant_name(variant: source.PriceVariant) -> str:
    return "+".join(value for _, value in sorted(variant.when.items()))


def _clause(match: source.MatchLogic) -> Clause:
    ((field, value),) = vars(match).items()
    how = msgspec.convert(field.rstrip("_"), How)
    return Clause(how, value if isinstance(value, str) else tuple(_clause(part) for part in value))
