"""The OpenAI wire, read by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from bursar.sim.prices import MODELS, cost_nanos
from bursar.sim.server import SimServer
from bursar.usage import Usage

from .raw import CHAT, ask

HELLO: Any = [{"role": "user", "content": "x" * 40}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}


def told(**words: object) -> dict[str, str]:
    return {f"x-sim-{name.replace('_', '-')}": str(word) for name, word in words.items()}


def joined(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


def test_answer_and_bill_agree(sim: SimServer, gpt: openai.OpenAI) -> None:
    """40 bytes are 10 tokens at $2.50 a million; 25 come out at $10: 25,000 + 250,000 nano-dollars."""
    answer = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, extra_headers=told(output_tokens=25))
    assert answer.model == "gpt-4o-2024-08-06"
    assert answer.choices[0].finish_reason == "stop"
    assert len((answer.choices[0].message.content or "").split()) == 25
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (10, 25, 35)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    [line] = sim.bill.lines("alpha")
    assert (line.call, line.model, line.usage) == (answer.id, "gpt-4o", Usage(input=10, output=25))
    assert (line.cost_nanos, line.finished) == (275_000, "complete")
    assert sim.bill.total_nanos() == sim.bill.total_nanos("alpha") == 275_000


def test_a_repeated_request_gets_the_same_answer(gpt: openai.OpenAI) -> None:
    first, second = (gpt.chat.completions.create(model="gpt-4o", messages=HELLO) for _ in range(2))
    assert first.id != second.id
    assert first.choices == second.choices
    assert first.usage is not None
    assert 10 <= first.usage.completion_tokens <= 30


def test_stream_with_usage(sim: SimServer, gpt: openai.OpenAI) -> None:
    with gpt.chat.completions.create(
        model="gpt-4o",
        messages=HELLO,
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=told(output_tokens=7, tokens_per_event=3),
    ) as stream:
        chunks = list(stream)
    assert len(joined(chunks).split()) == 7
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert len(chunks) == 1 + 3 + 1 + 1
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * 5
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (10, 7)
    assert {chunk.id for chunk in chunks} == {sim.bill.lines()[0].call}


def test_stream_without_usage_does_not_mention_it(sim: SimServer) -> None:
    got = ask(sim.url, "POST", CHAT, {"model": "gpt-4o", "messages": HELLO, "stream": True})
    assert b"usage" not in got.body
    assert got.events()[-1] == "[DONE]"
    assert got.headers["content-type"].startswith("text/event-stream")
    assert len(sim.bill.lines()) == 1


def test_stream_and_answer_say_the_same(gpt: openai.OpenAI) -> None:
    """The text is drawn from the body's bytes, so the two differ in where they begin, not in their shape."""
    with gpt.chat.completions.create(model="gpt-4o", messages=HELLO, n=3, stream=True) as stream:
        chunks = list(stream)
    texts = [joined(chunks, index) for index in range(3)]
    assert len({len(text.split()) for text in texts}) == 1
    assert len(set(texts)) == 3


def test_n_multiplies_output(sim: SimServer, gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, n=4, extra_headers=told(output_tokens=5))
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert sim.bill.lines()[0].usage == Usage(input=10, output=20)


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_the_limit_is_kept(gpt: openai.OpenAI, limit: str) -> None:
    limits: dict[str, Any] = {limit: 4}
    answer = gpt.chat.completions.create(
        model="gpt-4o", messages=HELLO, extra_headers=told(output_tokens=900), **limits
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls(gpt: openai.OpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO, "tools": [WEATHER], "tool_choice": "required"}
    if stream:
        with gpt.chat.completions.create(**asked, stream=True) as events:
            deltas = [choice.delta.tool_calls for chunk in events for choice in chunk.choices]
        calls = [calls[0] for calls in deltas if calls]
        assert calls[0].id
        assert calls[0].function is not None
        assert calls[0].function.name == "get_weather"
        arguments = "".join((call.function and call.function.arguments) or "" for call in calls)
    else:
        choice = gpt.chat.completions.create(**asked).choices[0]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content is None
        assert choice.message.tool_calls is not None
        call = choice.message.tool_calls[0]
        assert call.type == "function"
        arguments = call.function.arguments
    assert set(json.loads(arguments)) == {"city", "days"}


def test_a_tool_is_called_when_the_prompt_names_it(gpt: openai.OpenAI) -> None:
    prompt: Any = [{"role": "user", "content": "please get_weather in Oslo"}]
    first = gpt.chat.completions.create(model="gpt-4o", messages=prompt, tools=[WEATHER]).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.tool_calls is not None
    result = {"role": "tool", "tool_call_id": first.message.tool_calls[0].id, "content": "sunny"}
    followed = [*prompt, first.message.to_dict(), result]
    second = gpt.chat.completions.create(model="gpt-4o", messages=followed, tools=[WEATHER]).choices[0]
    assert second.finish_reason == "stop"
    declined = gpt.chat.completions.create(model="gpt-4o", messages=prompt, tools=[WEATHER], tool_choice="none")
    assert declined.choices[0].message.tool_calls is None


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({"type": "json_object"}, {"answer"}),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "s", "schema": {"properties": {"why": {"type": "string"}}}},
            },
            {"why"},
        ),
    ],
)
def test_response_format(gpt: openai.OpenAI, wanted: Any, keys: set[str]) -> None:
    answer = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, response_format=wanted)
    assert set(json.loads(answer.choices[0].message.content or "")) == keys
    with gpt.chat.completions.create(model="gpt-4o", messages=HELLO, response_format=wanted, stream=True) as stream:
        assert set(json.loads(joined(list(stream)))) == keys


