"""LiteLLM's SDK and LangChain, as docs/tools tells to set them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.people import POOR
from tests.gateway.place import Place
from tests.support.recorder import Recorder

from .agent import Agent

PROGRAM = Path(__file__).with_name("libraries.py")
CASES = pytest.mark.parametrize(
    ("name", "error"),
    [
        ("litellm_openai", "APIError"),
        ("litellm_anthropic", "PaymentRequiredError"),
        ("langchain_openai", "APIStatusError"),
        ("langchain_anthropic", "PaymentRequiredError"),
    ],
)


@pytest.fixture(scope="module")
def told(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the program said of each case, and how all requests were answered."""
    with Recorder(place.url) as asked:
        agent = Agent("libraries", place, asked, tmp_path_factory.mktemp("libraries"))
        done = agent.run(
            str(PROGRAM),
            BURSAR_URL=asked.url,
            KEY=place.key,
            SPENT=place.keys[POOR],
            LITELLM_LOCAL_MODEL_COST_MAP="True",
        )
        assert done.code == 0, done.printed
        lines = [json.loads(line) for line in done.printed.splitlines() if line.startswith("{")]
        yield {"asked": [seen.status for seen in asked.seen], **{line["name"]: line for line in lines}}


@CASES
def test_they_answer_whole_and_streamed(told: dict[str, Any], name: str, error: str) -> None:
    case = told[name]
    assert len(case["text"].split()) == case["output_tokens"] > 0
    assert case["parts"] > 1


@CASES
def test_a_spent_budget_is_an_error_of_their_own(told: dict[str, Any], name: str, error: str) -> None:
    case = told[f"{name}_spent"]
    assert (case["error"], case["status"]) == (error, 402)


def test_a_spent_budget_is_not_tried_again(told: dict[str, Any]) -> None:
    assert told["asked"] == [200, 200, 402] * 4
