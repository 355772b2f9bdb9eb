from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import OPENAI, Call
from bursar.refusals import Refused
from tests.unit.gateway.tables import added, merged, refused, rows, told

HELLO = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'

FACTS = """
{}                                                     | plain
{"stream": false, "n": null, "max_tokens": null}       | plain
{"max_tokens": 64}                                     | 64 in max_tokens
{"max_completion_tokens": 64}                          | 64 in max_completion_tokens
{"max_completion_tokens": null, "max_tokens": 64}      | 64 in max_tokens
{"max_completion_tokens": 9, "max_tokens": 9}          | 9 in max_completion_tokens max_tokens
{"max_tokens": 1000000000}                             | 1000000000 in max_tokens
{"max_tokens": 99999999999999999999999999}             | 1000000000000000000 in max_tokens
{"n": 3, "max_tokens": 10}                             | 3 times, 10 in max_tokens
{"stream": true}                                       | stream, adds usage
{"stream": true, "stream_options": null}               | stream, adds usage
{"stream": true, "stream_options": {}}                 | stream, adds usage
{"stream": true, "stream_options": {"include_usage": false}} | stream, adds usage
{"stream": true, "stream_options": {"include_usage": true}}  | stream
{"service_tier": "auto"}                               | plain
{"service_tier": "default"}                            | plain
{"service_tier": "flex"}                               | flex
{"service_tier": "priority"}                           | priority
{"modalities": ["text"]}                               | plain
{"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}} | audio
{"audio": {"voice": "alloy", "format": "wav"}}         | audio
{"prediction": {"type": "content", "content": "abc"}}  | 37 more of output
{"enable_search": false, "plugins": []}                | plain
{"store": true, "metadata": {"a": "b"}, "reasoning_effort": "high", "seed": 1} | plain
"""

REFUSED = """
{"model": "absent"}                  | field_missing model -
{"model": null}                      | field_missing model -
{"model": 4}                         | field_invalid model 4
{"model": ""}                        | field_invalid model a string of 0 characters
{"model": ["gpt-4o"]}                | field_invalid model a list
{"messages": "absent"}               | field_missing messages -
{"messages": "Hello"}                | field_invalid messages a string
{"messages": {"role": "user"}}       | field_invalid messages an object
{"messages": ["Hello"]}              | field_invalid messages a list
{"stream": "true"}                   | field_invalid stream a string
{"stream": 1}                        | field_invalid stream 1
{"max_tokens": 0}                    | field_invalid max_tokens 0
{"max_tokens": -1}                   | field_invalid max_tokens -1
{"max_tokens": 1.5}                  | field_invalid max_tokens 1.5
{"max_tokens": 1e9}                  | field_invalid max_tokens 1e9
{"max_tokens": "1000000000"}         | field_invalid max_tokens a string
{"max_tokens": true}                 | field_invalid max_tokens true
{"max_completion_tokens": [5]}       | field_invalid max_completion_tokens a list
{"max_completion_tokens": 5, "max_tokens": 6} | field_invalid max_tokens 6
{"n": 0}                             | field_invalid n 0
{"n": 129}                           | field_invalid n 129
{"n": "2"}                           | field_invalid n a string
{"service_tier": 1}                  | field_invalid service_tier 1
{"modalities": "audio"}              | field_invalid modalities a string
{"stream": true, "stream_options": true} | field_invalid stream_options true
{"stream": true, "stream_options": {"include_usage": 1}} | field_invalid include_usage 1
{"web_search_options": {"search_context_size": "low"}} | field_invalid web_search_options an object
{"models": ["gpt-5-pro"]}            | field_invalid models a list
{"plugins": [{"id": "web"}]}         | field_invalid plugins a list
{"best_of": 5}                       | field_invalid best_of 5
{"tools": [{"type": "function"}, {"type": "web_search_preview"}]} | field_invalid tools[1].type web_search_preview
{"tools": {"type": "function"}}      | field_invalid tools an object
# Some servers compare keys without regard to case: these would say something else to them.
{"Model": "gpt-5-pro"}               | field_invalid Model in another case
{"MAX_TOKENS": 100000}               | field_invalid MAX_TOKENS in another case
{"meſſages": []}                     | field_invalid meſſages in another case
"""

