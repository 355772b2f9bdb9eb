"""Bad requests on OpenAI's other routes: each is refused by its field, and nothing of it reaches a provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.unit.sim.raw import ask

from .people import POOR
from .place import Place
from .raw import ROUTES, body_of
from .test_bad_input import assert_refused

OTHERS = ["responses", "embeddings", "completions"]


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """Nothing that is refused is held for or sent."""
    before = shared.billed(), len(shared.ended())
    yield shared
    assert (shared.billed(), len(shared.ended()), shared.running()) == (*before, 0)


WRONG = """
  responses    max_output_tokens     -1                                     field_invalid       max_output_tokens
  responses    max_output_tokens     1e400                                  field_invalid       max_output_tokens
  responses    max_output_tokens     NaN                                    body_invalid        -
  responses    Input                 "a"                                    field_invalid       Input
  responses    input                 7                                      field_invalid       input
  responses    model                 null                                   field_missing       model
  responses    stream                1                                      field_invalid       stream
  responses    service_tier          "platinum"                             variant_not_priced  service_tier
  responses    background            true                                   field_invalid       background
  responses    prompt                {"id":"pmpt_1"}                        field_invalid       prompt
  responses    context_management    [{"type":"compaction"}]                field_invalid       context_management
  responses    tools                 [{"type":"file_search"}]               field_invalid       tools[0].type
  responses    tools                 [{"type":"code_interpreter"}]          field_invalid       tools[0].type
  responses    tools                 [{"type":"image_generation"}]          field_invalid       tools[0].type
  responses    tools                 [{"type":"mcp","server_label":"a"}]    field_invalid       tools[0].type
  responses    tools                 [{"type":"brand_new"}]                 field_invalid       tools[0].type
  responses    tools                 [{"type":"shell"}]                     field_invalid       tools[0].environment
  embeddings   input                 null                                   field_missing       input
  embeddings   input                 {"a":1}                                field_invalid       input
  embeddings   input                 [{"a":1}]                              field_invalid       input
  embeddings   model                 7                                      field_invalid       model
  completions  prompt                7                                      field_invalid       prompt
  completions  max_tokens            -1                                     field_invalid       max_tokens
  completions  max_tokens            "many"                                 field_invalid       max_tokens
  completions  n                     1000000000                             field_invalid       n
  completions  best_of               0                                      field_invalid       best_of
  completions  service_tier          "platinum"                             variant_not_priced  service_tier
"""


@pytest.mark.parametrize("row", WRONG.strip().splitlines(), ids=lambda row: "-".join(row.split()[:3]))
def test_fields_that_are_wrong_are_named(place: Place, row: str) -> None:
    wire, name, value, code, field = row.split()
    body = json.dumps(body_of(wire) | {name: "@"}).replace('"@"', value).encode()
    got = ask(place.url, "POST", ROUTES[wire], body, key=place.key)
    assert_refused("openai", got, 400, code, None if field == "-" else field)


@pytest.mark.parametrize("wire", OTHERS)
def test_models_that_nobody_serves_or_prices(place: Place, wire: str) -> None:
    for model, code in (("llama-17", "model_unknown"), ("gpt-made-up", "model_not_priced")):
        got = ask(place.url, "POST", ROUTES[wire], body_of(wire, model=model), key=place.key)
        assert_refused("openai", got, 404, code, "model")


@pytest.mark.parametrize("wire", OTHERS)
def test_bodies_that_are_no_request(place: Place, wire: str) -> None:
    for body in (b"", b"[]", b'{"model": "\xff"}', b'{"input": ' + b"[" * 100_000):
        assert_refused("openai", ask(place.url, "POST", ROUTES[wire], body, key=place.key), 400, "body_invalid")


def test_counting_needs_a_model_that_is_served(place: Place) -> None:
    path = "/v1/responses/input_tokens"
    got = ask(place.url, "POST", path, {"input": "a"}, key=place.key)
    assert_refused("openai", got, 400, "field_missing", "model")
    got = ask(place.url, "POST", path, {"model": "llama-17", "input": "a"}, key=place.key)
    assert_refused("openai", got, 404, "model_unknown", "model")


def test_a_maximum_that_must_be_given_is_named_as_the_route_calls_it(place: Place) -> None:
    body = body_of("responses", model="gpt-chat-latest", max_output_tokens=None)
    got = ask(place.url, "POST", ROUTES["responses"], body, key=place.key)
    assert_refused("openai", got, 400, "field_missing", "max_output_tokens")


def test_a_file_in_a_model_whose_window_is_not_known(place: Place) -> None:
    items = [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]
    body = body_of("responses", model="gpt-chat-latest", input=items)
    got = ask(place.url, "POST", ROUTES["responses"], body, key=place.key)
    assert_refused("openai", got, 400, "input_not_bounded", "input[0].content[0]")


def test_a_search_that_has_no_price(place: Place) -> None:
    body = body_of("responses", model="gpt-3.5-turbo", tools=[{"type": "web_search"}])
    got = ask(place.url, "POST", ROUTES["responses"], body, key=place.key)
    assert (got.status, got.headers["x-bursar-refusal"]) == (400, "variant_not_priced")


@pytest.mark.parametrize("stream", [False, True])
def test_a_spent_budget_is_a_typed_error_without_another_try(place: Place, stream: bool) -> None:
    sent: list[str] = []
    http = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(request.url.path)]})
    asked: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Say something about budgets.", "stream": stream}
    with (
        openai.OpenAI(base_url=f"{place.url}/v1", api_key=place.keys[POOR], http_client=http) as client,
        pytest.raises(openai.APIStatusError) as caught,
    ):
        client.responses.create(**asked)
    error = caught.value
    assert (error.status_code, error.code, error.type) == (402, "budget_exhausted", "insufficient_quota")
    assert sent == ["/v1/responses"]
    assert "$0.00005 is left" in error.message
