"""The Gemini wire, as bytes and read by the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from bursar.sim.prices import MODELS, cost_nanos
from bursar.sim.server import SimServer
from bursar.usage import Usage

from .raw import Got, ask

MODEL = "gemini-2.5-flash"
HELLO = "x" * 40
NO_THOUGHT = {"thinkingConfig": {"thinkingBudget": 0}}


@pytest.fixture
def gemini(sim: SimServer) -> Iterator[genai.Client]:
    with genai.Client(api_key="gamma", http_options=types.HttpOptions(base_url=sim.url)) as client:
        yield client


def generate(
    sim: SimServer, verb: str = "generateContent", *, config: Any = NO_THOUGHT, words: str = "", **fields: Any
) -> Got:
    body = {"contents": [{"parts": [{"text": HELLO}]}], "generationConfig": config, "labels": {"sim": f"sim:{words}"}}
    path = f"/v1beta/models/{MODEL}:{verb}"
    return ask(sim.url, "POST", path, body | fields, key=None, x_goog_api_key="gamma")


def test_answer_and_bill_agree(sim: SimServer, gemini: genai.Client) -> None:
    """10 tokens at $0.30 and 30 at $2.50 a million, of which ten were thoughts."""
    config = types.GenerateContentConfig(labels={"sim": "sim:output_tokens=30;reasoning_tokens=10"})
    answer = gemini.models.generate_content(model=MODEL, contents=HELLO, config=config)
    usage = answer.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count) == (10, 20, 10)
    assert usage.total_token_count == 40
    assert len((answer.text or "").split()) == 20
    [line] = sim.bill.lines("gamma")
    assert (line.call, line.usage) == (answer.response_id, Usage(input=10, output=30, reasoning=10))
    assert (line.cost_nanos, line.finished, line.wire) == (78_000, "complete", "gemini")


def test_every_chunk_counts_what_there_is_so_far(sim: SimServer) -> None:
    chunks = generate(sim, "streamGenerateContent?alt=sse", words="output_tokens=3").events()
    told = [(chunk["usageMetadata"]["totalTokenCount"], "finishReason" in chunk["candidates"][0]) for chunk in chunks]
    assert told == [(11, False), (12, False), (13, False), (13, True)]
    assert sim.bill.lines()[0].usage == Usage(input=10, output=3)


def test_without_events_a_stream_is_a_list_of_the_same_chunks(sim: SimServer) -> None:
    events = generate(sim, "streamGenerateContent?alt=sse", words="output_tokens=3").events()
    listed = generate(sim, "streamGenerateContent", words="output_tokens=3").json()
    assert [chunk["candidates"] for chunk in listed] == [chunk["candidates"] for chunk in events]
    assert [line.cost_nanos for line in sim.bill.lines()] == [10_500] * 2


def test_a_maximum_of_output_for_each_candidate(sim: SimServer) -> None:
    config = {**NO_THOUGHT, "max_output_tokens": 7, "candidate_count": 2}
    answer = generate(sim, config=config, words="output_tokens=30").json()
    assert [each["finishReason"] for each in answer["candidates"]] == ["MAX_TOKENS", "MAX_TOKENS"]
    assert answer["usageMetadata"]["candidatesTokenCount"] == sim.bill.lines()[0].usage.output == 14
    chunks = generate(sim, "streamGenerateContent?alt=sse", config=config, words="output_tokens=30").events()
    assert [each["index"] for each in chunks[-1]["candidates"]] == [0, 1]


def test_counts_of_zero_are_left_out(sim: SimServer) -> None:
    assert set(generate(sim).json()["usageMetadata"]) == {
        "promptTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
        "promptTokensDetails",
    }


FAULTS = [
    ("no_usage", None),
    ("usage_bare", {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 20}),
    ("usage_zero_cached", 0),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS)
def test_faults_of_usage(sim: SimServer, fault: str, told: Any) -> None:
    words = f"fault={fault};output_tokens=10;reasoning_tokens=6"
    usage = generate(sim, config={}, words=words).json().get("usageMetadata")
    assert (usage["cachedContentTokenCount"] if fault == "usage_zero_cached" else usage) == told
    assert sim.bill.lines()[0].usage == Usage(input=10, output=10, reasoning=6)


def test_a_long_prompt_is_cached_and_what_was_cached_is_within_the_prompt(sim: SimServer) -> None:
    long: dict[str, Any] = {"contents": {"parts": {"text": "a" * 6_000}}}
    first, second = (generate(sim, **long).json()["usageMetadata"] for _ in range(2))
    assert (first["promptTokenCount"], second["promptTokenCount"]) == (1_500, 1_500)
    assert ("cachedContentTokenCount" in first, second["cachedContentTokenCount"]) == (False, 1_408)
    assert sim.bill.lines()[1].usage.cache_read == 1_408


def test_a_search_is_billed_once_and_what_it_found_is_read(sim: SimServer) -> None:
    answer = generate(sim, words="web_searches=3;output_tokens=1", tools=[{"google_search": {}}]).json()
    assert len(answer["candidates"][0]["groundingMetadata"]["webSearchQueries"]) == 2
    assert answer["usageMetadata"]["toolUsePromptTokenCount"] == 250
    [line] = sim.bill.lines()
    assert line.usage == Usage(input=260, output=1, web_searches=1)
    assert line.cost_nanos == 260 * 300 + 2_500 + 35_000_000


def test_a_function_is_called_when_it_must_or_is_named(sim: SimServer) -> None:
    schema = {"type": "OBJECT", "properties": {"days_ahead": {"type": "INTEGER"}, "city": {"type": "STRING"}}}
    tools = [{"functionDeclarations": [{"name": "weather", "parameters": schema}, {"name": "other"}]}]
    for asked in (
        {"contents": [{"parts": [{"text": "Call weather."}], "role": "user"}]},
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}},
    ):
        [part] = generate(sim, tools=tools, **asked).json()["candidates"][0]["content"]["parts"]
        assert part["functionCall"]["name"] == "weather"
        assert part["functionCall"]["args"]["days_ahead"] == 1
    told = generate(sim, tools=tools, toolConfig={"functionCallingConfig": {"mode": "NONE"}}).json()
    assert "text" in told["candidates"][0]["content"]["parts"][0]


REFUSED = [
    ({"contents": []}, 400, "INVALID_ARGUMENT"),
    ({"contents": "Hello"}, 400, "INVALID_ARGUMENT"),
    ({"config": {"maxOutputTokens": 65_537}}, 400, "INVALID_ARGUMENT"),
    ({"config": {"temperature": 3}}, 400, "INVALID_ARGUMENT"),
    ({"config": {"candidateCount": 9}}, 400, "INVALID_ARGUMENT"),
    ({"words": "fault=refuse"}, 500, "INTERNAL"),
    ({"words": "fault=overloaded"}, 503, "UNAVAILABLE"),
    ({"words": "fault=rate_limited"}, 429, "RESOURCE_EXHAUSTED"),
]


@pytest.mark.parametrize(("asked", "status", "name"), REFUSED)
def test_refusals_cost_nothing(sim: SimServer, asked: dict[str, Any], status: int, name: str) -> None:
    got = generate(sim, **asked)
    assert (got.status, got.json()["error"]["code"], got.json()["error"]["status"]) == (status, status, name)
    assert generate(sim, "streamGenerateContent", **asked).json()[0]["error"]["status"] == name
    assert sim.bill.lines() == []


def test_the_sdk_raises_its_own_errors(gemini: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model="gemini-none", contents=HELLO)
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_models_and_counts_are_free(sim: SimServer, gemini: genai.Client) -> None:
    assert f"models/{MODEL}" in [model.name for model in gemini.models.list()]
    assert gemini.models.get(model=MODEL).input_token_limit == 1_048_576
    assert gemini.models.count_tokens(model=MODEL, contents=HELLO).total_tokens == 10
    whole = {"generateContentRequest": {"contents": [{"parts": [{"text": HELLO}]}]}}
    path = f"/v1beta/models/{MODEL}:countTokens"
    assert ask(sim.url, "POST", path, whole, key=None, x_goog_api_key="a").json() == {"totalTokens": 10}
    assert ask(sim.url, "POST", path, {}, key=None, x_goog_api_key="a").status == 400
    assert ask(sim.url, "GET", "/v1beta/models", key=None).status == 401
    assert sim.bill.lines() == []


@pytest.mark.parametrize(
    ("name", "usage", "nanos"),
    [
        ("gemini-2.5-flash", Usage(input=1_000, cache_read=1_000, output=1_000), 2_830_000),
        ("gemini-2.5-flash-lite", Usage(input=1, cache_read=1, output=1), 510),
        # 200,000 is still short, one more is long, all of it
        ("gemini-2.5-pro", Usage(input=200_000, output=10), 250_100_000),
        ("gemini-2.5-pro", Usage(input=1, cache_read=200_000, output=10), 50_152_500),
        ("gemini-3.5-flash", Usage(web_searches=1, output=1), 14_009_000),
    ],
)
def test_cost_is_what_googles_list_says(name: str, usage: Usage, nanos: int) -> None:
    assert cost_nanos(MODELS[name], usage) == nanos
