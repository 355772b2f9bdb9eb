"""Bad requests: each is refused by its name, in the shape of its wire, and nothing of it reaches a provider."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bursar.keys import new_key
from tests.unit.sim.raw import CHAT, MESSAGES, Got, ask

from .people import EXPIRED, REVOKED, fill
from .place import Place, opened
from .raw import WIRES, body_of, read_to_the_end, request, send
from .upstream import RECORDED, Upstream

CONFIG = (
    RECORDED
    + """
[server]
body_timeout_s = 1
"""
)
BOTH = pytest.mark.parametrize("wire", list(WIRES))
DEEP = "[" * 100_000 + "]" * 100_000
INNARDS = re.compile(rb"Traceback|File \"|msgspec|asyncio|Expected `|Error\(|object at 0x")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Place]:
    more = CONFIG.format(url=upstream.url)
    with opened(tmp_path_factory.mktemp("bad"), amount="50.00", more=more, fill=fill) as made:
        yield made
        assert made.ended() == []
        assert made.billed() == 0
        assert upstream.requests == []
        assert "Traceback" not in made.server.log.read_text()


def assert_refused(wire: str, got: Got, status: int, code: str, field: str | None = None) -> None:
    """The refusal as its wire tells it, with nothing in it of how Bursar is made."""
    assert (got.status, got.headers.get("x-bursar-refusal")) == (status, code), got
    body = got.json()
    error = body["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["param" if wire == "openai" else "field"] == field
    assert (body.get("type") == "error") == (wire == "anthropic")
    assert INNARDS.search(got.body) is None, got.body
    assert len(got.body) < 2_000


def post(place: Place, wire: str, body: bytes | dict[str, Any], **headers: str) -> Got:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(place.url, "POST", WIRES[wire], data, key=place.key, **headers)


@BOTH
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"model=gpt-4o-mini&max_tokens=5", "not JSON"),
        (b'{"model": "gpt-4o-mini"} trailing', "not JSON"),
        (b"\x1f\x8b\x08\x00 no JSON", "not UTF-8"),
        (b'{"model": "\xff\xfe"}', "not UTF-8"),
        (b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}]}', "not UTF-8"),
        (b"[]", "not an object"),
        (b'"gpt-4o-mini"', "not an object"),
        (b"null", "not an object"),
        (DEEP.encode(), "not an object"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"metadata": ' + DEEP.encode() + b"}", "nested too deeply"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else None,
)
def test_bodies_that_are_no_request(place: Place, wire: str, body: bytes, words: str) -> None:
    got = post(place, wire, body)
    assert_refused(wire, got, 400, "body_invalid")
    assert words in got.json()["error"]["message"]


@BOTH
@pytest.mark.parametrize("field", ["messages", "tools"])
def test_deep_nesting_where_it_is_looked_into(place: Place, wire: str, field: str) -> None:
    body = body_of(wire) | {field: "@"}
    got = post(place, wire, json.dumps(body).replace('"@"', DEEP).encode())
    assert_refused(wire, got, 400, "body_invalid")


WRONG = """
  openai     max_tokens             -1                   field_invalid  max_tokens
  openai     max_tokens             0                    field_invalid  max_tokens
  openai     max_tokens             1.5                  field_invalid  max_tokens
  openai     max_tokens             1e3                  field_invalid  max_tokens
  openai     max_tokens             1e400                field_invalid  max_tokens
  openai     max_tokens             NaN                  body_invalid   -
  openai     max_tokens             Infinity             body_invalid   -
  openai     max_tokens             0x10                 body_invalid   -
  openai     max_tokens             true                 field_invalid  max_tokens
  openai     max_tokens             "many"               field_invalid  max_tokens
  openai     max_tokens             "100"                field_invalid  max_tokens
  openai     max_tokens             [100]                field_invalid  max_tokens
  openai     max_completion_tokens  -1                   field_invalid  max_completion_tokens
  openai     max_completion_tokens  600                  field_invalid  max_tokens
  openai     MAX_TOKENS             5                    field_invalid  MAX_TOKENS
  openai     n                      0                    field_invalid  n
  openai     n                      1000000000           field_invalid  n
  openai     n                      "2"                  field_invalid  n
  openai     stream                 "yes"                field_invalid  stream
  openai     model                  null                 field_missing  model
  openai     model                  7                    field_invalid  model
  openai     model                  ""                   field_invalid  model
  openai     messages               null                 field_missing  messages
  openai     messages               "hello"              field_invalid  messages
  openai     messages               [7]                  field_invalid  messages
  openai     service_tier           7                    field_invalid  service_tier
  openai     service_tier           "platinum"           variant_not_priced  service_tier
  openai     web_search_options     {"a":1}              field_invalid  web_search_options
  openai     models                 ["a"]                field_invalid  models
  openai     tools                  [{"type":"web_search"}]        field_invalid  tools[0].type
  openai     tools                  [{"type":"code_interpreter"}]  field_invalid  tools[0].type
  openai     tools                  "all"                field_invalid  tools
  anthropic  max_tokens             null                 field_missing  max_tokens
  anthropic  max_tokens             -1                   field_invalid  max_tokens
  anthropic  max_tokens             1.5                  field_invalid  max_tokens
  anthropic  max_tokens             NaN                  body_invalid   -
  anthropic  max_tokens             true                 field_invalid  max_tokens
  anthropic  max_tokens             "many"               field_invalid  max_tokens
  anthropic  Max_Tokens             5                    field_invalid  Max_Tokens
  anthropic  model                  null                 field_missing  model
  anthropic  model                  {"a":1}              field_invalid  model
  anthropic  messages               {}                   field_invalid  messages
  anthropic  stream                 1                    field_invalid  stream
  anthropic  service_tier           "platinum"           variant_not_priced  service_tier
  anthropic  speed                  "ludicrous"          variant_not_priced  speed
  anthropic  inference_geo          "moon"               variant_not_priced  inference_geo
  anthropic  container              "c-1"                field_invalid  container
  anthropic  mcp_servers            [{"url":"http://a"}] field_invalid  mcp_servers
  anthropic  tools                  [{"type":"code_execution_20250522","name":"a"}]  field_invalid  tools[0].type
  anthropic  tools                  [{"type":"web_fetch_20250910","name":"a"}]  field_invalid  tools[0].type
  anthropic  tools                  [{"type":"web_search_20250305","name":"a"}]  field_missing  tools[0].max_uses
