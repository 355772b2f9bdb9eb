from __future__ import annotations

import msgspec
import pytest
from anthropic.types import CacheCreation, Message, ServerToolUsage
from anthropic.types import Usage as Told
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import ANTHROPIC, Meter
from bursar.usage import Usage
from tests.unit.gateway.streams import cuts, events, feed, line_ends
from tests.unit.gateway.tables import rows
from tests.unit.gateway.test_openai_meter import words

RECORDS = """
# what the provider says                                                      | what it comes to
{"input_tokens": 10, "output_tokens": 5}                                      | input=10 output=5
{"input_tokens": 0, "output_tokens": 0}                                       | nothing used
{"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 900}      | input=10 cache_read=900 output=5
{"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 7}    | input=10 cache_write_5m=7 output=5
{"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 7, "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3}} | input=10 cache_write_5m=4 cache_write_1h=3 output=5
{"input_tokens": 10, "output_tokens": 5, "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3}} | input=10 cache_write_5m=4 cache_write_1h=3 output=5
{"input_tokens": 10, "output_tokens": 5, "cache_creation": null, "server_tool_use": null} | input=10 output=5
{"input_tokens": 10, "output_tokens": 5, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}} | input=10 output=5 web_searches=2
{"input_tokens": 10, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 4}} | input=10 output=5 reasoning=4
{"input_tokens": 10, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 9}} | input=10 output=5 reasoning=5
{"input_tokens": 10, "output_tokens": 5, "iterations": [{"type": "message", "input_tokens": 10}]} | input=10 output=5
# billed apart from the counts beside it
{"input_tokens": 10, "output_tokens": 5, "iterations": [{"type": "message"}, {"type": "compaction"}]} | -
{"input_tokens": 10, "output_tokens": 5, "iterations": [{"type": "advisor_message", "model": "m"}]} | -
# at fault
{"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 6, "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3}} | -
{"input_tokens": -10, "output_tokens": 5}                                     | -
{"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": -1}       | -
{"input_tokens": "10", "output_tokens": 5}                                    | -
{"input_tokens": 10, "output_tokens": 1e30}                                   | -
{"input_tokens": 10, "output_tokens": 5, "server_tool_use": {"web_search_requests": -2}} | -
{"input_tokens": 10}                                                          | -
{"output_tokens": 5}                                                          | -
{"input_tokens": null, "output_tokens": 5}                                    | -
{}                                                                            | -
[10, 5]                                                                       | -
null                                                                          | -
"""  # noqa: E501


def meter(**fields: object) -> Meter:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [], "stream": True, **fields}
    return ANTHROPIC.meter(ANTHROPIC.read(msgspec.json.encode(body)))


def start(usage: str) -> str:
    message = '{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[]'
    return f'message_start: {{"type":"message_start","message":{message},"usage":{usage}}}}}'


def delta(usage: str, stop: str = '"end_turn"') -> str:
    return f'message_delta: {{"type":"message_delta","delta":{{"stop_reason":{stop}}},"usage":{usage}}}'


WORD = 'content_block_delta: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a \\"error\\" in message_delta é"}}'  # noqa: E501
PING = 'ping: {"type": "ping"}'
STOP = 'message_stop: {"type":"message_stop"}'
ERROR = 'error: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


@pytest.mark.parametrize(("record", "expected"), rows(RECORDS))
def test_a_record_comes_to_disjoint_buckets_or_to_nothing(record: str, expected: str) -> None:
    seen = meter()
    seen.whole(b'{"type":"message","model":"claude-sonnet-4-5","usage":%b}' % record.encode())
    assert words(seen.usage) == expected
    assert seen.complete


