"""Prices: what a model costs by the price book in force, and how the book compares with another public table."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON
from bursar.api.routes import route
from bursar.books import Books
from bursar.money import NANOS_PER_USD, usd
from bursar.periods import from_us
from bursar.pricing.book import PriceBook
from bursar.pricing.check import Disagreement, Table, check_book, compare, read_table
from bursar.pricing.rates import RateCard, Rates
from bursar.pricing.snapshot import STANDARD
from bursar.refusals import Refusal, Refused, Why, field_invalid, refuse
from bursar.usage import BUCKETS


class RatesAnswer(msgspec.Struct, frozen=True):
    """Dollars per million tokens by bucket; `web_searches` per thousand requests. Null is not priced, so refused.

    They hold for requests with more than `above_tokens` input tokens in all.
    """

    above_tokens: int
    input: str | None
    cache_read: str | None
    cache_write_5m: str | None
    cache_write_1h: str | None
    output: str | None
    audio_input: str | None
    audio_output: str | None
    web_searches: str | None


class CardAnswer(msgspec.Struct, frozen=True):
    """What a model costs in one catalog; null limits are not known. `variants` are all that have a price now."""

    catalog: str
    model: str
    variant: str
    variants: list[str]
    context_tokens: int | None
    max_output_tokens: int | None
    rates: list[RatesAnswer]


class PricesAnswer(msgspec.Struct, frozen=True):
    """A model's prices in every catalog that has it, by the price book named."""

    version: str
    model: str
    cards: list[CardAnswer]


class UnusualAnswer(msgspec.Struct, frozen=True):
    """A price unlike most, such as output that costs less than input. It may well be right."""

    catalog: str
    model: str
    variant: str
    since: str
    rule: str


class DifferenceAnswer(msgspec.Struct, frozen=True):
    """A rate on which the price book and the table differ, in dollars per million tokens, or thousand searches.

    `named` is what the table calls the model.
    """

    catalog: str
    model: str
    variant: str
    bucket: str
    above_tokens: int
    ours: str
    theirs: str
    named: str


class PriceCheck(msgspec.Struct, frozen=True):
    """What a check of the price book found. `compared` tells whether a table was given to compare it with.

    `models` and `rates` count what both have.
    """

    version: str
    compared: bool
    models: int
    rates: int
    unusual: list[UnusualAnswer]
    differences: list[DifferenceAnswer]


class PriceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a table to compare with, of the shape of LiteLLM's `model_prices_and_context_window.json`.

    `catalogs` are those of the price book that matter; all when there are none.
    """

    table: str | None = None
    catalogs: list[str] = []


@route("GET /prices/{model:path}", PERSON)
def show_prices(
    model: FromPath[str],
    books: NamedDependency[Books],
    *,
    catalog: FromQuery[str | None] = None,
    variant: FromQuery[str] = STANDARD,
) -> PricesAnswer:
    """What a model costs now, in the catalog named or in every one that has it."""
    name = model.removeprefix("/")
    at = from_us(books.clock())
    found = _cards(books.prices, name, catalog, variant, at)
    cards = [_card(card, books.prices.variants(card.catalog, name, at)) for card in found]
    return PricesAnswer(books.prices.version, name, cards)


def _cards(book: PriceBook, model: str, catalog: str | None, variant: str, at: datetime) -> list[RateCard]:
    if catalog is not None and catalog not in book.catalogs():
        raise Refused(refuse(Why.UNKNOWN, what="catalog", name=catalog, field="catalog"))
    answers = [book.card(name, model, at, variant) for name in ([catalog] if catalog else book.catalogs())]
    cards = [answer for answer in answers if isinstance(answer, RateCard)]
    if not cards:
        refusals = [answer for answer in answers if isinstance(answer, Refusal)]
        if any(refusal.why is Why.VARIANT_NOT_PRICED for refusal in refusals):
            raise Refused(refuse(Why.VARIANT_NOT_PRICED, field="variant", variant=variant, version=book.version))
        raise Refused(refusals[0])
    return cards


def _card(card: RateCard, variants: list[str]) -> CardAnswer:
    rates = [_rates(0, card.rates), *(_rates(tier.above, tier.rates) for tier in card.tiers)]
    return CardAnswer(
        card.catalog, card.model, card.variant, variants, card.context_tokens, card.max_output_tokens, rates
    )


def _rates(above_tokens: int, rates: Rates) -> RatesAnswer:
    told = (getattr(rates, bucket) for bucket in BUCKETS)
    return RatesAnswer(above_tokens, *(None if rate is None else usd(rate) for rate in told))


@route("POST /prices/check", ADMINISTRATOR, status=200)
def check_prices(data: JSONBody[PriceTable], books: NamedDependency[Books]) -> PriceCheck:
    """Check the price book against itself, and against a table when one is given."""
    book = books.prices
    for name in data.catalogs:
        if name not in book.catalogs():
            raise Refused(refuse(Why.UNKNOWN, what="catalog", name=name, field="catalogs"))
    unusual = [
        UnusualAnswer(odd.catalog, odd.model, odd.variant, odd.since, odd.rule)
        for odd in check_book(book)
        if not data.catalogs or odd.catalog in data.catalogs
    ]
    if data.table is None:
        return PriceCheck(book.version, False, 0, 0, unusual, [])
    found = compare(book, _read(data.table), from_us(books.clock()), data.catalogs)
    if not found.rates:
        raise _no_table("a table without any price that the price book has")
    return PriceCheck(
        book.version, True, found.models, found.rates, unusual, [_difference(each) for each in found.disagreements]
    )


def _read(text: str) -> Table:
    """The table with its prices as exact decimals."""
    try:
        return read_table(text)
    except msgspec.DecodeError:
        raise _no_table("something else") from None


def _no_table(got: str) -> Refused:
    right = "JSON: an object with one object of prices for each model"
    return field_invalid("table", got, right)


def _difference(found: Disagreement) -> DifferenceAnswer:
    return DifferenceAnswer(
        found.catalog,
        found.model,
        found.variant,
        found.bucket,
        found.above_tokens,
        usd(found.ours),
        f"{found.theirs / NANOS_PER_USD:f}",
        found.named,
    )


ROUTES = (show_prices, check_prices)
