from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import GEMINI, Meter, Target
from bursar.usage import Usage
from tests.unit.gateway.streams import cuts, events, feed
from tests.unit.gateway.tables import rows


def meter(*, tier: str = "", copies: int = 1) -> Meter:
    fields = f', "serviceTier": "{tier}"' if tier else ""
    body = f'{{"contents": [], "generationConfig": {{"candidateCount": {copies}}}{fields}}}'
    return GEMINI.meter(GEMINI.read(body.encode(), Target("gemini-2.5-flash", stream=True)))


USED = '{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}'
WORD = '{"candidates":[{"content":{"parts":[{"text":"a \\"usageMetadata\\" b"}],"role":"model"},"index":0}],%s}'
SO_FAR = WORD % '"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10},"modelVersion":"gemini-2.5-flash"'
LAST = (
    '{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP","index":%d}],"usageMetadata":%s,'
    '"modelVersion":"gemini-2.5-flash"}'
)
STREAM = events(SO_FAR, SO_FAR, LAST % (0, USED), end=b"\r\n")
TEN_AND_FIVE = Usage(input=10, output=5)

COUNTS = """
"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15                               | 10 0 5 0 0 0 0
"promptTokenCount":10,"candidatesTokenCount":5                                                    | 10 0 5 0 0 0 0
"promptTokenCount":10,"candidatesTokenCount":0                                                    | 10 0 0 0 0 0 0
"promptTokenCount":10,"totalTokenCount":10                                                        | 10 0 0 0 0 0 0
"promptTokenCount":0,"candidatesTokenCount":5,"totalTokenCount":5                                 | 0 0 5 0 0 0 0
"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":5,"totalTokenCount":15   | 6 4 5 0 0 0 0
"promptTokenCount":10,"cachedContentTokenCount":0,"candidatesTokenCount":5,"totalTokenCount":15   | 10 0 5 0 0 0 0
"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":20,"totalTokenCount":35       | 10 0 25 20 0 0 0
# All of its maximum went into thoughts.
"promptTokenCount":10,"thoughtsTokenCount":20,"totalTokenCount":30                                | 10 0 20 20 0 0 0
# What a tool brought is input; it stands beside the prompt.
"promptTokenCount":10,"toolUsePromptTokenCount":7,"candidatesTokenCount":5,"totalTokenCount":22   | 17 0 5 0 0 0 0
# What no part accounts for is output: some do not tell thoughts apart.
"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":40                               | 10 0 30 0 0 0 0
"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":12                               | 10 0 5 0 0 0 0
# Sound, and sound that was cached: all of it is sound. Where nothing says which was cached, it is taken for sound.
"promptTokenCount":10,"promptTokensDetails":[{"modality":"TEXT","tokenCount":3},{"modality":"AUDIO","tokenCount":7}],"candidatesTokenCount":5 | 3 0 5 0 7 0 0
"promptTokenCount":10,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":7}],"cachedContentTokenCount":9,"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":6},{"modality":"TEXT","tokenCount":3}],"candidatesTokenCount":5 | 0 3 5 0 7 0 0
"promptTokenCount":10,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":7}],"cachedContentTokenCount":8,"candidatesTokenCount":5 | 2 1 5 0 7 0 0
"promptTokenCount":10,"promptTokensDetails":[{"modality":"IMAGE","tokenCount":8},{"modality":"VIDEO","tokenCount":2}],"candidatesTokenCount":5 | 10 0 5 0 0 0 0
"promptTokenCount":10,"candidatesTokenCount":5,"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":4}] | 10 0 1 0 0 4 0
"promptTokenCount":10,"candidatesTokenCount":5,"candidatesTokensDetails":[{"modality":"TEXT","tokenCount":5}],"somethingNew":{} | 10 0 5 0 0 0 0
# Absent is not zero, and a record that contradicts itself tells nothing.
"candidatesTokenCount":5,"totalTokenCount":15                                                     | none
"promptTokenCount":10                                                                             | none
"promptTokenCount":10,"thoughtsTokenCount":20                                                     | none
"promptTokenCount":-1,"candidatesTokenCount":5                                                    | none
"promptTokenCount":1.5,"candidatesTokenCount":5                                                   | none
"promptTokenCount":"10","candidatesTokenCount":5                                                  | none
"promptTokenCount":10,"candidatesTokenCount":99999999999                                          | none
"promptTokenCount":10,"cachedContentTokenCount":11,"candidatesTokenCount":5                       | none
"promptTokenCount":10,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":11}],"candidatesTokenCount":5 | none
"promptTokenCount":10,"candidatesTokenCount":5,"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":6}] | none
"promptTokenCount":10,"candidatesTokenCount":5,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":5}] | none
"""  # noqa: E501


