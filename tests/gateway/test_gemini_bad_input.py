"""Bad requests on Gemini's wire, and what of a good one goes on: no key, and of its query only that it streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sim.raw import Got, ask

from .place import Place, opened
from .raw import GEMINI_MODEL, body_of, path_of
from .upstream import Request, Upstream, answer

RECORDED = f"""
[providers.recorded]
wire = "gemini"
base_url = "{{url}}/v1beta"
key_file = "provider.key"
models = ["{GEMINI_MODEL}", "gemini-2.5-flash-lite"]
rename = {{{{ "gemini-2.5-flash-lite" = "our lite" }}}}

[providers.unknown]
wire = "gemini"
base_url = "{{url}}"
key_file = "provider.key"
models = ["gemini-2.5-flash-preview"]
"""
PROVIDER_KEY = "sk-provider"
SPOKEN = "canary-answer-9b1c"
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": SPOKEN}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
}
PATH = path_of("gemini")
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(answer(body=json.dumps(ANSWER).encode())) as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Place]:
    more = RECORDED.format(url=upstream.url)
    with opened(tmp_path_factory.mktemp("gemini"), amount="1.00", plan="clamp = true\n", more=more) as made:
        yield made
        made.server.stop()
        for file in made.folder.rglob("*"):
            if file.is_file():
                assert made.key.encode() not in file.read_bytes(), file
                assert file.name == "provider.key" or PROVIDER_KEY.encode() not in file.read_bytes(), file
                assert not any(said in file.read_bytes() for said in (b"Say something about", SPOKEN.encode())), file


def sent(place: Place, upstream: Upstream, path: str, body: object = None, **headers: str) -> Request:
    """What the provider got of one call."""
    before = len(upstream.requests)
    got = ask(place.url, "POST", path, body or body_of("gemini"), key=None, **headers)
    assert got.status == 200, got
    [arrived] = upstream.requests[before:]
    return arrived


QUERIES = """
  generateContent       | ?key=KEY                                    | /v1beta/models/gemini-2.5-flash:generateContent
  generateContent       | ?alt=sse&key=KEY                            | /v1beta/models/gemini-2.5-flash:generateContent
  generateContent       | ?key=KEY&fields=candidates&access_token=KEY | /v1beta/models/gemini-2.5-flash:generateContent
  streamGenerateContent | ?key=KEY&alt=sse&prettyPrint=false          | /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse
  streamGenerateContent | ?alt=json&key=KEY                           | /v1beta/models/gemini-2.5-flash:streamGenerateContent
  countTokens           | ?key=other&key=KEY                          | /v1beta/models/gemini-2.5-flash:countTokens
