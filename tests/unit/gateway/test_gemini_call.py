from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import GEMINI, Call, Target
from bursar.refusals import Refusal, Refused
from tests.unit.gateway.tables import merged, rows, told

HELLO = b'{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}'
TARGET = Target("gemini-2.5-flash")


def read(body: bytes, model: str = "gemini-2.5-flash") -> Call:
    return GEMINI.read(body, Target(model))


def refused(body: bytes, model: str = "gemini-2.5-flash") -> Refusal:
    with pytest.raises(Refused) as caught:
        read(body, model)
    return caught.value.refusal


FACTS = """
{}                                                                | plain
{"generationConfig": null, "tools": null, "serviceTier": null}    | plain
{"generationConfig": {}}                                          | plain
{"generationConfig": {"maxOutputTokens": 64}}                     | 64
{"generation_config": {"max_output_tokens": 64}}                  | 64
{"generation_config": {"maxOutputTokens": 64}}                    | 64
{"generationConfig": {"maxOutputTokens": null}}                   | plain
{"generationConfig": {"maxOutputTokens": 99999999999999999999}}   | 1000000000000000000
{"generationConfig": {"candidateCount": 3, "maxOutputTokens": 9}} | 3 times, 9
{"generationConfig": {"candidate_count": 8}}                      | 8 times
{"generationConfig": {"thinkingConfig": {"thinkingBudget": 512}, "maxOutputTokens": 2000}} | 2000, at least 513
{"generationConfig": {"thinking_config": {"thinking_budget": 512}, "maxOutputTokens": 100}} | 100, at least 100
{"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}, "maxOutputTokens": 100}} | 100
{"generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}, "maxOutputTokens": 100}} | 100
{"generationConfig": {"responseModalities": ["TEXT"]}}            | plain
{"generationConfig": {"responseModalities": ["text"], "speechConfig": {}}} | plain
{"generationConfig": {"responseModalities": []}}                  | plain
{"generationConfig": {"temperature": 0.1, "topK": 3, "stopSequences": ["a"], "seed": 1}} | plain
{"serviceTier": "unspecified"}                                    | plain
{"service_tier": "standard"}                                      | plain
{"serviceTier": "SERVICE_TIER_STANDARD"}                          | plain
{"serviceTier": "flex"}                                           | flex
{"serviceTier": "SERVICE_TIER_PRIORITY"}                          | priority
{"tools": [{"googleSearch": {}}]}                                 | 1 search, tools
{"tools": [{"google_search": {}}, {"functionDeclarations": []}]}  | 1 search, tools
{"tools": [{"googleSearch": null}]}                               | plain
{"tools": {"functionDeclarations": [{"name": "f"}]}}              | plain
{"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}        | plain
{"cachedContent": "cachedContents/1"}                             | audio, cachedContent
{"cached_content": "cachedContents/1"}                            | audio, cachedContent
{"continuationToken": "abc"}                                      | audio, continuationToken
{"model": "models/gemini-2.5-flash"}                              | plain
{"safetySettings": [], "labels": {"a": "b"}, "store": true, "somethingNew": {"a": 1}} | plain
"""

