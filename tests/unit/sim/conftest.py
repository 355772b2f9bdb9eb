"""Real simulated providers on a real socket, and the vendors' own SDKs that talk to them."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from bursar.sim.server import SimServer, SimSettings


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(SimSettings(output_tokens_min=10, output_tokens_max=30)) as server:
        yield server


@pytest.fixture
def gpt(sim: SimServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{sim.url}/v1", api_key="alpha", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def claude(sim: SimServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=sim.url, api_key="beta", max_retries=0, timeout=10) as client:
        yield client
