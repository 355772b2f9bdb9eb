from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from bursar.gateway.wires import OPENAI, Meter
from bursar.gateway.wires.sse import LONGEST_EVENT
from bursar.usage import Usage
from tests.unit.gateway.streams import cuts, events, feed, line_ends
from tests.unit.gateway.tables import rows

RECORDS = """
# what the provider says                                                     | what it comes to
{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}            | input=10 output=5
{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}              | nothing used
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": null} | input=10 output=5
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}} | input=2 cache_read=8 output=5
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10}} | cache_read=10 output=5
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3, "audio_tokens": 4}} | input=1 cache_read=2 cache_write_5m=3 output=5 audio_input=4
{"prompt_tokens": 10, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 6}} | input=10 output=9 reasoning=6
{"prompt_tokens": 10, "completion_tokens": 9, "completion_tokens_details": {"audio_tokens": 7, "accepted_prediction_tokens": 1, "rejected_prediction_tokens": 1}} | input=10 output=2 audio_output=7
# a server that leaves reasoning out of its completion tokens, and bills it
{"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 119, "completion_tokens_details": {"reasoning_tokens": 100}} | input=10 output=109 reasoning=100
# records at fault: a part larger than its whole, or no counts at all
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 11}} | -
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6, "audio_tokens": 5}} | -
{"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"audio_tokens": 6}} | -
{"prompt_tokens": -1, "completion_tokens": 5}                                | -
{"prompt_tokens": 10, "completion_tokens": -5, "total_tokens": 5}            | -
{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -3}} | -
{"prompt_tokens": "10", "completion_tokens": 5}                              | -
{"prompt_tokens": 10.5, "completion_tokens": 5}                              | -
{"prompt_tokens": true, "completion_tokens": 5}                              | -
{"prompt_tokens": 99999999999999999999, "completion_tokens": 5}              | -
{"prompt_tokens": 10}                                                        | -
{"completion_tokens": 5}                                                     | -
{}                                                                           | -
[]                                                                           | -
"many"                                                                       | -
null                                                                         | -
"""  # noqa: E501

CHUNK = '{"object":"chat.completion.chunk","model":"gpt-4o-mini-2024-07-18","choices":[%s],"usage":%s}'
WORD = CHUNK % ('{"index":0,"delta":{"content":"café \\"usage\\":{ [DONE] \\"error\\""}}', "null")
LAST = CHUNK % ('{"index":0,"delta":{},"finish_reason":"stop"}', "null")
USED = '{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'
ONLY_USAGE = CHUNK % ("", USED)
CONTENT = events(WORD, WORD, LAST)
STREAM = CONTENT + events(ONLY_USAGE, "[DONE]")
TEN_AND_FIVE = Usage(input=10, output=5)


def words(usage: Usage | None) -> str:
    if usage is None:
        return "-"
    counts = {name: getattr(usage, name) for name in Usage.__struct_fields__}
    return " ".join(f"{name}={count}" for name, count in counts.items() if count) or "nothing used"


def meter(*, asked: bool = False, tier: str = "") -> Meter:
    options = '{"include_usage":true}' if asked else "null"
    tail = f',"service_tier":"{tier}"' if tier else ""
    body = f'{{"model":"gpt-4o-mini","messages":[],"stream":true,"stream_options":{options}{tail}}}'
    return OPENAI.meter(OPENAI.read(body.encode()))


@pytest.mark.parametrize(("record", "expected"), rows(RECORDS))
def test_a_record_comes_to_disjoint_buckets_or_to_nothing(record: str, expected: str) -> None:
    whole = meter()
    whole.whole(b'{"choices":[],"usage":%b}' % record.encode())
    assert words(whole.usage) == expected
    streamed = meter()
    feed(streamed, events(CHUNK % ("", record), "[DONE]"))
    assert words(streamed.usage) == expected


def test_an_answer_of_the_sdks_own_types_is_understood() -> None:
    usage = CompletionUsage(prompt_tokens=10, completion_tokens=5, total_tokens=15)
    answer = ChatCompletion(
        id="c", choices=[], created=1, model="gpt-5", object="chat.completion", usage=usage, service_tier="default"
    )
    whole = meter(tier="flex")
    whole.whole(answer.model_dump_json().encode())
    assert (whole.usage, whole.model, whole.delivered_variant) == (TEN_AND_FIVE, "gpt-5", "standard")
    assert (whole.complete, whole.failed) == (True, False)
    chunk = ChatCompletionChunk(
        id="c", choices=[], created=1, model="gpt-5", object="chat.completion.chunk", usage=usage
    )
    streamed = meter()
    assert feed(streamed, events(chunk.model_dump_json(), "[DONE]")) == events("[DONE]")
    assert streamed.usage == TEN_AND_FIVE


