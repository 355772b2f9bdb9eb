"""What must not pass the gateway does not: keys, account headers, and anything that people and models say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sim.raw import CHAT, ask

from .place import Place, opened
from .raw import WIRES, body_of, call
from .upstream import ANSWER, RECORDED, Request, Upstream, answer

PROVIDER_KEY = "sk-provider"
PROMPT, SPOKEN, NAMED, AGENT = "canary-prompt-7f3a", "canary-answer-9b1c", "canary-tool-4e2d", "canary-agent-1d5e"
SAID = ANSWER | {"choices": [{"index": 0, "message": {"role": "assistant", "content": SPOKEN}}]}
BOTH = pytest.mark.parametrize("wire", list(WIRES))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("secrets"), amount="50.00", more=RECORDED.format(url=upstream.url)) as made:
        yield made


@pytest.fixture(autouse=True)
def _plain_answer(upstream: Upstream) -> None:
    upstream.reply = answer(body=json.dumps(SAID).encode())


def sent(place: Place, upstream: Upstream, wire: str, **asked: Any) -> Request:
    """What the provider got of one call."""
    before = len(upstream.requests)
    call(place.url, place.key, wire, **asked)
    [arrived] = upstream.requests[before:]
    return arrived


@BOTH
def test_a_clients_key_never_reaches_a_provider(place: Place, upstream: Upstream, wire: str) -> None:
    both = {"x_api_key": place.key, "authorization": f"Bearer {place.key}", "x_goog_api_key": place.key}
    got = sent(place, upstream, wire, headers=both | {"cookie": f"key={place.key}", "proxy_authorization": place.key})
    assert place.key not in got.head
    assert place.key.encode() not in got.body
    if wire == "openai":
        assert got.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
        assert "x-api-key" not in got.headers
    else:
        assert got.headers["x-api-key"] == PROVIDER_KEY
        assert "authorization" not in got.headers


def test_only_headers_of_the_list_go_up(place: Place, upstream: Upstream) -> None:
    claims = {
        "openai_organization": "org-of-somebody-else",
        "openai_project": "proj-of-somebody-else",
        "x_forwarded_for": "10.1.2.3",
        "forwarded": "for=10.1.2.3",
        "x_user": "root",
        "x_bursar_person": "root",
        "x_client_request_id": "mine",
        "referer": "http://intranet.example.com/",
        "origin": "http://intranet.example.com",
        "te": "trailers",
        "accept_encoding": "gzip, br",
    }
    passed = {
        "anthropic_version": "2023-06-01",
        "anthropic_beta": "something-new-2027-01-01",
        "x_stainless_lang": "python",
        "user_agent": "agent/1.0",
        "idempotency_key": "k-1",
    }
    got = sent(place, upstream, "anthropic", headers=claims | passed)
    expected = {name.replace("_", "-"): value for name, value in passed.items()}
    assert {name: got.headers.get(name) for name in expected} == expected
    own = {"host", "x-api-key", "content-type", "content-length", "accept-encoding", "x-client-request-id", "accept"}
    assert set(got.headers) - own == set(expected)
    assert got.headers["accept-encoding"] == "identity"
    assert got.headers["x-client-request-id"] == place.ended()[-1].id
    assert got.headers["host"] == upstream.url.removeprefix("http://")


def test_only_headers_of_the_list_come_down(place: Place, upstream: Upstream) -> None:
    upstream.reply = answer(
        "openai-organization: org-secret",
        "anthropic-organization-id: org-secret",
        "set-cookie: session=secret",
        "x-request-id: req_1",
        "x-ratelimit-remaining-tokens: 100",
        "server: secret/1.0",
        "cf-ray: secret",
        "www-authenticate: secret",
        "strict-transport-security: secret",
    )
    got = call(place.url, place.key, "openai")
    assert got.headers["x-request-id"] == "req_1"
    assert got.headers["x-ratelimit-remaining-tokens"] == "100"
    assert "secret" not in str(got.headers)
    assert set(got.headers) == {
        "x-request-id",
        "x-ratelimit-remaining-tokens",
        "x-bursar-call",
        "x-bursar-cost",
        "x-bursar-left",
        "content-type",
        "content-length",
        "server",
        "date",
    }


def test_a_key_that_the_provider_refuses_stays_unknown(place: Place, upstream: Upstream) -> None:
    """Providers quote the key in their error; that error is for the operator, not for the client."""
    text = json.dumps({"error": {"message": f"Incorrect API key provided: {PROVIDER_KEY}"}}).encode()
    upstream.reply = answer(body=text).replace(b"200 OK", b"401 Unauthorized")
    got = call(place.url, place.key, "openai")
    assert (got.status, got.json()["error"]["code"]) == (502, "upstream_key")
    assert PROVIDER_KEY not in str(got)


@BOTH
def test_a_clients_query_goes_along_and_its_path_does_not(place: Place, upstream: Upstream, wire: str) -> None:
    before = len(upstream.requests)
    ask(place.url, "POST", WIRES[wire] + "?beta=true&a=%2F..%2F", body_of(wire), key=place.key)
    [arrived] = upstream.requests[before:]
    assert arrived.head.split("\r\n")[0] == f"POST {WIRES[wire]}?beta=true&a=%2F..%2F HTTP/1.1"


def test_what_people_and_models_say_is_nowhere(tmp_path: Path, upstream: Upstream) -> None:
    """Not while the server runs, nor when it has stopped and folded its write-ahead log into the database."""
    with opened(tmp_path, amount="50.00", more=RECORDED.format(url=upstream.url)) as place:
        say_everything(place, upstream)
        assert (tmp_path / "bursar.sqlite-wal").stat().st_size > 0
        assert_nowhere(place)
        assert place.server.stop() == 0
        assert_nowhere(place)


def say_everything(place: Place, upstream: Upstream) -> None:
    """Canaries in every place of requests that are served, and of answers that are right and wrong."""
    tool: Any = {"type": "function", "function": {"name": NAMED, "parameters": {"description": PROMPT}}}
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": PROMPT}]
    agent = {"user_agent": AGENT}
    got = call(place.url, place.key, "openai", messages=messages, tools=[tool], user=NAMED, headers=agent)
    assert SPOKEN in got.body.decode()
    flat = {"type": "function", "name": NAMED, "parameters": {"description": PROMPT}}
    got = call(place.url, place.key, "responses", input=PROMPT, instructions=PROMPT, tools=[flat], headers=agent)
    assert SPOKEN in got.body.decode()
    for wrong in (
        {"input": {"role": PROMPT}},
        {"tools": [{"type": NAMED}]},
        {"prompt": {"id": PROMPT}},
    ):
        assert call(place.url, place.key, "responses", headers=agent, **wrong).status == 400
    for reply in (
        answer(body=b"{" + SPOKEN.encode()),
        answer(body=SPOKEN.encode()).replace(b"200 OK", b"500 Error"),
        answer(body=SPOKEN.encode(), length=5_000),
        answer(f"x-odd: {SPOKEN}", "x-request-id: req_2", "content-encoding: gzip", body=SPOKEN.encode()),
        b"HTTP/1.1 " + SPOKEN.encode(),
    ):
        upstream.reply = reply
        call(place.url, place.key, "openai", messages=messages, tools=[tool], headers=agent)
    for body in (PROMPT, f'{{"model": "gpt-4o-mini", "messages": "{PROMPT}"}}', f'{{"{PROMPT}": {{"a": '):
        assert PROMPT not in ask(place.url, "POST", CHAT, body.encode(), key=place.key).body.decode()
    ask(place.url, "POST", CHAT, body_of("openai", max_tokens=[PROMPT]), key=place.key)
    place.until_quiet()


def assert_nowhere(place: Place) -> None:
    """No file of the data folder holds what was said, the client's key, or (but for its own) the provider's key."""
    files = [file for file in place.folder.rglob("*") if file.is_file()]
    assert {"bursar.sqlite", "server.log", "provider.key"} <= {file.name for file in files}
    for file in files:
        secrets = [PROMPT, SPOKEN, NAMED, AGENT, place.key]
        if file.name != "provider.key":
            secrets.append(PROVIDER_KEY)
        content = file.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], file
