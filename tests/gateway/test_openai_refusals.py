"""What OpenAI's own package makes of a refusal: its typed exception, at once, with words that a person can use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from bursar.app import now_us
from bursar.periods import Monthly, iso

from .people import EXPIRED, LIMITED, PICKY, POOR, REVOKED
from .place import Place

MODEL = "gpt-4o-mini"
HELLO: list[Any] = [{"role": "user", "content": "Say something about budgets."}]


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """Nothing that is refused is held for or sent."""
    before = shared.billed(), len(shared.ended())
    yield shared
    assert (shared.billed(), len(shared.ended()), shared.running()) == (*before, 0)


def refused(place: Place, key: str, *, model: str = MODEL, **asked: Any) -> tuple[openai.APIStatusError, int]:
    """The exception, and how many requests the package sent before it gave up."""
    sent: list[str] = []
    http = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(request.url.path)]})
    with (
        openai.OpenAI(base_url=f"{place.url}/v1", api_key=key, http_client=http) as client,
        pytest.raises(openai.APIStatusError) as caught,
    ):
        client.chat.completions.create(model=model, messages=HELLO, **asked)
    return caught.value, len(sent)


def test_a_budget_that_is_used_up(place: Place) -> None:
    error, sent = refused(place, place.keys[POOR], max_tokens=100)
    assert (error.status_code, error.code, error.type, sent) == (402, "budget_exhausted", "insufficient_quota", 1)
    assert error.response.headers["x-bursar-refusal"] == "budget_exhausted"
    assert error.response.headers["x-should-retry"] == "false"
    assert "$0.00005 is left" in error.message
    renews_us = Monthly("UTC").at(now_us()).end_us
    assert f"The next period opens at {iso(renews_us)}" in error.message
    bound_usd = float(error.message.partition("could cost up to $")[2].partition(". ")[0])
    assert 0.00005 < bound_usd < 0.001


def test_streamed_and_async_it_is_the_same(place: Place) -> None:
    error, sent = refused(place, place.keys[POOR], stream=True)
    assert (error.status_code, error.code, sent) == (402, "budget_exhausted", 1)

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{place.url}/v1", api_key=place.keys[POOR]) as client:
            await client.chat.completions.create(model=MODEL, messages=HELLO)

    with pytest.raises(openai.APIStatusError) as caught:
        asyncio.run(run())
    assert (caught.value.status_code, caught.value.code) == (402, "budget_exhausted")


def test_a_keys_limit_is_named(place: Place) -> None:
    error, sent = refused(place, place.keys[LIMITED])
    assert (error.status_code, error.code, sent) == (402, "limit_reached", 1)
    assert "The limit nightly runs is reached: $0.00004 of it is left" in error.message


@pytest.mark.parametrize(
    ("which", "code", "words"),
    [
        (REVOKED, "key_revoked", "was revoked"),
        (EXPIRED, "key_expired", "expired at"),
    ],
)
def test_keys_that_no_longer_work(place: Place, which: str, code: str, words: str) -> None:
    error, sent = refused(place, place.keys[which])
    assert isinstance(error, openai.AuthenticationError)
    assert (error.code, sent) == (code, 1)
    assert words in error.message
    assert place.keys[which] not in str(error)


def test_a_wrong_key(place: Place) -> None:
    error, sent = refused(place, "sk-something-else")
    assert isinstance(error, openai.AuthenticationError)
    assert (error.code, sent) == ("key_unknown", 1)
    assert "bsr_" in error.message


def test_a_model_that_nobody_serves(place: Place) -> None:
    error, sent = refused(place, place.key, model="llama-17")
    assert isinstance(error, openai.NotFoundError)
    assert (error.code, error.param, sent) == ("model_unknown", "model", 1)
    assert "'llama-17'" in error.message


def test_a_model_without_a_price(place: Place) -> None:
    error, sent = refused(place, place.key, model="gpt-made-up")
    assert isinstance(error, openai.NotFoundError)
    assert (error.code, sent) == ("model_not_priced", 1)


def test_a_model_of_the_other_wire(place: Place) -> None:
    error, _ = refused(place, place.key, model="claude-haiku-4-5")
    assert isinstance(error, openai.NotFoundError)


def test_a_model_that_the_plan_does_not_allow(place: Place) -> None:
    error, sent = refused(place, place.keys[PICKY])
    assert isinstance(error, openai.PermissionDeniedError)
    assert (error.code, sent) == ("model_not_allowed", 1)
    assert "It allows claude-opus-*, gpt-5*." in error.message


def test_the_list_of_models_is_what_the_plan_allows(place: Place) -> None:
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=place.keys[PICKY]) as client:
        names = [model.id for model in client.models.list()]
    assert "gpt-5-mini" in names
    assert [name for name in names if not name.startswith("gpt-5")] == []


def test_a_key_that_is_revoked_stops_at_once(place: Place) -> None:
    made = place.operator("POST", "/keys", {"person": "spare@example.com", "name": "lost"})
    assert made.status == 201, made.body
    fresh = made.json()
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=fresh["secret"]) as client:
        assert client.models.retrieve(MODEL).id == MODEL
        assert place.operator("DELETE", f"/keys/{fresh['key']['id']}").status == 200
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.retrieve(MODEL)
    assert caught.value.code == "key_revoked"
