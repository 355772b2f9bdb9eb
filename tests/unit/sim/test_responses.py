"""The routes of OpenAI beside chat: Responses, embeddings and legacy completions, read by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from bursar.sim.prices import MODELS, cost_nanos
from bursar.sim.server import SimServer
from bursar.usage import Usage

from .raw import ask

RESPONSES = "/v1/responses"
HELLO = "x" * 40
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    "strict": False,
}


def told(**words: object) -> dict[str, str]:
    return {f"x-sim-{name.replace('_', '-')}": str(word) for name, word in words.items()}


def used(response: Any) -> tuple[int, int]:
    return response.usage.input_tokens, response.usage.output_tokens


def test_answer_and_bill_agree(sim: SimServer, gpt: openai.OpenAI) -> None:
    """40 bytes are 10 tokens at $2.50 a million; 25 come out at $10: 25,000 + 250,000 nano-dollars."""
    answer = gpt.responses.create(model="gpt-4o", input=HELLO, extra_headers=told(output_tokens=25))
    assert (answer.model, answer.status, answer.service_tier) == ("gpt-4o-2024-08-06", "completed", "default")
    assert len(answer.output_text.split()) == 25
    assert used(answer) == (10, 25)
    [line] = sim.bill.lines("alpha")
    assert (line.call, line.wire, line.usage) == (answer.id, "responses", Usage(input=10, output=25))
    assert (line.cost_nanos, line.finished) == (275_000, "complete")


def test_a_stream_says_the_same_as_its_last_event(sim: SimServer, gpt: openai.OpenAI) -> None:
    asked: Any = {"model": "o4-mini", "input": HELLO, "stream": True}
    events: list[Any] = list(
        gpt.responses.create(**asked, extra_headers=told(output_tokens=30, reasoning_tokens=10, tokens_per_event=3))
    )
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) == 7
    last = events[-1].response
    assert "".join(deltas) == last.output_text
    assert [item.type for item in last.output] == ["reasoning", "message"]
    assert used(last) == (10, 30)
    assert last.usage.output_tokens_details.reasoning_tokens == 10
    assert sim.bill.lines()[0].usage == Usage(input=10, output=30, reasoning=10)


@pytest.mark.parametrize("stream", [False, True])
def test_the_limit_is_kept(gpt: openai.OpenAI, stream: bool) -> None:
    asked: Any = {"model": "gpt-4o", "input": HELLO, "max_output_tokens": 16}
    made: Any = gpt.responses.create(**asked, stream=stream, extra_headers=told(output_tokens=900))
    answer = list(made)[-1].response if stream else made
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert used(answer) == (10, 16)


def test_a_function_and_a_schema(gpt: openai.OpenAI) -> None:
    [call] = gpt.responses.create(model="gpt-4o", input=HELLO, tools=[WEATHER], tool_choice="required").output
    assert call.type == "function_call"
    assert set(json.loads(call.arguments)) == {"city", "days"}
    wanted: Any = {"format": {"type": "json_schema", "name": "w", "schema": WEATHER["parameters"]}}
    answer = gpt.responses.create(model="gpt-4o", input=HELLO, text=wanted)
    assert set(json.loads(answer.output_text)) == {"city", "days"}


def test_an_earlier_response_is_input_again_and_its_instructions_are_not(sim: SimServer, gpt: openai.OpenAI) -> None:
    words = told(output_tokens=20)
    first = gpt.responses.create(model="gpt-4o", input=HELLO, instructions=HELLO * 2, extra_headers=words)
    assert used(first) == (30, 20)
    second = gpt.responses.create(
        model="gpt-4o", input=HELLO, previous_response_id=first.id, extra_headers=words, max_output_tokens=16
    )
    assert used(second) == (10 + 20 + 10, 16)
    third = gpt.responses.create(model="gpt-4o", input=HELLO, previous_response_id=second.id, store=False)
    assert used(third)[0] == 40 + 16 + 10
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.responses.create(model="gpt-4o", input=HELLO, previous_response_id=third.id)
    assert caught.value.code == "previous_response_not_found"
    assert len(sim.bill.lines()) == 3


def test_a_long_conversation_is_read_from_the_cache(sim: SimServer, gpt: openai.OpenAI) -> None:
    first = gpt.responses.create(model="gpt-6-luna", input=HELLO * 200, max_output_tokens=16)
    gpt.responses.create(model="gpt-6-luna", input=HELLO, previous_response_id=first.id, max_output_tokens=16)
    one, two = (line.usage for line in sim.bill.lines())
    assert (one.input + one.cache_write_5m, one.cache_read) == (2_000, 0)
    assert two.cache_read == 2_000 - 2_000 % 128


def test_searches_are_billed_and_limited(sim: SimServer, gpt: openai.OpenAI) -> None:
    asked: Any = {"model": "gpt-5-mini", "input": HELLO, "tools": [{"type": "web_search"}]}
    answer = gpt.responses.create(**asked, extra_headers=told(web_searches=3, output_tokens=20, reasoning_tokens=0))
    actions = [item.action.type for item in answer.output if item.type == "web_search_call"]
    assert actions == ["search", "search", "search", "open_page"]
    [line] = sim.bill.lines()
    assert line.usage.web_searches == 3
    assert line.cost_nanos == cost_nanos(MODELS["gpt-5-mini"], line.usage)
    gpt.responses.create(**asked, max_tool_calls=1, extra_headers=told(web_searches=3))
    assert sim.bill.lines()[-1].usage.web_searches == 1


def test_the_tier_that_the_settings_deliver(sim: SimServer, gpt: openai.OpenAI) -> None:
    sim.configure(delivered_tier="flex")
    assert gpt.responses.create(model="o4-mini", input=HELLO).service_tier == "flex"
    assert sim.bill.lines()[0].variant == "flex"


def test_counting_costs_nothing(sim: SimServer, gpt: openai.OpenAI) -> None:
    counted = gpt.responses.input_tokens.count(model="gpt-4o", input=HELLO, instructions=HELLO)
    assert (counted.input_tokens, counted.object) == (20, "response.input_tokens")
    assert sim.bill.lines() == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"max_output_tokens": 15}, "max_output_tokens"),
        ({"max_tool_calls": 0}, "max_tool_calls"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"tool_choice": {"type": "function", "name": "f"}, "tools": [WEATHER]}, "tool_choice"),
        ({"model": "text-embedding-3-small"}, "model"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(sim: SimServer, changes: dict[str, Any], param: str) -> None:
    got = ask(sim.url, "POST", RESPONSES, {"model": "gpt-4o", "input": HELLO, **changes})
    assert (got.status // 100, got.json()["error"]["param"]) == (4, param)
    assert sim.bill.lines() == []


@pytest.mark.parametrize(
    ("fault", "usage"), [("no_usage", None), ("usage_bare", {"input_tokens", "output_tokens", "total_tokens"})]
)
@pytest.mark.parametrize("stream", [False, True])
def test_faults_of_usage(sim: SimServer, fault: str, usage: set[str] | None, stream: bool) -> None:
    got = ask(sim.url, "POST", RESPONSES, {"model": "gpt-4o", "input": HELLO, "stream": stream}, x_sim_fault=fault)
    response = got.events()[-1]["response"] if stream else got.json()
    assert (None if response["usage"] is None else set(response["usage"])) == usage
    assert len(sim.bill.lines()) == 1


def test_an_error_inside_a_stream(sim: SimServer) -> None:
    body = {"model": "gpt-4o", "input": HELLO, "stream": True}
    last = ask(sim.url, "POST", RESPONSES, body, x_sim_fault="error_event_after").events()[-1]
    assert (last["type"], last["error"]["type"]) == ("error", "server_error")
    assert sim.bill.lines()[0].finished == "error_event_after"


def test_embeddings(sim: SimServer, gpt: openai.OpenAI) -> None:
    """20 and 3 tokens at $0.02 a million are 460 nano-dollars."""
    made = gpt.embeddings.create(model="text-embedding-3-small", input=[HELLO * 2, "x" * 12], dimensions=8)
    assert [len(each.embedding) for each in made.data] == [8, 8]
    assert made.usage.prompt_tokens == made.usage.total_tokens == 23
    [line] = sim.bill.lines()
    assert (line.usage, line.cost_nanos) == (Usage(input=23), 460)
    with pytest.raises(openai.BadRequestError):
        gpt.embeddings.create(model="text-embedding-3-small", input=["a", ""])
    with pytest.raises(openai.NotFoundError):
        gpt.embeddings.create(model="gpt-4o", input="a")


def test_completions(sim: SimServer, gpt: openai.OpenAI) -> None:
    """Two prompts of 10 tokens at $1.50 a million; for each the best two of three answers of 5 at $2."""
    made = gpt.completions.create(
        model="gpt-3.5-turbo-instruct", prompt=[HELLO, HELLO], n=2, best_of=3, max_tokens=5, extra_headers=told()
    )
    assert [choice.index for choice in made.choices] == [0, 1, 2, 3]
    [line] = sim.bill.lines()
    assert (line.usage, line.cost_nanos) == (Usage(input=20, output=30), 90_000)
    assert made.usage is not None
    assert made.usage.total_tokens == 50


def test_a_streamed_completion(sim: SimServer, gpt: openai.OpenAI) -> None:
    asked: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": HELLO, "stream": True}
    chunks = list(gpt.completions.create(**asked, stream_options={"include_usage": True}))
    assert len("".join(choice.text for chunk in chunks for choice in chunk.choices).split()) == 16
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (10, 16)
    assert b"usage" not in ask(sim.url, "POST", "/v1/completions", asked).body
