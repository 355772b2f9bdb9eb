"""What Anthropic's own package makes of a refusal: its typed exception, at once, with words that a person can use."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from bursar.app import now_us
from bursar.periods import Monthly, iso

from .people import EXPIRED, LIMITED, PICKY, POOR, REVOKED
from .place import Place

MODEL = "claude-haiku-4-5"
HELLO: list[Any] = [{"role": "user", "content": "Say something about budgets."}]


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """Nothing that is refused is held for or sent."""
    before = shared.billed(), len(shared.ended())
    yield shared
    assert (shared.billed(), len(shared.ended()), shared.running()) == (*before, 0)


def refused(place: Place, key: str, *, model: str = MODEL, **asked: Any) -> tuple[anthropic.APIStatusError, int]:
    """The exception, and how many requests the package sent before it gave up."""
    sent: list[str] = []
    http = anthropic.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(request.url.path)]})
    asked.setdefault("max_tokens", 100)
    with (
        anthropic.Anthropic(base_url=place.url, api_key=key, http_client=http) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        client.messages.create(model=model, messages=HELLO, **asked)
    return caught.value, len(sent)


def error_of(error: anthropic.APIStatusError) -> tuple[str, str, str]:
    """The error's type, code and text as Anthropic's shape has them."""
    body: Any = error.body
    assert body["type"] == "error"
    return body["error"]["type"], body["error"]["code"], body["error"]["message"]


def test_a_budget_that_is_used_up(place: Place) -> None:
    error, sent = refused(place, place.keys[POOR])
    kind, code, text = error_of(error)
    assert (error.status_code, kind, code, sent) == (402, "billing_error", "budget_exhausted", 1)
    assert error.response.headers["x-bursar-refusal"] == "budget_exhausted"
    assert "$0.00005 is left" in text
    assert "could cost up to $" in text
    assert f"The next period opens at {iso(Monthly('UTC').at(now_us()).end_us)}" in text
    body: Any = error.body
    assert body["request_id"] == error.response.headers["request-id"]
    assert re.fullmatch("req_[a-p]{32}", body["request_id"]), "no digits that clients could take for a status"


def test_streamed_and_async_it_is_the_same(place: Place) -> None:
    error, sent = refused(place, place.keys[POOR], stream=True)
    assert (error.status_code, error_of(error)[1], sent) == (402, "budget_exhausted", 1)

    async def run() -> None:
        async with anthropic.AsyncAnthropic(base_url=place.url, api_key=place.keys[POOR]) as client:
            await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)

    with pytest.raises(anthropic.APIStatusError) as caught:
        asyncio.run(run())
    assert (caught.value.status_code, error_of(caught.value)[1]) == (402, "budget_exhausted")


def test_a_keys_limit_is_named(place: Place) -> None:
    error, sent = refused(place, place.keys[LIMITED])
    kind, code, text = error_of(error)
    assert (error.status_code, kind, code, sent) == (402, "billing_error", "limit_reached", 1)
    assert "The limit nightly runs is reached: $0.00004 of it is left" in text


@pytest.mark.parametrize(
    ("which", "code"), [(REVOKED, "key_revoked"), (EXPIRED, "key_expired"), ("nobody's", "key_unknown")]
)
def test_keys_that_do_not_work(place: Place, which: str, code: str) -> None:
    key = place.keys.get(which, "sk-ant-something-else")
    error, sent = refused(place, key)
    assert isinstance(error, anthropic.AuthenticationError)
    assert (*error_of(error)[:2], sent) == ("authentication_error", code, 1)
    assert key not in str(error)


def test_a_model_that_nobody_serves(place: Place) -> None:
    error, sent = refused(place, place.key, model="llama-17")
    assert isinstance(error, anthropic.NotFoundError)
    assert (*error_of(error)[:2], sent) == ("not_found_error", "model_unknown", 1)


def test_a_model_that_the_plan_does_not_allow(place: Place) -> None:
    error, sent = refused(place, place.keys[PICKY])
    assert isinstance(error, anthropic.PermissionDeniedError)
    assert (*error_of(error)[:2], sent) == ("permission_error", "model_not_allowed", 1)


def test_a_field_that_is_missing_is_named(place: Place) -> None:
    error, sent = refused(place, place.key, extra_body={"max_tokens": None})
    assert isinstance(error, anthropic.BadRequestError)
    kind, code, text = error_of(error)
    assert (kind, code, sent) == ("invalid_request_error", "field_missing", 1)
    assert "max_tokens" in text


def test_the_list_of_models_is_what_the_plan_allows(place: Place) -> None:
    with anthropic.Anthropic(base_url=place.url, api_key=place.keys[PICKY]) as client:
        names = [model.id for model in client.models.list()]
    assert names
    assert [name for name in names if not name.startswith("claude-opus-")] == []
