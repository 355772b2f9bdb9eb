"""Providers that are not there, or that speak HTTP badly: the client is told, and the books stay on the safe side."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.place import Place, opened
from tests.gateway.raw import call
from tests.gateway.upstream import ANSWER, Upstream, answer
from tests.support.running import free_port
from tests.unit.sim.raw import Got

COST_NANOS = 5 * 150 + 2 * 600
"""What gpt-4o-mini's usage in ANSWER costs, in nano-USD."""
NOWHERE, SECURE, STRANGE, DEAF = "gpt-4.1", "gpt-4.1-mini", "gpt-4o-mini", "gpt-4o"
PROVIDER = """
[providers.{name}]
wire = "openai"
base_url = "{url}/v1"
key_file = "provider.key"
models = ["{model}"]
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as made:
        yield made


@pytest.fixture(scope="module")
def deaf() -> Iterator[str]:
    """The address of a socket whose connections nobody takes from its queue."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield f"http://127.0.0.1:{made.getsockname()[1]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, deaf: str) -> Iterator[Place]:
    providers = [
        PROVIDER.format(name="nowhere", url=f"http://127.0.0.1:{free_port()}", model=NOWHERE),
        PROVIDER.format(name="secure", url=upstream.url.replace("http:", "https:"), model=SECURE),
        PROVIDER.format(name="strange", url=upstream.url, model=STRANGE),
        PROVIDER.format(name="deaf", url=deaf, model=DEAF),
        "[server]\nidle_timeout_s = 1\nconnect_timeout_s = 1\n",
    ]
    with opened(tmp_path_factory.mktemp("strange"), amount="50.00", more="".join(providers)) as made:
        yield made
        assert made.billed() == 0
        assert "Traceback" not in made.server.log.read_text()


def called(place: Place, model: str, *, stream: bool = False) -> tuple[Got, str, int, str]:
    """The client's answer, and the call's outcome, cost and reason in the books."""
    before = len(place.ended())
    got = call(place.url, place.key, "openai", model=model, stream=stream)
    ended = place.last(before)
    assert ended.outcome != "provisional" or ended.cost == ended.bound
    return got, ended.outcome, ended.cost, ended.reason


def test_nobody_listens(place: Place) -> None:
    got, outcome, cost, reason = called(place, NOWHERE)
    assert (got.status, got.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert (outcome, cost, reason) == ("released", 0, "nowhere could not be reached")
    assert "Nothing was charged" in got.json()["error"]["message"]
    assert got.headers["retry-after"] == "1"


def test_no_tls_where_it_was_expected(place: Place) -> None:
    got, outcome, cost, _ = called(place, SECURE)
    assert (got.status, got.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert (outcome, cost) == ("released", 0)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(), id="plain"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(), id="after a 100"),
        pytest.param(
            answer("content-encoding: gzip", body=gzip.compress(json.dumps(ANSWER).encode())),
            id="compressed though not asked to",
        ),
        pytest.param(
            answer(
                "transfer-encoding: chunked",
                body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(json.dumps(ANSWER)), json.dumps(ANSWER).encode()),
            ),
            id="chunked",
        ),
        pytest.param(answer("set-cookie: a=b", "x-powered-by: something"), id="with headers of no concern"),
    ],
)
def test_what_can_be_read_is_settled(place: Place, upstream: Upstream, reply: bytes) -> None:
    upstream.reply = reply
    got, outcome, cost, reason = called(place, STRANGE)
    assert (got.status, got.json()) == (200, ANSWER)
    assert (outcome, cost, reason) == ("settled", COST_NANOS, "")
    own = {"x-bursar-call", "x-bursar-cost", "x-bursar-left"}
    assert set(got.headers) <= {"content-type", "content-length", "date", "server"} | own


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(b"", "upstream_cut", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", "upstream_cut", id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-len", "upstream_cut", id="half a header"),
        pytest.param(answer(length=5_000), "upstream_cut", id="shorter than it said"),
        pytest.param(answer("transfer-encoding: chunked", body=b"ffff\r\n{}"), "upstream_cut", id="half a chunk"),
        pytest.param(answer("transfer-encoding: chunked", body=b"zz\r\n{}\r\n"), "upstream_cut", id="no chunk"),
        pytest.param(answer("content-encoding: gzip"), "upstream_cut", id="not compressed though it said so"),
        pytest.param(answer("x-long: " + "x" * 70_000), "upstream_cut", id="a header of 70 KB"),
    ],
)
def test_what_cannot_be_read_is_charged_at_the_bound(
    place: Place, upstream: Upstream, reply: bytes, code: str
) -> None:
    upstream.reply = reply
    asked = len(upstream.requests)
    got, outcome, _, reason = called(place, STRANGE)
    assert (got.status, got.json()["error"]["code"]) == (502, code)
    assert outcome == "provisional"
    assert "whether it billed is not known" in reason
    assert len(upstream.requests) == asked + 1, "a call must not be sent twice"


def test_usage_that_makes_no_sense_is_not_believed(place: Place, upstream: Upstream) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 6}}
    upstream.reply = answer(body=json.dumps(ANSWER | {"usage": usage}).encode())
    got, outcome, _, reason = called(place, STRANGE)
    assert (got.status, outcome) == (200, "provisional")
    assert reason == "strange answered without saying what was used"


def test_a_stream_was_asked_for_and_a_whole_answer_came(place: Place, upstream: Upstream) -> None:
    upstream.reply = answer()
    got, outcome, cost, _ = called(place, STRANGE, stream=True)
    assert (got.status, got.headers["content-type"], outcome, cost) == (
        200,
        "application/json",
        "settled",
        COST_NANOS,
    )


def test_an_explicit_zero_stays_zero(place: Place, upstream: Upstream) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    upstream.reply = answer(body=json.dumps(ANSWER | {"usage": usage}).encode())
    _, outcome, cost, reason = called(place, STRANGE)
    assert (outcome, cost, reason) == ("settled", 0, "")


def test_more_than_the_bound_is_charged_as_overrun_and_said(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 90_000, "total_tokens": 90_005}
    with Upstream(answer(body=json.dumps(ANSWER | {"usage": usage}).encode())) as liar:
        more = PROVIDER.format(name="liar", url=liar.url, model=STRANGE)
        with opened(tmp_path, amount="0.0005", more=more) as place:
            got, outcome, cost, reason = called(place, STRANGE)
            assert (got.status, outcome, cost) == (200, "settled", 5 * 150 + 90_000 * 600)
            assert reason.startswith("cost more than its bound of $")
            refused = call(place.url, place.key, "openai")
            assert (refused.status, refused.json()["error"]["code"]) == (402, "budget_exhausted")


def test_a_provider_that_takes_the_request_and_says_nothing(place: Place) -> None:
    got, outcome, _, reason = called(place, DEAF)
    assert (got.status, got.json()["error"]["code"]) == (504, "upstream_timeout")
    assert (outcome, reason) == ("provisional", "deaf did not answer in time: whether it billed is not known")