REFUSED = """
{"contents": "absent"}                              | field_missing contents -
{"contents": null}                                  | field_missing contents -
{"contents": "Hello"}                               | field_invalid contents a string
{"contents": ["Hello"]}                             | field_invalid contents a list
{"contents": [{"parts": ["Hello"]}]}                | field_invalid contents[0].parts a list
{"contents": [{"parts": "Hello"}]}                  | field_invalid contents[0].parts a string
{"systemInstruction": "Be brief."}                  | field_invalid systemInstruction a string
{"model": "gemini-2.5-pro"}                         | field_invalid model another
{"generationConfig": []}                            | field_invalid generationConfig a list
{"generationConfig": {"maxOutputTokens": 0}}        | field_invalid generationConfig.maxOutputTokens 0
{"generationConfig": {"maxOutputTokens": -1}}       | field_invalid generationConfig.maxOutputTokens -1
{"generationConfig": {"maxOutputTokens": 1e3}}      | field_invalid generationConfig.maxOutputTokens 1e3
{"generationConfig": {"maxOutputTokens": 1.5}}      | field_invalid generationConfig.maxOutputTokens 1.5
{"generationConfig": {"maxOutputTokens": "100"}}    | field_invalid generationConfig.maxOutputTokens a string
{"generationConfig": {"max_output_tokens": true}}   | field_invalid generationConfig.maxOutputTokens true
{"generationConfig": {"candidateCount": 0}}         | field_invalid generationConfig.candidateCount 0
{"generationConfig": {"candidateCount": 9}}         | field_invalid generationConfig.candidateCount 9
{"generationConfig": {"candidateCount": "2"}}       | field_invalid generationConfig.candidateCount a string
{"generationConfig": {"thinkingConfig": 5, "maxOutputTokens": 9}} | field_invalid generationConfig.thinkingConfig 5
{"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}} | field_invalid generationConfig.responseModalities IMAGE
{"generationConfig": {"responseModalities": ["AUDIO"]}} | field_invalid generationConfig.responseModalities AUDIO
{"generationConfig": {"responseModalities": [3]}}   | field_invalid generationConfig.responseModalities a list
{"generationConfig": {"response_modalities": "AUDIO"}} | field_invalid generationConfig.responseModalities a string
{"generationConfig": {"responseFormat": [{"audio": {}}]}} | field_invalid generationConfig.responseFormat.audio an object
{"generationConfig": {"speechConfig": {"voiceConfig": {}}}} | field_invalid generationConfig.speechConfig an object
{"generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}} | field_invalid generationConfig.imageConfig an object
{"generationConfig": {"routingConfig": {"autoMode": {}}}} | field_invalid generationConfig.routingConfig an object
{"generationConfig": {"modelSelectionConfig": {"a": 1}}} | field_invalid generationConfig.modelSelectionConfig an object
{"serviceTier": 1}                                  | field_invalid serviceTier 1
{"serviceTier": ""}                                 | field_invalid serviceTier a string of 0 characters
{"tools": "googleSearch"}                           | field_invalid tools a string
{"tools": [{"codeExecution": {}}]}                  | field_invalid tools[0].codeExecution given
{"tools": [{"functionDeclarations": []}, {"url_context": {}}]} | field_invalid tools[1].urlContext given
{"tools": [{"googleMaps": {}}]}                     | field_invalid tools[0].googleMaps given
{"tools": [{"fileSearch": {"fileSearchStoreNames": ["a"]}}]} | field_invalid tools[0].fileSearch given
{"tools": [{"computerUse": {}}]}                    | field_invalid tools[0].computerUse given
{"tools": [{"googleSearchRetrieval": {}}]}          | field_invalid tools[0].googleSearchRetrieval given
{"tools": [{"somethingNew": {}}]}                   | field_invalid tools[0].somethingNew given
# Google takes both spellings, so both at once would say two things.
{"generationConfig": {}, "generation_config": {}}   | field_invalid generation_config given in two spellings
{"generationConfig": {"maxOutputTokens": 9, "max_output_tokens": 9000}} | field_invalid generationConfig.max_output_tokens given in two spellings
{"Contents": []}                                    | field_invalid Contents in another case
{"generationconfig": {"maxOutputTokens": 9}}        | field_invalid generationconfig in another case
{"generationConfig": {"MaxOutputTokens": 9}}        | field_invalid generationConfig.MaxOutputTokens in another case
{"generationConfig": {"max_OutputTokens": 9}}       | field_invalid generationConfig.max_OutputTokens in another case
{"tools": [{"CodeExecution": {}}]}                  | field_invalid tools[0].CodeExecution in another case
"""  # noqa: E501

