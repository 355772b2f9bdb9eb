"""Where a call is served and how fast, through Anthropic's own package: what it costs is what was billed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from .place import Ended, Place

HELLO: list[Any] = [{"role": "user", "content": "Say something about budgets."}]
FAST = {"anthropic-beta": "fast-mode-2026-02-01"}


@pytest.fixture(scope="module")
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.assert_books_are_the_bill()


@pytest.fixture
def claude(place: Place) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=place.url, api_key=place.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize(
    ("model", "asked", "nanos"),
    [
        ("claude-sonnet-5-5", {}, (2_000, 10_000)),
        ("claude-sonnet-5-5", {"inference_geo": "global"}, (2_000, 10_000)),
        ("claude-sonnet-5-5", {"inference_geo": "us"}, (2_200, 11_000)),
        ("claude-opus-5-5", {"speed": "fast"}, (8_000, 40_000)),
        ("claude-opus-5-5", {"inference_geo": "us", "speed": "fast"}, (8_800, 44_000)),
    ],
)
def test_a_call_is_settled_at_its_place_and_speed(
    place: Place, claude: anthropic.Anthropic, model: str, asked: dict[str, str], nanos: tuple[int, int]
) -> None:
    """`nanos` of a token in and a token out, from the vendor's list."""
    for stream in (False, True):
        call, usage = used(place, claude, stream=stream, model=model, extra_body=asked)
        assert call.outcome == "settled"
        assert call.cost == usage.input_tokens * nanos[0] + usage.output_tokens * nanos[1]
        assert call.cost <= call.bound


def used(
    place: Place, claude: anthropic.Anthropic, *, stream: bool, **asked: Any
) -> tuple[Ended, anthropic.types.Usage]:
    """What became of a call, and the usage that the client was told."""
    before = len(place.ended())
    wanted: Any = {"max_tokens": 40, "messages": HELLO, "extra_headers": FAST, **asked}
    if stream:
        with claude.messages.stream(**wanted) as events:
            usage = events.get_final_message().usage
    else:
        usage = claude.messages.create(**wanted).usage
    return place.last(before), usage


@pytest.mark.parametrize(
    ("model", "asked", "field"),
    [
        ("claude-haiku-4-5", {"inference_geo": "us"}, "inference_geo"),
        ("claude-sonnet-5-5", {"inference_geo": "us", "speed": "fast"}, "inference_geo"),
        ("claude-sonnet-5-5", {"speed": "fast"}, "speed"),
    ],
)
def test_what_a_model_has_no_price_for_never_leaves(
    place: Place, claude: anthropic.Anthropic, model: str, asked: dict[str, str], field: str
) -> None:
    billed = place.billed()
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.messages.create(model=model, max_tokens=40, messages=HELLO, extra_body=asked)
    told: Any = caught.value.body
    assert (told["error"]["code"], told["error"]["field"]) == ("variant_not_priced", field)
    assert place.billed() == billed
