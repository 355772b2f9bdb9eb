"""The operator's prices.toml: what it does to the book, and how each mistake in it is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.pricing.overrides import load_overrides
from bursar.pricing.rates import RateCard
from bursar.refusals import Refused, Why

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def built(folder: Path, text: str) -> PriceBook:
    path = folder / "prices.toml"
    path.write_text(text)
    return build_book(load_overrides(path))


def card(book: PriceBook, catalog: str, model: str, at: datetime = NOW, variant: str = "standard") -> RateCard:
    found = book.card(catalog, model, at, variant)
    assert isinstance(found, RateCard), found
    return found


def test_a_discount_is_off_every_bucket_tier_and_variant_from_its_date(tmp_path: Path, book: PriceBook) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "anthropic"
        model = "claude-sonnet-4-5*"
        from = 2026-11-01
        discount = "15%"
        """,
    )
    listed, paid = (card(b, "anthropic", "claude-sonnet-4-5-20250929") for b in (book, ours))
    assert (paid.rates.input, paid.rates.output) == (2_550_000_000, 12_750_000_000)
    assert (paid.rates.cache_read, paid.rates.web_searches) == (255_000_000, 8_500_000_000)
    assert paid.tiers[0].above == listed.tiers[0].above
    assert paid.tiers[0].rates.input == 5_100_000_000
    assert card(ours, "anthropic", "claude-sonnet-4-5", variant="batch").rates.input == 1_275_000_000
    before = datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert card(ours, "anthropic", "claude-sonnet-4-5", before).rates == listed.rates
    assert card(ours, "anthropic", "claude-opus-4-1").rates == card(book, "anthropic", "claude-opus-4-1").rates
    assert ours.version != book.version


def test_a_discount_is_rounded_up_to_a_whole_nano(tmp_path: Path) -> None:
    ours = built(tmp_path, '[[rate]]\ncatalog = "google"\nmodel = "gemini-1.5-flash"\ndiscount = "33.333333%"\n')
    assert card(ours, "google", "gemini-1.5-flash").rates.input == 50_000_001  # 50,000,000.25


def test_a_discount_follows_the_list_price(tmp_path: Path) -> None:
    ours = built(tmp_path, '[[rate]]\ncatalog = "google"\nmodel = "gemini-4-*"\ndiscount = "50%"\n')
    early, late = (datetime(2026, month, 1, tzinfo=UTC) for month in (11, 12))
    assert card(ours, "google", "gemini-4-argon", early).rates.input == 1_000_000_000
    assert card(ours, "google", "gemini-4-argon", late).rates.input == 2_000_000_000


def test_a_discount_is_off_prices_by_the_hour(tmp_path: Path) -> None:
    ours = built(tmp_path, '[[rate]]\ncatalog = "deepseek"\nmodel = "deepseek-chat"\ndiscount = "10%"\n')
    assert card(ours, "deepseek", "deepseek-chat", datetime(2025, 6, 1, 12, tzinfo=UTC)).rates.input == 243_000_000
    assert card(ours, "deepseek", "deepseek-chat", datetime(2025, 6, 1, 20, tzinfo=UTC)).rates.input == 121_500_000


def test_explicit_prices_replace_what_they_name_for_prompts_of_every_size(tmp_path: Path) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "anthropic"
        model = "claude-sonnet-4-5"
        input = "2.50"
        web_searches = "8"
        context_tokens = 500_000
        max_output_tokens = 32_000
        """,
    )
    paid = card(ours, "anthropic", "claude-sonnet-4-5-20250929")
    assert (paid.rates.input, paid.tiers[0].rates.input) == (2_500_000_000, 2_500_000_000)
    assert (paid.rates.output, paid.tiers[0].rates.output) == (15_000_000_000, 22_500_000_000)
    assert paid.rates.web_searches == 8_000_000_000
    assert (paid.context_tokens, paid.max_output_tokens) == (500_000, 32_000)
    assert card(ours, "anthropic", "claude-sonnet-4-5", variant="batch").rates.input == 1_500_000_000


def test_the_latest_date_wins_and_then_the_later_entry(tmp_path: Path) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "openai"
        model = "gpt-4o"
        from = "2026-06-01"
        input = "2.00"

        [[rate]]
        catalog = "openai"
        model = "gpt-4o*"
        input = "2.20"

        [[rate]]
        catalog = "openai"
        model = "gpt-4o"
        from = "2026-06-01"
        input = "1.90"
        """,
    )
    assert card(ours, "openai", "gpt-4o", datetime(2026, 5, 31, tzinfo=UTC)).rates.input == 2_200_000_000
    assert card(ours, "openai", "gpt-4o").rates.input == 1_900_000_000
    assert card(ours, "openai", "gpt-4o-mini").rates.input == 2_200_000_000