WHOLE = """
{"choices": [{}], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}   | input=10 output=5 | complete
{"choices": [{}]}                                                           | -                 | complete
{"choices": [{}], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}    | nothing used      | complete
{"error": {"message": "overloaded", "type": "server_error"}}                | -                 | failed
{"error": null, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}} | input=10 output=5 | complete
{"choices": [{}], "usage": {"prompt_tokens": 10, "completion_to             | -                 | nothing
[1, 2]                                                                      | -                 | nothing
<html>Bad gateway</html>                                                    | -                 | nothing
"""


@pytest.mark.parametrize(("body", "usage", "state"), rows(WHOLE))
def test_a_whole_answer(body: str, usage: str, state: str) -> None:
    seen = meter()
    seen.whole(body.encode())
    assert words(seen.usage) == usage
    assert (seen.complete, seen.failed) == (state == "complete", state == "failed")


@given(cuts, line_ends, st.booleans())
def test_however_a_stream_is_cut_it_is_metered_and_forwarded_alike(cut: list[int], end: bytes, asked: bool) -> None:
    content = events(WORD, WORD, LAST, end=end)
    stream = content + events(ONLY_USAGE, "[DONE]", end=end)
    seen = meter(asked=asked)
    assert feed(seen, stream, cut) == (stream if asked else content + events("[DONE]", end=end))
    assert (seen.usage, seen.complete, seen.failed) == (TEN_AND_FIVE, True, False)
    assert seen.model == "gpt-4o-mini-2024-07-18"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_cut_at_any_byte_changes_nothing(end: bytes) -> None:
    """A usage chunk between two others, cut once at every place, within each line end too."""
    stream = events(LAST, ONLY_USAGE, "[DONE]", end=end)
    for cut in range(len(stream)):
        seen = meter()
        assert feed(seen, stream, [cut]) == events(LAST, "[DONE]", end=end)
        assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_event_is_forwarded_as_soon_as_it_is_whole(end: bytes) -> None:
    stream = events(WORD, end=end)
    for cut in range(1, len(stream)):
        seen = meter()
        assert seen.feed(stream[:cut]) == b""
        assert seen.feed(stream[cut:]) == stream


def test_no_more_than_one_event_of_bounded_length_is_held() -> None:
    seen = meter()
    piece = b"A" * 10_000
    forwarded = b"".join(seen.feed(piece) for _ in range(100))
    assert len(forwarded) > 100 * len(piece) - LONGEST_EVENT - len(piece)


def test_chunks_without_usage_are_forwarded_without_a_copy() -> None:
    seen = meter()
    chunk = events(WORD.replace("[DONE]", "").replace('\\"error\\"', ""))
    assert seen.feed(chunk) is chunk


def test_a_client_that_asked_gets_every_event_as_soon_as_it_is_whole() -> None:
    seen = meter(asked=True)
    half = len(STREAM) // 2
    whole = STREAM[: STREAM.rindex(b"\n\n", 0, half) + 2]
    assert seen.feed(STREAM[:half]) == whole
    assert seen.feed(STREAM[half:]) == STREAM[len(whole) :]
    assert seen.finish() == b""
    assert seen.usage == TEN_AND_FIVE


STRIPPED = """
{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}                      | stripped
{"choices": [ ], "usage" : {"prompt_tokens":10,"completion_tokens":5}}                 | stripped
{"usage":{"prompt_tokens":10,"completion_tokens":5}}                                   | stripped
{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":5}}                      | stripped
{"choices":[],"usage":null}                                                            | forwarded
{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}                            | forwarded
{"choices":[],"moderation":{"input":{},"output":{}}}                                   | forwarded
{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":10,"completion_tokens":5}} | forwarded
{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{\\"usage\\": {}}"}}]}}]} | forwarded
{"choices":[],"x_groq":{"usage":{"prompt_tokens":10,"completion_tokens":5}}}           | forwarded
{"choices":[],"usage":{"prompt_tokens":                                                | forwarded
"""


