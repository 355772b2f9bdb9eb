"""Every way in which a provider can fail: what the client sees, and what the books make of it.

Settled is what the provider billed; provisional is no less, with a reason; released is what it cannot have billed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.gateway.place import Place, opened
from tests.gateway.raw import ALL, call
from tests.support.books import assert_proved, sums
from tests.support.kills import compare_with_bill
from tests.unit.sim.raw import Got

SERVER = "[server]\nidle_timeout_s = 1\ndeadline_s = 2\n"
OVERLOADED = {"openai": 503, "responses": 503, "anthropic": 529, "gemini": 503}
EACH = pytest.mark.parametrize("wire", ALL)

FAULTS = """
  fault                       | whole                | books       | streamed             | books
  none                        | 200                  | settled     | 200                  | settled
  refuse                      | 500                  | released    | 500                  | released
  refuse;status=400           | 400                  | released    | 400                  | released
  refuse;status=404           | 404                  | released    | 404                  | released
  refuse;status=413           | 413                  | released    | 413                  | released
  refuse;status=502           | 502                  | released    | 502                  | released
  refuse;status=401           | 502 upstream_key     | released    | 502 upstream_key     | released
  refuse;status=403           | 502 upstream_key     | released    | 502 upstream_key     | released
  refuse;status=408           | 408                  | provisional | 408                  | provisional
  refuse;status=504           | 504                  | provisional | 504                  | provisional
  refuse;status=524           | 524                  | provisional | 524                  | provisional
  rate_limited                | 429                  | released    | 429                  | released
  overloaded                  | overloaded           | released    | overloaded           | released
  html_error;status=503       | 503 upstream_error   | released    | 503 upstream_error   | released
  html_error;status=404       | 404 upstream_error   | released    | 404 upstream_error   | released
  html_error;status=504       | 504 upstream_error   | provisional | 504 upstream_error   | provisional
  redirect                    | 502 upstream_unreachable | released | 502 upstream_unreachable | released
  error_event_after           | 500                  | released    | 200                  | provisional
  cut_midstream               | 502 upstream_cut     | provisional | 200 upstream_cut     | provisional
  cut_before_usage            | 502 upstream_cut     | provisional | 200 upstream_cut     | provisional
  cut_before_headers          | 502 upstream_cut     | provisional | 502 upstream_cut     | provisional
  silence                     | 504 upstream_timeout | provisional | 200 upstream_timeout | provisional
  drip;output_tokens=9        | 200                  | settled     | 200                  | settled
  drip;output_tokens=80       | 200                  | settled     | 200 upstream_timeout | provisional
  no_usage                    | 200                  | provisional | 200                  | provisional
  usage_bare                  | 200                  | settled     | 200                  | settled
  usage_zero_cached           | 200                  | settled     | 200                  | settled
  garbage                     | 200                  | provisional | 200 upstream_cut     | provisional
  huge_header                 | 502 upstream_cut     | provisional | 502 upstream_cut     | provisional
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in FAULTS.strip().splitlines()[1:]]
CASES = [(row[0], row[1], row[2], False) for row in ROWS] + [(row[0], row[3], row[4], True) for row in ROWS]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("upstream"), amount="50.00", more=SERVER) as made:
        made.sim.configure(drip_ms=12)
        yield made
        made.until_quiet()
        compare_with_bill(made.database, made.sim.bill.lines())
        books = sums(made.database)
        assert books.spent >= made.sim.bill.total_nanos()
        assert (books.held, books.overrun) == (0, 0)
        assert_proved(made.database)
        log = made.server.log.read_text()
        assert "Traceback" not in log
        assert "sk-provider" not in log


@EACH
@pytest.mark.parametrize("case", CASES, ids=[case[0] + " streamed" * case[3] for case in CASES])
def test_fault(place: Place, wire: str, case: tuple[str, str, str, bool]) -> None:
    fault, answer, outcome, stream = case
    ended, billed = len(place.ended()), place.billed()
    got = call(place.url, place.key, wire, stream=stream, directive=f"fault={fault}")
    status, _, refusal = answer.partition(" ")
    assert got.status == (OVERLOADED[wire] if status == "overloaded" else int(status))
    assert_told(wire, got, refusal)
    found = place.last(ended)
    assert found.outcome == outcome
    cost = sum(line.cost_nanos for line in place.sim.bill.lines()[billed:])
    if outcome == "settled":
        assert (found.cost, found.reason) == (cost, "")
    elif outcome == "provisional":
        assert found.cost == found.bound >= cost
        assert found.reason
    else:
        assert (found.cost, cost) == (0, 0)
        assert found.reason
    assert b"sk-provider" not in got.body


def assert_told(wire: str, got: Got, refusal: str) -> None:
    """A refusal of Bursar's own is in the wire's shape, with its name, whether as an answer or within a stream."""
    assert got.ended
    if got.status != 200:
        assert got.headers.get("x-bursar-refusal", "") == refusal
    if not refusal:
        assert b'"upstream_' not in got.body
        return
    assert {"x-bursar-call", "request-id"} & got.headers.keys()
    last = got.events()[-1] if got.status == 200 else got.json()
    assert (last["error"]["details"][0]["reason"].lower() if wire == "gemini" else last["error"]["code"]) == refusal
    typed = wire == "anthropic" or (wire == "responses" and got.status == 200)
    assert (last.get("type") == "error") == typed


@EACH
def test_a_rate_limit_says_how_long_to_wait(place: Place, wire: str) -> None:
    got = call(place.url, place.key, wire, directive="fault=rate_limited;retry_after_s=7")
    assert (got.status, got.headers["retry-after"]) == (429, "7")
    assert "error" in got.json()


@EACH
def test_an_error_inside_a_stream_is_the_providers_own(place: Place, wire: str) -> None:
    got = call(place.url, place.key, wire, stream=True, directive="fault=error_event_after;output_tokens=30")
    error = got.events()[-1]["error"]
    assert "failed inside the stream" in error["message"]
    kind = {
        "openai": "server_error",
        "responses": "server_error",
        "anthropic": "overloaded_error",
        "gemini": "UNAVAILABLE",
    }[wire]
    assert error["status" if wire == "gemini" else "type"] == kind


@EACH
def test_what_was_cut_off_arrived_up_to_there(place: Place, wire: str) -> None:
    got = call(place.url, place.key, wire, stream=True, directive="fault=cut_midstream;after_events=12")
    assert len(got.events()) == 13
    assert "charged provisionally at up to $" in got.events()[-1]["error"]["message"]


def test_a_page_of_html_is_an_exception_of_the_official_packages(place: Place) -> None:
    directive = "sim:fault=html_error;status=503"
    messages: Any = [{"role": "user", "content": "Say something about budgets."}]
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=place.key, max_retries=0) as client:
        with pytest.raises(openai.InternalServerError) as failed:
            client.chat.completions.create(model="gpt-4o-mini", messages=messages, max_tokens=50, user=directive)
        assert (failed.value.status_code, failed.value.code) == (503, "upstream_error")
        assert "<html" not in str(failed.value)
    with anthropic.Anthropic(base_url=place.url, api_key=place.key, max_retries=0) as other:
        with pytest.raises(anthropic.InternalServerError) as overloaded:
            other.messages.create(
                model="claude-haiku-4-5", messages=messages, max_tokens=50, metadata={"user_id": directive}
            )
        assert overloaded.value.status_code == 503
        assert "answered 503 with a page that is no error of its API. Nothing was charged." in str(overloaded.value)
