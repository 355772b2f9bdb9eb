"""Embeddings and legacy completions: what a request is held for, and what an answer used."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import COMPLETIONS, EMBEDDINGS, Target
from bursar.refusals import Refused
from tests.unit.gateway.streams import events, feed
from tests.unit.gateway.tables import merged, refused, rows, told
from tests.unit.gateway.test_openai_meter import words

EMBED = b'{"model":"text-embedding-3-small","input":"Hello"}'
WRITE = b'{"model":"gpt-3.5-turbo-instruct","prompt":"Once"}'

INPUTS = """
"Hello"                  | by bytes | 1
""                       | by bytes | 1
["Hello", "and", "bye"]  | by bytes | 3
["101", "[1]"]           | by bytes | 2
[101, 2129, 102]         | 3        | 1
[[101, 2129], [102]]     | 3        | 2
[]                       | 0        | 1
[ [ 101 ] ]              | 1        | 1
"""


@pytest.mark.parametrize(("texts", "tokens", "count"), rows(INPUTS))
def test_inputs_are_bounded_by_their_bytes_or_their_tokens(texts: str, tokens: str, count: str) -> None:
    data = texts.encode()
    body = b'{"model":"m","input":%b}' % data
    call = EMBEDDINGS.read(body)
    assert call.input_tokens == len(body) - (0 if tokens == "by bytes" else len(data) - int(tokens))
    assert (call.output_tokens, call.least_output, call.stream) == (0, 0, False)
    prompted = COMPLETIONS.read(b'{"model":"m","prompt":%b}' % data)
    assert prompted.output_copies == int(count)


REFUSED = """
{"input": "absent"}                       | field_missing input -
{"input": null}                           | field_missing input -
{"input": 7}                              | field_invalid input 7
{"input": {"text": "a"}}                  | field_invalid input an object
{"input": [{"text": "a"}]}                | field_invalid input a list
{"input": ["a", 7]}                       | field_invalid input a list
{"input": [[101], 7]}                     | field_invalid input a list
{"input": [-1]}                           | field_invalid input a list
{"input": [1.5]}                          | field_invalid input a list
{"input": [[["a"]]]}                      | field_invalid input a list
{"model": "absent"}                       | field_missing model -
{"Input": "a"}                            | field_invalid Input in another case
{"plugins": [{"id": "web"}]}              | field_invalid plugins a list
"""


@pytest.mark.parametrize(("changes", "expected"), rows(REFUSED))
def test_wrong_embeddings(changes: str, expected: str) -> None:
    assert told(refused(EMBEDDINGS, merged(EMBED, changes))) == expected


FACTS = """
{}                                           | 16, 1 copy, sends max_tokens
{"max_tokens": null}                         | 16, 1 copy, sends max_tokens
{"max_tokens": 64}                           | 64, 1 copy
{"max_tokens": 0, "echo": true}              | 0, 1 copy
{"prompt": "absent"}                         | 16, 1 copy, sends max_tokens
{"max_tokens": 5, "n": 3}                    | 5, 3 copies
{"max_tokens": 5, "n": 3, "best_of": 4}      | 5, 4 copies
{"max_tokens": 5, "prompt": ["a", "b"], "best_of": 4} | 5, 8 copies
{"max_tokens": 5, "prompt": [[1], [2], [3]], "n": 2}  | 5, 6 copies
{"max_tokens": 5, "suffix": "end", "logprobs": 5}     | 5, 1 copy
{"max_tokens": 5, "stream": true}            | 5, 1 copy, adds usage, sends stream_options
{"max_tokens": 5, "stream": true, "stream_options": {"include_usage": true}} | 5, 1 copy, sends stream_options
"""


@pytest.mark.parametrize(("changes", "expected"), rows(FACTS))
def test_a_completion_is_read_for_what_costs_money(changes: str, expected: str) -> None:
    body = merged(WRITE, changes)
    call = COMPLETIONS.read(body)
    copies = "1 copy" if call.output_copies == 1 else f"{call.output_copies} copies"
    said = [str(call.output_tokens), copies, "" if call.wants_usage else "adds usage"]
    forced = ["sends " + " ".join(sorted(call.forced))] if call.forced else []
    assert ", ".join(filter(None, said + forced)) == expected
    sent = msgspec.json.decode(call.body(None))
    assert sent["max_tokens"] == call.output_tokens
    assert len(call.body(None)) <= len(body) + call.added_bytes


WRONG = """
{"prompt": 7}                  | field_invalid prompt 7
{"prompt": [{"a": 1}]}         | field_invalid prompt a list
{"max_tokens": -1}             | field_invalid max_tokens -1
{"max_tokens": "5"}            | field_invalid max_tokens a string
{"max_completion_tokens": 5}   | field_invalid max_completion_tokens 5
{"n": 0}                       | field_invalid n 0
{"n": 129}                     | field_invalid n 129
{"best_of": "5"}               | field_invalid best_of a string
{"stream": 1}                  | field_invalid stream 1
{"BEST_OF": 20}                | field_invalid BEST_OF in another case
{"models": ["a"]}              | field_invalid models a list
"""


@pytest.mark.parametrize(("changes", "expected"), rows(WRONG))
def test_wrong_completions(changes: str, expected: str) -> None:
    assert told(refused(COMPLETIONS, merged(WRITE, changes))) == expected


def test_the_path_may_name_the_model() -> None:
    assert EMBEDDINGS.read(b'{"input":"a"}', Target(model="ours")).model == "ours"
    assert COMPLETIONS.read(b'{"model":"theirs"}', Target(model="ours")).model == "theirs"
    assert (EMBEDDINGS.read_count(EMBED), COMPLETIONS.read_count(WRITE)) == (
        "text-embedding-3-small",
        "gpt-3.5-turbo-instruct",
    )


RECORDS = """
{"prompt_tokens": 8, "total_tokens": 8}                              | input=8
{"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8}      | input=8
{"prompt_tokens": 8, "total_tokens": 10}                             | input=8 output=2
{"prompt_tokens": 8, "total_tokens": 7}                              | -
{"prompt_tokens": 8}                                                 | -
"""


@pytest.mark.parametrize(("record", "expected"), rows(RECORDS))
def test_output_that_is_left_out_is_what_the_total_says(record: str, expected: str) -> None:
    meter = EMBEDDINGS.meter(EMBEDDINGS.read(EMBED))
    meter.whole(b'{"object":"list","data":[],"model":"text-embedding-3-small","usage":%b}' % record.encode())
    assert (words(meter.usage), meter.model) == (expected, "text-embedding-3-small")


def test_a_streamed_completion() -> None:
    meter = COMPLETIONS.meter(COMPLETIONS.read(merged(WRITE, '{"stream": true}')))
    word = '{"object":"text_completion","choices":[{"text":"a","index":0}],"usage":null}'
    usage = '{"object":"text_completion","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    assert feed(meter, events(word, usage, "[DONE]")) == events(word, "[DONE]")
    assert (words(meter.usage), meter.complete) == ("input=1 output=2", True)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(json_values)
def test_any_input_is_read_or_refused_and_never_crashes(value: object) -> None:
    for wire, name in ((EMBEDDINGS, "input"), (COMPLETIONS, "prompt")):
        try:
            bound = wire.read(msgspec.json.encode({"model": "m", name: value})).input_tokens
        except Refused as caught:
            bound = len(caught.refusal.text)
        assert bound > 0
