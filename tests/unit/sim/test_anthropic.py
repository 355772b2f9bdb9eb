"""The Anthropic wire, read by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from bursar.sim.prices import MODELS, cost_nanos
from bursar.sim.server import SimServer
from bursar.usage import Usage

from .raw import MESSAGES, ask, message

HELLO: Any = [{"role": "user", "content": "x" * 40}]
MODEL = "claude-sonnet-5"
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
}


def told(**words: object) -> dict[str, str]:
    return {f"x-sim-{name.replace('_', '-')}": str(word) for name, word in words.items()}


def test_answer_and_bill_agree(sim: SimServer, claude: anthropic.Anthropic) -> None:
    """10 tokens at $2 and 25 at $10 a million."""
    answer = claude.messages.create(model=MODEL, max_tokens=99, messages=HELLO, extra_headers=told(output_tokens=25))
    assert (answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens) == ("end_turn", 10, 25)
    assert answer.usage.cache_read_input_tokens == answer.usage.cache_creation_input_tokens == 0
    assert answer.content[0].type == "text"
    assert len(answer.content[0].text.split()) == 25
    [line] = sim.bill.lines("beta")
    assert (line.call, line.usage) == (answer.id, Usage(input=10, output=25))
    assert (line.cost_nanos, line.finished, line.wire) == (270_000, "complete", "anthropic")


def test_stream_accumulates_to_the_answer(sim: SimServer, claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(
        model=MODEL, max_tokens=9, messages=HELLO, extra_headers=told(output_tokens=50)
    ) as stream:
        text = "".join(stream.text_stream)
        whole = stream.get_final_message()
    assert len(text.split()) == 9
    assert (whole.stop_reason, whole.usage.input_tokens, whole.usage.output_tokens) == ("max_tokens", 10, 9)
    assert sim.bill.lines()[0].call == whole.id
    assert sim.bill.lines()[0].usage == Usage(input=10, output=9)


def test_events_come_in_their_order(sim: SimServer) -> None:
    got = message(sim.url, stream=True, output_tokens="2")
    names = [line[7:] for line in got.body.decode().splitlines() if line.startswith("event: ")]
    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    events = got.events()
    assert [event["type"] for event in events] == names
    start, end = events[0]["message"]["usage"], events[-2]["usage"]
    assert (start["input_tokens"], start["output_tokens"]) == (10, 1)
    assert start["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert (end["input_tokens"], end["output_tokens"]) == (10, 2)
    assert "cache_creation" not in end
    assert got.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("display", ["summarized", "omitted"])
@pytest.mark.parametrize("stream", [False, True])
def test_thinking(sim: SimServer, claude: anthropic.Anthropic, display: Any, stream: bool) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "max_tokens": 5000,
        "messages": HELLO,
        "thinking": {"type": "enabled", "budget_tokens": 1024, "display": display},
        "extra_headers": told(output_tokens=30, reasoning_tokens=12),
    }
    if stream:
        with claude.messages.stream(**asked) as events:
            answer: Any = events.get_final_message()
    else:
        answer = claude.messages.create(**asked)
    thought, text = answer.content
    assert thought.type == "thinking"
    assert thought.signature
    assert len(thought.thinking.split()) == (12 if display == "summarized" else 0)
    assert len(text.text.split()) == 18
    assert answer.usage.output_tokens == 30
    assert answer.usage.output_tokens_details.thinking_tokens == 12
    assert sim.bill.lines()[0].usage == Usage(input=10, output=30, reasoning=12)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_use(claude: anthropic.Anthropic, stream: bool) -> None:
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 500, "messages": HELLO, "tools": [WEATHER]}
    asked["tool_choice"] = {"type": "tool", "name": "get_weather"}
    if stream:
        with claude.messages.stream(**asked) as events:
            answer: Any = events.get_final_message()
    else:
        answer = claude.messages.create(**asked)
    [block] = answer.content
    assert answer.stop_reason == "tool_use"
    assert (block.type, block.name, set(block.input)) == ("tool_use", "get_weather", {"city", "days"})
    result = {"type": "tool_result", "tool_use_id": block.id, "content": "sunny"}
    turns = [*HELLO, {"role": "assistant", "content": [block.to_dict()]}, {"role": "user", "content": [result]}]
    followed = claude.messages.create(model=MODEL, max_tokens=500, messages=turns, tools=[WEATHER])
    assert followed.stop_reason == "end_turn"


@pytest.mark.parametrize("stream", [False, True])
def test_answers_that_fit_a_schema(claude: anthropic.Anthropic, stream: bool) -> None:
    schema = {"type": "object", "properties": {"why": {"type": "string"}, "sure": {"type": "boolean"}}}
    asked: Any = {"model": MODEL, "max_tokens": 99, "messages": HELLO}
    asked["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if stream:
        with claude.messages.stream(**asked) as streaming:
            answer = streaming.get_final_message()
    else:
        answer = claude.messages.create(**asked)
    [block] = answer.content
    assert block.type == "text"
    assert set(json.loads(block.text)) == {"why", "sure"}


def test_a_marked_prefix_is_written_once_and_then_read(sim: SimServer, claude: anthropic.Anthropic) -> None:
    """2,000 tokens for an hour and 1,500 for five minutes; the last 10 are never cached. $4, $2.50, $0.20, $2."""
    system: Any = [
        {"type": "text", "text": "s" * 8000, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "t" * 6000, "cache_control": {"type": "ephemeral"}},
    ]
    for _ in range(2):
        with claude.messages.stream(
            model=MODEL, max_tokens=50, system=system, messages=HELLO, extra_headers=told(output_tokens=1)
        ) as stream:
            usage = stream.get_final_message().usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (10, 3500, 0)
    first, second = sim.bill.lines()
    assert first.usage == Usage(input=10, cache_write_5m=1500, cache_write_1h=2000, output=1)
    assert first.cost_nanos == 10 * 2000 + 1500 * 2500 + 2000 * 4000 + 10_000
    assert second.usage == Usage(input=10, cache_read=3500, output=1)
    assert second.cost_nanos == 10 * 2000 + 3500 * 200 + 10_000


def test_the_whole_request_can_be_marked(sim: SimServer, claude: anthropic.Anthropic) -> None:
    prompt: Any = [{"role": "user", "content": "x" * 8000}]
    for _ in range(2):
        claude.messages.create(model=MODEL, max_tokens=50, messages=prompt, cache_control={"type": "ephemeral"})
    assert [line.usage.cache_write_5m for line in sim.bill.lines()] == [2000, 0]
    assert [line.usage.cache_read for line in sim.bill.lines()] == [0, 2000]


def test_web_searches_are_billed_and_bring_input(sim: SimServer) -> None:
    body = {
        "model": MODEL,
        "max_tokens": 100,
        "messages": HELLO,
        "stream": True,
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "metadata": {"user_id": "sim:web_searches=2;output_tokens=3"},
    }
    got = ask(sim.url, "POST", MESSAGES, body)
    events = got.events()
    start, end = events[0]["message"]["usage"], events[-2]["usage"]
    assert end["input_tokens"] - start["input_tokens"] == 500
    assert end["server_tool_use"]["web_search_requests"] == 2
    [line] = sim.bill.lines()
    assert line.usage == Usage(input=end["input_tokens"], output=3, web_searches=2)
    assert line.cost_nanos == end["input_tokens"] * 2000 + 3 * 10_000 + 20_000_000


def test_searches_are_read_by_the_sdk(claude: anthropic.Anthropic) -> None:
    tools: Any = [{"type": "web_search_20250305", "name": "web_search"}]
    answer = claude.messages.create(
        model=MODEL, max_tokens=100, messages=HELLO, tools=tools, extra_headers=told(web_searches=1)
    )
    assert [block.type for block in answer.content] == ["server_tool_use", "web_search_tool_result", "text"]
    assert answer.usage.server_tool_use is not None
    assert answer.usage.server_tool_use.web_search_requests == 1


def test_fast_and_us(sim: SimServer, claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(
        model="claude-opus-5-5",
        max_tokens=50,
        messages=HELLO,
        inference_geo="us",
        extra_body={"speed": "fast"},
        extra_headers=told(output_tokens=1),
    )
    assert (answer.usage.speed, answer.usage.inference_geo) == ("fast", "us")
    [line] = sim.bill.lines()
    assert line.variant == "fast"
    assert line.cost_nanos == cost_nanos(MODELS["claude-opus-5-5"], line.usage, variant="fast", us_geo=True)
    assert line.cost_nanos == (10 * 8000 + 40_000) * 11 // 10


def test_images_and_the_worst_tokenizer(sim: SimServer, claude: anthropic.Anthropic) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 4000}
    prompt: Any = [
        {"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "see"}]}
    ]
    assert claude.messages.create(model=MODEL, max_tokens=50, messages=prompt).usage.input_tokens == 1 + 1 + 1334
    sim.configure(tokenizer="bytes")
    assert claude.messages.create(model=MODEL, max_tokens=50, messages=prompt).usage.input_tokens > 4000


def test_count_tokens_is_free_and_right(sim: SimServer, claude: anthropic.Anthropic) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "system": "y" * 44, "tools": [WEATHER]}
    counted = claude.messages.count_tokens(**asked)
    assert sim.bill.lines() == []
    assert claude.messages.create(**asked, max_tokens=50).usage.input_tokens == counted.input_tokens > 21
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.count_tokens(model=MODEL, messages=[])


def test_models(claude: anthropic.Anthropic) -> None:
    listed = {model.id: model for model in claude.models.list()}
    assert listed["claude-opus-4-5-20251101"].display_name == "Claude Opus 4.5"
    assert listed["claude-sonnet-5"].created_at.year == 2026
    assert claude.models.retrieve("claude-haiku-4-5").line == "haiku"
    assert not any(name.startswith("gpt") for name in listed)
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("gpt-4o")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"messages": []}, "messages: at least one"),
        ({"messages": [{"role": "cat", "content": "x"}]}, "messages[0].role: "),
        ({"max_tokens": 0}, "max_tokens: "),
        ({"max_tokens": 10**9}, "max_tokens: 1000000000 > 128000"),
        ({"max_tokens": "many"}, "max_tokens: Expected `int | null`, got `str`"),
        ({"temperature": 1.5}, "temperature: "),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.enabled.budget_tokens: "),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "max_tokens: must be greater"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "no"}}, "tool_choice: "),
        ({"model": "claude-haiku-4-5", "inference_geo": "us"}, "inference_geo: "),
        ({"speed": "fast"}, "speed: "),
        ({"metadata": {"user_id": "sim:fault=gremlins"}}, "The directive to the simulation is wrong."),
        (
            {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "x" * 900_000}]},
            "prompt is too long",
        ),
    ],
)
def test_bad_requests_name_the_field(sim: SimServer, change: dict[str, Any], says: str) -> None:
    got = ask(sim.url, "POST", MESSAGES, {"model": MODEL, "max_tokens": 100, "messages": HELLO, **change})
    assert got.status == 400
    told_of = got.json()
    assert told_of["type"] == "error"
    assert told_of["error"]["type"] == "invalid_request_error"
    assert told_of["error"]["message"].startswith(says)
    assert told_of["request_id"] == got.headers["request-id"]
    assert sim.bill.lines() == []


def test_max_tokens_is_required(sim: SimServer) -> None:
    got = ask(sim.url, "POST", MESSAGES, {"model": MODEL, "messages": HELLO})
    assert (got.status, got.json()["error"]["message"]) == (400, "max_tokens: Field required")


def test_errors_have_the_wires_own_shape(sim: SimServer, claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(model="claude-0", max_tokens=5, messages=HELLO)
    sim.configure(keys=["gamma"])
    with pytest.raises(anthropic.AuthenticationError) as caught:
        claude.messages.create(model=MODEL, max_tokens=5, messages=HELLO)
    assert caught.value.body == {
        "type": "error",
        "error": {"type": "authentication_error", "message": "The API key provided is not one of this provider's."},
        "request_id": caught.value.request_id,
    }
    body = {"model": MODEL, "max_tokens": 5, "messages": HELLO}
    assert ask(sim.url, "POST", MESSAGES, body, key=None, x_api_key="gamma").status == 200
