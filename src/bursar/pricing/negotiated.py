"""Puts the operator's overrides into the content of a price book.

An override holds from its date until the next one for the same model; of two with one date the later in the file
wins. A discount is off whatever the list price is at the time, in every variant, tier and bucket; an uplift is on
every token, before the discount; both together are rounded up once, to a whole nano-dollar per rate. Explicit prices
replace the buckets they name for prompts of every size, in the standard variant or in the one that the override
names; the other buckets keep their list price.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fnmatch import fnmatchcase
from fractions import Fraction

import msgspec

from bursar.money import ceil_div
from bursar.pricing.matching import Clause
from bursar.pricing.overrides import Override, Overrides, standard_variant
from bursar.pricing.rates import Rates
from bursar.pricing.snapshot import (
    STANDARD,
    Catalog,
    Content,
    DatedPrice,
    Model,
    Price,
    changed,
    dated_on,
    find_model,
)
from bursar.usage import BUCKETS, TOKEN_BUCKETS


def apply_overrides(content: Content, overrides: Overrides) -> Content:
    """The content with the operator's prices in it. Raises Refused for an override that fits no model."""
    content = _with_catalogs(content, overrides)
    by_model: dict[tuple[str, str], list[Override]] = {}
    for override in overrides.rates:
        names = _targets(content, override)
        _check_variant(content, override, names)
        for name in names:
            by_model.setdefault((override.catalog, name), []).append(override)
    for (catalog, name), applied in by_model.items():
        content = _with_model(content, catalog, name, applied)
    return content


def _with_catalogs(content: Content, overrides: Overrides) -> Content:
    """The content with the operator's own catalogs in it that begin like another one."""
    made: dict[str, str] = {}
    for override in overrides.rates:
        if override.like is None:
            continue
        if override.like not in content.catalogs:
            override.refuse("like", f"there is no public catalog {override.like!r}")
        if override.catalog in content.catalogs:
            override.refuse("like", f"{override.catalog!r} is a public catalog; give a name of your own as catalog")
        if made.setdefault(override.catalog, override.like) != override.like:
            override.refuse("like", f"the catalog {override.catalog!r} is already like {made[override.catalog]!r}")
    return Content(content.catalogs | {name: content.catalogs[like] for name, like in made.items()})


def _check_variant(content: Content, override: Override, names: list[str]) -> None:
    """Refuse a variant that no call can ask for, or that has no list price to change."""
    variant = standard_variant(override)
    found = [model for name in names if (model := find_model(content, override.catalog, name)) is not None]
    listed = {name for model in found for name in model.variants}
    if variant in listed or variant == STANDARD or not listed:
        return
    right = next((name for name in sorted(listed) if sorted(name.split("+")) == sorted(variant.split("+"))), None)
    if right is not None:
        override.refuse("variant", f"its parts are in another order; write {right!r}")
    if override.follows_list:
        override.refuse("variant", f"there is no list price of {variant!r}; there are {', '.join(sorted(listed))}")


def _targets(content: Content, override: Override) -> list[str]:
    """The ids that an override is about: those that its glob fits, or the one it names, known or new."""
    if not override.is_glob:
        return [override.model]
    home = content.catalogs.get(override.catalog, Catalog(()))
    found = [model.id for model in home.models if model.variants and fnmatchcase(model.id.lower(), override.model)]
    if not found:
        override.refuse("model", "the glob fits no model; a model of your own needs its exact name")
    return found


def _with_model(content: Content, catalog: str, name: str, applied: list[Override]) -> Content:
    """Replace a model of that id; or put one in for it, from what the id stands for now or from nothing."""
    home = content.catalogs.get(catalog, Catalog(()))
    index = next((i for i, model in enumerate(home.models) if model.id.lower() == name.lower()), None)
    if index is None:
        listed = find_model(content, catalog, name)
        start = _priced(listed, name, applied) if listed else _of_ones_own(name, applied)
        start = msgspec.structs.replace(start, id=name, match=Clause("equals", name))
        models = (_overridden(start, applied), *home.models)
    else:
        start = _priced(home.models[index], name, applied)
        models = (*home.models[:index], _overridden(start, applied), *home.models[index + 1 :])
    return Content(content.catalogs | {catalog: msgspec.structs.replace(home, models=models)})


def _priced(listed: Model, name: str, applied: list[Override]) -> Model:
    """The listed model; one of the operator's own where the list knows the name and has no price for it."""
    return listed if listed.variants else _of_ones_own(name, applied)


def _of_ones_own(name: str, applied: list[Override]) -> Model:
    for override in applied:
        if override.follows_list:
            field = "uplift" if override.discount is None else "discount"
            override.refuse(field, "the model has no list price; give input and output")
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
    if override.follows_list:
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
        dated = dated_on(source, day)
        if in_force:
            dated = _put_on(in_force[-1], dated)
        if dated is not None:
            history.append(msgspec.structs.replace(dated, since=day))
    return tuple(history)


def _put_on(override: Override, listed: DatedPrice | None) -> DatedPrice | None:
    if listed is None:
        return DatedPrice(Price(_own_rates(override))) if {"input", "output"} <= set(override.rates) else None
    return changed(listed, _followed(override) if override.follows_list else _explicit(override))


def _followed(override: Override) -> Callable[[Rates], Rates]:
    """The change that a discount and an uplift make to list prices."""
    searches = 1 - (override.discount or Fraction(0))
    tokens = searches * (1 + (override.uplift or Fraction(0)))
    paid = dict.fromkeys(TOKEN_BUCKETS, tokens) | {"web_searches": searches}

    def change(rates: Rates) -> Rates:
        listed = {bucket: getattr(rates, bucket) for bucket in BUCKETS}
        return msgspec.structs.replace(
            rates,
            **{
                bucket: ceil_div(rate * paid[bucket].numerator, paid[bucket].denominator)
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
