"""Anthropic's npm package, unmodified, through the gateway: what it asks for works, refusals are its own errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .npm import Played
from .place import Place

MESSAGES = "POST /v1/messages"


@pytest.fixture(scope="module")
def played(shared: Place) -> Iterator[Played]:
    yield Played(shared, "anthropic.mjs")
    shared.assert_books_are_the_bill()


def blocks_of(message: Any, kind: str) -> list[Any]:
    return [block for block in message["content"] if block["type"] == kind]


def test_whole(played: Played) -> None:
    answer = played.value("whole")
    assert blocks_of(answer, "text")[0]["text"]
    used = played.billed(answer["id"]).usage
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (used.input, used.output)


def test_streamed(played: Played) -> None:
    events = played.value("streamed")
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    told = played.value("stream_helper")
    assert len(told["text"].split()) == played.billed(told["final"]["id"]).usage.output == 25


def test_a_stream_that_is_left_is_paid_to_its_end(played: Played) -> None:
    """400 tokens were asked for and one event was read: the provider bills them all."""
    assert played.value("stream_abandoned") == {"seen": "message_start"}
    assert 400 in {line.usage.output for line in played.place.sim.bill.lines() if line.wire == "anthropic"}


def test_tools(played: Played) -> None:
    told = played.value("tools")
    [call] = blocks_of(told["first"], "tool_use")
    assert (call["name"], set(call["input"])) == ("weather", {"city"})
    assert blocks_of(told["second"], "text")
    [streamed] = blocks_of(played.value("tools_streamed"), "tool_use")
    assert (streamed["name"], set(streamed["input"])) == ("weather", {"city"})


def test_answers_that_fit_a_zod_schema(played: Played) -> None:
    assert set(played.value("parsed")) == {"why", "sure"}


def test_images_by_address_and_inline(played: Played) -> None:
    answer = played.value("images")
    assert answer["usage"]["input_tokens"] == played.billed(answer["id"]).usage.input > 100


def test_cache_writes_then_reads(played: Played) -> None:
    told = played.value("cached")
    first, second = told["first"]["usage"], told["second"]["usage"]
    written = played.billed(told["first"]["id"]).usage.cache_write_5m
    assert first["cache_creation_input_tokens"] == written == second["cache_read_input_tokens"] > 4_000
    assert played.billed(told["second"]["id"]).usage.cache_read == written


def test_thinking_with_a_budget(played: Played) -> None:
    answer = played.value("thinking")
    assert [block["type"] for block in answer["content"]] == ["thinking", "text"]
    assert answer["usage"]["output_tokens"] == played.billed(answer["id"]).usage.output == 90


@pytest.mark.parametrize("name", ["beta", "auth_token"])
def test_the_beta_client_and_a_bearer_token(played: Played, name: str) -> None:
    answer = played.value(name)
    assert played.billed(answer["id"]).usage.output == answer["usage"]["output_tokens"] == 9


def test_counting_tokens_is_free(played: Played) -> None:
    assert played.value("counted") == {"input_tokens": 100}
    assert played.cases["counted"].sent == ["POST /v1/messages/count_tokens"]
    assert 100 not in {line.usage.input for line in played.place.sim.bill.lines() if line.wire == "anthropic"}


def test_an_answer_tells_the_providers_request_id_and_the_call(played: Played) -> None:
    told = played.value("with_response")
    assert told["id"] == told["header"]
    assert told["call"] in {call.id for call in played.place.ended()}


def test_models(played: Played) -> None:
    names = played.value("models")
    assert "claude-haiku-4-5" in names
    assert [name for name in names if not name.startswith("claude")] == []
    assert played.value("model")["id"] == "claude-haiku-4-5"
    error, _ = played.failed("model_unknown")
    assert error["classes"][0] == "NotFoundError"


def test_many_at_once(played: Played) -> None:
    assert played.value("at_once") == 20


@pytest.mark.parametrize("name", ["spent", "spent_streamed"])
def test_a_spent_budget_is_not_tried_again(played: Played, name: str) -> None:
    error, case = played.failed(name)
    assert case.sent == [MESSAGES]
    assert (error["classes"][0], error["status"], error["type"]) == ("PaymentRequiredError", 402, "billing_error")
    assert (error["code"], error["refusal"]) == ("budget_exhausted", "budget_exhausted")
    assert "$0.00005 is left" in error["message"]


@pytest.mark.parametrize(
    ("name", "kind", "status", "code"),
    [
        ("limited", "PaymentRequiredError", 402, "limit_reached"),
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
    assert case.sent == [MESSAGES]


def test_the_providers_own_error(played: Played) -> None:
    error, _ = played.failed("provider_limits_rate")
    assert (error["classes"][0], error["refusal"]) == ("RateLimitError", None)
