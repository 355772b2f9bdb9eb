"""Near the end of a budget: an answer as long as what is left can buy, or a refusal, or a wait for other calls."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from bursar.books import Books
from bursar.sim.server import SimSettings
from tests.unit.sim.raw import until

from .people import person
from .place import Ended, Place, opened
from .raw import WIRES, call, request, send
from .upstream import RECORDED, Upstream

LEAST_USEFUL_TOKENS = 64
CONFIG = (
    RECORDED
    + """
[providers.older]
wire = "openai"
base_url = "{url}/v1"
key_file = "provider.key"
models = ["gpt-4.1-mini"]
max_tokens_field = "max_tokens"
"""
)
OUTPUT_NANOS = {"openai": 600, "anthropic": 5_000}
"""What a token of output costs, in nano-USD."""
BUDGETS = {
    "openai": 'amount = "0.001"',
    "anthropic": 'amount = "0.01"',
    "copies": 'amount = "0.001"',
    "older": 'amount = "0.001"',
    "modern": 'amount = "0.001"',
    "silent": 'amount = "0.001"',
    "responses": 'amount = "0.001"',
    "thinker": 'amount = "0.005"',
    "strict": 'amount = "0.001"\nclamp = false',
    "crumbs": 'amount = "0.00005"',
    "pair": 'amount = "0.00063"',
    "queue": 'amount = "0.00063"',
}
BOTH = pytest.mark.parametrize("wire", list(WIRES))


def fill(books: Books) -> dict[str, str]:
    """A person for each test, because each spends; and one with a limit on a key."""
    for name, plan in BUDGETS.items():
        person(books, name, plan)
    keys = {name: books.create_key(f"{name}@example.com", name).secret for name in BUDGETS}
    person(books, "rich", 'amount = "5.00"')
    keys["limited"] = books.create_key("rich@example.com", "one run", limit_nanos=630_000).secret
    return keys


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Place]:
    more = CONFIG.format(url=upstream.url)
    with opened(tmp_path_factory.mktemp("clamp"), amount="50.00", more=more, fill=fill) as made:
        yield made


def sent(place: Place, upstream: Upstream, who: str, wire: str = "openai", **asked: Any) -> tuple[Any, Ended]:
    """The body that the provider got, and how the call ended."""
    before, ended = len(upstream.requests), len(place.ended())
    got = call(place.url, place.keys.get(who, place.key), wire, **asked)
    assert got.status == 200, got
    [arrived] = upstream.requests[before:]
    return arrived.json(), place.last(ended)


@BOTH
def test_the_longest_answer_that_what_is_left_can_buy(place: Place, upstream: Upstream, wire: str) -> None:
    """All that is left is held, and one token more could not have been paid for."""
    budget = {"openai": 1_000_000, "anthropic": 10_000_000}[wire]
    body, ended = sent(place, upstream, wire, wire, max_tokens=10_000)
    assert ended.bound == budget
    assert LEAST_USEFUL_TOKENS < body["max_tokens"] < 10_000
    output_nanos = OUTPUT_NANOS[wire]
    unclamped, full = sent(place, upstream, "somebody", wire, max_tokens=10_000)
    assert unclamped["max_tokens"] == 10_000
    input_nanos = full.bound - 10_000 * output_nanos
    assert budget - output_nanos < input_nanos + body["max_tokens"] * output_nanos <= budget


def test_for_several_answers_each_gets_its_part(place: Place, upstream: Upstream) -> None:
    body, ended = sent(place, upstream, "copies", max_tokens=10_000, n=4)
    assert ended.bound == 1_000_000
    assert 4 * body["max_tokens"] * OUTPUT_NANOS["openai"] < 1_000_000
    assert body["n"] == 4


def test_the_clients_own_field_is_the_one_that_is_lowered(place: Place, upstream: Upstream) -> None:
    body, _ = sent(place, upstream, "modern", max_tokens=None, max_completion_tokens=10_000)
    assert body["max_completion_tokens"] < 10_000
    assert "max_tokens" not in body


def test_a_client_that_said_nothing_gets_a_maximum(place: Place, upstream: Upstream) -> None:
    body, _ = sent(place, upstream, "silent", max_tokens=None)
    assert LEAST_USEFUL_TOKENS < body["max_completion_tokens"] < 16_384
    rich, ended = sent(place, upstream, "somebody", max_tokens=None)
    assert rich["max_completion_tokens"] == 16_384
    assert ended.bound > 16_384 * OUTPUT_NANOS["openai"]


def test_older_servers_get_it_in_the_field_that_they_know(place: Place, upstream: Upstream) -> None:
    body, _ = sent(place, upstream, "older", model="gpt-4.1-mini", max_tokens=None)
    assert LEAST_USEFUL_TOKENS < body["max_tokens"] < 10_000
    assert "max_completion_tokens" not in body


def test_responses_get_it_in_their_own_field(place: Place, upstream: Upstream) -> None:
    body, ended = sent(place, upstream, "responses", "responses", max_output_tokens=None)
    assert ended.bound == 1_000_000
    assert LEAST_USEFUL_TOKENS < body["max_output_tokens"] < 16_384
    assert "max_completion_tokens" not in body
    rich, _ = sent(place, upstream, "somebody", "responses", max_output_tokens=None)
    assert rich["max_output_tokens"] == 16_384


@BOTH
def test_more_than_any_model_writes(place: Place, upstream: Upstream, wire: str) -> None:
    longest = {"openai": 16_384, "anthropic": 64_000}[wire]
    for asked in (longest + 1, 10**9, 10**40):
        assert sent(place, upstream, "somebody", wire, max_tokens=asked)[0]["max_tokens"] == longest
    assert sent(place, upstream, "somebody", wire, max_tokens=longest)[0]["max_tokens"] == longest


@BOTH
def test_a_key_given_twice_is_sent_once_with_the_value_that_was_held_for(
    place: Place, upstream: Upstream, wire: str
) -> None:
    before, ended = len(upstream.requests), len(place.ended())
    model = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}[wire]
    data = b'{"model":"%s","max_tokens":9000,"messages":[],"max_tokens":7}' % model.encode()
    with send(place.url, request(WIRES[wire], place.key, data)) as link:
        assert link.recv(100).startswith(b"HTTP/1.1 200 ")
    [arrived] = upstream.requests[before:]
    assert arrived.body.count(b'"max_tokens":7') == arrived.body.count(b"max_tokens") == 1
    assert place.last(ended).bound < 9_000 * OUTPUT_NANOS[wire]


def test_a_plan_may_forbid_it(place: Place, upstream: Upstream) -> None:
    before = len(upstream.requests)
    got = call(place.url, place.keys["strict"], "openai", max_tokens=10_000)
    assert (got.status, got.json()["error"]["code"]) == (402, "budget_exhausted")
    assert len(upstream.requests) == before
    assert sent(place, upstream, "strict", max_tokens=100)[0]["max_tokens"] == 100


def test_less_than_a_useful_answer_is_refused(place: Place, upstream: Upstream) -> None:
    before = len(upstream.requests)
    got = call(place.url, place.keys["crumbs"], "openai", max_tokens=10_000)
    assert (got.status, got.json()["error"]["code"]) == (402, "budget_exhausted")
    assert len(upstream.requests) == before
    assert sent(place, upstream, "crumbs", max_tokens=20)[0]["max_tokens"] == 20


def test_an_answer_is_longer_than_its_thinking_or_refused(place: Place, upstream: Upstream) -> None:
    """$0.005 buys less than the 1,025 tokens of output that are the least for 1,024 tokens of thinking."""
    thinking = {"type": "enabled", "budget_tokens": 1_024}
    got = call(place.url, place.keys["thinker"], "anthropic", max_tokens=4_000, thinking=thinking)
    assert (got.status, got.json()["error"]["code"]) == (402, "budget_exhausted")
    assert sent(place, upstream, "thinker", "anthropic", max_tokens=4_000)[0]["max_tokens"] < 1_025


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Providers that take half a second for each answer, and a Bursar that has nobody wait for budget."""
    settings = SimSettings(first_byte_delay_ms=500)
    more = "[server]\nwait_for_budget_s = 0\n"
    with opened(tmp_path_factory.mktemp("slow"), amount="50.00", settings=settings, fill=fill, more=more) as made:
        yield made
        made.assert_books_are_the_bill()


