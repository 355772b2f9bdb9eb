"""The demo's configuration is one that Bursar reads, and its providers sell at the price book's prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from bursar.config import CATALOGS, load_config
from bursar.demo.company import PEOPLE, PLANS
from bursar.demo.config import real_providers, simulated_providers
from bursar.periods import from_us
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import RateCard
from bursar.sim.prices import MODELS, cost_nanos
from bursar.terms.plan import read_plan
from bursar.usage import Usage
from tests.unit.demo.conftest import NOW_US

SAMPLES = (
    Usage(input=1, output=1),
    Usage(input=1_234, output=567),
    Usage(input=17, cache_read=90_001, output=3_333, reasoning=2_000),
    Usage(input=9, cache_read=40_000, cache_write_5m=7_777, output=801),
    Usage(input=5, cache_write_5m=300_007, output=1_003),
    Usage(input=150_000, cache_read=120_001, output=4_097),
    Usage(input=272_001, output=11),
    Usage(input=99, output=10, web_searches=3),
)
HOUR_SAMPLES = (Usage(input=3, cache_read=512, cache_write_1h=12_345, output=99), Usage(cache_write_1h=400_001))
SOLD_SAMPLES = {
    "answers": SAMPLES,
    "completions": (Usage(input=1, output=1), Usage(input=1_234, output=567)),
    "embeddings": (Usage(input=1), Usage(input=299_999)),
}


@pytest.mark.parametrize(
    ("name", "variant"), [(model.name, variant) for model in MODELS.values() for variant in (None, *model.variants)]
)
def test_the_simulator_bills_what_the_price_book_says(name: str, variant: str | None, prices: PriceBook) -> None:
    """To the nano-dollar; two sums that were programmed apart. OpenAI's wire knows no writes for an hour."""
    model = MODELS[name]
    card = prices.card(CATALOGS[model.wire], name, from_us(NOW_US), variant or "standard")
    assert isinstance(card, RateCard)
    for usage in SOLD_SAMPLES[model.sold] + (HOUR_SAMPLES if model.wire == "anthropic" else ()):
        assert card.cost(usage) == cost_nanos(model, usage, variant=variant), usage


def test_people_use_models_that_are_for_sale_and_that_their_plans_allow() -> None:
    plans = {terms.name: terms for terms in map(read_plan, PLANS)}
    for person in PEOPLE:
        for key in person.keys:
            for choice in key.habit.models:
                assert plans[person.plan].allows(choice.model)
                assert choice.variant in {"standard", *MODELS[choice.model].variants}


def test_simulated_providers(tmp_path: Path) -> None:
    (tmp_path / "bursar.toml").write_text(simulated_providers())
    (tmp_path / "simulator.key").write_text("sim_0\n")
    config = load_config(tmp_path, {})
    assert config.simulator_port == 8791
    assert {provider.name: (provider.wire, provider.base_url) for provider in config.providers} == {
        "sim-openai": ("openai", "http://127.0.0.1:8791/v1"),
        "sim-anthropic": ("anthropic", "http://127.0.0.1:8791"),
        "sim-gemini": ("gemini", "http://127.0.0.1:8791"),
    }
    assert {provider.secret for provider in config.providers} == {"sim_0"}


def test_real_providers_when_there_are_keys_for_them(tmp_path: Path) -> None:
    assert real_providers({"OPENAI_API_KEY": "  "}) is None
    environ = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "GEMINI_API_KEY": "AI-g"}
    for keys in (*({name: secret} for name, secret in environ.items()), environ):
        text = real_providers(keys)
        assert text is not None
        (tmp_path / "bursar.toml").write_text(text)
        config = load_config(tmp_path, keys)
        assert config.simulator_port is None
        assert {provider.secret for provider in config.providers} == set(keys.values())
    assert {(provider.name, provider.base_url) for provider in config.providers} == {
        ("openai", "https://api.openai.com/v1"),
        ("anthropic", "https://api.anthropic.com"),
        ("gemini", "https://generativelanguage.googleapis.com"),
    }
