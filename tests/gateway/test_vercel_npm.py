"""Vercel's AI SDK, unmodified, with its OpenAI and Anthropic providers through the gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .npm import Played
from .place import Place

SENT = {"openai": "POST /v1/chat/completions", "anthropic": "POST /v1/messages"}
VENDORS = pytest.mark.parametrize("vendor", SENT)


@pytest.fixture(scope="module")
def played(shared: Place) -> Iterator[Played]:
    yield Played(shared, "vercel.mjs")
    shared.assert_books_are_the_bill()


@VENDORS
def test_whole_and_streamed_tell_their_usage(played: Played, vendor: str) -> None:
    whole, streamed = played.value(f"{vendor}_whole"), played.value(f"{vendor}_streamed")
    assert len(whole["text"].split()) == whole["usage"]["outputTokens"] > 0
    assert len("".join(streamed["parts"]).split()) == streamed["usage"]["outputTokens"] > 0


@VENDORS
def test_a_tool_is_called_and_its_result_sent_back(played: Played, vendor: str) -> None:
    steps = played.value(f"{vendor}_tools")
    assert [(step["calls"], step["results"]) for step in steps] == [(1, 1), (0, 0)]
    assert played.cases[f"{vendor}_tools"].sent == [SENT[vendor]] * 2


@VENDORS
def test_answers_that_fit_a_zod_schema(played: Played, vendor: str) -> None:
    assert set(played.value(f"{vendor}_parsed")) == {"why", "sure"}


@VENDORS
@pytest.mark.parametrize("how", ["spent", "spent_streamed"])
def test_a_spent_budget_is_not_tried_again(played: Played, vendor: str, how: str) -> None:
    error, case = played.failed(f"{vendor}_{how}")
    assert (error["classes"][0], error["status"], error["retryable"]) == ("APICallError", 402, False)
    assert error["refusal"] == "budget_exhausted"
    assert case.sent == [SENT[vendor]]