def written(usage: Usage | None) -> str:
    if usage is None:
        return "none"
    counts = (usage.input, usage.cache_read, usage.output, usage.reasoning, usage.audio_input, usage.audio_output)
    return " ".join(map(str, (*counts, usage.web_searches)))


@pytest.mark.parametrize(("record", "expected"), rows(COUNTS))
def test_counts_become_buckets(record: str, expected: str) -> None:
    """Input, cache read, output, reasoning, audio in and out, searches; whole and as a stream."""
    said = LAST % (0, f"{{{record}}}")
    whole, streamed = meter(), meter()
    whole.whole(said.encode())
    feed(streamed, events(SO_FAR, said))
    assert written(whole.usage) == written(streamed.usage) == expected
    assert whole.complete
    assert streamed.complete


@given(cuts, st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_is_read_wherever_it_is_cut_and_passes_unchanged(cut: list[int], end: bytes) -> None:
    stream = events(SO_FAR, SO_FAR, LAST % (0, USED), end=end)
    seen = meter()
    assert feed(seen, stream, cut) == stream
    assert (seen.usage, seen.complete, seen.failed) == (TEN_AND_FIVE, True, False)
    assert seen.model == "gemini-2.5-flash"


def test_a_stream_that_is_cut_has_no_usage() -> None:
    seen = meter()
    feed(seen, events(SO_FAR, SO_FAR))
    assert (seen.usage, seen.complete) == (None, False)


def test_chunks_of_words_alone_pass_without_a_copy() -> None:
    seen = meter()
    chunk = events(SO_FAR, end=b"\r\n")
    assert seen.feed(chunk) is chunk


def test_the_last_record_counts_also_after_the_end() -> None:
    seen = meter()
    later = '{"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":7,"totalTokenCount":17}}'
    feed(seen, events(SO_FAR, LAST % (0, USED), later))
    assert (seen.usage, seen.complete) == (Usage(input=10, output=7), True)


def test_usage_may_come_after_the_reason_to_end() -> None:
    seen = meter()
    feed(seen, events('{"candidates":[{"finishReason":"STOP","index":0}]}', f'{{"usageMetadata":{USED}}}'))
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)


def test_all_candidates_must_have_ended() -> None:
    first, second = events(SO_FAR, LAST % (0, USED)), events(LAST % (1, USED))
    seen = meter(copies=2)
    feed(seen, first)
    assert (seen.usage, seen.complete) == (None, False)
    seen = meter(copies=2)
    feed(seen, first + second)
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)


def test_an_answer_without_usage_has_none() -> None:
    seen = meter()
    feed(seen, events('{"candidates":[{"finishReason":"STOP","index":0}]}'))
    assert (seen.usage, seen.complete) == (None, True)


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_prompt_is_paid_for(stream: bool) -> None:
    said = '{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10}}'
    seen = meter()
    if stream:
        feed(seen, events(said))
    else:
        seen.whole(said.encode())
    assert (seen.usage, seen.complete, seen.failed) == (Usage(input=10), True, False)


