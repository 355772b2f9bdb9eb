"""Each fault as a raw client sees it, and what it leaves on the bill."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import anthropic
import openai
import pytest

from bursar.sim.faults import Fault
from bursar.sim.server import SimServer

from .raw import CHAT, ask, chat, leave_after, message, until

STREAM: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "x" * 40}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


def billed(sim: SimServer) -> list[tuple[int, int, str]]:
    """Input, output and end of each charged call."""
    return [(line.usage.input, line.usage.output, line.finished) for line in sim.bill.lines()]


def words_in(events: list[Any]) -> int:
    """Tokens that a chat stream brought."""
    choices = [event["choices"][0] for event in events if event != "[DONE]" and event.get("choices")]
    return sum(1 for choice in choices if choice["delta"].get("content"))


@pytest.mark.parametrize(
    ("words", "status", "kind"),
    [
        ({"fault": "refuse"}, 500, "server_error"),
        ({"fault": "refuse", "status": "403"}, 403, "invalid_request_error"),
        ({"fault": "rate_limited", "retry_after_s": "7"}, 429, "requests"),
        ({"fault": "overloaded"}, 503, "server_error"),
        ({"fault": "error_event_after"}, 500, "server_error"),
    ],
)
def test_refusals_cost_nothing(sim: SimServer, words: dict[str, Any], status: int, kind: str) -> None:
    got = chat(sim.url, **words)
    assert (got.status, got.json()["error"]["type"]) == (status, kind)
    assert got.headers.get("retry-after") == words.get("retry_after_s")
    assert billed(sim) == []


def test_a_refusal_may_be_html_or_a_redirect(sim: SimServer) -> None:
    page = chat(sim.url, fault="html_error", status="502")
    assert (page.status, page.headers["content-type"][:9], page.body[:6]) == (502, "text/html", b"<html>")
    away = chat(sim.url, fault="redirect")
    assert (away.status, away.headers["location"]) == (307, "/sim/elsewhere")
    assert billed(sim) == []


def test_anthropic_is_overloaded_in_its_own_way(sim: SimServer, claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.create(
            model="claude-sonnet-5",
            max_tokens=9,
            messages=[{"role": "user", "content": "sim:fault=overloaded"}],
        )
    assert caught.value.status_code == 529
    assert billed(sim) == []


def test_error_event_inside_a_stream(sim: SimServer, gpt: openai.OpenAI) -> None:
    """After five events (the role and four words) an error; four tokens are billed."""
    got = chat(sim.url, stream=True, fault="error_event_after", output_tokens="20")
    events = got.events()
    assert (got.status, got.ended, words_in(events[:-1])) == (200, True, 4)
    assert events[-1]["error"]["type"] == "server_error"
    with (
        pytest.raises(openai.APIError),
        gpt.chat.completions.create(**STREAM, user="sim:fault=error_event_after;output_tokens=20") as stream,
    ):
        list(stream)
    assert billed(sim) == [(10, 4, "error_event_after")] * 2


def test_error_event_inside_a_message(sim: SimServer) -> None:
    got = message(sim.url, stream=True, fault="error_event_after", after_events="4", output_tokens="20")
    assert got.events()[-1]["error"]["type"] == "overloaded_error"
    assert billed(sim) == [(10, 1, "error_event_after")]


def test_cut_midstream(sim: SimServer) -> None:
    got = chat(sim.url, stream=True, fault="cut_midstream", after_events="9", output_tokens="20")
    assert (got.status, got.ended, words_in(got.events())) == (200, False, 8)
    whole = chat(sim.url, fault="cut_midstream", output_tokens="20")
    assert (whole.ended, int(whole.headers["content-length"]) // 2) == (False, len(whole.body))
    assert billed(sim) == [(10, 8, "cut_midstream"), (10, 20, "cut_midstream")]


def test_a_short_stream_is_cut_before_its_usage(sim: SimServer) -> None:
    got = chat(sim.url, stream=True, fault="cut_midstream", after_events="900", output_tokens="3")
    assert (got.ended, words_in(got.events())) == (False, 3)
    assert b'"usage":{' not in got.body
    assert billed(sim) == [(10, 3, "cut_midstream")]


def test_cut_before_usage(sim: SimServer) -> None:
    streamed = chat(sim.url, stream=True, fault="cut_before_usage", output_tokens="30")
    assert (streamed.ended, words_in(streamed.events())) == (False, 30)
    assert streamed.events()[-1]["choices"][0]["finish_reason"] == "stop"
    whole = chat(sim.url, fault="cut_before_usage", output_tokens="30")
    assert not whole.ended
    assert whole.body.endswith(b",")
    assert b'"usage"' not in whole.body
    assert billed(sim) == [(10, 30, "cut_before_usage")] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_cut_before_headers_is_billed_in_full(sim: SimServer, stream: bool) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        chat(sim.url, stream=stream, fault="cut_before_headers", output_tokens="20")
    assert billed(sim) == [(10, 20, "cut_before_headers")]


def test_silence(sim: SimServer) -> None:
    began = time.monotonic()
    got = chat(sim.url, stream=True, fault="silence", after_events="3", silence_ms="200", output_tokens="20")
    assert time.monotonic() - began >= 0.2
    assert (got.ended, words_in(got.events())) == (False, 2)
    with pytest.raises(http.client.RemoteDisconnected):
        chat(sim.url, fault="silence", silence_ms="1", output_tokens="20")
    assert billed(sim) == [(10, 2, "silence"), (10, 20, "silence")]


def test_drip_arrives_whole(sim: SimServer) -> None:
    sim.configure(drip_ms=1)
    dripped = chat(sim.url, stream=True, fault="drip", output_tokens="6")
    assert (dripped.ended, words_in(dripped.events()), dripped.events()[-1]) == (True, 6, "[DONE]")
    assert chat(sim.url, fault="drip", output_tokens="6").json()["usage"]["completion_tokens"] == 6
    assert billed(sim) == [(10, 6, "drip")] * 2


def test_no_usage(sim: SimServer) -> None:
    assert "usage" not in chat(sim.url, fault="no_usage", output_tokens="6").json()
    streamed = chat(sim.url, stream=True, fault="no_usage", output_tokens="6")
    assert streamed.events()[-1] == "[DONE]"
    assert b'"usage":{' not in streamed.body
    assert b"usage" not in message(sim.url, fault="no_usage", output_tokens="6").body
    assert b"usage" not in message(sim.url, stream=True, fault="no_usage", output_tokens="6").body
    assert billed(sim) == [(10, 6, "no_usage")] * 4


def test_bare_usage_and_explicit_zeros(sim: SimServer) -> None:
    """Nothing is cached under either; only the second says so."""
    long = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 8000}]}
    for _ in range(2):
        bare = ask(sim.url, "POST", CHAT, long, x_sim_fault="usage_bare").json()["usage"]
        zero = ask(sim.url, "POST", CHAT, long, x_sim_fault="usage_zero_cached").json()["usage"]
    assert set(bare) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert zero["prompt_tokens_details"]["cached_tokens"] == 0
    assert [line.usage.input for line in sim.bill.lines()] == [2000] * 4
    assert set(message(sim.url, fault="usage_bare").json()["usage"]) == {"input_tokens", "output_tokens"}
    started = message(sim.url, stream=True, fault="usage_bare").events()[0]["message"]["usage"]
    assert set(started) == {"input_tokens", "output_tokens"}


@pytest.mark.parametrize("stream", [False, True])
def test_garbage(sim: SimServer, stream: bool) -> None:
    got = chat(sim.url, stream=stream, fault="garbage", output_tokens="6")
    assert got.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(got.body.removeprefix(b"data: "))
    assert billed(sim) == [(10, 6, "garbage")]


def test_huge_header(sim: SimServer) -> None:
    with pytest.raises(http.client.LineTooLong):
        chat(sim.url, fault="huge_header", output_tokens="6")
    assert billed(sim) == [(10, 6, "huge_header")]


def test_a_client_that_leaves_stops_the_generation(sim: SimServer) -> None:
    sim.configure(event_delay_ms=10)
    leave_after(sim.url, {**STREAM, "user": "sim:output_tokens=1000"}, b'"delta":{"content":"')
    until(lambda: bool(sim.bill.lines()))
    [(prompt, output, finished)] = billed(sim)
    assert (prompt, finished) == (10, "client_left")
    assert 1 <= output < 100


def test_a_client_that_leaves_before_a_whole_answer_pays_all_of_it(sim: SimServer) -> None:
    with (
        pytest.raises(openai.APITimeoutError),
        openai.OpenAI(base_url=f"{sim.url}/v1", api_key="alpha", max_retries=0, timeout=0.1) as client,
    ):
        client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "x" * 40}],
            user="sim:delay_ms=5000;output_tokens=20",
        )
    until(lambda: bool(sim.bill.lines()))
    assert billed(sim) == [(10, 20, "client_left")]


def test_delays(sim: SimServer) -> None:
    began = time.monotonic()
    chat(sim.url, delay_ms="120")
    assert time.monotonic() - began >= 0.12
    began = time.monotonic()
    chat(sim.url, stream=True, event_delay_ms="20", output_tokens="5")
    assert time.monotonic() - began >= 0.1


def test_a_mix_of_faults_repeats_after_a_reset(sim: SimServer) -> None:
    sim.configure(faults={Fault.REFUSE: 0.3, Fault.NO_USAGE: 0.3})

    def seen() -> list[tuple[int, bool]]:
        answers = [chat(sim.url) for _ in range(20)]
        return [(got.status, b'"usage"' in got.body) for got in answers]

    sim.reset()
    first = seen()
    sim.reset()
    assert seen() == first
    assert set(first) == {(500, False), (200, False), (200, True)}
    sim.reset()
    assert all(chat(sim.url, fault="none").status == 200 for _ in range(20))