"""


@pytest.mark.parametrize("row", WRONG.strip().splitlines(), ids=lambda row: "-".join(row.split()[:3]))
def test_fields_that_are_wrong_are_named(place: Place, row: str) -> None:
    wire, name, value, code, field = row.split()
    body = json.dumps(body_of(wire) | {name: "@"}).replace('"@"', value).encode()
    assert_refused(wire, post(place, wire, body), 400, code, None if field == "-" else field)


@BOTH
def test_a_model_that_nobody_serves(place: Place, wire: str) -> None:
    for model in ("llama-17", "../v1/models", "x" * 200):
        assert_refused(wire, post(place, wire, body_of(wire, model=model)), 404, "model_unknown", "model")
    assert_refused(wire, post(place, wire, body_of(wire, model="x" * 300)), 400, "field_invalid", "model")


@BOTH
def test_a_model_without_a_price(place: Place, wire: str) -> None:
    for model in ("made-up", "4o-mini\n", "4o-mini "):
        name = ("gpt-" if wire == "openai" else "claude-") + model
        assert_refused(wire, post(place, wire, body_of(wire, model=name)), 404, "model_not_priced", "model")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/responses/compact", 404, "route_unknown"),
        ("GET", "/v1/responses/resp_1", 404, "route_unknown"),
        ("POST", "/v1/responses/resp_1/cancel", 404, "route_unknown"),
        ("POST", "/v1/images/generations", 404, "route_unknown"),
        ("POST", "/v1/files", 404, "route_unknown"),
        ("POST", "/v1/messages/batches", 404, "route_unknown"),
        ("POST", "/v1/chat/completions/", 404, "route_unknown"),
        ("POST", "/v1/../v1/chat/completions", 404, "route_unknown"),
        ("POST", "//v1/chat/completions", 404, "route_unknown"),
        ("POST", "/V1/chat/completions", 404, "route_unknown"),
        ("GET", "/nothing", 404, "route_unknown"),
        ("GET", "/v1/chat/completions", 405, "method_unknown"),
        ("GET", "/v1/responses", 405, "method_unknown"),
        ("PUT", "/v1/embeddings", 405, "method_unknown"),
        ("PUT", "/v1/messages", 405, "method_unknown"),
        ("POST", "/v1/models", 405, "method_unknown"),
        ("DELETE", "/v1/models/gpt-4o-mini", 405, "method_unknown"),
        ("BREW", "/v1/messages/count_tokens", 405, "method_unknown"),
    ],
)
def test_routes_and_methods_that_are_not_served(place: Place, method: str, path: str, status: int, code: str) -> None:
    wire = "anthropic" if path.startswith("/v1/messages") else "openai"
    assert_refused(wire, ask(place.url, method, path, body_of(wire), key=place.key), status, code)


def test_an_unknown_route_in_the_shape_of_the_client_that_asks(place: Place) -> None:
    got = ask(place.url, "POST", "/v1/complete", {}, key=place.key, anthropic_version="2023-06-01")
    assert_refused("anthropic", got, 404, "route_unknown")


def test_a_probe_of_the_root(place: Place) -> None:
    with send(place.url, b"HEAD / HTTP/1.1\r\nhost: bursar\r\nconnection: close\r\n\r\n") as link:
        seen = read_to_the_end(link)
    assert seen.startswith(b"HTTP/1.1 200 OK\r\n")
    assert seen.endswith(b"\r\n\r\n")
    assert ask(place.url, "GET", "/", key=None).json()["api"] == "/api"


@BOTH
@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "key_missing"),
        ("", "key_missing"),
        ("sk-proj-abcdefgh", "key_unknown"),
        ("bsr_", "key_unknown"),
        ("bsr_" + "a" * 37, "key_unknown"),
        ("bsr_" + "x" * 9_000, "key_unknown"),
        ("bsr_\xe4" + "a" * 36, "key_unknown"),
        ("' OR 1=1 --", "key_unknown"),
        ("right-looking", "key_unknown"),
        (REVOKED, "key_revoked"),
        (EXPIRED, "key_expired"),
    ],
)
def test_keys(place: Place, wire: str, key: str | None, code: str) -> None:
    secret = new_key() if key == "right-looking" else place.keys.get(key or "", key)
    got = ask(place.url, "POST", WIRES[wire], body_of(wire), key=secret)
    assert_refused(wire, got, 401, code)
    assert not secret or secret == "bsr_" or secret.encode() not in got.body
    if key is not None and key.isascii():
        got = ask(place.url, "POST", WIRES[wire], body_of(wire), key=None, x_api_key=secret or "")
        assert_refused(wire, got, 401, code)


def test_a_mistyped_key_is_unknown(place: Place) -> None:
    wrong = place.key[:-1] + ("a" if place.key[-1] != "a" else "b")
    for key in (wrong, place.key.upper(), place.key[:-1], place.key + "a"):
        assert_refused("openai", ask(place.url, "POST", CHAT, body_of("openai"), key=key), 401, "key_unknown")


def test_other_schemes_than_bearer_carry_no_key(place: Place) -> None:
    got = ask(place.url, "POST", CHAT, body_of("openai"), key=None, authorization=f"Basic {place.key}")
    assert_refused("openai", got, 401, "key_missing")


def test_the_operators_key_spends_nothing(place: Place) -> None:
    made = place.operator("POST", "/keys", {"role": "administrator", "name": "operations"})
    assert made.status == 201, made.body
    got = ask(place.url, "POST", CHAT, body_of("openai"), key=made.json()["secret"])
    assert_refused("openai", got, 403, "role_missing")


@BOTH
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "zstd"])
def test_compressed_bodies_are_not_opened(place: Place, wire: str, encoding: str) -> None:
    """A bomb of a gigabyte is a megabyte of gzip; its bytes do not matter, because nobody unpacks them."""
    got = post(place, wire, b"\x1f\x8b" + bytes(1_000_000), content_encoding=encoding)
    assert_refused(wire, got, 400, "body_encoded")


@BOTH
def test_a_body_that_does_not_arrive(place: Place, wire: str) -> None:
    with send(place.url, request(WIRES[wire], place.key, b'{"model":', "content-length: 500")) as link:
        seen = read_to_the_end(link)
    assert seen.startswith(b"HTTP/1.1 408 ")
    assert b'"body_too_slow"' in seen


def test_a_chunked_body_that_does_not_end(place: Place) -> None:
    with send(place.url, request(MESSAGES, place.key, b"5\r\n{    \r\n", "transfer-encoding: chunked")) as link:
        seen = read_to_the_end(link)
    assert seen.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["x-a: one\r\n two"], id="folded"),
        pytest.param(["x-a: one\rx-b: two"], id="a carriage return"),
        pytest.param(["x-a: one\0"], id="a null"),
        pytest.param(["x-a : one"], id="a blank before the colon"),
        pytest.param(["no colon"], id="no colon"),
        pytest.param(["content-length: 10", "content-length: 20"], id="two lengths"),
        pytest.param(["content-length: -1"], id="a negative length"),
        pytest.param(["content-length: ten"], id="a length that is no number"),
        pytest.param(["content-length: 1e2"], id="a length with an exponent"),
        pytest.param(["transfer-encoding: chunked, gzip"], id="chunks that are compressed"),
        pytest.param(["transfer-encoding: xchunked"], id="an encoding that is none"),
        pytest.param(["host: other"], id="two hosts"),
    ],
)
def test_headers_that_are_wrong(place: Place, lines: list[str]) -> None:
    with send(place.url, request(CHAT, place.key, body_of("openai"), *lines, "connection: close")) as link:
        assert read_to_the_end(link).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a:b", "a:80:80", "[::1", "a\\b", "<script>", "a?b#c"])
def test_a_host_that_is_none(place: Place, host: str) -> None:
    data = request(CHAT, place.key, body_of("openai"), "connection: close").replace(b"bursar", host.encode(), 1)
    with send(place.url, data) as link:
        seen = read_to_the_end(link)
    assert seen.startswith(b"HTTP/1.1 400 ")
    assert b'"header_invalid"' in seen


@pytest.mark.parametrize("length_first", [True, False])
def test_a_length_beside_chunks_smuggles_nothing(place: Place, length_first: bool) -> None:
    """The chunks are the body, and what follows them is not taken for a request: the connection is closed."""
    lines = ["content-length: 7", "transfer-encoding: chunked"]
    data = request(CHAT, place.key, b"2\r\n{]\r\n0\r\n\r\n", *(lines if length_first else lines[::-1]))
    with send(place.url, data + request(CHAT, place.key, b"{]")) as link:
        seen = read_to_the_end(link)
    assert seen.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in seen
    assert seen.count(b"HTTP/1.1") == 1


def test_headers_of_64_kb_stay_here(place: Place) -> None:
    got = post(place, "openai", b"{}", x_long="x" * 65_536)
    assert_refused("openai", got, 400, "field_missing", "model")


def test_headers_of_a_megabyte_are_refused(place: Place) -> None:
    with send(place.url, request(CHAT, place.key, b"{}", "x-long: " + "x" * 2**20)) as link:
        assert read_to_the_end(link).startswith(b"HTTP/1.1 431 ")