def test_an_answer_of_no_candidates_is_paid_for() -> None:
    seen = meter()
    seen.whole(b'{"usageMetadata":{"promptTokenCount":10,"thoughtsTokenCount":4,"totalTokenCount":14}}')
    assert (seen.usage, seen.complete) == (Usage(input=10, output=4, reasoning=4), True)


def test_a_list_of_chunks_is_a_whole_answer() -> None:
    seen = meter()
    seen.whole(f" [{SO_FAR},\r\n{SO_FAR},\r\n{LAST % (0, USED)}]".encode())
    assert (seen.usage, seen.complete) == (TEN_AND_FIVE, True)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[]", b"{}", b"not JSON", b"\xff", b'[{"usageMetadata":', b'{"candidates":1}']
)
def test_a_body_that_is_none_tells_nothing(body: bytes) -> None:
    seen = meter()
    seen.whole(body)
    assert (seen.usage, seen.complete) == (None, False)


ERROR = '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}'


@given(cuts)
def test_an_error_in_the_stream_is_seen_and_forwarded(cut: list[int]) -> None:
    stream = events(SO_FAR, ERROR)
    seen = meter()
    assert feed(seen, stream, cut) == stream
    assert (seen.failed, seen.complete, seen.usage) == (True, False, None)


@pytest.mark.parametrize("body", [ERROR, f"[{ERROR}]", f"[{SO_FAR},{ERROR}]"])
def test_an_error_as_a_whole_answer_is_no_usage(body: str) -> None:
    seen = meter()
    seen.whole(body.encode())
    assert (seen.failed, seen.complete, seen.usage) == (True, False, None)


def test_a_search_is_billed_once_however_many_there_were() -> None:
    grounded = WORD % f'"usageMetadata":{USED}'
    grounded = grounded.replace('"index":0', '"index":0,"groundingMetadata":{"webSearchQueries":["a","b"]}')
    seen = meter()
    feed(seen, events(grounded, LAST % (0, USED)))
    assert seen.usage == Usage(input=10, output=5, web_searches=1)
    seen = meter()
    feed(seen, events(grounded.replace('"a","b"', '""'), LAST % (0, USED)))
    assert seen.usage == TEN_AND_FIVE


TIERS = """
flex     | "trafficType":"ON_DEMAND"              | standard
flex     | "trafficType":"ON_DEMAND_FLEX"         | flex
-        | "trafficType":"ON_DEMAND_PRIORITY"     | priority
priority | "trafficType":"PROVISIONED_THROUGHPUT" | priority
-        | "trafficType":"TRAFFIC_TYPE_UNSPECIFIED" | standard
priority | "serviceTier":"standard"               | standard
-        | "serviceTier":"SERVICE_TIER_PRIORITY"  | priority
priority | "serviceTier":7                        | priority
priority | "somethingElse":null                   | priority
"""


@pytest.mark.parametrize(("asked", "said", "delivered"), rows(TIERS))
def test_the_tier_that_was_delivered_counts(asked: str, said: str, delivered: str) -> None:
    seen = meter(tier="" if asked == "-" else asked)
    feed(seen, events(LAST % (0, USED[:-1] + f",{said}}}")))
    assert seen.delivered_variant == delivered
    assert seen.usage == TEN_AND_FIVE


def test_a_record_at_fault_is_told_by_none_until_a_sound_one_comes() -> None:
    seen = meter()
    feed(seen, events(LAST % (0, USED), LAST % (0, '{"promptTokenCount":-1}')))
    assert seen.usage is None
    seen = meter()
    feed(seen, events(LAST % (0, '{"promptTokenCount":-1}'), LAST % (0, USED)))
    assert seen.usage == TEN_AND_FIVE


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b'"usageMetadata":{', b"data: ", b"\r\n\r\n", b'"error"'])))
def test_any_bytes_pass_unchanged_and_never_crash(chunks: list[bytes]) -> None:
    seen = meter()
    assert b"".join([*map(seen.feed, chunks), seen.finish()]) == b"".join(chunks)
    assert seen.usage is None
