"""OpenAI's own package, unmodified, through the gateway: what it asks for works, and costs what was billed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from bursar.usage import Usage

from .place import Place

MODEL = "gpt-4o-mini"
HELLO: list[Any] = [{"role": "user", "content": "Say something about budgets."}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.assert_books_are_the_bill()


@pytest.fixture
def gpt(place: Place) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=place.key) as client:
        yield client


@asynccontextmanager
async def gpt_async(place: Place) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{place.url}/v1", api_key=place.key) as client:
        yield client


def last_used(place: Place) -> Usage:
    """What the provider says that the newest call used."""
    place.until_quiet()
    return place.sim.bill.lines()[-1].usage


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_whole(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=30)
    assert done.choices[0].message.content
    assert done.choices[0].finish_reason in {"stop", "length"}
    assert done.usage is not None
    used = last_used(place)
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (used.total_input, used.output)
    assert done.model.startswith(MODEL)


def test_streamed_without_asking_for_usage_shows_none(place: Place, gpt: openai.OpenAI) -> None:
    asked: Any = {"model": MODEL, "messages": HELLO, "user": "sim:output_tokens=25"}
    whole = gpt.chat.completions.create(**asked)
    chunks = list(gpt.chat.completions.create(**asked, stream=True))
    assert [chunk for chunk in chunks if chunk.usage is not None or not chunk.choices] == []
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len(text_of(chunks).split()) == 25
    assert whole.usage is not None
    assert last_used(place).output == whole.usage.completion_tokens


def test_streamed_with_usage_shows_it_once_at_the_end(place: Place, gpt: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        gpt.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options=options, max_tokens=9)
    )
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    usage = chunks[-1].usage
    assert usage is not None
    assert chunks[-1].choices == []
    assert usage.completion_tokens == last_used(place).output == 9


def test_the_stream_helper(gpt: openai.OpenAI) -> None:
    with gpt.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content


def test_tools_whole_and_streamed(gpt: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "Please call weather for Oslo."}]
    done = gpt.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    [call] = done.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "weather"
    assert "city" in json.loads(call.function.arguments)
    assert done.choices[0].finish_reason == "tool_calls"

    streamed = list(gpt.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER], stream=True))
    parts = [tool for chunk in streamed for choice in chunk.choices for tool in choice.delta.tool_calls or []]
    assert [part.function.name for part in parts if part.function and part.function.name] == ["weather"]
    arguments = "".join(part.function.arguments or "" for part in parts if part.function)
    assert "city" in json.loads(arguments)

    messages += [
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "4 degrees, rain"},
    ]
    answered = gpt.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert answered.choices[0].message.content


@pytest.mark.parametrize("url", ["https://example.com/cat.png", f"data:image/png;base64,{PIXEL}"])
def test_images_by_address_and_inline(place: Place, gpt: openai.OpenAI, url: str) -> None:
    text: Any = {"type": "text", "text": "What is this?"}
    image: Any = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
    done = gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": [text, image]}])
    assert done.usage is not None
    assert done.usage.prompt_tokens == last_used(place).total_input > 4


def test_system_prompt_and_a_conversation(gpt: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "You are brief. " * 20},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello to you"},
        {"role": "user", "content": "And now?"},
    ]
    done = gpt.chat.completions.create(model=MODEL, messages=messages)
    assert done.usage is not None
    assert done.usage.prompt_tokens > 70


def test_answers_that_fit_a_schema(gpt: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"why": {"type": "string"}, "sure": {"type": "boolean"}}}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "reason", "schema": schema}}
    done = gpt.chat.completions.create(model=MODEL, messages=HELLO, response_format=wanted)
    assert set(json.loads(done.choices[0].message.content or "")) == {"why", "sure"}


def test_several_answers_are_all_paid_for(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.chat.completions.create(model=MODEL, messages=HELLO, n=2, max_tokens=11)
    assert [choice.index for choice in done.choices] == [0, 1]
    assert last_used(place).output == 22
    chunks = list(gpt.chat.completions.create(model=MODEL, messages=HELLO, n=2, max_tokens=11, stream=True))
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}
    assert last_used(place).output == 22


def test_reasoning_is_part_of_the_output(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.chat.completions.create(
        model="o4-mini", messages=HELLO, reasoning_effort="high", user="sim:output_tokens=90;reasoning_tokens=40"
    )
    assert done.usage is not None
    assert done.usage.completion_tokens_details is not None
    assert done.usage.completion_tokens_details.reasoning_tokens == last_used(place).reasoning == 40


def test_a_long_prompt_is_cached_and_read_at_its_own_price(place: Place, gpt: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "The handbook says: " + "be kind; " * 900}]
    for _ in range(2):
        done = gpt.chat.completions.create(model=MODEL, messages=messages, max_tokens=5)
    assert done.usage is not None
    assert done.usage.prompt_tokens_details is not None
    assert done.usage.prompt_tokens_details.cached_tokens == last_used(place).cache_read > 1024


def test_a_tier_is_paid_for_at_its_price(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.chat.completions.create(model=MODEL, messages=HELLO, service_tier="priority")
    assert done.service_tier == "priority"
    place.until_quiet()
    assert place.sim.bill.lines()[-1].variant == "priority"


def test_models(gpt: openai.OpenAI) -> None:
    names = [model.id for model in gpt.models.list()]
    assert MODEL in names
    assert names == sorted(names)
    assert not [name for name in names if name.startswith("claude")]
    assert gpt.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("gpt-none")


def test_raw_responses_carry_the_providers_request_id_and_the_calls(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    raw = gpt.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.headers["x-request-id"].startswith("req_")
    assert "openai-processing-ms" in raw.headers
    assert "openai-organization" not in raw.headers
    assert raw.headers["x-bursar-call"] == place.last(before).id
    assert raw.parse().choices


def test_async_whole_and_streamed(place: Place) -> None:
    async def run() -> tuple[str, str]:
        async with gpt_async(place) as client:
            whole = client.chat.completions.create(model=MODEL, messages=HELLO, user="sim:output_tokens=12")
            stream = await client.chat.completions.create(
                model=MODEL, messages=HELLO, user="sim:output_tokens=12", stream=True
            )
            chunks = [chunk async for chunk in stream]
            return (await whole).choices[0].message.content or "", text_of(chunks)

    whole, streamed = asyncio.run(run())
    assert len(whole.split()) == len(streamed.split()) == 12


def test_many_at_once(place: Place) -> None:
    async def run() -> int:
        async with gpt_async(place) as client:
            calls = [client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8) for _ in range(40)]
            return len([done for done in await asyncio.gather(*calls) if done.choices])

    assert asyncio.run(run()) == 40
