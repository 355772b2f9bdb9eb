"""Puts the operator's overrides into the content of a price book.

An override holds from its date until the next one for the same model; of two with one date the later in the file
wins. A discount is off whatever the list price is at the time, in every variant, tier and bucket, rounded up to a
whole nano-dollar per rate. Explicit prices replace the buckets they name for prompts of every size, in the standard
variant or in the one that the override names; the other buckets keep their list price.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fnmatch import fnmatchcase

import msgspec

from bursar.money import ceil_div
from bursar.pricing.matching import Clause
from bursar.pricing.overrides import Override, Overrides, standard_variant
from bursar.pricing.rates import Rates, Tier
from bursar.pricing.snapshot import (
    STANDARD,
    Catalog,
    Content,
    DatedPrice,
    Model,
    Price,
    Window,
    find_model,
)
from bursar.usage import BUCKETS


def apply_overrides(content: Content, overrides: Overrides) -> Content:
    """The content with the operator's prices in it. Raises Refused for an override that fits no model."""
    by_model: dict[tuple[str, str], list[Override]] = {}
    for override in overrides.rates:
        for name in _targets(content, override):
            by_model.setdefault((override.catalog, name), []).append(override)
    for (catalog, name), applied in by_model.items():
        content = _with_model(content, catalog, name, applied)
    return content


def _targets(content: Content, override: Override) -> list[str]:
    """The ids that an override is about: those that its glob fits, or the one it names, known or new."""
    if not override.is_glob:
        return [override.model]
    home = content.catalogs.get(override.catalog, Catalog(()))
    found = [model.id for model in home.models if fnmatchcase(model.id.lower(), override.model)]
    if not found:
        override.refuse("model", "the glob fits no model; a model of your own needs its exact name")
    return found


def _with_model(content: Content, catalog: str, name: str, applied: list[Override]) -> Content:
    """Replace a model of that id; or put one in for it, from what the id stands for now or from nothing."""
    home = content.catalogs.get(catalog, Catalog(()))
    index = next((i for i, model in enumerate(home.models) if model.id.lower() == name.lower()), None)
    if index is None:
        listed = find_model(content, catalog, name)
        clause = Clause("equals", name)
        start = msgspec.structs.replace(listed, id=name, match=clause) if listed else _of_ones_own(name, applied)
        models = (_overridden(start, applied), *home.models)
    else:
        changed = _overridden(home.models[index], applied)
        models = (*home.models[:index], changed, *home.models[index + 1 :])
    return Content(content.catalogs | {catalog: msgspec.structs.replace(home, models=models)})


def _of_ones_own(name: str, applied: list[Override]) -> Model:
    for override in applied:
        if override.discount:
            override.refuse("discount", "the model has no list price; give input and output")
        if standard_variant(override) == STANDARD:
            for bucket in ("input", "output"):
                if bucket not in override.rates:
                    override.refuse(bucket, "it is missing; a model without a list price needs input and output")
    if all(standard_variant(override) != STANDARD for override in applied):
        applied[0].refuse("variant", "the model has no list price; give its standard price first")
    return Model(name, Clause("equals", name), {})


def _overridden(model: Model, applied: list[Override]) -> Model:
    def history(variant: str, fallback: tuple[DatedPrice, ...]) -> tuple[DatedPrice, ...]:
        return _history(model.variants.get(variant), fallback, [o for o in applied if _is_about(o, variant)])

    named = {standard_variant(override) for override in applied if override.rates}
    variants = {STANDARD: history(STANDARD, ())}
    # A variant that the list does not have starts from the standard price in the buckets that are not given.
    standard = model.variants.get(STANDARD, variants[STANDARD])
    for variant in sorted((named | set(model.variants)) - {STANDARD}):
        variants[variant] = history(variant, standard)
    limits = {
        field: value
        for override in applied
        for field in ("context_tokens", "max_output_tokens")
        if (value := getattr(override, field)) is not None
    }
    return msgspec.structs.replace(model, variants=variants, **limits)


def _is_about(override: Override, variant: str) -> bool:
    if override.discount:
        return override.variant is None or standard_variant(override) == variant
    return bool(override.rates) and standard_variant(override) == variant


def _history(
    listed: tuple[DatedPrice, ...] | None, fallback: tuple[DatedPrice, ...], applied: list[Override]
) -> tuple[DatedPrice, ...]:
    """The list's prices with the override of the time put on each, at every date at which either changes."""
    source = fallback if listed is None else listed
    starts = [override.since for override in applied]
    days = {dated.since for dated in source} | set(starts)
    if listed is None:
        first = min(starts, key=_order)
        days = {day for day in days if _order(day) >= _order(first)}
    history = []
    for day in sorted(days, key=_order):
        in_force = [o for o in sorted(applied, key=lambda o: _order(o.since)) if _order(o.since) <= _order(day)]
        dated = _listed_on(source, day)
        if in_force:
            dated = _put_on(in_force[-1], dated)
        if dated is not None:
            history.append(msgspec.structs.replace(dated, since=day))
    return tuple(history)


def _listed_on(history: tuple[DatedPrice, ...], day: date | None) -> DatedPrice | None:
    return next((dated for dated in reversed(history) if _order(dated.since) <= _order(day)), None)


def _put_on(override: Override, listed: DatedPrice | None) -> DatedPrice | None:
    if listed is None:
        return DatedPrice(Price(_own_rates(override))) if {"input", "output"} <= set(override.rates) else None
    change = _discounted(override) if override.discount else _explicit(override)
    return DatedPrice(
        _changed(listed.price, change),
        daily=tuple(Window(window.start_s, window.end_s, _changed(window.price, change)) for window in listed.daily),
    )


def _changed(price: Price, change: Callable[[Rates], Rates]) -> Price:
    return Price(change(price.rates), tuple(Tier(tier.above, change(tier.rates)) for tier in price.tiers))


def _discounted(override: Override) -> Callable[[Rates], Rates]:
    discount = override.discount
    assert discount is not None

    def change(rates: Rates) -> Rates:
        listed = {bucket: getattr(rates, bucket) for bucket in BUCKETS}
        return msgspec.structs.replace(
            rates,
            **{
                bucket: ceil_div(rate * discount.paid, discount.whole)
                for bucket, rate in listed.items()
                if rate is not None
            },
        )

    return change


def _explicit(override: Override) -> Callable[[Rates], Rates]:
    return lambda rates: msgspec.structs.replace(rates, **override.rates)


def _own_rates(override: Override) -> Rates:
    """Prices of a model of one's own; cached tokens without a price cost what input costs."""
    plain = override.rates["input"]
    cached = dict.fromkeys(("cache_read", "cache_write_5m", "cache_write_1h"), plain)
    return Rates(**cached | override.rates)


def _order(day: date | None) -> date:
    return day or date.min
