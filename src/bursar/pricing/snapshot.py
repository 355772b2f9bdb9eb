"""The content of a price book: catalogs of models with effective-dated prices, as immutable plain data.

Dates are UTC midnights and half-open: a price holds from its date up to the next one's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import msgspec

from bursar.pricing.matching import Clause, spellings
from bursar.pricing.rates import Rates, Tier

STANDARD = "standard"
"""The variant of a call that asks for no service tier, speed or other processing."""

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rates, and those of long prompts, lowest threshold first."""

    rates: Rates
    tiers: tuple[Tier, ...] = ()


class Window(msgspec.Struct, frozen=True):
    """A price of certain hours: seconds of the UTC day, half-open; `end_s < start_s` goes over midnight."""

    start_s: int
    end_s: int
    price: Price

    def holds(self, second: float) -> bool:
        """Whether a second of the UTC day is within."""
        if self.end_s < self.start_s:
            return second >= self.start_s or second < self.end_s
        return self.start_s <= second < self.end_s


class DatedPrice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A price from a date on (None: always). Of its windows the last one that holds wins."""

    price: Price
    since: date | None = msgspec.field(default=None, name="from")
    daily: tuple[Window, ...] = ()


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model: which ids stand for it, and the history of its price by variant, oldest first."""

    id: str
    match: Clause
    variants: dict[str, tuple[DatedPrice, ...]]
    context_tokens: int | None = None
    max_output_tokens: int | None = None


class Catalog(msgspec.Struct, frozen=True, omit_defaults=True):
    """One provider's models, in the order in which they are matched, and the catalogs to look in next."""

    models: tuple[Model, ...]
    fallbacks: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True):
    """All that a price book says."""

    catalogs: dict[str, Catalog]


def changed(dated: DatedPrice, change: Callable[[Rates], Rates]) -> DatedPrice:
    """The same with all its rates changed: in every tier, at every hour."""

    def of(price: Price) -> Price:
        return Price(change(price.rates), tuple(Tier(tier.above, change(tier.rates)) for tier in price.tiers))

    daily = tuple(Window(window.start_s, window.end_s, of(window.price)) for window in dated.daily)
    return DatedPrice(of(dated.price), dated.since, daily)


def dated_on(history: tuple[DatedPrice, ...], day: date | None) -> DatedPrice | None:
    """The price that a day begins with (None: what there was first); None before the first."""
    return next((dated for dated in reversed(history) if midnight(dated.since) <= midnight(day)), None)


class Spell(NamedTuple):
    """A price and the half-open time through which it holds."""

    start: datetime
    end: datetime
    price: Price


def find_model(content: Content, catalog: str, model: str) -> Model | None:
    """The model that an id stands for in a catalog or, one step on, in those it falls back to."""
    home = content.catalogs.get(catalog)
    if home is None:
        return None
    searched = (home, *(content.catalogs[name] for name in home.fallbacks if name in content.catalogs))
    for spelling in spellings(model):
        for place in searched:
            for candidate in place.models:
                if candidate.id == spelling or candidate.match.matches(spelling):
                    return candidate
    return None


def midnight(day: date | None) -> datetime:
    """The instant from which a dated price holds."""
    return BEGINNING if day is None else datetime.combine(day, time(), UTC)


def spell_at(history: tuple[DatedPrice, ...], at: datetime) -> Spell | None:
    """The price that holds at an aware instant, and from when until when; None before the first."""
    end = END
    for dated in reversed(history):
        start = midnight(dated.since)
        if at >= start:
            return _within_day(dated, at, start, end) if dated.daily else Spell(start, end, dated.price)
        end = start
    return None


def _within_day(dated: DatedPrice, at: datetime, start: datetime, end: datetime) -> Spell:
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    second = (at - day).total_seconds()
    edges = {0, 86_400, *(edge for window in dated.daily for edge in (window.start_s, window.end_s))}
    last = max(edge for edge in edges if edge <= second)
    following = min(edge for edge in edges if edge > second)
    price = next((w.price for w in reversed(dated.daily) if w.holds(second)), dated.price)
    return Spell(max(start, day + timedelta(seconds=last)), min(end, day + timedelta(seconds=following)), price)
