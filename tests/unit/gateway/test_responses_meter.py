from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response

from bursar.gateway.wires import RESPONSES, Meter
from bursar.gateway.wires.sse import LONGEST_EVENT
from bursar.refusals import Why, refuse
from bursar.usage import Usage
from tests.unit.gateway.streams import cuts, events, feed, line_ends
from tests.unit.gateway.tables import rows
from tests.unit.gateway.test_openai_meter import words

RECORDS = """
# what the provider says                                                     | what it comes to
{"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}                 | input=10 output=5
{"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}                   | nothing used
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": null}       | input=10 output=5
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 8}} | input=2 cache_read=8 output=5
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}} | input=5 cache_read=2 cache_write_5m=3 output=5
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 8, "cache_write_tokens_details": {"ttl_30m_tokens": 3, "ttl_12h_tokens": 5}}} | cache_read=2 cache_write_5m=3 cache_write_1h=5 output=5
{"input_tokens": 10, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 6}} | input=10 output=9 reasoning=6
# a server that leaves reasoning out of its output, and bills it
{"input_tokens": 10, "output_tokens": 9, "total_tokens": 119, "output_tokens_details": {"reasoning_tokens": 100}} | input=10 output=109 reasoning=100
# records at fault: a part larger than its whole, or no counts at all
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 11}} | -
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 5}} | -
{"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cache_write_tokens": 3, "cache_write_tokens_details": {"ttl_12h_tokens": 4}}} | -
{"input_tokens": -1, "output_tokens": 5}                                     | -
{"input_tokens": "10", "output_tokens": 5}                                   | -
{"input_tokens": 10.5, "output_tokens": 5}                                   | -
{"input_tokens": 99999999999999999999, "output_tokens": 5}                   | -
{"input_tokens": 10}                                                         | -
{"output_tokens": 5}                                                         | -
{}                                                                           | -
[]                                                                           | -
null                                                                         | -
"""  # noqa: E501

USED = '{"input_tokens":10,"output_tokens":5,"total_tokens":15}'
BEGUN = '{"id":"resp_1","object":"response","status":"in_progress","error":null,"service_tier":"auto","usage":null}'
CREATED = f'response.created: {{"type":"response.created","sequence_number":0,"response":{BEGUN}}}'
WORD = (
    'response.output_text.delta: {"type":"response.output_text.delta","sequence_number":2,'
    '"delta":"café response.completed \\"error\\" \\"usage\\""}'
)
TEN_AND_FIVE = Usage(input=10, output=5)


def ended(status: str = "completed", usage: str = USED, more: str = "") -> str:
    return (
        f'{{"id":"resp_1","object":"response","status":"{status}","model":"gpt-5-2025-08-07","output":[],'
        f'"usage":{usage}{more}}}'
    )


def last(status: str = "completed", usage: str = USED, more: str = "") -> str:
    kind = f"response.{status}"
    return f'{kind}: {{"type":"{kind}","sequence_number":3,"response":{ended(status, usage, more)}}}'


def named(*data: str, end: bytes = b"\n") -> bytes:
    """A stream of these events, each "name: data"."""
    written = [each.partition(": ") for each in data]
    return b"".join(b"event: " + name.encode() + end + events(rest, end=end) for name, _, rest in written)


CONTENT = named(CREATED, WORD, WORD)


def meter(tier: str = "") -> Meter:
    tail = f',"service_tier":"{tier}"' if tier else ""
    return RESPONSES.meter(RESPONSES.read(f'{{"model":"gpt-5","input":"a","stream":true{tail}}}'.encode()))


@pytest.mark.parametrize(("record", "expected"), rows(RECORDS))
def test_a_record_comes_to_disjoint_buckets_or_to_nothing(record: str, expected: str) -> None:
    whole = meter()
    whole.whole(ended(usage=record).encode())
    assert words(whole.usage) == expected
    streamed = meter()
    feed(streamed, named(last(usage=record)))
    assert words(streamed.usage) == expected


def test_an_answer_of_the_sdks_own_type_is_understood() -> None:
    details = {
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    answer = Response.model_validate(
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": "gpt-5",
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "service_tier": "default",
            "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, **details},
        }
    )
    whole = meter("flex")
    whole.whole(answer.model_dump_json().encode())
    assert whole.usage == Usage(input=6, cache_read=4, output=5, reasoning=2)
    assert (whole.model, whole.delivered_variant) == ("gpt-5", "standard")
    assert (whole.complete, whole.failed) == (True, False)


STATES = """
# status    | usage             | state
completed   | input=10 output=5 | complete
incomplete  | input=10 output=5 | complete
cancelled   | input=10 output=5 | complete
failed      | input=10 output=5 | failed
queued      | -                 | nothing
in_progress | -                 | nothing
"""


@pytest.mark.parametrize(("status", "usage", "state"), rows(STATES))
def test_a_whole_answer_by_its_status(status: str, usage: str, state: str) -> None:
    seen = meter()
    seen.whole(ended(status).encode())
    assert words(seen.usage) == usage
    assert (seen.complete, seen.failed) == (state == "complete", state == "failed")


WHOLE = """
{"error": {"message": "overloaded", "type": "server_error"}} | -                 | failed
{"status": "failed", "error": {"code": "server_error", "message": ""}, "usage": null} | - | failed
{"status": "completed", "error": null, "usage": {"input_tokens": 10, "output_tokens": 5}} | input=10 output=5 | complete
{"error": null, "usage": {"input_tokens": 10, "output_tokens": 5}} | input=10 output=5 | complete
{"status": "completed", "usage": null}                       | -                 | complete
{"status": "completed", "usage": {"input_tokens": 10, "outpu | -                 | nothing
[1, 2]                                                       | -                 | nothing
<html>Bad gateway</html>                                     | -                 | nothing
"""  # noqa: E501