def test_a_dated_id_is_repriced_alone(tmp_path: Path) -> None:
    ours = built(tmp_path, '[[rate]]\ncatalog = "azure"\nmodel = "gpt-4o-2024-08-06"\ndiscount = "20%"\n')
    assert card(ours, "azure", "gpt-4o-2024-08-06").rates.input == 2_000_000_000
    assert card(ours, "azure", "gpt-4o-2024-08-06").model == "gpt-4o-2024-08-06"
    assert card(ours, "azure", "gpt-4o").rates.input == 2_500_000_000


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "vllm"
        model = "Our-Coder"
        from = 2026-01-01
        input = "0.40"
        output = "1.60"
        context_tokens = 131_072

        [[rate]]
        catalog = "vllm"
        model = "Our-Coder"
        variant = "night"
        output = "0.80"
        """,
    )
    mine = card(ours, "vllm", "our-coder")
    assert (mine.rates.input, mine.rates.cache_read, mine.rates.output) == (400_000_000, 400_000_000, 1_600_000_000)
    assert (mine.context_tokens, mine.max_output_tokens) == (131_072, 131_072)
    assert card(ours, "vllm", "our-coder", variant="night").rates.output == 800_000_000
    assert card(ours, "vllm", "our-coder", variant="night").rates.input == 400_000_000
    assert not isinstance(ours.card("vllm", "our-coder", datetime(2025, 12, 31, tzinfo=UTC)), RateCard)
    assert not isinstance(ours.card("vllm", "our-coder-2", NOW), RateCard)


def test_a_variant_that_the_list_lacks(tmp_path: Path) -> None:
    """Anthropic's priority tier is sold by contract: who has one puts its price in."""
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "anthropic"
        model = "claude-opus-5-5"
        variant = "priority"
        from = 2026-02-01
        input = "4.40"
        """,
    )
    assert card(ours, "anthropic", "claude-opus-5-5", variant="priority").rates.input == 4_400_000_000
    assert card(ours, "anthropic", "claude-opus-5-5", variant="priority").rates.output == 20_000_000_000
    assert card(ours, "anthropic", "claude-opus-5-5").rates.input == 4_000_000_000
    before = datetime(2026, 1, 31, tzinfo=UTC)
    assert not isinstance(ours.card("anthropic", "claude-opus-5-5", before, "priority"), RateCard)


def test_place_tier_and_searches_of_a_date(tmp_path: Path, book: PriceBook) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "anthropic"
        model = "claude-opus-5-5"
        variant = "us+fast"
        from = 2026-11-10
        output = "42.00"
        web_searches = "7.50"

        [[rate]]
        catalog = "anthropic"
        model = "claude-sonnet-5*"
        variant = "us"
        from = 2026-11-10
        discount = "50%"
        """,
    )
    before, after = datetime(2026, 11, 9, 23, 59, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)
    listed, changed = (card(ours, "anthropic", "claude-opus-5-5", at, "us+fast").rates for at in (before, after))
    assert (listed.output, listed.web_searches) == (44_000_000_000, 10_000_000_000)
    assert (changed.output, changed.web_searches) == (42_000_000_000, 7_500_000_000)
    assert changed.input == listed.input == 8_800_000_000
    assert card(ours, "anthropic", "claude-sonnet-5", after, "us").rates.input == 1_100_000_000
    assert card(ours, "anthropic", "claude-sonnet-5", before, "us").rates.input == 2_200_000_000
    assert card(ours, "anthropic", "claude-sonnet-5", after) == msgspec.structs.replace(
        card(book, "anthropic", "claude-sonnet-5", after), version=ours.version
    )


