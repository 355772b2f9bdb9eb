"""OpenAI's npm package, unmodified, through the gateway: what it asks for works, refusals are its own errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .npm import Played
from .place import Place

CHAT = "POST /v1/chat/completions"


@pytest.fixture(scope="module")
def played(shared: Place) -> Iterator[Played]:
    yield Played(shared, "openai.mjs")
    shared.assert_books_are_the_bill()


def text_of(chunks: list[Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def test_whole(played: Played) -> None:
    answer = played.value("whole")
    assert answer["choices"][0]["message"]["content"]
    used = played.billed(answer["id"]).usage
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (used.total_input, used.output)


def test_streamed_without_asking_for_usage_shows_none(played: Played) -> None:
    chunks = played.value("streamed")
    assert [chunk for chunk in chunks if chunk.get("usage") is not None or not chunk["choices"]] == []
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert len(text_of(chunks).split()) == played.billed(chunks[0]["id"]).usage.output == 25


def test_streamed_with_usage_shows_it_once_at_the_end(played: Played) -> None:
    chunks = played.value("streamed_with_usage")
    assert [chunk.get("usage") is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == played.billed(chunks[0]["id"]).usage.output == 9


def test_the_stream_helper(played: Played) -> None:
    told = played.value("stream_helper")
    assert "".join(told["deltas"]) == told["final"]["choices"][0]["message"]["content"] != ""


def test_a_stream_that_is_left_is_paid_to_its_end(played: Played) -> None:
    """400 tokens were asked for and one chunk was read: the provider bills them all."""
    assert played.value("stream_abandoned") == {"seen": "chat.completion.chunk"}
    assert 400 in {line.usage.output for line in played.place.sim.bill.lines()}


def test_tools(played: Played) -> None:
    told = played.value("tools")
    [call] = told["first"]["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert told["second"]["choices"][0]["message"]["content"]
    [streamed] = played.value("tools_streamed")["choices"][0]["message"]["tool_calls"]
    assert streamed["function"]["name"] == "weather"


def test_the_tool_runner_runs_them(played: Played) -> None:
    [city] = played.value("tools_run")["asked"]
    assert city


def test_answers_that_fit_a_zod_schema(played: Played) -> None:
    assert set(played.value("parsed")) == {"why", "sure"}


def test_images_by_address_and_inline(played: Played) -> None:
    answer = played.value("images")
    assert answer["usage"]["prompt_tokens"] == played.billed(answer["id"]).usage.total_input > 100


def test_several_answers_are_all_paid_for(played: Played) -> None:
    answer = played.value("several")
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert played.billed(answer["id"]).usage.output == 22


def test_an_answer_tells_the_providers_request_id_and_the_call(played: Played) -> None:
    told = played.value("with_response")
    assert told["id"] == told["request_id"]
    assert told["id"].startswith("req_")
    assert told["call"] in {call.id for call in played.place.ended()}


def test_models(played: Played) -> None:
    names = played.value("models")
    assert "gpt-4o-mini" in names
    assert not [name for name in names if name.startswith("claude")]
    assert played.value("model")["id"] == "gpt-4o-mini"
    error, _ = played.failed("model_unknown")
    assert error["classes"][0] == "NotFoundError"


def test_many_at_once(played: Played) -> None:
    assert played.value("at_once") == 20


@pytest.mark.parametrize("name", ["spent", "spent_streamed"])
def test_a_spent_budget_is_not_tried_again(played: Played, name: str) -> None:
    error, case = played.failed(name)
    assert case.sent == [CHAT]
    assert (error["status"], error["code"], error["type"]) == (402, "budget_exhausted", "insufficient_quota")
    assert error["classes"][0] == "APIError"
    assert error["refusal"] == "budget_exhausted"
    assert "$0.00005 is left" in error["message"]


@pytest.mark.parametrize(
    ("name", "kind", "status", "code"),
    [
        ("limited", "APIError", 402, "limit_reached"),
        ("revoked", "AuthenticationError", 401, "key_revoked"),
        ("expired", "AuthenticationError", 401, "key_expired"),
        ("wrong_key", "AuthenticationError", 401, "key_unknown"),
        ("not_allowed", "PermissionDeniedError", 403, "model_not_allowed"),
        ("not_served", "NotFoundError", 404, "model_unknown"),
        ("field_wrong", "BadRequestError", 400, "field_invalid"),
    ],
)
def test_refusals_are_the_packages_own_errors(played: Played, name: str, kind: str, status: int, code: str) -> None:
    error, case = played.failed(name)
    assert (error["classes"][0], error["status"], error["code"], error["refusal"]) == (kind, status, code, code)
    assert case.sent == [CHAT]


def test_the_providers_own_error(played: Played) -> None:
    error, _ = played.failed("provider_limits_rate")
    assert (error["classes"][0], error["refusal"]) == ("RateLimitError", None)
