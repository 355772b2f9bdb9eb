"""Completes a snapshot by the providers' own rules, from the reviewed file `data/rules.toml`.

The price data goes first: a rule only prices what that leaves without a price. A factor is put on token rates, each
rounded up to a whole nano-dollar; searches keep their price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import partial
from importlib.resources import files

import msgspec

from bursar.money import ceil_div, parse_usd
from bursar.pricing.matching import Clause
from bursar.pricing.rates import Rates
from bursar.pricing.snapshot import STANDARD, Catalog, Content, DatedPrice, Model, changed, dated_on, midnight
from bursar.usage import TOKEN_BUCKETS

_EVERY = "*"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all rules have: the catalog, where the provider says so, and the day on which that was read."""

    catalog: str
    source: str
    checked: date


class Multiple(Rule, frozen=True, kw_only=True):
    """A variant at `factor` times the token rates of another; of all others when `of` is "*"."""

    models: tuple[str, ...]
    variant: str
    of: str
    factor: str
    since: date | None = msgspec.field(default=None, name="from")


class Searches(Rule, frozen=True, kw_only=True):
    """A price of searches, in dollars per thousand."""

    models: tuple[str, ...]
    web_searches: str


class Unpriced(Rule, frozen=True, kw_only=True):
    """Names that must stay without a price, although the price data has some for them."""

    names: tuple[str, ...]
    reason: str


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's entries, in its order."""

    multiple: tuple[Multiple, ...] = ()
    searches: tuple[Searches, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()


def load_rules() -> Rules:
    """Read the file that comes with the package."""
    return msgspec.toml.decode((files("bursar.pricing") / "data/rules.toml").read_bytes(), type=Rules)


def complete(content: Content, rules: Rules) -> Content:
    """The content with the rules put in: searches first, so that the variants made of other prices have them."""
    for searches in rules.searches:
        content = _each(content, searches.catalog, searches.models, partial(_searching, searches))
    for multiple in rules.multiple:
        content = _each(content, multiple.catalog, multiple.models, partial(_multiplied, multiple))
    for unpriced in rules.unpriced:
        content = _without(content, unpriced)
    return content


def _each(content: Content, catalog: str, globs: Iterable[str], change: Callable[[Model], Model]) -> Content:
    home = content.catalogs.get(catalog, Catalog(()))
    models = tuple(
        change(model) if any(fnmatchcase(model.id, glob) for glob in globs) else model for model in home.models
    )
    return _put(content, catalog, models)


def _put(content: Content, catalog: str, models: tuple[Model, ...]) -> Content:
    if catalog not in content.catalogs:
        return content
    home = content.catalogs[catalog]
    return Content(content.catalogs | {catalog: msgspec.structs.replace(home, models=models)})


def _searching(rule: Searches, model: Model) -> Model:
    price = parse_usd(rule.web_searches)

    def with_searches(rates: Rates) -> Rates:
        return rates if rates.web_searches is not None else msgspec.structs.replace(rates, web_searches=price)

    variants = {
        name: tuple(changed(dated, with_searches) for dated in history) for name, history in model.variants.items()
    }
    return msgspec.structs.replace(model, variants=variants)


def _multiplied(rule: Multiple, model: Model) -> Model:
    variants = dict(model.variants)
    for base in list(model.variants) if rule.of == _EVERY else [rule.of]:
        name = rule.variant if base == STANDARD else f"{rule.variant}+{base}"
        listed = variants.get(name, ())
        made = _history(model.variants.get(base, ()), rule)
        if listed:
            made = [dated for dated in made if midnight(dated.since) < midnight(listed[0].since)]
        variants[name] = (*made, *listed)
    return msgspec.structs.replace(model, variants=variants)


def _history(base: tuple[DatedPrice, ...], rule: Multiple) -> list[DatedPrice]:
    """The base's prices times the factor, at every date at which they change, from the rule's own date on."""
    days = {dated.since for dated in base if midnight(dated.since) > midnight(rule.since)} | {rule.since}
    multiplied = partial(_times, Fraction(rule.factor))
    found = ((day, dated_on(base, day)) for day in sorted(days, key=midnight))
    return [
        msgspec.structs.replace(changed(dated, multiplied), since=day) for day, dated in found if dated is not None
    ]


def _times(factor: Fraction, rates: Rates) -> Rates:
    tokens = {bucket: getattr(rates, bucket) for bucket in TOKEN_BUCKETS}
    return msgspec.structs.replace(
        rates,
        **{
            bucket: ceil_div(rate * factor.numerator, factor.denominator)
            for bucket, rate in tokens.items()
            if rate is not None
        },
    )


def _without(content: Content, rule: Unpriced) -> Content:
    """The names answered by models without any price, which are asked first, so that no other model's clause fits."""
    home = content.catalogs.get(rule.catalog, Catalog(()))
    kept = tuple(model for model in home.models if not model.id.startswith(rule.names))
    empty = tuple(Model(name, Clause("starts_with", name), {}) for name in rule.names)
    return _put(content, rule.catalog, (*empty, *kept))
