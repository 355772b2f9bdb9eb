"""Anthropic's own package, unmodified, through the gateway: what it asks for works, and costs what was billed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from bursar.usage import Usage

from .place import Place

MODEL = "claude-haiku-4-5"
HELLO: list[Any] = [{"role": "user", "content": "Say something about budgets."}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
WEATHER: Any = {
    "name": "weather",
    "description": "Tell the weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
HANDBOOK = "The handbook says: " + "be kind; " * 2_000


@pytest.fixture(scope="module")
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.assert_books_are_the_bill()


@pytest.fixture
def claude(place: Place) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=place.url, api_key=place.key) as client:
        yield client


def last_used(place: Place) -> Usage:
    """What the provider says that the newest call used."""
    place.until_quiet()
    return place.sim.bill.lines()[-1].usage


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_whole(place: Place, claude: anthropic.Anthropic) -> None:
    done = claude.messages.create(model=MODEL, max_tokens=30, messages=HELLO)
    assert text_of(done)
    assert done.stop_reason in {"end_turn", "max_tokens"}
    used = last_used(place)
    assert (done.usage.input_tokens, done.usage.output_tokens) == (used.input, used.output)


def test_streamed(place: Place, claude: anthropic.Anthropic) -> None:
    note: Any = {"user_id": "sim:output_tokens=25"}
    with claude.messages.stream(model=MODEL, max_tokens=100, messages=HELLO, metadata=note) as stream:
        words = "".join(stream.text_stream).split()
        final = stream.get_final_message()
    assert len(words) == 25
    assert final.usage.output_tokens == last_used(place).output == 25
    events = list(claude.messages.create(model=MODEL, max_tokens=9, messages=HELLO, stream=True))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")


def test_tools_whole_and_streamed(claude: anthropic.Anthropic) -> None:
    messages: list[Any] = [{"role": "user", "content": "Please call weather for Oslo."}]
    done = claude.messages.create(model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER])
    [call] = [block for block in done.content if block.type == "tool_use"]
    assert (call.name, set(call.input), done.stop_reason) == ("weather", {"city"}, "tool_use")

    with claude.messages.stream(model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER]) as stream:
        final = stream.get_final_message()
    [streamed] = [block for block in final.content if block.type == "tool_use"]
    assert (streamed.name, set(streamed.input)) == ("weather", {"city"})

    messages += [
        {"role": "assistant", "content": [call.model_dump(exclude_none=True)]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees, rain"}]},
    ]
    answered = claude.messages.create(
        model=MODEL, max_tokens=500, messages=messages, tools=[WEATHER], tool_choice={"type": "none"}
    )
    assert text_of(answered)


def test_a_search_that_the_provider_runs_is_paid_for(place: Place, claude: anthropic.Anthropic) -> None:
    search: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    note: Any = {"user_id": "sim:web_searches=2;output_tokens=20"}
    done = claude.messages.create(
        model="claude-sonnet-5", max_tokens=50, messages=HELLO, tools=[search], metadata=note
    )
    assert done.usage.server_tool_use is not None
    assert done.usage.server_tool_use.web_search_requests == last_used(place).web_searches == 2


@pytest.mark.parametrize(
    "source",
    [
        {"type": "url", "url": "https://example.com/cat.png"},
        {"type": "base64", "media_type": "image/png", "data": PIXEL},
    ],
)
def test_images_by_address_and_inline(place: Place, claude: anthropic.Anthropic, source: Any) -> None:
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    done = claude.messages.create(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": content}])
    assert done.usage.input_tokens == last_used(place).input > 4


def test_system_prompt_and_a_conversation(claude: anthropic.Anthropic) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello to you"},
        {"role": "user", "content": "And now?"},
    ]
    done = claude.messages.create(model=MODEL, max_tokens=20, system="You are brief. " * 20, messages=messages)
    assert done.usage.input_tokens > 70


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_with_a_budget(place: Place, claude: anthropic.Anthropic, stream: bool) -> None:
    asked: Any = {
        "model": "claude-sonnet-5",
        "max_tokens": 2_000,
        "messages": HELLO,
        "thinking": {"type": "enabled", "budget_tokens": 1_024},
        "metadata": {"user_id": "sim:output_tokens=90;reasoning_tokens=40"},
    }
    if stream:
        with claude.messages.stream(**asked) as streaming:
            done = streaming.get_final_message()
    else:
        done = claude.messages.create(**asked)
    assert [block.type for block in done.content] == ["thinking", "text"]
    assert done.usage.output_tokens == last_used(place).output == 90


@pytest.mark.parametrize("ttl", ["5m", "1h"])
@pytest.mark.parametrize("stream", [False, True])
def test_cache_writes_then_reads(place: Place, claude: anthropic.Anthropic, ttl: str, stream: bool) -> None:
    mark: Any = {"type": "ephemeral", "ttl": ttl}
    system: Any = [{"type": "text", "text": f"{ttl} {stream} {HANDBOOK}", "cache_control": mark}]
    seen: list[tuple[int | None, int | None]] = []
    for _ in range(2):
        done: anthropic.types.Message
        if stream:
            with claude.messages.stream(model=MODEL, max_tokens=9, system=system, messages=HELLO) as streaming:
                done = streaming.get_final_message()
        else:
            done = claude.messages.create(model=MODEL, max_tokens=9, system=system, messages=HELLO)
        used = last_used(place)
        written = used.cache_write_1h if ttl == "1h" else used.cache_write_5m
        seen.append((done.usage.cache_creation_input_tokens, done.usage.cache_read_input_tokens))
        assert seen[-1] == (written, used.cache_read)
    (first_written, first_read), (second_written, second_read) = seen
    assert (first_read, second_written) == (0, 0)
    assert first_written == second_read
    assert second_read is not None
    assert second_read > 4_000


def test_the_beta_client(claude: anthropic.Anthropic) -> None:
    done = claude.beta.messages.create(
        model=MODEL, max_tokens=9, messages=HELLO, betas=["context-management-2025-06-27"]
    )
    assert done.usage.output_tokens == 9


def test_counting_tokens_is_free(place: Place, claude: anthropic.Anthropic) -> None:
    before = len(place.ended()), place.billed()
    counted = claude.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "x" * 400}])
    assert counted.input_tokens == 100
    assert (len(place.ended()), place.billed()) == before


def test_models(claude: anthropic.Anthropic) -> None:
    names = [model.id for model in claude.models.list()]
    assert MODEL in names
    assert [name for name in names if not name.startswith("claude")] == []
    assert claude.models.retrieve(MODEL).id == MODEL
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("claude-none")


def test_raw_responses_carry_the_providers_request_id_and_the_calls(
    place: Place, claude: anthropic.Anthropic
) -> None:
    before = len(place.ended())
    raw = claude.messages.with_raw_response.create(model=MODEL, max_tokens=9, messages=HELLO)
    assert raw.headers["request-id"].startswith("req_")
    assert "anthropic-organization-id" not in raw.headers
    assert raw.headers["x-bursar-call"] == place.last(before).id
    assert raw.parse()._request_id == raw.headers["request-id"]


def test_async_whole_and_streamed(place: Place) -> None:
    note: Any = {"user_id": "sim:output_tokens=12"}

    async def run() -> tuple[str, str]:
        async with anthropic.AsyncAnthropic(base_url=place.url, api_key=place.key) as client:
            whole = client.messages.create(model=MODEL, max_tokens=50, messages=HELLO, metadata=note)
            async with client.messages.stream(model=MODEL, max_tokens=50, messages=HELLO, metadata=note) as stream:
                words = "".join([text async for text in stream.text_stream])
            return text_of(await whole), words

    whole, streamed = asyncio.run(run())
    assert len(whole.split()) == len(streamed.split()) == 12


def test_an_auth_token_is_a_key_too(place: Place) -> None:
    with anthropic.Anthropic(base_url=place.url, auth_token=place.key, api_key=None) as client:
        assert text_of(client.messages.create(model=MODEL, max_tokens=9, messages=HELLO))
