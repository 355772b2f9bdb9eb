"""Calls through the gateway, then the logs and telemetry of the same calls: all of it is charged once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bursar.store.schema import calls
from tests.gateway.place import Place, opened
from tests.support.books import assert_proved, sums
from tests.support.company import EMAIL

ASKED = [{"role": "user", "content": "Say something about budgets."}]
PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "anthropic": ("/v1/messages", {"model": "claude-sonnet-4-5", "max_tokens": 50}),
    "openai": ("/v1/chat/completions", {"model": "gpt-5-mini"}),
    "responses": ("/v1/responses", {"model": "gpt-5-mini"}),
    "google": ("/v1beta/models/gemini-2.5-flash:generateContent", {}),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with opened(tmp_path_factory.mktemp("once"), amount="10.00", plan='outside_usage = "charge"') as made:
        yield made


def body_of(wire: str, *, stream: bool) -> dict[str, Any]:
    body: dict[str, Any] = dict(PATHS[wire][1])
    if wire == "google":
        return {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
    body["input" if wire == "responses" else "messages"] = ASKED
    return body | ({"stream": True} if stream else {})


def called(place: Place, wire: str, *, stream: bool) -> tuple[str, str]:
    """A call, and the provider's names for its request and its answer, as the client sees them."""
    path = PATHS[wire][0]
    if wire == "google" and stream:
        path = path.replace(":generateContent", ":streamGenerateContent") + "?alt=sse"
    answer = httpx.post(place.url + path, json=body_of(wire, stream=stream), headers={"x-api-key": place.key})
    assert answer.status_code == 200, answer.text
    request = answer.headers.get("request-id") or answer.headers.get("x-request-id") or ""
    whole = answer.text if not stream else answer.text.split("data: ")[1].split("\n")[0]
    told = json.loads(whole)
    told = told.get("message") or told.get("response") or told
    return request, str(told.get("id") or told["responseId"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", PATHS)
def test_what_the_gateway_billed_is_not_charged_again(place: Place, wire: str, stream: bool) -> None:
    before = len(place.ended())
    request, message = called(place, wire, stream=stream)
    assert place.last(before).outcome == "settled"
    with place.database.reading() as connection:
        kept = connection.execute(
            sa.select(calls.c.provider_request, calls.c.provider_message).order_by(calls.c.posting_id.desc())
        ).first()
    assert kept is not None
    assert tuple(kept) == (request, message)
    spent = sums(place.database).spent
    for key, names in ({"log": {"request_id": request}, "span": {"message_id": message}}).items():
        if not any(names.values()):
            continue
        record: dict[str, Any] = {"key": f"{key} {message}", "at": now_of(place), "catalog": "anthropic"}
        record |= {"model": "claude-sonnet-4-5", "output_tokens": 5, "person": EMAIL, **names}
        told = place.operator("POST", "/usage", {"source": key, "records": [record]})
        assert json.loads(told.body)["states"] == {"billed": 1}, told
    assert sums(place.database).spent == spent
    assert_proved(place.database)


def now_of(place: Place) -> str:
    """When the last call began."""
    [call] = json.loads(place.operator("GET", "/usage?limit=1").body)
    return str(call["started"])