BODIES = [
    (b"", "body_invalid - it is not JSON"),
    (b"Hello", "body_invalid - it is not JSON"),
    (b'{"model": "gpt-4o", "max_tokens": NaN, "messages": []}', "body_invalid - it is not JSON"),
    (b'{"model": "gpt-4o", "messages": []} {}', "body_invalid - it is not JSON"),
    (b"[]", "body_invalid - it is JSON, but not an object"),
    (b"null", "body_invalid - it is JSON, but not an object"),
    (b'{"model": "gpt-4o", "messages": ["\xff"]}', "body_invalid - it is not UTF-8"),
    (b'{"model": "gpt-4o", "messages": ["\xed\xa0\x80"]}', "body_invalid - it is not UTF-8"),
    (b'{"messages": ' + b"[" * 100_000, "body_invalid - it is nested too deeply"),
    (b'{"messages": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "body_invalid - it is nested too deeply"),
]


def facts(call: Call) -> str:
    said = [
        "stream" if call.stream else "",
        "" if call.wants_usage else "adds usage",
        f"{call.output_copies} times" if call.output_copies > 1 else "",
        f"{call.output_tokens} in {' '.join(call.output_fields)}" if call.output_tokens is not None else "",
        f"{call.output_allowance} more of output" if call.output_allowance else "",
        call.variant if call.variant != "standard" else "",
        "audio" if call.audio else "",
    ]
    return ", ".join(filter(None, said)) or "plain"


@pytest.mark.parametrize(("changes", "expected"), rows(FACTS))
def test_a_request_is_read_for_what_costs_money(changes: str, expected: str) -> None:
    call = OPENAI.read(merged(HELLO, changes))
    assert facts(call) == expected
    assert (call.wire, call.model, call.unbounded, call.web_searches) == ("openai", "gpt-4o-mini", None, 0)


@pytest.mark.parametrize(("changes", "expected"), rows(REFUSED))
def test_what_is_wrong_is_refused_with_its_field(changes: str, expected: str) -> None:
    assert told(refused(OPENAI, merged(HELLO, changes))) == expected


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_what_is_no_request_at_all_is_refused(body: bytes, expected: str) -> None:
    assert told(refused(OPENAI, body)) == expected


def test_the_bytes_bound_a_text_and_a_hidden_prompt_is_allowed_for() -> None:
    assert OPENAI.read(HELLO).input_tokens == len(HELLO)


PARTS = """
{"type": "text", "text": "image_url"}                                             |      0 | -
{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}    |      0 | -
{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}          | 50_000 | -
{"type": "im\\u0061ge_url", "im\\u0061ge_url": {"url": "https://example.org/a.png"}} | 50_000 | -
{"type": "text", "text": "", "image_url": {"url": "https://example.org/a.png"}}   |      0 | -
{"image": "iVBORw0KGgo="}                                                         | 50_000 | -
{"image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}                       | 50_000 | -
{"type": "file", "file": {"file_id": "file-1"}}                                   |      0 | messages[0].content[1]
{"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}}   |      0 | messages[0].content[1]
{"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}          |      0 | messages[0].content[1]
{"type": "something_new"}                                                         |      0 | messages[0].content[1]
"""


@pytest.mark.parametrize(("part", "tokens", "unbounded"), rows(PARTS))
def test_what_is_not_text_has_a_bound_of_its_own_or_none(part: str, tokens: str, unbounded: str) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":["So:",%b]}]}' % part.encode()
    assert added(OPENAI, HELLO, body) == int(tokens)
    assert OPENAI.read(body).unbounded == (None if unbounded == "-" else unbounded)


def test_an_inline_image_is_bounded_by_its_pixels_not_by_its_bytes() -> None:
    image = b'"data:image/png;base64,' + b"A" * 1_000_000 + b'"'
    part = b'{"type":"image_url","image_url":{"url":%b}}' % image
    body = b'{"model":"m","messages":[{"role":"user","content":[%b]}]}' % part
    assert added(OPENAI, HELLO, body, words=image) == 50_000


def test_audio_is_heard_and_an_earlier_answer_in_audio_has_no_bound() -> None:
    heard = b'[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}]'
    call = OPENAI.read(b'{"model":"m","messages":%b}' % heard)
    assert (call.audio, call.unbounded) == (True, None)
    call = OPENAI.read(b'{"model":"m","messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}')
    assert (call.audio, call.unbounded) == (True, "messages[0].audio")


@pytest.mark.parametrize(
    "changes",
    [
        '{"tools": [{"type": "function", "function": {"name": "f"}}]}',
        '{"functions": [{"name": "f"}]}',
        '{"response_format": {"type": "json_object"}}',
    ],
)
def test_tools_and_schemas_add_an_allowance(changes: str) -> None:
    assert added(OPENAI, HELLO, merged(HELLO, changes)) == 1_024


SENT = """
{}                                           | None | {}
{}                                           | 10   | {"max_completion_tokens": 10}
{"max_tokens": 64}                           | None | {"max_tokens": 64}
{"max_tokens": 64}                           | 64   | {"max_tokens": 64}
{"max_tokens": 64}                           | 10   | {"max_tokens": 10}
{"max_tokens": 64, "max_completion_tokens": 64} | 10   | {"max_tokens": 10, "max_completion_tokens": 10}
{"max_tokens": null}                         | 10   | {"max_tokens": null, "max_completion_tokens": 10}
{"stream": true}                             | None | {"stream": true, "stream_options": {"include_usage": true}}
{"stream": true, "stream_options": {"include_obfuscation": false}} | None | {"stream": true, "stream_options": {"include_obfuscation": false, "include_usage": true}}
{"stream": false, "stream_options": {"include_usage": false}} | None | {"stream": false, "stream_options": {"include_usage": false}}
"""  # noqa: E501


@pytest.mark.parametrize(("changes", "output", "expected"), rows(SENT))
def test_only_what_metering_needs_is_changed(changes: str, output: str, expected: str) -> None:
    call = OPENAI.read(merged(HELLO, changes))
    sent = call.body(None if output == "None" else int(output), "max_completion_tokens")
    assert msgspec.json.decode(sent) == msgspec.json.decode(merged(HELLO, expected))


def test_the_clients_bytes_go_out_as_they_came() -> None:
    messages = b'[ {"role":"user", "content":"caf\\u00e9 1.0e5 \xc3\xa9"} ]'
    sent = OPENAI.read(b'{"temperature": 1.50, "model":"m" ,"messages": %b}' % messages).body(None)
    assert messages in sent
    assert b'"temperature":1.50' in sent


def test_a_key_given_twice_is_sent_once_with_the_value_that_was_held_for() -> None:
    call = OPENAI.read(
        b'{"model":"gpt-5-pro","max_tokens":9,"messages":[],"mod\\u0065l":"gpt-4o-mini","max_tokens":5}'
    )
    assert (call.model, call.output_tokens) == ("gpt-4o-mini", 5)
    assert call.body(None) == b'{"model":"gpt-4o-mini","max_tokens":5,"messages":[]}'


def test_a_nested_key_given_twice_is_sent_once_too() -> None:
    options = b'{"include_usage":false,"include_usage":true}'
    call = OPENAI.read(b'{"model":"m","messages":[],"stream":true,"stream_options":%b}' % options)
    assert call.wants_usage
    assert b'"stream_options":{"include_usage":true}' in call.body(None)


def test_a_refusal_quotes_no_text_of_the_client() -> None:
    for changes in ('{"stream": "canary"}', '{"messages": "canary"}', '{"stop": ["canary"], "n": {"canary": 1}}'):
        assert "canary" not in refused(OPENAI, merged(HELLO, changes)).text


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "content", "a"]), inner),
    max_leaves=8,
)
names = st.sampled_from(["model", "messages", "stream", "n", "max_tokens", "tools", "stream_options", "modalities"])


@given(st.dictionaries(names, json_values))
def test_any_object_is_read_or_refused_and_never_crashes(fields: dict[str, object]) -> None:
    body = msgspec.json.encode({"model": "m", "messages": [], **fields})
    try:
        input_tokens = OPENAI.read(body).input_tokens
    except Refused as caught:
        input_tokens = len(caught.refusal.text)
    assert input_tokens > 0
