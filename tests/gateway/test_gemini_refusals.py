"""What Google's own package makes of a refusal: its typed exception, at once, with words that a person can use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types

from tests.unit.sim.raw import Got, ask

from .people import EXPIRED, LIMITED, PICKY, POOR, REVOKED
from .place import Place

MODEL = "gemini-2.5-flash"
HELLO = "Say something about budgets."
# The package derives a class from one of aiohttp's, which aiohttp discourages.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
RETRY = types.HttpRetryOptions(attempts=3, initial_delay=0.01)


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """Nothing that is refused is held for or sent."""
    before = shared.billed(), len(shared.ended())
    yield shared
    assert (shared.billed(), len(shared.ended()), shared.running()) == (*before, 0)


def refused(
    place: Place, key: str, *, model: str = MODEL, stream: bool = False, **config: Any
) -> tuple[errors.APIError, dict[str, Any], int]:
    """The exception, its ErrorInfo, and how many requests the package sent; it was told to try again."""
    sent: list[str] = []
    asked: Any = {"model": model, "contents": HELLO, "config": types.GenerateContentConfig(**config)}
    with httpx.Client(event_hooks={"request": [lambda request: sent.append(request.url.path)]}) as http:
        at = types.HttpOptions(base_url=place.url, retry_options=RETRY, httpx_client=http)
        client = genai.Client(api_key=key, http_options=at)
        ask_for = client.models.generate_content_stream if stream else client.models.generate_content
        with pytest.raises(errors.APIError) as caught:
            list(ask_for(**asked))
    return caught.value, caught.value.details["error"]["details"][0], len(sent)


def test_a_budget_that_is_used_up(place: Place) -> None:
    error, info, sent = refused(place, place.keys[POOR], max_output_tokens=100)
    assert isinstance(error, errors.ClientError)
    assert (error.code, error.status, sent) == (402, "FAILED_PRECONDITION", 1)
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert (info["reason"], info["domain"]) == ("BUDGET_EXHAUSTED", "bursar")
    assert "$0.00005 is left" in (error.message or "")
    assert len(error.details["error"]["details"]) == 1


def test_streamed_and_async_it_is_the_same(place: Place) -> None:
    error, info, sent = refused(place, place.keys[POOR], stream=True)
    assert (type(error), error.code, info["reason"], sent) == (errors.ClientError, 402, "BUDGET_EXHAUSTED", 1)

    async def run() -> None:
        at = types.HttpOptions(base_url=place.url)
        async with genai.Client(api_key=place.keys[POOR], http_options=at).aio as client:
            await client.models.generate_content(model=MODEL, contents=HELLO)

    with pytest.raises(errors.ClientError) as caught:
        asyncio.run(run())
    assert caught.value.code == 402


@pytest.mark.parametrize(
    ("which", "code", "status", "reason"),
    [
        (LIMITED, 402, "FAILED_PRECONDITION", "LIMIT_REACHED"),
        (REVOKED, 401, "UNAUTHENTICATED", "KEY_REVOKED"),
        (EXPIRED, 401, "UNAUTHENTICATED", "KEY_EXPIRED"),
        (PICKY, 403, "PERMISSION_DENIED", "MODEL_NOT_ALLOWED"),
    ],
)
def test_keys_that_may_not(place: Place, which: str, code: int, status: str, reason: str) -> None:
    error, info, sent = refused(place, place.keys[which])
    assert (error.code, error.status, info["reason"], sent) == (code, status, reason, 1)
    assert place.keys[which] not in str(error)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("llama-17", "MODEL_UNKNOWN"),
        ("gpt-4o-mini", "MODEL_UNKNOWN"),
        ("gemini-made-up", "MODEL_NOT_PRICED"),
        ("gemini-2.5-flash-image", "MODEL_NOT_PRICED"),
    ],
)
def test_models_that_are_not_served(place: Place, model: str, reason: str) -> None:
    error, info, sent = refused(place, place.key, model=model)
    assert (error.code, error.status, info["reason"], sent) == (404, "NOT_FOUND", reason, 1)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"response_modalities": ["AUDIO"]}, "generationConfig.responseModalities"),
        ({"candidate_count": 9}, "generationConfig.candidateCount"),
        ({"tools": [types.Tool(code_execution=types.ToolCodeExecution())]}, "tools[0].codeExecution"),
        ({"tools": [types.Tool(url_context=types.UrlContext())]}, "tools[0].urlContext"),
        ({"service_tier": "priority"}, "serviceTier"),
    ],
)
def test_what_cannot_be_priced_is_named(place: Place, config: dict[str, Any], field: str) -> None:
    error, info, sent = refused(place, place.key, **config)
    assert (error.code, error.status, sent) == (400, "INVALID_ARGUMENT", 1)
    assert info["metadata"]["field"] == field
    assert field in (error.message or "")


ROUTES = """
  POST | /v1beta/models/gemini-2.5-flash:batchGenerateContent     | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/gemini-2.5-flash:predict                  | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/gemini-2.5-flash:predictLongRunning       | 404 ROUTE_UNKNOWN
  POST | /v1/models/gemini-2.5-flash:asyncBatchEmbedContent       | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/gemini%2F..%2Fx:generateContent           | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/a%3Fb:generateContent                     | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/:generateContent                          | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/gemini-2.5-flash                          | 405 METHOD_UNKNOWN
  GET  | /v1beta/models/gemini-2.5-flash:generateContent          | 405 METHOD_UNKNOWN
  POST | /v1beta/tunedModels/mine:generateContent                 | 404 ROUTE_UNKNOWN
  POST | /v1beta/cachedContents                                   | 404 ROUTE_UNKNOWN
  GET  | /v1beta/files                                            | 404 ROUTE_UNKNOWN
  POST | /upload/v1beta/files                                     | 404 ROUTE_UNKNOWN
  POST | /v1beta/interactions                                     | 404 ROUTE_UNKNOWN
  POST | /v1beta/models/gemini-2.5-flash:generateContent?alt=proto | 400 FIELD_INVALID
  POST | /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=media | 400 FIELD_INVALID
"""


@pytest.mark.parametrize("row", [line.split("|") for line in ROUTES.strip().splitlines()])
def test_what_is_not_served_is_refused_by_name(place: Place, row: list[str]) -> None:
    method, path, expected = (cell.strip() for cell in row)
    got = ask(
        place.url, method, path, {"contents": [{"parts": [{"text": "Hello"}]}]}, key=None, x_goog_api_key=place.key
    )
    assert told(got) == expected
    assert place.key not in got.body.decode()


def told(got: Got) -> str:
    error = got.json()["error"]
    assert error["code"] == got.status
    return f"{got.status} {error['details'][0]['reason']}"