"""  # noqa: E501


@pytest.mark.parametrize("row", QUERIES.strip().splitlines(), ids=lambda row: "".join(row.split("|")[:2]))
def test_a_key_in_the_query_goes_no_further(place: Place, upstream: Upstream, row: str) -> None:
    verb, query, expected = (cell.strip() for cell in row.split("|"))
    path = f"/v1beta/models/{GEMINI_MODEL}:{verb}{query.replace('KEY', place.key)}"
    got = sent(place, upstream, path)
    assert got.head.split("\r\n")[0] == f"POST {expected} HTTP/1.1"
    assert place.key not in got.head
    assert place.key.encode() not in got.body
    assert got.headers["x-goog-api-key"] == PROVIDER_KEY


@pytest.mark.parametrize("header", ["x_goog_api_key", "authorization", "x_api_key"])
def test_a_key_in_a_header_goes_no_further(place: Place, upstream: Upstream, header: str) -> None:
    value = f"Bearer {place.key}" if header == "authorization" else place.key
    passed = {"x_goog_api_client": "genai/1", "user_agent": "agent/1.0"}
    kept = {"x_goog_fieldmask": "candidates", "x_goog_user_project": "mine"}
    got = sent(place, upstream, PATH, **{header: value}, **passed, **kept)
    assert place.key not in got.head
    assert (got.headers["x-goog-api-key"], got.headers["x-goog-api-client"]) == (PROVIDER_KEY, "genai/1")
    assert "authorization" not in got.headers
    assert "x-api-key" not in got.headers
    assert not [name for name in got.headers if name in {"x-goog-fieldmask", "x-goog-user-project"}]


@pytest.mark.parametrize("status", [b"400 Bad Request", b"403 Forbidden"])
@pytest.mark.parametrize("verb", ["generateContent", "countTokens"])
def test_a_key_that_the_provider_refuses_stays_unknown(
    place: Place, upstream: Upstream, status: bytes, verb: str
) -> None:
    """Google says with a 400 that it does not know a key; that is for the operator, not for the client."""
    error = {"message": f"API key not valid: {PROVIDER_KEY}", "details": [{"reason": "API_KEY_INVALID"}]}
    refusal = answer(body=json.dumps({"error": error}).encode())
    plain, upstream.reply = upstream.reply, refusal.replace(b"200 OK", status)
    got = ask(place.url, "POST", PATH.replace("generateContent", verb), body_of("gemini"), key=place.key)
    upstream.reply = plain
    assert (got.status, reason(got)) == (502, "UPSTREAM_KEY")
    assert PROVIDER_KEY not in str(got)


@pytest.mark.parametrize("verb", ["generateContent", "countTokens"])
def test_a_provider_may_have_a_model_under_another_name(place: Place, upstream: Upstream, verb: str) -> None:
    path = f"/v1beta/models/gemini-2.5-flash-lite:{verb}"
    got = sent(
        place, upstream, path, body_of("gemini", model="models/gemini-2.5-flash-lite"), x_goog_api_key=place.key
    )
    assert got.head.startswith(f"POST /v1beta/models/our%20lite:{verb} HTTP/1.1\r\n")
    assert ("model" in got.json()) == (verb == "countTokens")


def test_where_the_longest_answer_is_not_known_it_must_be_said(place: Place) -> None:
    body = body_of("gemini", generationConfig={"temperature": 1})
    path = PATH.replace(GEMINI_MODEL, "gemini-2.5-flash-preview")
    got = ask(place.url, "POST", path, body, key=place.key)
    assert (got.status, reason(got)) == (400, "FIELD_MISSING")
    assert got.json()["error"]["message"].startswith("The field generationConfig.maxOutputTokens is missing")


def test_the_maximum_is_lowered_where_the_client_gave_it(place: Place, upstream: Upstream) -> None:
    """A dollar pays for less than eight answers of the longest kind."""
    ended = len(place.ended())
    asked = {"max_output_tokens": 65_536, "candidate_count": 8, "temperature": 0.5}
    body = body_of("gemini") | {"generation_config": asked}
    del body["generationConfig"]
    got = sent(place, upstream, PATH, body, x_goog_api_key=place.key).json()
    assert 1_000 < got["generationConfig"].pop("maxOutputTokens") < 65_536
    assert got["generationConfig"] == {"candidateCount": 8, "temperature": 0.5}
    assert "generation_config" not in got
    assert got["contents"] == body["contents"]
    assert place.last(ended).outcome == "settled"


def reason(got: Got) -> str:
    error: dict[str, Any] = got.json()["error"]
    assert error["code"] == got.status
    return str(error["details"][0]["reason"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\x1f\x8b\x08\x00 no JSON", "not UTF-8"),
        (b"[]", "not an object"),
        (b'{"contents": [{"parts": [{"text": "\xed\xa0\x80"}]}]}', "not UTF-8"),
        (f'{{"contents": {DEEP}}}'.encode(), "nested too deeply"),
        (f'{{"contents": [], "tools": {DEEP}}}'.encode(), "nested too deeply"),
        (f'{{"contents": [], "generationConfig": {{"a": {DEEP}}}}}'.encode(), "nested too deeply"),
        (b'{"contents":' + b'{"parts":{"functionResponse":' * 50 + b"{}" + b"}}" * 50 + b"}", "are nested"),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else None,
)
def test_bodies_that_are_no_request(place: Place, upstream: Upstream, body: bytes, words: str) -> None:
    before = len(upstream.requests), len(place.ended())
    got = ask(place.url, "POST", PATH, body, key=place.key)
    assert (got.status, reason(got)) == (400, "BODY_INVALID")
    assert words in got.json()["error"]["message"]
    assert len(got.body) < 1_000
    assert (len(upstream.requests), len(place.ended()), place.running()) == (*before, 0)


@pytest.mark.parametrize("key", [None, "", "sk-proj-abcdefgh", "bsr_" + "a" * 37, "AIzaSyA"])
def test_keys(place: Place, key: str | None) -> None:
    expected = "KEY_UNKNOWN" if key else "KEY_MISSING"
    for path, headers in ((PATH, {"x_goog_api_key": key or ""}), (f"{PATH}?key={key or ''}", {})):
        got = ask(place.url, "POST", path, body_of("gemini"), key=None, **headers)
        assert (got.status, reason(got)) == (401, expected)
        assert got.json()["error"]["status"] == "UNAUTHENTICATED"
        assert not key or key.encode() not in got.body


def test_compressed_bodies_are_not_opened(place: Place) -> None:
    got = ask(place.url, "POST", PATH, b"\x1f\x8b" + bytes(1_000), key=place.key, content_encoding="gzip")
    assert (got.status, reason(got)) == (400, "BODY_ENCODED")
