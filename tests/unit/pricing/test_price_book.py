"""Look-up by model, date and variant, on a small book written out here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import msgspec
import pytest

from bursar.pricing.book import _CACHE_SIZE, PriceBook
from bursar.pricing.matching import Clause, spellings
from bursar.pricing.rates import RateCard, Rates
from bursar.pricing.snapshot import Catalog, Content, DatedPrice, Model, Price, Window
from bursar.refusals import Refusal, Why

US = timedelta(microseconds=1)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at_price(nanos: int) -> Price:
    return Price(Rates(nanos, nanos, nanos, nanos, nanos))


def model(name: str, *history: DatedPrice, **variants: tuple[DatedPrice, ...]) -> Model:
    return Model(name, Clause("starts_with", name), {"standard": history, **variants}, 100_000, 8_000)


CONTENT = Content(
    {
        "acme": Catalog(
            (
                model("falling", DatedPrice(at_price(30)), DatedPrice(at_price(20), date(2026, 3, 13))),
                model("late", DatedPrice(at_price(7), date(2026, 5, 1))),
                model(
                    "hourly",
                    DatedPrice(
                        at_price(1), daily=(Window(3_600, 14_400, at_price(2)), Window(82_800, 1_800, at_price(3)))
                    ),
                ),
                model("tiered", DatedPrice(at_price(4)), flex=(DatedPrice(at_price(2), date(2026, 10, 12)),)),
                Model(
                    "vector", Clause("equals", "vector"), {"standard": (DatedPrice(Price(Rates(1, 1, 1, 1))),)}, 8_192
                ),
            )
        ),
        "reseller": Catalog((model("falling", DatedPrice(at_price(99))),), fallbacks=("acme", "gone")),
    }
)


@pytest.fixture
def small() -> PriceBook:
    return PriceBook(CONTENT)


def rate(book: PriceBook, name: str, at: datetime, catalog: str = "acme", variant: str = "standard") -> int | str:
    card = book.card(catalog, name, at, variant)
    return card.why.value if isinstance(card, Refusal) else card.rates.input


def test_a_price_changes_at_midnight_utc_to_the_microsecond(small: PriceBook) -> None:
    change = datetime(2026, 3, 13, tzinfo=UTC)
    for _ in range(2):  # with an empty cache and with a warm one
        assert rate(small, "falling", change - US) == 30
        assert rate(small, "falling", change) == 20
        assert rate(small, "falling", change.astimezone(timezone(timedelta(hours=-8))) - US) == 30


def test_before_its_first_price_a_model_is_refused(small: PriceBook) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    assert rate(small, "late", start - US) == "model_not_priced"
    assert rate(small, "late", start) == 7


HOURS = """
00:00:00.000000  3
00:29:59.999999  3
00:30:00.000000  1
00:59:59.999999  1
01:00:00.000000  2
03:59:59.999999  2
04:00:00.000000  1
22:59:59.999999  1
23:00:00.000000  3
23:59:59.999999  3
"""


def test_prices_of_the_hours_of_the_day(small: PriceBook) -> None:
    """Windows 01:00-04:00 and 23:00-00:30, each line looked up twice so that the cache answers too."""
    for line in HOURS.strip().splitlines():
        clock, nanos = line.split()
        moment = datetime.fromisoformat(f"2026-11-20T{clock}+00:00")
        assert [rate(small, "hourly", moment), rate(small, "hourly", moment)] == [int(nanos)] * 2, clock


def test_an_unknown_model_is_refused_with_the_version(small: PriceBook) -> None:
    refusal = small.card("acme", "unheard-of", NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.why is Why.MODEL_NOT_PRICED
    assert (
        refusal.text
        == f"The model 'unheard-of' has no price in price book {small.version}, so it cannot be paid for."
    )
    assert rate(small, "falling", NOW, catalog="nobody") == "model_not_priced"


def test_a_variant_has_its_own_price_from_its_own_date(small: PriceBook) -> None:
    start = datetime(2026, 10, 12, tzinfo=UTC)
    assert rate(small, "tiered", NOW, variant="flex") == 2
    assert rate(small, "tiered", NOW, variant="default") == rate(small, "tiered", NOW) == 4
    assert rate(small, "tiered", start - US, variant="flex") == "variant_not_priced"
    refusal = small.card("acme", "tiered", NOW, "priority")
    assert isinstance(refusal, Refusal)
    assert refusal.field == "service_tier"
    assert "'priority'" in refusal.text


def test_the_variants_of_a_model_at_a_time(small: PriceBook) -> None:
    start = datetime(2026, 10, 12, tzinfo=UTC)
    assert small.variants("acme", "tiered", NOW) == ["flex", "standard"]
    assert small.variants("reseller", "tiered-2026", start - US) == ["standard"]
    assert small.variants("acme", "unheard-of", NOW) == []


def test_a_catalog_falls_back_one_step_and_prefers_its_own(small: PriceBook) -> None:
    assert rate(small, "falling", NOW, catalog="reseller") == 99
    assert rate(small, "tiered-2026", NOW, catalog="reseller") == 4
    assert small.models("reseller") == ["falling"]


def test_a_card_says_what_it_stands_for(small: PriceBook) -> None:
    card = small.card("acme", "Falling-20261101", NOW)
    assert isinstance(card, RateCard)
    assert (card.catalog, card.model, card.variant, card.version) == ("acme", "falling", "standard", small.version)
    assert (card.context_tokens, card.max_output_tokens) == (100_000, 8_000)
    vector = small.card("acme", "vector", NOW)
    assert isinstance(vector, RateCard)
    assert (vector.context_tokens, vector.max_output_tokens) == (8_192, 0)  # an embedding writes nothing


def test_the_cache_does_not_grow_with_what_clients_send(small: PriceBook) -> None:
    for number in range(_CACHE_SIZE + 10):
        small.card("acme", f"falling-{number}", NOW)
        small.card("acme", f"unheard-of-{number}", NOW)
    small.card("acme", "falling-" + "x" * 1_000, NOW)
    assert len(small._cards) == len(small._models) == 10


def test_the_version_is_that_of_the_content(small: PriceBook) -> None:
    again = PriceBook.from_json(small.to_json())
    assert again.version == small.version
    assert again.to_json() == small.to_json()
    assert again.content == CONTENT
    reordered = Content(dict(reversed(CONTENT.catalogs.items())))
    assert PriceBook(reordered).version == small.version
    cheaper = Content({**CONTENT.catalogs, "acme": Catalog(CONTENT.catalogs["acme"].models[1:])})
    assert PriceBook(cheaper).version != small.version


def test_what_is_no_price_book_is_not_read() -> None:
    with pytest.raises(msgspec.ValidationError):
        PriceBook.from_json(b'{"catalogs": {"acme": {"models": [{"id": "m"}]}}}')


CLAUSES = """
["starts_with", "GPT-4o"]                                     gpt-4o-mini    yes
["starts_with", "gpt-4o"]                                     xgpt-4o        no
["ends_with", "mini"]                                         gpt-4o-mini    yes
["ends_with", "gpt"]                                          gpt-4o-mini    no
["contains", "-4O-"]                                          gpt-4o-mini    yes
["contains", "o1"]                                            gpt-4o-mini    no
["equals", "gpt-4o-MINI"]                                     gpt-4o-mini    yes
["equals", "gpt-4o"]                                          gpt-4o-mini    no
["regex", "^gpt-\\\\d"]                                       gpt-4o-mini    yes
["or", [["equals", "a"], ["contains", "mini"]]]               gpt-4o-mini    yes
["and", [["contains", "gpt"], ["contains", "mini"]]]          gpt-4o-mini    yes
["and", [["contains", "gpt"], ["contains", "o1"]]]            gpt-4o-mini    no
"""


@pytest.mark.parametrize("line", CLAUSES.strip().splitlines())
def test_clauses(line: str) -> None:
    *clause, name, answer = line.replace("\\\\\\\\", "\\\\").split()
    assert msgspec.json.decode(" ".join(clause), type=Clause).matches(name) is (answer == "yes")


def test_compact_dates_are_looked_up_written_out_too() -> None:
    assert spellings("GPT-5.2-20251211") == ("gpt-5.2-20251211", "gpt-5.2-2025-12-11")
    assert spellings("model-20251341") == ("model-20251341",)
