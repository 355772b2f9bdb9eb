from __future__ import annotations

import pytest

from bursar.gateway.wires import GEMINI_EMBEDDINGS, Call, Target
from bursar.refusals import Refused
from bursar.usage import Usage
from tests.unit.gateway.tables import rows, told

MODEL = "gemini-embedding-001"

FACTS = """
{"content": {"parts": [{"text": "a"}]}}                                         | -
{"content": {"parts": {"text": "a"}}, "model": "models/gemini-embedding-001"}   | -
{"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 8, "taskType": "CLUSTERING"} | -
{"requests": [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a"}]}}]} | -
{"requests": []}                                                                | -
{"requests": [{"content": {"parts": [{"file_data": {"file_uri": "a"}}]}}]}      | requests[0].content[0].parts[0].fileData
{"requests": [], "content": {"parts": [{"fileData": {"fileUri": "a"}}]}}        | content[0].parts[0].fileData
{}                                                                              | field_missing content -
{"content": "a"}                                                                | field_invalid content a string
{"content": {"parts": [{"text": "a"}]}, "model": "models/other"}                | field_invalid model another
{"requests": [{}]}                                                              | field_missing requests[0].content -
{"requests": "a"}                                                               | field_invalid requests a string
{"requests": [{"content": {"parts": []}, "model": "models/other"}]}             | field_invalid requests[0].model another
{"Requests": []}                                                                | field_invalid Requests in another case
"""  # noqa: E501


def read(body: bytes) -> Call:
    return GEMINI_EMBEDDINGS.read(body, Target(MODEL))


@pytest.mark.parametrize(("body", "expected"), rows(FACTS))
def test_a_request_is_read_or_refused(body: str, expected: str) -> None:
    try:
        call = read(body.encode())
    except Refused as refused:
        seen = told(refused.refusal)
    else:
        seen = call.unbounded or "-"
        assert (call.wire, call.model, call.input_tokens) == ("gemini-embeddings", MODEL, len(body))
        assert (call.output_tokens, call.least_output, call.stream, call.cache_writes) == (0, 0, False, False)
    assert seen == expected


def test_an_image_has_a_bound_of_its_own() -> None:
    image = b'"' + b"A" * 50_000 + b'"'
    body = b'{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":%b}}]}}' % image
    assert read(body).input_tokens == len(body) - len(image) + 10_000


ANSWERS = """
{"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 3}}    | 3
{"embeddings": [], "usageMetadata": {"promptTokenCount": 0}}                  | 0
{"embeddings": [{"values": [0.1]}], "usageMetadata": {"promptTokenCount": 3, "promptTokenDetails": []}} | 3
{"embedding": {"values": [0.1]}}                                              | none
{"embedding": {"values": [0.1]}, "usageMetadata": {}}                         | none
{"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": -3}}   | none
{"usageMetadata": {"promptTokenCount": 3}}                                    | none
{"embedding": {"values":                                                      | none
"""


@pytest.mark.parametrize(("answer", "expected"), rows(ANSWERS))
def test_the_prompt_is_what_was_used(answer: str, expected: str) -> None:
    meter = GEMINI_EMBEDDINGS.meter(read(b'{"content": {"parts": []}}'))
    meter.whole(answer.encode())
    assert meter.usage == (None if expected == "none" else Usage(input=int(expected)))


def test_the_path_names_the_model() -> None:
    assert GEMINI_EMBEDDINGS.read_count(b"{}", Target(MODEL)) == MODEL
