"""What providers bill for a model beside what its usage comes to by the price book: discounts, and wrong prices.

Only days count of which both usage and costs of the model are told. A report adds calls up, so it does not show which
of them were long: where the price book has tiers for long input, and a sum could hide such a call, what it comes to
lies between two amounts. So it does where a price changed within the time of a total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from bursar.pricing.book import PriceBook
from bursar.pricing.rates import BucketNotPriced, RateCard
from bursar.pricing.snapshot import STANDARD
from bursar.refusals import Refusal
from bursar.reports.told_by import Reported, plain_model
from bursar.store.totals import TOKENS, Total
from bursar.usage import Usage

PRIORITY = "priority"
WITHOUT_PRIORITY = "anthropic-cost"
"""Anthropic's cost report leaves its priority tier out, so the usage of that tier is left out, too."""


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A model's usage on so many days: `billed_nanos` there, from `least_nanos` to `most_nanos` by the price book.

    Both are null where the price book has no price for all of it. `apart_nanos` is what was billed beyond that: below
    0 for less than the least, 0 for anything between the two; null without a price. `apart_permille` is the same in
    thousandths of the nearer amount, rounded to the nearest. Searches are left out: bills have them on a line apart.
    """

    provider: str
    model: str
    days: int
    tokens: int
    billed_nanos: int
    least_nanos: int | None
    most_nanos: int | None
    apart_nanos: int | None
    apart_permille: int | None


class _Sum(msgspec.Struct):
    days: int = 0
    tokens: int = 0
    billed: int = 0
    least: int = 0
    most: int = 0
    is_priced: bool = True


def model_prices(found: Iterable[Reported], book: PriceBook) -> Iterator[ModelPrice]:
    """Each provider's models of which both usage and costs are told, by name."""
    sums: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for told in found:
        billed: defaultdict[str, int] = defaultdict(int)
        for total in told.costs:
            if total.cost_nanos is not None and total.model:
                billed[plain_model(total.model)] += total.cost_nanos
        used: defaultdict[str, list[Total]] = defaultdict(list)
        for total in told.usage:
            if total.tokens and not _is_left_out(total, told.costs):
                used[plain_model(total.model)].append(total)
        for model in sorted(billed.keys() & used.keys()):
            _add(sums[told.catalog, model], billed[model], used[model], book)
    return (_price(*name, each) for name, each in sorted(sums.items(), key=lambda one: one[0]))


def _is_left_out(total: Total, costs: Iterable[Total]) -> bool:
    is_priority = PRIORITY in total.variant.split("+")
    return is_priority and any(cost.source == WITHOUT_PRIORITY for cost in costs)


def _add(found: _Sum, billed: int, used: Iterable[Total], book: PriceBook) -> None:
    found.days += 1
    found.billed += billed
    for total in used:
        found.tokens += total.tokens
        span = span_of(total, book)
        if span is None:
            found.is_priced = False
        else:
            found.least += span[0]
            found.most += span[1]


def span_of(total: Total, book: PriceBook) -> tuple[int, int] | None:
    """The least and the most that a total's tokens come to by the price book, in nano-USD; None without a price."""
    usage = Usage(**{name.removesuffix("_tokens"): getattr(total, name) for name in TOKENS})
    costs: list[int] = []
    for at_us in (total.starts_us, total.ends_us - 1):
        card = book.card_at(total.catalog, total.model, at_us, total.variant or STANDARD)
        if isinstance(card, Refusal):
            return None
        try:
            costs += _costs(card, usage)
        except BucketNotPriced:
            return None
    return min(costs), max(costs)


def _costs(card: RateCard, usage: Usage) -> Iterator[int]:
    """What a usage comes to at the rates of each tier that one of its calls can have been in."""
    for rates in (card.rates, *(tier.rates for tier in card.tiers if usage.total_input > tier.above)):
        yield msgspec.structs.replace(card, rates=rates, tiers=()).cost(usage)


def _price(provider: str, model: str, found: _Sum) -> ModelPrice:
    apart = permille = None
    if found.is_priced:
        nearest = min(max(found.billed, found.least), found.most)
        apart = found.billed - nearest
        permille = (2_000 * apart + nearest) // (2 * nearest) if nearest else None
    return ModelPrice(
        provider=provider,
        model=model,
        days=found.days,
        tokens=found.tokens,
        billed_nanos=found.billed,
        least_nanos=found.least if found.is_priced else None,
        most_nanos=found.most if found.is_priced else None,
        apart_nanos=apart,
        apart_permille=permille,
    )