@pytest.mark.parametrize(("data", "expected"), rows(STRIPPED))
def test_exactly_the_chunk_of_usage_alone_is_kept_from_a_client_that_did_not_ask(data: str, expected: str) -> None:
    stream = events(WORD, data, "[DONE]")
    kept = stream if expected == "forwarded" else events(WORD, "[DONE]")
    assert feed(meter(), stream) == kept
    assert feed(meter(asked=True), stream) == stream


@given(cuts)
def test_usage_in_every_chunk_is_cumulative_and_the_last_counts(cut: list[int]) -> None:
    said = [CHUNK % ('{"index":0,"delta":{}}', f'{{"prompt_tokens":10,"completion_tokens":{n}}}') for n in (1, 3, 5)]
    stream = events(*said, "[DONE]")
    seen = meter()
    assert feed(seen, stream, cut) == stream
    assert seen.usage == TEN_AND_FIVE


def test_a_stream_that_is_cut_has_no_usage_but_what_was_known_is_kept() -> None:
    seen = meter()
    stream = events(CHUNK % ('{"index":0,"delta":{}}', '{"prompt_tokens":10,"completion_tokens":1}'), WORD)
    assert feed(seen, stream) == stream
    assert (seen.usage, seen.partial, seen.complete) == (None, Usage(input=10, output=1), False)


def test_a_stream_without_usage_has_none() -> None:
    seen = meter()
    feed(seen, CONTENT + events("[DONE]"))
    assert (seen.usage, seen.partial, seen.complete) == (None, None, True)


def test_usage_is_known_though_the_stream_is_cut_right_after_it() -> None:
    seen = meter()
    feed(seen, CONTENT + events(ONLY_USAGE))
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, False)


def test_the_end_may_come_without_a_blank_line() -> None:
    seen = meter()
    assert feed(seen, CONTENT + events(ONLY_USAGE) + b"data: [DONE]") == CONTENT + b"data: [DONE]"
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)
    unended = meter()
    assert feed(unended, CONTENT + events(ONLY_USAGE).rstrip()) == CONTENT
    assert unended.usage == TEN_AND_FIVE


@given(cuts)
def test_an_error_in_the_stream_is_seen_and_forwarded(cut: list[int]) -> None:
    stream = CONTENT + events('{"error":{"message":"The server had an error","type":"server_error","code":null}}')
    seen = meter()
    assert feed(seen, stream, cut) == stream
    assert (seen.failed, seen.complete, seen.usage) == (True, False, None)


def test_no_error_is_no_failure() -> None:
    seen = meter()
    feed(seen, events('{"choices":[{"index":0,"delta":{}}],"error":null}', ONLY_USAGE, "[DONE]"))
    assert (seen.failed, seen.complete) == (False, True)


TIERS = """
flex     | "flex"      | flex
flex     | "default"   | standard
flex     | null        | flex
-        | "priority"  | priority
-        | "auto"      | standard
-        | null        | standard
fast     | "priority"  | priority
flex     | 7           | flex
"""


@pytest.mark.parametrize(("asked", "said", "delivered"), rows(TIERS))
def test_the_tier_that_was_delivered_counts(asked: str, said: str, delivered: str) -> None:
    seen = meter(tier="" if asked == "-" else asked)
    feed(seen, events(f'{{"choices":[],"service_tier":{said},"usage":{USED}}}', "[DONE]"))
    assert seen.delivered_variant == delivered


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([1_000, 70_000, 300_000]), st.integers(0, 3))
def test_an_event_longer_than_is_held_passes_and_the_next_is_read(size: int, ends: int) -> None:
    long = events(CHUNK % ('{"index":0,"delta":{"audio":{"data":"%s"}}}' % ("A" * (LONGEST_EVENT * 2)), "null"))
    stream = long + STREAM
    places = list(range(0, len(stream), size)) + [len(long) - at for at in range(ends)]
    seen = meter()
    assert feed(seen, stream, places) == long + CONTENT + events("[DONE]")
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b'"usage":{', b"data: ", b"\n\n", b"[DONE]", b'"error"'])))
def test_any_bytes_pass_unchanged_and_never_crash(chunks: list[bytes]) -> None:
    seen = meter(asked=True)
    assert b"".join([*map(seen.feed, chunks), seen.finish()]) == b"".join(chunks)
    seen = meter()
    forwarded = b"".join([*map(seen.feed, chunks), seen.finish()])
    assert seen.usage is None
    assert forwarded == b"".join(chunks)
