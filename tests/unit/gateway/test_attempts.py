"""Which provider is asked next, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from multidict import CIMultiDict

from bursar.config import ProviderConfig
from bursar.gateway.attempts import FAILURES_IN_A_ROW, SKIP_S, Failure, Health, pause_before, pause_of
from bursar.gateway.providers import Provider, Providers, provider_of

NOW_S = 1_000.0


def provider(
    name: str,
    *,
    models: tuple[str, ...] = ("gpt-*",),
    retries: int = 0,
    fallback: tuple[str, ...] = (),
    **more: object,
) -> Provider:
    config = ProviderConfig(
        name=name,
        wire="openai",
        base_url="http://127.0.0.1:1/v1",
        models=models,
        catalog="openai",
        secret="sk",
        retries=retries,
        fallback=fallback,
        **more,  # type: ignore[arg-type]
    )
    return provider_of(config)


A, B, C = provider("a"), provider("b"), provider("c", retries=1)


def order(health: Health, *providers: Provider, now_s: float = NOW_S) -> list[str]:
    return [each.name for each in health.order(providers, now_s)]


def failing(health: Health, name: str, times: int = FAILURES_IN_A_ROW) -> None:
    for _ in range(times):
        health.note(name, NOW_S, failed=True)


def test_each_is_asked_as_often_as_it_may_be_tried() -> None:
    assert order(Health(), A, B, C) == ["a", "b", "c", "c"]


def test_one_that_failed_too_often_in_a_row_is_skipped() -> None:
    health = Health()
    failing(health, "a", FAILURES_IN_A_ROW - 1)
    assert order(health, A, B) == ["a", "b"]
    health.note("a", NOW_S, failed=False)
    failing(health, "a", FAILURES_IN_A_ROW - 1)
    assert order(health, A, B) == ["a", "b"], "an answer in between ends the row"
    failing(health, "a", 1)
    assert order(health, A, B) == ["b"]


def test_after_a_while_one_call_tries_it_and_the_others_still_skip_it() -> None:
    health = Health()
    failing(health, "a")
    later_s = NOW_S + SKIP_S
    assert order(health, A, B, now_s=later_s - 0.01) == ["b"]
    assert order(health, A, B, now_s=later_s) == ["a", "b"]
    assert order(health, A, B, now_s=later_s + 1) == ["b"]
    health.note("a", later_s + 2, failed=False)
    assert order(health, A, B, now_s=later_s + 2) == ["a", "b"]


def test_one_that_fails_again_is_skipped_again() -> None:
    health = Health()
    failing(health, "a")
    assert order(health, A, B, now_s=NOW_S + SKIP_S) == ["a", "b"]
    health.note("a", NOW_S + SKIP_S + 3, failed=True)
    assert order(health, A, B, now_s=NOW_S + 2 * SKIP_S + 2) == ["b"]


def test_when_all_fail_the_first_is_asked_all_the_same() -> None:
    health = Health()
    failing(health, "a")
    failing(health, "c")
    assert order(health, A, C) == ["a"]
    assert order(health, C, A) == ["c", "c"]


def failure(pause_s: float | None) -> Failure:
    return Failure("call", None, 503, [], b"", pause_s)


def test_pauses_grow_and_differ_and_have_an_end() -> None:
    for tries, longest_s in ((1, 0.25), (2, 0.5), (3, 1.0), (5, 4.0), (60, 4.0)):
        seen = {pause_before(tries, failure(None)) for _ in range(50)}
        assert all(pause is not None and longest_s / 2 <= pause <= longest_s for pause in seen)
        assert len(seen) > 10


def test_a_provider_that_asks_for_a_pause_gets_it_or_is_not_asked_again() -> None:
    assert pause_before(1, failure(3.0)) == 3.0
    assert pause_before(1, failure(5.0)) == 5.0
    assert pause_before(1, failure(5.1)) is None
    paused = pause_before(4, failure(0.0))
    assert paused is not None
    assert paused >= 1.0


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "?", "retry-after": "9"}, 9.0),
        ({"retry-after": format_datetime(datetime(2026, 11, 1, 0, 0, 30, tzinfo=UTC), usegmt=True)}, 30.0),
        ({"retry-after": format_datetime(datetime(2026, 10, 1, tzinfo=UTC), usegmt=True)}, 0.0),
    ],
)
def test_the_pause_that_an_answer_asks_for(headers: dict[str, str], pause_s: float | None) -> None:
    now_s = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert pause_of(CIMultiDict(headers), now_s) == pause_s


def chain(model: str, *providers: Provider) -> list[str]:
    return [each.name for each in Providers(providers).chain("openai", model)]


def test_a_fallback_has_the_model_by_a_pattern_or_by_another_name() -> None:
    first = provider("first", fallback=("narrow", "renaming", "other"))
    narrow = provider("narrow", models=("gpt-4o*",))
    renaming = provider("renaming", models=("nothing",), rename={"gpt-5": "ours"})
    other = provider("other", models=("claude-*",))
    assert chain("gpt-4o", narrow) == ["narrow"]
    assert chain("gpt-5", first, narrow, renaming, other) == ["first", "renaming"]
    assert chain("gpt-4.1", first, narrow, renaming, other) == ["first"]
    assert chain("llama", first, narrow, renaming, other) == []


def test_a_fallbacks_own_fallback_is_not_followed() -> None:
    first = provider("first", fallback=("second",))
    second = provider("second", fallback=("first", "third"))
    third = provider("third")
    assert chain("gpt-5", first, second, third) == ["first", "second"]
