"""Google's own package, unmodified, through the gateway: what it asks for works, and costs what was billed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from bursar.usage import Usage
from tests.unit.sim.raw import Got, ask

from .place import Place

MODEL = "gemini-2.5-flash"
HELLO = "Say something about budgets."
# The package derives a class from one of aiohttp's, which aiohttp discourages.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
GENERATE = f"/v1beta/models/{MODEL}:generateContent"
STREAM = f"/v1beta/models/{MODEL}:streamGenerateContent"
BODY = {"contents": [{"parts": [{"text": HELLO}]}]}
WEATHER = types.FunctionDeclaration(
    name="weather",
    description="Tell the weather",
    parameters=types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}),
)


class Reason(BaseModel):
    """What a structured answer holds."""

    why: str
    sure: bool


@pytest.fixture(scope="module")
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.assert_books_are_the_bill()


def client_of(place: Place, key: str | None = None, version: str | None = None, **options: Any) -> genai.Client:
    at = types.HttpOptions(base_url=place.url, api_version=version, **options)
    return genai.Client(api_key=key or place.key, http_options=at)


@pytest.fixture(params=[None, "v1beta"])
def gemini(place: Place, request: pytest.FixtureRequest) -> Iterator[genai.Client]:
    with client_of(place, version=request.param) as client:
        yield client


def last_used(place: Place) -> Usage:
    """What the provider says that the newest call used."""
    place.until_quiet()
    return place.sim.bill.lines()[-1].usage


def raw(place: Place, path: str, body: object = BODY, **headers: str) -> Got:
    return ask(place.url, "POST", path, body, key=None, x_goog_api_key=place.key, **headers)


def test_whole(place: Place, gemini: genai.Client) -> None:
    done = gemini.models.generate_content(
        model=MODEL, contents=HELLO, config=types.GenerateContentConfig(max_output_tokens=30, temperature=0.5)
    )
    assert done.text
    assert done.model_version == MODEL
    usage, used = done.usage_metadata, last_used(place)
    assert usage is not None
    told = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    assert (usage.prompt_token_count, told) == (used.total_input, used.output)
    assert 0 < used.output <= 30


def test_streamed(place: Place, gemini: genai.Client) -> None:
    asked: Any = {"model": MODEL, "contents": f"sim:output_tokens=25;reasoning_tokens=5 {HELLO}"}
    whole = gemini.models.generate_content(**asked)
    chunks = list(gemini.models.generate_content_stream(**asked))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert len(chunks) == 21
    last = chunks[-1]
    assert last.usage_metadata is not None
    assert last.usage_metadata.thoughts_token_count == last_used(place).reasoning == 5
    assert last_used(place).output == 25
    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.STOP


def test_a_maximum_ends_the_answer(place: Place, gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(
        max_output_tokens=9, thinking_config=types.ThinkingConfig(thinking_budget=0), candidate_count=2
    )
    done = gemini.models.generate_content(model=MODEL, contents=HELLO, config=config)
    assert done.candidates is not None
    assert [each.finish_reason for each in done.candidates] == [types.FinishReason.MAX_TOKENS] * 2
    assert last_used(place) == Usage(input=last_used(place).input, output=18)


def test_thoughts_can_be_read(place: Place, gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    asked: Any = {"model": MODEL, "contents": f"sim:output_tokens=90;reasoning_tokens=40 {HELLO}", "config": config}
    for done in (gemini.models.generate_content(**asked), next(gemini.models.generate_content_stream(**asked))):
        assert done.parts is not None
        assert done.parts[0].thought
    assert last_used(place).reasoning == 40


def test_functions_whole_and_streamed(gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[WEATHER])])
    asked: Any = {"model": MODEL, "contents": "Please call weather for Oslo.", "config": config}
    done = gemini.models.generate_content(**asked)
    streamed = [
        call for chunk in gemini.models.generate_content_stream(**asked) for call in chunk.function_calls or ()
    ]
    for [call] in (done.function_calls or [], streamed):
        assert call.name == "weather"
        assert call.args is not None
        assert "city" in call.args


def test_a_python_function_is_called_and_its_result_sent_back(place: Place, gemini: genai.Client) -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """Tell the weather."""
        asked.append(city)
        return "Rain"

    before = len(place.ended())
    config = types.GenerateContentConfig(
        tools=[weather], automatic_function_calling=types.AutomaticFunctionCallingConfig(maximum_remote_calls=2)
    )
    done = gemini.models.generate_content(model=MODEL, contents="Please call weather for Oslo.", config=config)
    assert done.text
    assert len(asked) == 1
    place.until_quiet(before + 2)


def test_answers_that_fit_a_schema(gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Reason)
    done = gemini.models.generate_content(model=MODEL, contents=HELLO, config=config)
    assert isinstance(done.parsed, Reason)
    schema = {"type": "object", "properties": {"why": {"type": "string"}}}
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    chunks = gemini.models.generate_content_stream(model=MODEL, contents=HELLO, config=config)
    assert set(json.loads("".join(chunk.text or "" for chunk in chunks))) == {"why"}


def test_an_image(place: Place, gemini: genai.Client) -> None:
    image = types.Part.from_bytes(data=b"\x89PNG\r\n\x1a\n" + bytes(600), mime_type="image/png")
    done = gemini.models.generate_content(model=MODEL, contents=["What is this?", image])
    assert done.usage_metadata is not None
    assert done.usage_metadata.prompt_token_count == last_used(place).total_input > 258


def test_a_file_that_the_provider_has_is_bounded_by_the_context_window(place: Place, gemini: genai.Client) -> None:
    before = len(place.ended())
    video = types.Part.from_uri(file_uri="https://www.youtube.com/watch?v=1", mime_type="video/mp4")
    gemini.models.generate_content(model=MODEL, contents=["What is this?", video])
    call = place.last(before)
    assert call.outcome == "settled"
    assert call.bound >= 1_048_576 * 1_000  # $1 a million for sound


def test_a_system_instruction_and_a_chat(place: Place, gemini: genai.Client) -> None:
    chat = gemini.chats.create(
        model=MODEL, config=types.GenerateContentConfig(system_instruction="You are brief. " * 20)
    )
    first = chat.send_message("Hello")
    assert first.usage_metadata is not None
    assert (first.usage_metadata.prompt_token_count or 0) > 70
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("And now?"))
    assert first.usage_metadata.prompt_token_count is not None
    assert last_used(place).total_input > first.usage_metadata.prompt_token_count
    assert [turn.role for turn in chat.get_history()][:3] == ["user", "model", "user"]


def test_a_long_prompt_is_cached_and_read_at_its_own_price(place: Place, gemini: genai.Client) -> None:
    handbook = f"The handbook of {gemini.vertexai} {id(gemini)} says: " + "be kind; " * 900
    for _ in range(2):
        done = gemini.models.generate_content(model=MODEL, contents=handbook)
    assert done.usage_metadata is not None
    assert done.usage_metadata.cached_content_token_count == last_used(place).cache_read > 1024


def test_a_long_prompt_costs_more_from_its_first_token(place: Place) -> None:
    before = len(place.ended())
    got = raw(
        place, "/v1beta/models/gemini-2.5-pro:generateContent", {"contents": {"parts": {"text": "a" * 800_100}}}
    )
    assert got.status == 200
    place.until_quiet(before + 1)
    used = last_used(place)
    assert used.total_input > 200_000
    assert place.ended()[-1].cost == used.input * 2_500 + used.cache_read * 250 + used.output * 15_000


def test_a_search_is_paid_for_once(place: Place, gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    asked: Any = {"model": MODEL, "contents": f"sim:web_searches=3 {HELLO}", "config": config}
    done = gemini.models.generate_content(**asked)
    assert last_used(place).web_searches == 1
    list(gemini.models.generate_content_stream(**asked))
    assert last_used(place).web_searches == 1
    assert done.usage_metadata is not None
    assert done.usage_metadata.tool_use_prompt_token_count == 250


def test_counting_tokens_is_free(place: Place, gemini: genai.Client) -> None:
    billed = place.billed()
    counted = gemini.models.count_tokens(model=MODEL, contents=HELLO)
    assert counted.total_tokens == (len(HELLO) + 3) // 4
    assert place.billed() == billed


def test_models(gemini: genai.Client) -> None:
    names = [model.name or "" for model in gemini.models.list()]
    assert f"models/{MODEL}" in names
    assert names == sorted(names)
    assert not [name for name in names if not name.startswith("models/gemini-")]
    one = gemini.models.get(model=MODEL)
    assert (one.name, one.input_token_limit, one.output_token_limit) == (f"models/{MODEL}", 1_048_576, 65_536)
    assert one.supported_actions == ["generateContent", "countTokens"]
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.get(model="gemini-none")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_async_whole_and_streamed(place: Place) -> None:
    async def run() -> tuple[str, str]:
        async with client_of(place).aio as client:
            asked: Any = {"model": MODEL, "contents": f"sim:output_tokens=12;reasoning_tokens=2 {HELLO}"}
            whole = await client.models.generate_content(**asked)
            stream = await client.models.generate_content_stream(**asked)
            return whole.text or "", "".join([chunk.text or "" async for chunk in stream])

    whole, streamed = asyncio.run(run())
    assert len(whole.split()) == len(streamed.split()) == 10


def test_many_at_once(place: Place) -> None:
    async def run() -> int:
        async with client_of(place).aio as client:
            config = types.GenerateContentConfig(max_output_tokens=8)
            calls = [client.models.generate_content(model=MODEL, contents=HELLO, config=config) for _ in range(30)]
            return len([done for done in await asyncio.gather(*calls) if done.candidates])

    assert asyncio.run(run()) == 30


def test_a_stream_without_events_is_a_list(place: Place) -> None:
    got = raw(place, STREAM)
    assert got.status == 200
    chunks = got.json()
    assert len(chunks) > 2
    assert chunks[-1]["usageMetadata"]["totalTokenCount"] == last_used(place).total_tokens


@pytest.mark.parametrize("path", [GENERATE, STREAM + "?alt=sse", STREAM, GENERATE.replace("v1beta", "v1")])
def test_the_key_may_be_in_the_query(place: Place, path: str) -> None:
    before = len(place.ended())
    mark = "&" if "?" in path else "?"
    assert ask(place.url, "POST", f"{path}{mark}key={place.key}&fields=candidates", BODY, key=None).status == 200
    assert place.last(before).outcome == "settled"
    assert ask(place.url, "GET", f"/v1/models?key={place.key}", key=None).json()["models"]
    assert ask(place.url, "POST", f"{path}{mark}key=bsr_wrong", BODY, key=None).status == 401


def test_the_delivered_tier_is_told(place: Place) -> None:
    assert raw(place, GENERATE).headers["x-gemini-service-tier"] == "standard"


def test_embeddings(place: Place, gemini: genai.Client) -> None:
    config = types.EmbedContentConfig(output_dimensionality=8)
    texts: list[Any] = ["a budget", "a grant of a budget"]
    done = gemini.models.embed_content(model="gemini-embedding-001", contents=texts, config=config)
    assert [len(each.values or ()) for each in done.embeddings or ()] == [8, 8]
    assert last_used(place) == Usage(input=7)
    assert place.ended()[-1].cost == 7 * 150


def test_one_embedding(place: Place) -> None:
    path = "/v1beta/models/gemini-embedding-001:embedContent"
    before = len(place.ended())
    got = raw(place, path, {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a budget"}]}})
    assert len(got.json()["embedding"]["values"]) == 16
    assert place.last(before).outcome == "settled"