@pytest.mark.parametrize(("body", "usage", "state"), rows(WHOLE))
def test_a_whole_answer_that_is_odd(body: str, usage: str, state: str) -> None:
    seen = meter()
    seen.whole(body.encode())
    assert words(seen.usage) == usage
    assert (seen.complete, seen.failed) == (state == "complete", state == "failed")


@given(cuts, line_ends, st.sampled_from(["completed", "incomplete", "failed"]))
def test_however_a_stream_is_cut_it_is_metered_and_forwarded_alike(cut: list[int], end: bytes, status: str) -> None:
    stream = named(CREATED, WORD, WORD, last(status), end=end)
    seen = meter()
    assert feed(seen, stream, cut) == stream
    assert seen.usage == TEN_AND_FIVE
    assert (seen.complete, seen.failed) == (status != "failed", status == "failed")
    assert seen.model == "gpt-5-2025-08-07"


def test_a_server_may_leave_the_status_to_the_event() -> None:
    seen = meter()
    feed(seen, named(last("incomplete").replace('"status":"incomplete",', "")))
    assert (seen.usage, seen.complete, seen.failed) == (TEN_AND_FIVE, True, False)


def test_a_stream_that_is_cut_has_no_usage() -> None:
    seen = meter()
    assert feed(seen, CONTENT) == CONTENT
    assert (seen.usage, seen.complete, seen.failed) == (None, False, False)


def test_a_last_event_without_usage_has_none() -> None:
    seen = meter()
    feed(seen, CONTENT + named(last(usage="null")))
    assert (seen.usage, seen.complete) == (None, True)


@pytest.mark.parametrize(
    "data",
    [
        'error: {"type":"error","sequence_number":3,"code":"server_error","message":"It broke.","param":null}',
        'error: {"type":"error","sequence_number":3,"error":{"type":"server_error","message":"It broke."}}',
        'error: {"error":{"type":"server_error","message":"It broke."}}',
    ],
)
def test_an_error_in_the_stream_is_seen_and_forwarded(data: str) -> None:
    stream = CONTENT + named(data)
    seen = meter()
    assert feed(seen, stream) == stream
    assert (seen.failed, seen.complete, seen.usage) == (True, False, None)


def test_an_error_and_then_a_failed_response_with_its_usage() -> None:
    seen = meter()
    feed(seen, CONTENT + named('error: {"type":"error","message":"It broke."}', last("failed")))
    assert (seen.failed, seen.complete, seen.usage) == (True, False, TEN_AND_FIVE)


def test_the_gateways_own_error_event_is_one() -> None:
    event = RESPONSES.error_event(refuse(Why.STOPPING), "r")
    seen = meter()
    assert feed(seen, event) == event
    assert seen.failed


@settings(deadline=None, max_examples=10)
@given(st.sampled_from([1_000, 70_000, 3_000_000]))
def test_a_last_event_is_read_however_long_it_is(size: int) -> None:
    long = named(last(more=f',"instructions":"{"A" * (LONGEST_EVENT * 6)}"'))
    stream = CONTENT + long
    seen = meter()
    assert feed(seen, stream, list(range(0, len(stream), size))) == stream
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)


SEARCHES = """
# output and the provider's own count                                                             | searches
[]                                                                                                | 0
[{"type": "web_search_call", "action": {"type": "search", "query": "a"}}]                         | 1
[{"type": "web_search_call", "action": {"type": "search", "queries": ["a", "b"]}}, {"type": "web_search_call", "action": {"type": "open_page"}}] | 1
[{"type": "web_search_call", "action": {"type": "find_in_page"}}, {"type": "web_search_call", "status": "failed"}] | 1
[{"type": "web_search_call", "action": "search"}, {"type": "local_shell_call", "action": {"type": "exec"}}] | 1
[{"type": "web_search_call"}], "tool_usage": {"web_search": {"num_requests": 3}}                  | 3
[{"type": "web_search_call"}], "tool_usage": {"web_search": {"num_requests": 0}, "image_gen": {}} | 0
[{"type": "web_search_call"}], "tool_usage": {"web_search": null}                                 | 1
[{"type": "web_search_call"}], "tool_usage": null                                                 | 1
[{"type": "web_search_call"}], "tool_usage": {"web_search": {"num_requests": -3}}                 | at fault
"""  # noqa: E501


@pytest.mark.parametrize(("output", "expected"), rows(SEARCHES))
def test_searches_are_counted_by_the_provider_or_from_the_output(output: str, expected: str) -> None:
    seen = meter()
    seen.whole(b'{"status":"completed","usage":%b,"output":%b}' % (USED.encode(), output.encode()))
    assert (None if seen.usage is None else seen.usage.web_searches) == (
        None if expected == "at fault" else int(expected)
    )


TIERS = """
flex     | "flex"      | flex
flex     | "default"   | standard
flex     | null        | flex
-        | "priority"  | priority
-        | "auto"      | standard
fast     | "priority"  | priority
flex     | 7           | flex
"""


@pytest.mark.parametrize(("asked", "said", "delivered"), rows(TIERS))
def test_the_tier_that_was_delivered_counts(asked: str, said: str, delivered: str) -> None:
    seen = meter("" if asked == "-" else asked)
    feed(seen, CONTENT + named(last(more=f',"service_tier":{said}')))
    assert seen.delivered_variant == delivered


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"response.completed", b"data: ", b"\n\n", b'"error"'])))
def test_any_bytes_pass_unchanged_and_never_crash(chunks: list[bytes]) -> None:
    seen = meter()
    assert b"".join([*map(seen.feed, chunks), seen.finish()]) == b"".join(chunks)
    assert seen.usage is None