def test_an_answer_of_the_sdks_own_types_is_understood() -> None:
    told = Told(
        input_tokens=10,
        output_tokens=5,
        cache_creation=CacheCreation(ephemeral_1h_input_tokens=3, ephemeral_5m_input_tokens=4),
        cache_creation_input_tokens=7,
        cache_read_input_tokens=900,
        server_tool_use=ServerToolUsage(web_fetch_requests=0, web_search_requests=2),
        service_tier="priority",
    )
    seen = meter()
    message = Message.model_construct(
        id="msg_1", content=[], model="claude-sonnet-4-5", role="assistant", type="message", usage=told
    )
    seen.whole(message.model_dump_json().encode())
    expected = Usage(input=10, cache_read=900, cache_write_5m=4, cache_write_1h=3, output=5, web_searches=2)
    assert (seen.usage, seen.delivered_variant, seen.model) == (expected, "priority", "claude-sonnet-4-5")


WHOLE = """
{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}} | -           | failed
{"type": "message", "usage": {"input_tokens": 10, "output_tok                  | -              | nothing
{"usage": {"input_tokens": 10, "output_tokens": 5}}                            | -              | nothing
"""


@pytest.mark.parametrize(("body", "usage", "state"), rows(WHOLE))
def test_a_whole_answer_that_is_no_message(body: str, usage: str, state: str) -> None:
    seen = meter()
    seen.whole(body.encode())
    assert (words(seen.usage), seen.complete, seen.failed) == (usage, False, state == "failed")


STREAMS = """
# start                                   | deltas                                    | what it comes to
{"input_tokens": 10, "output_tokens": 1}  | {"output_tokens": 5}                      | input=10 output=5
{"input_tokens": 10, "output_tokens": 1}  | {"output_tokens": 3} {"output_tokens": 5} | input=10 output=5
{"input_tokens": 10, "output_tokens": 1}  | {"output_tokens": 0}                      | input=10
{"input_tokens": 10, "output_tokens": 1}  | {"input_tokens": 250, "output_tokens": 5} | input=250 output=5
{"input_tokens": 0, "output_tokens": 0}   | {"input_tokens": 10, "output_tokens": 5}  | input=10 output=5
{"input_tokens": 10, "output_tokens": 1}  | {"input_tokens": null, "output_tokens": 5} | input=10 output=5
{"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 90} | {"output_tokens": 5} | input=10 cache_read=90 output=5
{"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 90} | {"cache_read_input_tokens": 0, "output_tokens": 5} | input=10 output=5
# deltas lack the split of cache writes: the start's is kept
{"input_tokens": 10, "output_tokens": 1, "cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}} | {"cache_creation_input_tokens": 9, "output_tokens": 5} | input=10 cache_write_5m=2 cache_write_1h=7 output=5
{"input_tokens": 10, "output_tokens": 1, "cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}} | {"cache_creation_input_tokens": 20, "output_tokens": 5} | input=10 cache_write_5m=13 cache_write_1h=7 output=5
{"input_tokens": 10, "output_tokens": 1}  | {"output_tokens": 5, "server_tool_use": {"web_search_requests": 1}} {"output_tokens": 6, "server_tool_use": {"web_search_requests": 3}} | input=10 output=6 web_searches=3
# at fault
{"input_tokens": 10, "output_tokens": 1}  | {"output_tokens": -5}                     | -
{"input_tokens": -1, "output_tokens": 1}  | {"input_tokens": 10, "output_tokens": 5}  | -
{"input_tokens": 10, "output_tokens": 1}  | {"output_tokens": "5"} {"output_tokens": 5} | -
{"output_tokens": 1}                      | {"output_tokens": 5}                      | -
{"input_tokens": 10, "output_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}} | {"cache_creation_input_tokens": 8, "output_tokens": 5} | -
"""  # noqa: E501


@pytest.mark.parametrize(("begun", "deltas", "expected"), rows(STREAMS))
def test_every_field_of_a_delta_replaces_what_the_start_said(begun: str, deltas: str, expected: str) -> None:
    said = deltas.replace("} {", "}\n{").split("\n")
    stream = events(start(begun), PING, WORD, *(delta(each) for each in said), STOP)
    seen = meter()
    assert feed(seen, stream) == stream
    assert words(seen.usage) == expected
    assert (seen.complete, seen.failed, seen.model) == (True, False, "claude-sonnet-4-5-20250929")