BODIES = [
    (b"", "body_invalid - it is not JSON"),
    (b'{"contents": NaN}', "body_invalid - it is not JSON"),
    (b"[]", "body_invalid - it is JSON, but not an object"),
    (b'{"contents": ["\xff"]}', "body_invalid - it is not UTF-8"),
    (b'{"contents": ' + b"[" * 100_000, "body_invalid - it is nested too deeply"),
    (b'{"contents": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "body_invalid - it is nested too deeply"),
]


def facts(call: Call) -> str:
    said = [
        f"{call.output_copies} times" if call.output_copies > 1 else "",
        f"{call.output_tokens}" if call.output_tokens is not None else "",
        f"at least {call.least_output}" if call.least_output > 1 else "",
        call.variant if call.variant != "standard" else "",
        f"{call.web_searches} search" if call.web_searches else "",
        "audio" if call.audio else "",
        call.unbounded or "",
    ]
    return ", ".join(filter(None, said)) or "plain"


@pytest.mark.parametrize(("changes", "expected"), rows(FACTS))
def test_a_request_is_read_for_what_costs_money(changes: str, expected: str) -> None:
    call = read(merged(HELLO, changes))
    assert facts(call) == expected
    assert (call.wire, call.model, call.variant_field) == ("gemini", "gemini-2.5-flash", "serviceTier")
    assert (call.input_reads, call.cache_writes, call.output_allowance) == (1, False, 0)


@pytest.mark.parametrize(("changes", "expected"), rows(REFUSED))
def test_what_is_wrong_is_refused_with_its_field(changes: str, expected: str) -> None:
    assert told(refused(merged(HELLO, changes))) == expected


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_what_is_no_request_at_all_is_refused(body: bytes, expected: str) -> None:
    assert told(refused(body)) == expected


def test_the_path_says_whether_to_stream() -> None:
    assert GEMINI.read(HELLO, TARGET._replace(stream=True)).stream
    assert not GEMINI.read(merged(HELLO, '{"stream": true}'), TARGET).stream


def test_searches_are_refused_where_each_is_billed() -> None:
    body = merged(HELLO, '{"tools": [{"googleSearch": {}}]}')
    refusal = refused(body, "gemini-3.5-flash")
    assert told(refusal) == "field_invalid tools[0].googleSearch an object"
    assert "nothing bounds their number" in refusal.text


@pytest.mark.parametrize("words", ['"contents"', '"systemInstruction"', '"system_instruction"'])
def test_the_bytes_bound_a_text(words: str) -> None:
    body = b'{"contents":{"parts":{"text":"a"}},%b:{"parts":[{"text":"Hello"}]}}' % words.encode()
    assert read(body).input_tokens == len(body)
    assert read(body).unbounded is None


PARTS = """
{"text": "fileData"}                                                         |      0 | -
{"thought": true, "text": "a", "thoughtSignature": "abc"}                    |      0 | -
{"functionCall": {"name": "f", "args": {"inlineData": {}}}}                  |      0 | -
{"functionResponse": {"name": "f", "response": {"fileData": {}}}}            |      0 | -
{"inlineData": {"mimeType": "image/png", "data": ""}}                        | 10_000 | -
{"inline_data": {"mime_type": "IMAGE/JPEG; a=b", "data": ""}}                | 10_000 | -
{"inlineData": {"mimeType": "image/tiff", "data": "AAAA"}}                   |      0 | contents[0].parts[1].inlineData
{"inlineD\\u0061ta": {"mimeType": "image/png", "data": ""}}                  | 10_000 | -
{"inlineData": {"mimeType": "image/png", "data": ""}, "mediaResolution": {"numTokens": 20000}} | 20_000 | -
{"inlineData": {"mimeType": "image/png", "data": ""}, "mediaResolution": {"level": "HIGH"}} | 10_000 | -
{"functionResponse": {"name": "f", "parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]}} | 10_000 | -
{"inlineData": {"mimeType": "text/plain", "data": "SGk="}}                   |      0 | -
{"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}          |      0 | contents[0].parts[1].inlineData
{"inlineData": {"mimeType": "audio/flac", "data": "AAAA"}}                   |      0 | contents[0].parts[1].inlineData, heard
{"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}                    |      0 | contents[0].parts[1].inlineData, heard
{"inlineData": {"data": "AAAA"}}                                             |      0 | contents[0].parts[1].inlineData
{"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}}               |      0 | contents[0].parts[1].fileData, heard
{"file_data": {"file_uri": "files/1", "mime_type": "application/pdf"}}       |      0 | contents[0].parts[1].fileData, heard
{"functionResponse": {"name": "f", "parts": [{"fileData": {"fileUri": "a"}}]}} |    0 | contents[0].parts[1].functionResponse.parts[0].fileData, heard
{"somethingNew": {"uri": "https://example.org"}}                             |      0 | contents[0].parts[1]
"""  # noqa: E501


@pytest.mark.parametrize(("part", "tokens", "expected"), rows(PARTS))
def test_what_is_not_text_has_a_bound_of_its_own_or_none(part: str, tokens: str, expected: str) -> None:
    body = b'{"contents":[{"parts":[{"text":"So:"},%b]}]}' % part.encode()
    call = read(body)
    inline = 2 * part.count('"data": ""')
    assert call.input_tokens - len(body) + inline == int(tokens)
    assert (call.unbounded or "-") + ", heard" * call.audio == expected


def test_an_inline_image_is_bounded_by_its_pixels_not_by_its_bytes() -> None:
    image = b'"' + b"A" * 1_000_000 + b'"'
    part = b'{"inlineData":{"mimeType":"image/png","data":%b}}' % image
    body = b'{"contents":[{"parts":[%b]}]}' % part
    assert read(body).input_tokens == len(body) - len(image) + 10_000


@pytest.mark.parametrize(
    "changes",
    [
        '{"tools": [{"functionDeclarations": [{"name": "f"}]}]}',
        '{"generationConfig": {"responseMimeType": "application/json"}}',
        '{"generationConfig": {"response_schema": {"type": "OBJECT"}}}',
        '{"generationConfig": {"responseJsonSchema": {"type": "object"}}}',
    ],
)
def test_tools_and_schemas_add_an_allowance(changes: str) -> None:
    body = merged(HELLO, changes)
    assert read(body).input_tokens == len(body) + 1_024


SENT = """
{"model": "models/gemini-2.5-flash"}                 | None | {}
{}                                                   | None | {}
{}                                                   | 10   | {"generationConfig": {"maxOutputTokens": 10}}
{"generationConfig": null}                           | 10   | {"generationConfig": {"maxOutputTokens": 10}}
{"generationConfig": {"topK": 3}}                    | 10   | {"generationConfig": {"topK": 3, "maxOutputTokens": 10}}
{"generationConfig": {"maxOutputTokens": 64}}        | None | {"generationConfig": {"maxOutputTokens": 64}}
{"generationConfig": {"maxOutputTokens": 64}}        | 10   | {"generationConfig": {"maxOutputTokens": 10}}
{"generation_config": {"max_output_tokens": 64, "top_k": 3}} | 10 | {"generationConfig": {"maxOutputTokens": 10, "top_k": 3}}
{"generation_config": {"max_output_tokens": 64}}     | None | {"generationConfig": {"maxOutputTokens": 64}}
"""  # noqa: E501


@pytest.mark.parametrize(("changes", "output", "expected"), rows(SENT))
def test_only_what_metering_needs_is_changed(changes: str, output: str, expected: str) -> None:
    body = merged(HELLO, changes)
    call = read(body)
    sent = call.body(None if output == "None" else int(output))
    assert msgspec.json.decode(sent) == msgspec.json.decode(merged(HELLO, expected))
    assert len(sent) <= len(body) + call.added_bytes


def test_a_key_given_twice_is_sent_once_with_the_value_that_was_held_for() -> None:
    call = read(
        b'{"contents":[],"generationConfig":{"maxOutputTokens":9},'
        b'"generationConfig":{"maxOutputTokens":7,"maxOutputTokens":8}}'
    )
    assert call.output_tokens == 8
    assert call.body(None) == b'{"contents":[],"generationConfig":{"maxOutputTokens":8}}'


def test_the_clients_bytes_go_out_as_they_came() -> None:
    contents = b'[ {"parts":[{"text": "caf\\u00e9 1.0e5 \xc3\xa9"}]} ]'
    sent = read(b'{"contents": %b, "generation_config": {"temperature": 1.50}}' % contents).body(5)
    assert contents in sent
    assert b'"temperature":1.50' in sent


@given(
    st.binary(max_size=200) | st.sampled_from([b"[]", b"{}", b'{"parts": {}}']).map(lambda x: b'{"contents":%b}' % x)
)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Refused):
        assert read(body).input_tokens >= len(body)


def test_counting_tokens_needs_no_contents_that_we_read() -> None:
    assert GEMINI.read_count(b'{"generateContentRequest": {"contents": []}}', TARGET) == "gemini-2.5-flash"
    with pytest.raises(Refused):
        GEMINI.read_count(b"Hello", TARGET)
