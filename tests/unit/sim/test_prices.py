"""The provider's arithmetic against amounts that were worked out by hand from the vendors' lists."""

from __future__ import annotations

import pytest

from bursar.sim.prices import MODELS, cost_nanos, model_named
from bursar.usage import Usage


@pytest.mark.parametrize(
    ("name", "variant", "usage", "nanos"),
    [
        # 1,000 at $2.50 and 500 at $10 a million
        ("gpt-4o", None, Usage(input=1_000, output=500), 7_500_000),
        # one token at $0.15 a million is 150 nano-dollars; one cached is 75
        ("gpt-4o-mini", None, Usage(input=1), 150),
        ("gpt-4o-mini", None, Usage(cache_read=1), 75),
        # reasoning is inside the output, not beside it
        ("gpt-5", None, Usage(output=100, reasoning=90), 1_000_000),
        # $0.0125 a million: 12.5 nano-dollars, rounded up once
        ("gpt-5-mini", "flex", Usage(cache_read=1), 13),
        ("gpt-5-mini", "flex", Usage(cache_read=2), 25),
        # two fractions add up before they are rounded: 125 + 12.5 = 137.5
        ("gpt-5-mini", "flex", Usage(input=1, cache_read=1), 138),
        ("gpt-4o", "priority", Usage(input=1_000, cache_read=1_000, output=1_000), 23_375_000),
        # OpenAI's newest models charge for cache writes: 272,000 is still short, one more is long, all of it
        ("gpt-6.1-sol", None, Usage(input=272_000, output=10), 544_100_000),
        ("gpt-6.1-sol", None, Usage(input=272_001, output=10), 1_088_154_000),
        ("gpt-6.1-sol", None, Usage(cache_write_5m=1_000), 2_500_000),
        # $3.75, $6, $0.30, $3 and $15
        (
            "claude-sonnet-4-5",
            None,
            Usage(input=100, cache_write_5m=100, cache_write_1h=100, cache_read=100, output=100),
            2_805_000,
        ),
        # cached input counts towards the 200,000 and moves to the long price with everything else
        ("claude-sonnet-4-5", None, Usage(input=1, cache_read=199_999, output=1), 60_017_700),
        ("claude-sonnet-4-5", None, Usage(input=1, cache_read=200_000, output=1), 120_028_500),
        ("claude-haiku-4-5", None, Usage(web_searches=3, output=2), 30_010_000),
        ("claude-opus-5-5", "fast", Usage(input=1_000, output=1_000), 48_000_000),
    ],
)
def test_cost_is_what_the_list_says(name: str, variant: str | None, usage: Usage, nanos: int) -> None:
    assert cost_nanos(MODELS[name], usage, variant=variant) == nanos


def test_inference_in_the_us_costs_a_tenth_more() -> None:
    assert cost_nanos(MODELS["claude-sonnet-5"], Usage(input=1, output=1), us_geo=True) == 13_200


def test_a_long_prompt_lifts_a_variant_too() -> None:
    """No variant is listed with a long price, so the standard list's factors apply: input times 2, output 1.5."""
    model = MODELS["gpt-6.1-sol"]._replace(variants={"priority": MODELS["gpt-6-luna"].rates})
    long = Usage(input=272_001, output=2)
    assert cost_nanos(model, long, variant="priority") == 272_001 * 200 + 2 * 750


def test_a_model_answers_to_its_dated_name_on_its_own_wire_only() -> None:
    assert model_named("gpt-4o-mini-2024-07-18", "openai") is MODELS["gpt-4o-mini"]
    assert model_named("gpt-4o-mini", "anthropic") is None
    assert model_named("gpt-4o-mini-2020-01-01", "openai") is None