@given(cuts, line_ends)
def test_however_a_stream_is_cut_it_is_metered_alike_and_passes_at_once(cut: list[int], end: bytes) -> None:
    stream = events(
        start('{"input_tokens":10,"output_tokens":1}'), WORD, PING, WORD, delta('{"output_tokens":5}'), STOP, end=end
    )
    seen = meter()
    assert feed(seen, stream, cut) == stream
    assert (seen.usage, seen.complete, seen.failed) == (Usage(input=10, output=5), True, False)


def test_events_without_usage_are_forwarded_without_a_copy() -> None:
    seen = meter()
    chunk = events(PING) * 3
    assert seen.feed(chunk) is chunk


def test_cache_writes_of_a_lifetime_not_told_count_as_the_dearest_that_was_asked_for() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    seen = meter(cache_control=mark)
    seen.whole(b'{"type":"message","usage":{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":9}}')
    assert words(seen.usage) == "input=1 cache_write_1h=9 output=1"


CUTS = """
# events that arrived                            | usage             | partial           | state
start                                            | -                 | input=10 output=1 | cut
start word                                       | -                 | input=10 output=1 | cut
start word running                               | -                 | input=10 output=3 | cut
start word delta                                 | input=10 output=5 | input=10 output=5 | cut
start word delta stop                            | input=10 output=5 | input=10 output=5 | complete
start word running stop                          | -                 | input=10 output=3 | complete
start word stop                                  | -                 | input=10 output=1 | complete
start word error                                 | -                 | input=10 output=1 | failed
error                                            | -                 | -                 | failed
word stop                                        | -                 | -                 | complete
"""


@pytest.mark.parametrize(("names", "usage", "partial", "state"), rows(CUTS))
def test_usage_is_terminal_only_once_the_answer_has_stopped(names: str, usage: str, partial: str, state: str) -> None:
    written = {
        "start": start('{"input_tokens":10,"output_tokens":1}'),
        "word": WORD,
        "running": delta('{"output_tokens":3}', stop="null"),
        "delta": delta('{"output_tokens":5}'),
        "stop": STOP,
        "error": ERROR,
    }
    seen = meter()
    feed(seen, events(*(written[name] for name in names.split())))
    assert (words(seen.usage), words(seen.partial)) == (usage, partial)
    assert (seen.complete, seen.failed) == (state == "complete", state == "failed")


VARIANTS = """
{}                        | {}                                                              | standard
{}                        | {"service_tier": "standard", "inference_geo": "not_available"}  | standard
{}                        | {"service_tier": "standard", "inference_geo": "global", "speed": "standard"} | standard
{}                        | {"service_tier": "priority"}                                    | priority
{}                        | {"inference_geo": "us"}                                         | us
{"speed": "fast"}         | {"speed": "fast"}                                               | fast
{"speed": "fast"}         | {"speed": "standard"}                                           | standard
{"speed": "fast"}         | {"speed": null}                                                 | fast
{"speed": "fast"}         | {"inference_geo": "us", "service_tier": "priority"}             | us+priority+fast
{"inference_geo": "us"}   | {"inference_geo": 5}                                            | us
"""


@pytest.mark.parametrize(("asked", "said", "delivered"), rows(VARIANTS))
def test_the_variant_that_was_delivered_counts(asked: str, said: str, delivered: str) -> None:
    seen = meter(**msgspec.json.decode(asked))
    feed(seen, events(start(said), STOP))
    assert seen.delivered_variant == delivered


def test_a_usage_event_that_cannot_be_read_is_a_fault_not_a_zero() -> None:
    seen = meter()
    broken = 'message_delta: {"type":"message_delta","usage":{"output_tokens":'
    feed(seen, events(start('{"input_tokens":10,"output_tokens":1}'), broken, STOP))
    assert (seen.usage, seen.partial, seen.complete) == (None, None, True)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"message_", b"data: ", b"\n\n", b'"error"', b"{}"])))
def test_any_bytes_pass_unchanged_and_never_crash(chunks: list[bytes]) -> None:
    seen = meter()
    assert b"".join([*map(seen.feed, chunks), seen.finish()]) == b"".join(chunks)
    assert seen.usage is None