def test_an_uplift_is_on_every_token_and_not_on_searches(tmp_path: Path, book: PriceBook) -> None:
    """OpenAI's regional endpoints cost a tenth more for models since March 2026; one provider, one list."""
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "openai"
        model = "gpt-6*"
        uplift = "10%"
        """,
    )
    for variant in ("standard", "flex", "batch"):
        listed, paid = (card(b, "openai", "gpt-6.1-sol", variant=variant) for b in (book, ours))
        assert [(10 * new.rates.input, new.above) for new in paid.tiers] == [
            (11 * old.rates.input, old.above) for old in listed.tiers
        ]
        for bucket in ("input", "cache_read", "cache_write_5m", "output"):
            assert 10 * getattr(paid.rates, bucket) == 11 * getattr(listed.rates, bucket)
        assert paid.rates.web_searches == listed.rates.web_searches == 10_000_000_000


def test_a_discount_is_off_the_raised_price_and_rounded_once(tmp_path: Path) -> None:
    both = '[[rate]]\ncatalog = "google"\nmodel = "gemini-2.5-flash"\nuplift = "10%"\ndiscount = "33.333333%"\n'
    paid = card(built(tmp_path, both), "google", "gemini-2.5-flash").rates
    assert paid.input == 220_000_002  # 300,000,000 × 1.1 × 0.66666667 = 220,000,001.1
    assert paid.web_searches == 23_333_333_450


def test_a_catalog_of_ones_own_is_like_another(tmp_path: Path, book: PriceBook) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "openai-eu"
        like = "openai"
        model = "gpt-6*"
        uplift = "10%"
        """,
    )
    assert card(ours, "openai-eu", "gpt-6.1-sol").rates.input == 2_200_000_000
    assert card(ours, "openai-eu", "gpt-6.1-sol", variant="priority").rates.input == 4_400_000_000
    assert card(ours, "openai-eu", "gpt-4o-2024-08-06").rates == card(book, "openai", "gpt-4o").rates
    assert card(ours, "openai", "gpt-6.1-sol").rates == card(book, "openai", "gpt-6.1-sol").rates
    assert not isinstance(ours.card("openai-eu", "gpt-5-search-api", NOW), RateCard)


def test_a_name_that_the_list_leaves_out_can_be_priced(tmp_path: Path) -> None:
    ours = built(
        tmp_path,
        """
        [[rate]]
        catalog = "openai"
        model = "gpt-5-search-api"
        input = "1.25"
        output = "20.00"

        [[rate]]
        catalog = "openai"
        model = "gpt-4o-search-preview-2025-03-11"
        input = "2.50"
        output = "60.00"
        """,
    )
    assert card(ours, "openai", "gpt-5-search-api").rates.output == 20_000_000_000
    assert card(ours, "openai", "gpt-4o-search-preview-2025-03-11").rates.output == 60_000_000_000
    assert not isinstance(ours.card("openai", "gpt-4o-search-preview", NOW), RateCard)


def test_an_empty_file_changes_nothing(tmp_path: Path, book: PriceBook) -> None:
    assert built(tmp_path, "").version == book.version


MISTAKES = {
    'prise = "1"': ("rate[1].prise", "there is no such field; there are catalog, like, model"),
    "input = 2.5": ("rate[1].input", 'dollars in quotes, like "2.50", not 2.5'),
    "input = 2": ("rate[1].input", 'dollars in quotes, like "2.50", not 2'),
    'input = "-1"': ("rate[1].input", "is negative"),
    'input = "0.0000000001"': ("rate[1].input", "more than nine decimals"),
    'input = "two"': ("rate[1].input", "is not an amount"),
    'input = "2"\ndiscount = "5%"': ("rate[1].discount", "not both (it also has input)"),
    "discount = 15": ("rate[1].discount", 'like "15%", 0 or more and below 100, not 15'),
    'discount = "15"': ("rate[1].discount", "not '15'"),
    'discount = "100%"': ("rate[1].discount", "below 100"),
    'discount = "-5%"': ("rate[1].discount", "0 or more"),
    'discount = "1.2345678%"': ("rate[1].discount", "not '1.2345678%'"),
    'discount = "1e1%"': ("rate[1].discount", "not '1e1%'"),
    "": ("rate[1].discount", "it is missing; give a discount"),
    'input = "2"\nfrom = "soon"': ("rate[1].from", "a date like 2026-01-01, not 'soon'"),
    'input = "2"\nfrom = 2026-01-01T00:00:00Z': ("rate[1].from", "a date like 2026-01-01"),
    'input = "2"\ncontext_tokens = "8k"': ("rate[1].context_tokens", "a whole number of tokens, 1 or more, not '8k'"),
    'input = "2"\nmax_output_tokens = 0': ("rate[1].max_output_tokens", "1 or more, not 0"),
    'input = "2"\nmax_output_tokens = true': ("rate[1].max_output_tokens", "not True"),
    'input = "2"\nlike = 5': ("rate[1].like", "it must be a text, not 5"),
    'input = "2"\nuplift = "5%"': ("rate[1].uplift", "give an uplift or prices, not both (it also has input)"),
    'uplift = "100%"': ("rate[1].uplift", "0 or more and below 100"),
    "uplift = 0.1": ("rate[1].uplift", "not 0.1"),
    'discount = "5%"\nlike = "openai"': ("rate[1].like", "'openai' is a public catalog"),
    'discount = "5%"\nlike = "opnai"': ("rate[1].like", "there is no public catalog 'opnai'"),
    'discount = "5%"\nvariant = "prioritty"': (
        "rate[1].variant",
        "there is no list price of 'prioritty'; there are ",
    ),
    'input = "2"\nvariant = 7': ("rate[1].variant", "it must be a text, not 7"),
}