def two_at_once(place: Place, key: str, *, max_retries: int) -> tuple[list[Any], float]:
    """Two calls of OpenAI's own package, begun together: completions or exceptions; and how long they took."""

    async def run() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=f"{place.url}/v1", api_key=key, max_retries=max_retries) as client:
            messages: Any = [{"role": "user", "content": "Say something about budgets."}]
            one = client.chat.completions.create
            calls = [one(model="gpt-4o-mini", messages=messages, max_tokens=1_000) for _ in range(2)]
            return await asyncio.gather(*calls, return_exceptions=True)

    began_s = time.monotonic()
    return asyncio.run(run()), time.monotonic() - began_s


@pytest.mark.parametrize(("who", "code"), [("pair", "budget_held"), ("limited", "limit_held")])
def test_what_is_held_by_a_running_call_is_a_reason_to_wait(slow: Place, who: str, code: str) -> None:
    answers, _ = two_at_once(slow, slow.keys[who], max_retries=0)
    [refused] = [each for each in answers if isinstance(each, openai.RateLimitError)]
    assert len([each for each in answers if not isinstance(each, Exception)]) == 1
    assert refused.code == code
    assert refused.response.headers["retry-after"] == "1"
    assert "x-should-retry" not in refused.response.headers
    assert "Try again when they have ended" in refused.message
    slow.until_quiet()


def test_a_client_that_waits_gets_its_answer(slow: Place) -> None:
    """The package retries by itself after the second that it is told to wait; the first call has ended by then."""
    answers, took_s = two_at_once(slow, slow.keys["queue"], max_retries=2)
    assert [each.choices[0].finish_reason for each in answers] == ["stop", "stop"]
    assert took_s > 1.0


def test_two_run_together_when_there_is_enough_for_both(slow: Place) -> None:
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.extend(two_at_once(slow, slow.key, max_retries=0)[0]))
    thread.start()
    until(lambda: slow.running() == 2)
    thread.join()
    assert [each.choices[0].finish_reason for each in seen] == ["stop", "stop"]
