"""OpenAI's own package on `/v1/responses`, through the gateway: what it asks for works, and costs what was billed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from bursar.usage import Usage

from .place import Place

MODEL = "gpt-4o-mini"
HELLO = "Say something about budgets."
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tell the weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class Reason(BaseModel):
    """What an answer must be."""

    why: str
    sure: bool


@pytest.fixture(scope="module")
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.assert_books_are_the_bill()


@pytest.fixture
def gpt(place: Place) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=place.key) as client:
        yield client


def last_used(place: Place) -> Usage:
    """What the provider says that the newest call used."""
    place.until_quiet()
    return place.sim.bill.lines()[-1].usage


def streamed(gpt: openai.OpenAI, **asked: Any) -> list[Any]:
    """All events of a call's stream."""
    return list(gpt.responses.create(**asked, stream=True))


def of_type(events: list[Any], kind: str) -> list[Any]:
    return [event for event in events if event.type == kind]


def told(response: Response) -> tuple[int, int]:
    """Tokens in and out, as the response says."""
    assert response.usage is not None
    return response.usage.input_tokens, response.usage.output_tokens


def test_whole(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.responses.create(model=MODEL, input=HELLO, instructions="Be brief.", max_output_tokens=30)
    used = last_used(place)
    assert done.output_text
    assert done.status in {"completed", "incomplete"}
    assert told(done) == (used.total_input, used.output)
    assert place.sim.bill.lines()[-1].wire == "responses"


def test_streamed(place: Place, gpt: openai.OpenAI) -> None:
    events = streamed(gpt, model=MODEL, input=HELLO, user="sim:output_tokens=25")
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    [end] = of_type(events, "response.completed")
    assert end is events[-1]
    text = "".join(event.delta for event in of_type(events, "response.output_text.delta"))
    assert text == end.response.output_text
    assert len(text.split()) == 25
    assert told(end.response) == (last_used(place).total_input, 25)


def test_a_stream_that_ends_at_its_maximum(place: Place, gpt: openai.OpenAI) -> None:
    ends = streamed(gpt, model=MODEL, input=HELLO, max_output_tokens=16)[-1]
    assert ends.type == "response.incomplete"
    assert ends.response.incomplete_details is not None
    assert ends.response.incomplete_details.reason == "max_output_tokens"
    assert told(ends.response)[1] == last_used(place).output == 16


def test_the_stream_helper(gpt: openai.OpenAI) -> None:
    with gpt.responses.stream(model=MODEL, input=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert {"response.created", "response.output_text.delta", "response.completed"} <= kinds
    assert final.output_text


def test_a_function_whole_and_streamed(gpt: openai.OpenAI) -> None:
    items: list[Any] = [{"role": "user", "content": "Please call weather for Oslo."}]
    done = gpt.responses.create(model=MODEL, input=items, tools=[WEATHER])
    [call] = done.output
    assert call.type == "function_call"
    assert call.name == "weather"
    assert "city" in json.loads(call.arguments)

    events = streamed(gpt, model=MODEL, input=items, tools=[WEATHER])
    [finished] = of_type(events, "response.function_call_arguments.done")
    deltas = "".join(event.delta for event in of_type(events, "response.function_call_arguments.delta"))
    assert deltas == finished.arguments
    assert "city" in json.loads(deltas)

    output = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees, rain"}
    items += [call, output]
    answered = gpt.responses.create(model=MODEL, input=items, tools=[WEATHER])
    assert answered.output_text


def test_answers_that_are_parsed(gpt: openai.OpenAI) -> None:
    done = gpt.responses.parse(model=MODEL, input=HELLO, text_format=Reason)
    assert done.output_parsed is not None
    assert done.output_parsed.why
    assert done.output_parsed.sure is True


@pytest.mark.parametrize("url", ["https://example.com/cat.png", f"data:image/png;base64,{PIXEL}"])
def test_images_by_address_and_inline(place: Place, gpt: openai.OpenAI, url: str) -> None:
    parts: list[Any] = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": url, "detail": "low"},
    ]
    done = gpt.responses.create(model=MODEL, input=[{"role": "user", "content": parts}])
    assert told(done)[0] == last_used(place).total_input > 4


def test_a_file_is_bounded_by_the_context_window(place: Place, gpt: openai.OpenAI) -> None:
    parts: list[Any] = [
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    ]
    before = len(place.ended())
    gpt.responses.create(model=MODEL, input=[{"role": "user", "content": parts}], max_output_tokens=20)
    assert place.last(before).bound == 128_000 * 150 + 20 * 600


def test_a_conversation_that_the_provider_keeps(place: Place, gpt: openai.OpenAI) -> None:
    first = gpt.responses.create(model=MODEL, input=HELLO, max_output_tokens=40)
    into, out = told(first)
    before = len(place.ended())
    second = gpt.responses.create(model=MODEL, input="And now?", previous_response_id=first.id, max_output_tokens=20)
    assert second.previous_response_id == first.id
    assert told(second)[0] == last_used(place).total_input == into + out + 2
    assert place.last(before).bound == 128_000 * 150 + 20 * 600, "the context window is the bound of the input"


def test_an_earlier_response_that_there_is_not(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.responses.create(model=MODEL, input=HELLO, previous_response_id="resp_none")
    assert caught.value.code == "previous_response_not_found"
    assert place.last(before).outcome == "released"


def test_searches_are_paid_for_and_bounded(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    done = gpt.responses.create(
        model="gpt-5-mini", input=HELLO, tools=[{"type": "web_search"}], user="sim:web_searches=3;output_tokens=20"
    )
    assert [item.type for item in done.output].count("web_search_call") == 4, "three searches, and a page opened"
    assert done.max_tool_calls == 8
    assert last_used(place).web_searches == 3
    call = place.last(before)
    assert call.cost == place.sim.bill.lines()[-1].cost_nanos > 30_000_000
    assert call.bound == 9 * 400_000 * 250 + 8 * 10_000_000 + 128_000 * 2_000


def test_a_client_may_say_how_often_to_search(place: Place, gpt: openai.OpenAI) -> None:
    search: Any = {"type": "web_search_2025_08_26", "search_context_size": "low"}
    events = streamed(
        gpt, model="gpt-5-mini", input=HELLO, tools=[search], max_tool_calls=2, user="sim:web_searches=9"
    )
    assert events[-1].type == "response.completed"
    assert events[-1].response.max_tool_calls == 2
    assert last_used(place).web_searches == 2


def test_reasoning_is_part_of_the_output(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.responses.create(
        model="o4-mini", input=HELLO, reasoning={"effort": "high"}, user="sim:output_tokens=90;reasoning_tokens=40"
    )
    assert done.usage is not None
    assert done.usage.output_tokens_details.reasoning_tokens == last_used(place).reasoning == 40
    kinds = [item.type for item in done.output]
    assert kinds == ["reasoning", "message"]
    again: list[Any] = [{"role": "user", "content": HELLO}, *done.output, {"role": "user", "content": "And?"}]
    assert gpt.responses.create(model="o4-mini", input=again, max_output_tokens=50).output


def test_a_long_prompt_is_cached_and_read_at_its_own_price(place: Place, gpt: openai.OpenAI) -> None:
    for _ in range(2):
        done = gpt.responses.create(model=MODEL, input="The rules say: " + "be kind; " * 900, max_output_tokens=16)
    assert done.usage is not None
    assert done.usage.input_tokens_details.cached_tokens == last_used(place).cache_read > 1024


def test_cache_writes_have_their_own_price(place: Place, gpt: openai.OpenAI) -> None:
    done = gpt.responses.create(model="gpt-6-luna", input="The notes say: " + "be kind; " * 900, max_output_tokens=16)
    assert done.usage is not None
    assert done.usage.input_tokens_details.cache_write_tokens == last_used(place).cache_write_5m > 1024


def test_a_tier_is_paid_for_at_its_price(place: Place, gpt: openai.OpenAI) -> None:
    assert gpt.responses.create(model=MODEL, input=HELLO, service_tier="priority").service_tier == "priority"
    place.until_quiet()
    assert place.sim.bill.lines()[-1].variant == "priority"


@pytest.mark.parametrize("stream", [False, True])
def test_the_tier_that_was_delivered_is_paid_for(place: Place, gpt: openai.OpenAI, stream: bool) -> None:
    place.sim.configure(delivered_tier="default")
    try:
        asked: Any = {"model": MODEL, "input": HELLO, "service_tier": "priority"}
        done = streamed(gpt, **asked)[-1].response if stream else gpt.responses.create(**asked)
    finally:
        place.sim.configure(delivered_tier=None)
    assert done.service_tier == "default"
    assert place.sim.bill.lines()[-1].variant is None
    place.assert_books_are_the_bill()


def test_counting_is_free(place: Place, gpt: openai.OpenAI) -> None:
    billed, ended = place.billed(), len(place.ended())
    counted = gpt.responses.input_tokens.count(model=MODEL, input=HELLO, instructions="Be brief.")
    done = gpt.responses.create(model=MODEL, input=HELLO, instructions="Be brief.", max_output_tokens=16)
    assert counted.input_tokens == told(done)[0]
    place.until_quiet(ended + 1)
    assert (place.billed(), len(place.ended())) == (billed + 1, ended + 1)


def test_instructions_of_any_length_come_back_in_the_last_event(place: Place, gpt: openai.OpenAI) -> None:
    """The event with the usage repeats them: it is read although it is long."""
    before = len(place.ended())
    long = "Be kind. " * 60_000
    events = streamed(gpt, model="gpt-4.1", input=HELLO, instructions=long, max_output_tokens=16)
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.instructions == long
    assert place.last(before).outcome == "settled"


def test_raw_responses_carry_the_providers_request_id_and_the_calls(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    raw = gpt.responses.with_raw_response.create(model=MODEL, input=HELLO)
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-bursar-call"] == place.last(before).id
    assert raw.parse().output_text


def test_headers_of_coding_agents_are_no_trouble(place: Place, gpt: openai.OpenAI) -> None:
    headers = {
        "originator": "codex_cli_rs",
        "session_id": "0",
        "openai-beta": "responses=experimental",
        "version": "1",
    }
    reasoning: Any = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAAB" + "x" * 400}
    items: list[Any] = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": HELLO}]}]
    events = streamed(
        gpt,
        model="gpt-5",
        instructions="You are a coding agent.",
        input=[*items, reasoning],
        tools=[WEATHER, {"type": "custom", "name": "apply_patch"}, {"type": "local_shell"}],
        tool_choice="auto",
        parallel_tool_calls=False,
        reasoning={"effort": "medium", "summary": "auto"},
        store=False,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="0",
        extra_headers=headers,
    )
    assert events[-1].type == "response.completed"
    assert last_used(place).total_input > 100


def test_async_and_many_at_once(place: Place) -> None:
    async def run() -> int:
        async with openai.AsyncOpenAI(base_url=f"{place.url}/v1", api_key=place.key) as client:
            calls = [client.responses.create(model=MODEL, input=HELLO, max_output_tokens=16) for _ in range(20)]
            return len([done for done in await asyncio.gather(*calls) if done.output_text])

    assert asyncio.run(run()) == 20