def test_reasoning_is_part_of_the_output(sim: SimServer, gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(
        model="gpt-5", messages=HELLO, extra_headers=told(output_tokens=30, reasoning_tokens=20)
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 30
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 20
    assert len((answer.choices[0].message.content or "").split()) == 10
    assert sim.bill.lines()[0].usage == Usage(input=10, output=30, reasoning=20)
    silent = gpt.chat.completions.create(model="gpt-5", messages=HELLO, reasoning_effort="minimal")
    assert silent.usage is not None
    assert silent.usage.completion_tokens_details is not None
    assert silent.usage.completion_tokens_details.reasoning_tokens == 0


def test_long_prompts_are_cached_unasked(sim: SimServer, gpt: openai.OpenAI) -> None:
    """8,000 bytes are 2,000 tokens: 15 whole steps of 128 are read the second time, at half the price."""
    prompt: Any = [{"role": "system", "content": "s" * 8000}]
    for _ in range(2):
        answer = gpt.chat.completions.create(model="gpt-4o", messages=prompt, extra_headers=told(output_tokens=1))
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 2000
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 1920
    costs = [line.cost_nanos for line in sim.bill.lines()]
    assert costs == [2000 * 2500 + 10_000, 80 * 2500 + 1920 * 1250 + 10_000]


def test_models_that_charge_for_cache_writes_say_so(sim: SimServer, gpt: openai.OpenAI) -> None:
    prompt: Any = [{"role": "system", "content": "s" * 8000}]
    answer = gpt.chat.completions.create(model="gpt-6-luna", messages=prompt)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cache_write_tokens == 1920
    usage = sim.bill.lines()[0].usage
    assert (usage.input, usage.cache_write_5m, usage.total_input) == (80, 1920, 2000)


def test_images_count_as_published_but_never_more_than_the_body(sim: SimServer, gpt: openai.OpenAI) -> None:
    def prompt_tokens(size: int, detail: str) -> int:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * size, "detail": detail}}
        content: Any = [{"role": "user", "content": [{"type": "text", "text": "what is it"}, image]}]
        answer = gpt.chat.completions.create(model="gpt-4o", messages=content)
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    assert prompt_tokens(4000, "low") == 3 + 85
    assert prompt_tokens(4000, "high") == 3 + 765
    assert prompt_tokens(4, "high") < 300
    sim.configure(images_exceed_body=True)
    assert prompt_tokens(4, "high") == 3 + 765


def test_the_worst_tokenizer_counts_every_byte_of_the_body(sim: SimServer) -> None:
    sim.configure(tokenizer="bytes")
    body = json.dumps({"model": "gpt-4o", "messages": HELLO}).encode()
    got = ask(sim.url, "POST", CHAT, body)
    assert got.json()["usage"]["prompt_tokens"] == len(body)


def test_service_tiers(sim: SimServer, gpt: openai.OpenAI) -> None:
    def tier(asked: Any) -> str | None:
        return gpt.chat.completions.create(model="o4-mini", messages=HELLO, service_tier=asked).service_tier

    assert [tier(asked) for asked in ("auto", "flex", "priority", "fast")] == [
        "default",
        "flex",
        "priority",
        "priority",
    ]
    assert [line.variant for line in sim.bill.lines()] == [None, "flex", "priority", "priority"]
    for line in sim.bill.lines():
        assert line.cost_nanos == cost_nanos(MODELS["o4-mini"], line.usage, variant=line.variant)
    sim.configure(delivered_tier="default")
    assert tier("priority") == "default"
    assert sim.bill.lines()[-1].variant is None


def test_models(gpt: openai.OpenAI) -> None:
    listed = {model.id for model in gpt.models.list()}
    assert {"gpt-4o", "gpt-5", "o4-mini", "gpt-6.1-sol"} <= listed
    assert not any(name.startswith("claude") for name in listed)
    assert gpt.models.retrieve("gpt-4o").owned_by == "system"
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("gpt-0")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "cat", "content": "x"}]}, "messages[0].role"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_completion_tokens": 10**9}, "max_completion_tokens"),
        ({"model": "gpt-5", "max_tokens": 5}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "no"}}}, "tool_choice"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        ({"messages": [{"role": "user", "content": "x" * 600_000}]}, "messages"),
        ({"user": "sim:fault=gremlins"}, "sim"),
    ],
)
def test_bad_requests_name_the_field(sim: SimServer, gpt: openai.OpenAI, change: Any, param: str) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO}
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.chat.completions.create(**{**asked, **change})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id is not None
    assert sim.bill.lines() == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b'{"model": NaN}'])
def test_a_body_that_is_no_request_is_refused(sim: SimServer, body: bytes) -> None:
    got = ask(sim.url, "POST", CHAT, body)
    assert got.status == 400
    assert got.json()["error"]["type"] == "invalid_request_error"


def test_unknown_models_routes_and_methods(sim: SimServer, gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        gpt.chat.completions.create(model="gpt-0", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert ask(sim.url, "GET", "/v1/nothing").status == 404
    assert ask(sim.url, "GET", CHAT).status == 405
    assert ask(sim.url, "HEAD", "/").status == 200


def test_keys(sim: SimServer, gpt: openai.OpenAI) -> None:
    sim.configure(keys=["gamma"])
    with pytest.raises(openai.AuthenticationError) as caught:
        gpt.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert caught.value.code == "invalid_api_key"
    assert ask(sim.url, "POST", CHAT, {"model": "gpt-4o", "messages": HELLO}, key=None).status == 401
    answer = gpt.with_options(api_key="gamma").chat.completions.create(model="gpt-4o", messages=HELLO)
    assert [line.call for line in sim.bill.lines("gamma")] == [answer.id]