def refusal_of(folder: Path, text: str) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        built(folder, text)
    refusal = caught.value.refusal
    assert refusal.why is Why.CONFIG_INVALID
    assert refusal.text.startswith(f"prices.toml: {refusal.field} is not right: ")
    return refusal.field or "", refusal.text


@pytest.mark.parametrize("lines", MISTAKES)
def test_each_mistake_is_refused_by_name(tmp_path: Path, lines: str) -> None:
    field, problem = MISTAKES[lines]
    found, text = refusal_of(tmp_path, f'[[rate]]\ncatalog = "openai"\nmodel = "gpt-4o"\n{lines}\n')
    assert found == field
    assert problem in text


OWN = '[[rate]]\ncatalog = "{}"\nlike = "{}"\nmodel = "gpt-6*"\nuplift = "10%"\n'
UNFIT = {
    '[[rate]]\ncatalog = "anthropic"\nmodel = "claude-opus-5*"\nvariant = "fast+us"\ninput = "1"': (
        "rate[1].variant",
        "its parts are in another order; write 'us+fast'",
    ),
    '[[rate]]\ncatalog = "openai"\nmodel = "gpt-5-search-api"\nuplift = "1%"': (
        "rate[1].uplift",
        "has no list price",
    ),
    '[[rate]]\ncatalog = "openai"\nmodel = "gpt-5-search*"\ninput = "1"': ("rate[1].model", "the glob fits no model"),
    OWN.format("eu", "openai") + OWN.format("eu", "azure"): ("rate[2].like", "is already like 'openai'"),
    '[[rate]]\nmodel = "m"\ninput = "1"': ("rate[1].catalog", "it is missing"),
    '[[rate]]\ncatalog = "openai"\ninput = "1"': ("rate[1].model", "it is missing"),
    '[[rate]]\ncatalog = "openai"\nmodel = "gtp-*"\ninput = "1"': ("rate[1].model", "the glob fits no model"),
    '[[rate]]\ncatalog = "vllm"\nmodel = "own"\ninput = "1"': ("rate[1].output", "needs input and output"),
    '[[rate]]\ncatalog = "vllm"\nmodel = "own"\noutput = "1"': ("rate[1].input", "needs input and output"),
    '[[rate]]\ncatalog = "vllm"\nmodel = "own"\ndiscount = "1%"': ("rate[1].discount", "has no list price"),
    '[[rate]]\ncatalog = "vllm"\nmodel = "own"\nvariant = "x"\ninput = "1"': (
        "rate[1].variant",
        "standard price first",
    ),
    '[rate]\nmodel = "m"': ("rate", "with two brackets"),
    "[[rates]]": ("rates", "there is no such table"),
    "rate = ": ("the file", "it is no TOML"),
}


@pytest.mark.parametrize("text", UNFIT)
def test_what_fits_nothing_is_refused_by_name(tmp_path: Path, text: str) -> None:
    field, problem = UNFIT[text]
    found, told = refusal_of(tmp_path, text + "\n")
    assert found == field
    assert problem in told


def test_the_second_entry_is_named_as_such(tmp_path: Path) -> None:
    good = '[[rate]]\ncatalog = "openai"\nmodel = "gpt-4o"\ndiscount = "5%"\n'
    found, _ = refusal_of(tmp_path, good + good.replace("5%", "5"))
    assert found == "rate[2].discount"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="it cannot be read"):
        load_overrides(tmp_path / "prices.toml")
