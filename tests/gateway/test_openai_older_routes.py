"""OpenAI's own package on embeddings and legacy completions, and Azure's client: all paid for as billed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from bursar.usage import Usage

from .place import Place

EMBEDS, WRITES = "text-embedding-3-small", "gpt-3.5-turbo-instruct"


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


TEXTS = [
    ("How much is left?", 1, 5),
    (["How much is left?", "Until when?"], 2, 8),
    ([101, 2_129, 2_172, 102], 1, 4),
    ([[101, 2_129, 2_172, 102], [7]], 2, 5),
]


@pytest.mark.parametrize(("texts", "vectors", "tokens"), TEXTS)
def test_embeddings(place: Place, gpt: openai.OpenAI, texts: Any, vectors: int, tokens: int) -> None:
    before = len(place.ended())
    done = gpt.embeddings.create(model=EMBEDS, input=texts)
    assert len(done.data) == vectors
    assert len(done.data[0].embedding) == 16
    assert done.usage.prompt_tokens == tokens
    assert last_used(place) == Usage(input=tokens)
    call = place.last(before)
    assert (call.outcome, call.cost) == ("settled", tokens * 20)
    assert call.bound >= call.cost


def test_embeddings_of_a_size_and_as_floats(gpt: openai.OpenAI) -> None:
    done = gpt.embeddings.create(model="text-embedding-3-large", input="a", dimensions=4, encoding_format="float")
    assert done.data[0].embedding == [0.25] * 4


def test_token_ids_are_bounded_by_their_number(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    gpt.embeddings.create(model=EMBEDS, input=[100_000] * 5_000)
    assert place.last(before).bound < 5_200 * 20


@pytest.mark.parametrize(("texts", "answers", "tokens"), TEXTS)
def test_completions(place: Place, gpt: openai.OpenAI, texts: Any, answers: int, tokens: int) -> None:
    done = gpt.completions.create(model=WRITES, prompt=texts, max_tokens=9)
    assert [choice.index for choice in done.choices] == list(range(answers))
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (tokens, 9 * answers)
    assert last_used(place) == Usage(input=tokens, output=9 * answers)


def test_completions_without_a_maximum_write_as_much_as_ever(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    gpt.completions.create(model=WRITES, prompt="Once", user="sim:output_tokens=90")
    assert last_used(place).output == 16
    assert place.last(before).bound < 200 * 1_500 + 16 * 2_000


def test_completions_that_are_not_returned_are_paid_for(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    done = gpt.completions.create(model=WRITES, prompt=["Once", "Twice"], n=2, best_of=5, max_tokens=10)
    assert len(done.choices) == 4
    assert last_used(place).output == 100
    assert place.last(before).bound >= 100 * 2_000


def test_completions_with_suffix_and_echo(gpt: openai.OpenAI) -> None:
    done = gpt.completions.create(model=WRITES, prompt="Once", suffix="the end.", echo=True, max_tokens=5)
    assert done.choices[0].text.startswith("Once")
    nothing = gpt.completions.create(model=WRITES, prompt="Once", echo=True, max_tokens=0)
    assert nothing.choices[0].text == "Once"


def test_completions_streamed(place: Place, gpt: openai.OpenAI) -> None:
    chunks = list(gpt.completions.create(model=WRITES, prompt="Once", max_tokens=12, stream=True))
    assert len("".join(choice.text for chunk in chunks for choice in chunk.choices).split()) == 12
    assert [chunk for chunk in chunks if chunk.usage is not None or not chunk.choices] == []
    assert last_used(place).output == 12
    options: Any = {"include_usage": True}
    *_, last = gpt.completions.create(model=WRITES, prompt="Once", max_tokens=12, stream=True, stream_options=options)
    assert last.usage is not None
    assert (last.choices, last.usage.completion_tokens) == ([], 12)


def test_a_model_on_a_route_that_it_is_not_sold_on(place: Place, gpt: openai.OpenAI) -> None:
    before = len(place.ended())
    with pytest.raises(openai.NotFoundError):
        gpt.embeddings.create(model="gpt-4o-mini", input="a")
    assert place.last(before).outcome == "released"
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.responses.create(model=EMBEDS, input="a")
    assert caught.value.code == "variant_not_priced"


@pytest.mark.parametrize("deployment", [None, "gpt-4o-mini"])
def test_azures_client(place: Place, deployment: str | None) -> None:
    messages: list[Any] = [{"role": "user", "content": "Say something about budgets."}]
    with openai.AzureOpenAI(
        azure_endpoint=place.url, api_key=place.key, api_version="2025-04-01-preview", azure_deployment=deployment
    ) as client:
        assert client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices
        assert list(client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True))
        assert client.responses.create(model="gpt-4o-mini", input="Say something.").output_text
        assert client.responses.input_tokens.count(model="gpt-4o-mini", input="Say something.").input_tokens
        if deployment is None:
            assert client.embeddings.create(model=EMBEDS, input="a").data
            assert client.completions.create(model=WRITES, prompt="Once").choices
    with openai.AzureOpenAI(
        azure_endpoint=place.url, azure_ad_token=place.key, api_version="2025-04-01-preview"
    ) as client:
        assert client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices
