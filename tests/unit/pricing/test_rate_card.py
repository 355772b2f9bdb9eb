"""Cost, bound and clamping on one rate card."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.pricing.rates import UNLIMITED_TOKENS, BucketNotPriced, RateCard, Rates, Tier
from bursar.usage import BUCKETS, Usage

USD = 1_000_000_000

SONNET = RateCard(
    model="sonnet",
    version="pb-test",
    rates=Rates(3 * USD, 300_000_000, 3_750_000_000, 6 * USD, 15 * USD, web_searches=10 * USD),
    tiers=(
        Tier(200_000, Rates(6 * USD, 600_000_000, 7_500_000_000, 12 * USD, 22_500_000_000, web_searches=10 * USD)),
    ),
)
EMBEDDING = RateCard(
    model="embedding", version="pb-test", rates=Rates(20_000_000, 20_000_000, 20_000_000, 20_000_000)
)

COSTS = """
input   cache_read  write_5m  write_1h  output  searches  nano-dollars
0       0           0         0         0       0                    0
1       0           0         0         0       0                3_000
0       1           0         0         0       0                  300
0       0           1         0         0       0                3_750
0       0           0         1         0       0                6_000
0       0           0         0         1       0               15_000
0       0           0         0         0       1           10_000_000
1_000   50_000      800       200       900     2           55_700_000
200_000 0           0         0         1_000   0          615_000_000
200_001 0           0         0         1_000   0        1_222_506_000
1       200_000     0         0         0       0          120_006_000
0       0           200_001   0         0       0        1_500_007_500
"""


@pytest.mark.parametrize("line", COSTS.strip().splitlines()[1:])
def test_a_usage_costs_the_sum_of_its_buckets(line: str) -> None:
    *counts, nanos = (int(number) for number in line.split())
    usage = Usage(**dict(zip((*BUCKETS[:5], "web_searches"), counts, strict=True)))
    assert SONNET.cost(usage) == nanos


def test_a_long_prompt_pays_the_higher_price_for_every_token() -> None:
    below, above = Usage(input=200_000, output=1), Usage(input=200_001, output=1)
    assert SONNET.cost(below) == 200_000 * 3_000 + 15_000
    assert SONNET.cost(above) == 200_001 * 6_000 + 22_500


def test_a_cost_is_rounded_up_once_and_not_in_each_bucket() -> None:
    third = RateCard(model="m", version="v", rates=Rates(333_333, 333_333, 333_334, 1, 1))
    assert third.cost(Usage(input=1, cache_read=1, cache_write_5m=1)) == 1  # 0.333333 + 0.333333 + 0.333334
    assert third.cost(Usage(input=1, cache_read=1, cache_write_5m=1, output=1)) == 2  # 1.000001


@pytest.mark.parametrize("bucket", ["output", "audio_input", "audio_output", "web_searches"])
def test_a_bucket_without_a_price_is_never_free(bucket: str) -> None:
    with pytest.raises(BucketNotPriced) as caught:
        EMBEDDING.cost(Usage(**{bucket: 1}))
    assert caught.value.bucket == bucket
    assert "pb-test" in caught.value.refusal.text


def test_a_bound_of_what_has_no_price_is_refused_by_bucket() -> None:
    with pytest.raises(BucketNotPriced, match="output"):
        EMBEDDING.bound(10, 1, cache_writes=False)
    with pytest.raises(BucketNotPriced, match="audio_input"):
        EMBEDDING.bound(10, 0, cache_writes=False, audio=True)
    with pytest.raises(BucketNotPriced, match="web_searches"):
        EMBEDDING.bound(10, 0, cache_writes=False, web_searches=1)
    assert EMBEDDING.bound(10, 0, cache_writes=False) == 200


def test_a_bound_of_negative_counts_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        SONNET.bound(-1, 0, cache_writes=False)


def test_a_bound_counts_cache_writes_only_where_there_can_be_some() -> None:
    assert SONNET.bound(1_000, 0, cache_writes=False) == 1_000 * 3_000
    assert SONNET.bound(1_000, 0, cache_writes=True) == 1_000 * 6_000
    assert SONNET.bound(200_000, 0, cache_writes=False) == 200_000 * 3_000
    assert SONNET.bound(200_001, 0, cache_writes=False) == 200_001 * 6_000


def test_output_bought_at_its_edges() -> None:
    assert SONNET.output_bought(3_000, 1, cache_writes=False) == 0
    assert SONNET.output_bought(2_999, 1, cache_writes=False) == -1
    assert SONNET.output_bought(18_000, 1, cache_writes=False) == 1
    assert EMBEDDING.output_bought(1_000, 1, cache_writes=False) == 0
    free = RateCard(model="m", version="v", rates=Rates(1, 1, 1, 1, 0))
    assert free.output_bought(1, 1, cache_writes=False) == UNLIMITED_TOKENS


rate = st.integers(0, 200 * USD)
priced_rates = st.builds(
    Rates, rate, rate, rate, rate, output=rate, audio_input=rate, audio_output=rate, web_searches=rate
)
tiers = st.lists(st.integers(0, 5_000), max_size=3, unique=True).flatmap(
    lambda starts: st.tuples(*(st.builds(Tier, st.just(start), priced_rates) for start in sorted(starts)))
)
cards = st.builds(RateCard, model=st.just("m"), version=st.just("v"), rates=priced_rates, tiers=tiers)
count = st.integers(0, 3_000)
usages = st.builds(Usage, count, count, count, count, count, count, count, count)


@given(cards, usages)
def test_a_cost_is_the_exact_sum_rounded_up(card: RateCard, usage: Usage) -> None:
    rates = card.rates
    for tier in card.tiers:
        if usage.total_input > tier.above:
            rates = tier.rates
    exact = sum(
        Fraction(getattr(usage, bucket) * getattr(rates, bucket), 1_000 if bucket == "web_searches" else 1_000_000)
        for bucket in BUCKETS
    )
    assert card.cost(usage) == ceil(exact)


@given(cards, usages, st.integers(0, 10_000), st.integers(0, 1_000))
def test_no_usage_within_the_counts_costs_more_than_the_bound(
    card: RateCard, usage: Usage, more_input: int, more_output: int
) -> None:
    bound = card.bound(
        usage.total_input + more_input,
        usage.output + usage.audio_output + more_output,
        cache_writes=bool(usage.cache_write_5m or usage.cache_write_1h),
        web_searches=usage.web_searches,
        audio=bool(usage.audio_input or usage.audio_output),
    )
    assert card.cost(usage) <= bound


calls = st.fixed_dictionaries(
    {"cache_writes": st.booleans(), "web_searches": st.integers(0, 5), "audio": st.booleans()}
)


@given(cards, st.integers(0, 10**12), st.integers(0, 12_000), calls)
def test_output_bought_is_the_last_that_the_bound_allows(
    card: RateCard, amount: int, input_tokens: int, call: dict[str, Any]
) -> None:
    bought = card.output_bought(amount, input_tokens, **call)
    if bought == -1:
        assert card.bound(input_tokens, 0, **call) > amount
    else:
        assert card.bound(input_tokens, bought, **call) <= amount
        assert bought == UNLIMITED_TOKENS or card.bound(input_tokens, bought + 1, **call) > amount
