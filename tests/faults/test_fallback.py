"""Another attempt after one that was not billed: a hold and a record for each, and the client sees one answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bursar.gateway.attempts import SKIP_S
from bursar.sim.server import SimServer, SimSettings
from bursar.store.schema import calls
from tests.gateway.place import Ended, Place, opened
from tests.gateway.raw import ANTHROPIC_MODEL, GEMINI_MODEL, OPENAI_MODEL, WIRES, body_of, call, request, send
from tests.gateway.upstream import Upstream
from tests.support.books import assert_proved, sums
from tests.support.kills import compare_with_bill
from tests.support.running import free_port
from tests.unit.sim.raw import Got, until

SECOND = """
[providers.second-openai]
wire = "openai"
base_url = "{url}/v1"
key_file = "provider.key"
models = ["gpt-*"]

[providers.second-anthropic]
wire = "anthropic"
base_url = "{url}"
key_file = "provider.key"
models = ["claude-*"]
"""
BOTH = pytest.mark.parametrize("wire", list(WIRES))
EITHER = pytest.mark.parametrize("stream", [False, True])
UNBILLED = ["refuse", "refuse;status=502", "refuse;status=529", "rate_limited", "overloaded", "html_error;status=500"]
NOT_TRIED_AGAIN = {
    "refuse;status=400": 400,
    "refuse;status=401": 502,
    "refuse;status=404": 404,
    "refuse;status=408": 408,
    "refuse;status=504": 504,
    "refuse;status=524": 524,
    "html_error;status=504": 504,
    "cut_before_headers": 502,
    "garbage": 200,
}


class Pair:
    """A Bursar whose first providers fall back on second ones, each with a bill of its own."""

    def __init__(self, place: Place, second: SimServer) -> None:
        self.place = place
        self.second = second

    def called(self, wire: str, ended: int, **body: Any) -> tuple[Got, list[Ended]]:
        """A call's answer, and the calls in the books that it led to, which are as many."""
        before = len(self.place.ended())
        got = call(self.place.url, self.place.key, wire, **body)
        self.place.until_quiet(before + ended)
        made = self.place.ended()[before:]
        assert len(made) == ended
        return got, made

    def assert_books_are_the_bills(self) -> None:
        lines = [*self.place.sim.bill.lines(), *self.second.bill.lines()]
        self.place.until_quiet()
        compare_with_bill(self.place.database, lines)
        books = sums(self.place.database)
        assert books.spent >= sum(line.cost_nanos for line in lines)
        assert (books.held, books.overrun) == (0, 0)
        assert_proved(self.place.database)
        assert "Traceback" not in self.place.server.log.read_text()


@contextmanager
def pair(folder: Path, *, retries: int = 0, more: str = "", settings: SimSettings | None = None) -> Iterator[Pair]:
    with SimServer(settings) as second, opened(folder, amount="50.00", more=SECOND.format(url=second.url)) as place:
        config = folder / "bursar.toml"
        text = config.read_text()
        for wire in WIRES:
            first = f'[providers.sim-{wire}]\nfallback = ["second-{wire}"]\nretries = {retries}\n'
            text = text.replace(f"[providers.sim-{wire}]\n", first)
        place.server.stop()
        config.write_text(text + more)
        place.server.start()
        made = Pair(place, second)
        yield made
        made.assert_books_are_the_bills()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair")) as made:
        yield made


@BOTH
@EITHER
@pytest.mark.parametrize("fault", UNBILLED)
def test_the_fallback_answers(both: Pair, wire: str, stream: bool, fault: str) -> None:
    name, _, status = fault.partition(";status=")
    both.place.sim.configure(faults={name: 1.0})
    both.second.configure(faults={})
    try:
        directive = f"status={status}" if status else ""
        got, (first, second) = both.called(wire, 2, stream=stream, directive=directive)
    finally:
        both.place.sim.configure(faults={})
    assert got.status == 200
    assert got.headers["x-bursar-call"] == second.id
    assert (first.outcome, first.cost, second.outcome) == ("released", 0, "settled")
    assert both.second.bill.lines()[-1].client_request == second.id
    both.called(wire, 1)  # answered, so that the first provider is not skipped for failing again and again


@BOTH
@pytest.mark.parametrize("fault", NOT_TRIED_AGAIN)
def test_what_may_have_been_billed_or_is_the_clients_fault_is_not_tried_again(
    both: Pair, wire: str, fault: str
) -> None:
    got, [only] = both.called(wire, 1, directive=f"fault={fault}")
    assert got.status == NOT_TRIED_AGAIN[fault]
    assert only.outcome == ("released" if got.status in {400, 404} or fault.endswith("401") else "provisional")


@BOTH
@EITHER
def test_the_last_error_is_what_the_client_sees(both: Pair, wire: str, stream: bool) -> None:
    got, ended = both.called(wire, 2, stream=stream, directive="fault=refuse;status=503")
    assert got.status == 503
    assert got.headers["x-bursar-call"] == ended[-1].id
    assert [each.outcome for each in ended] == ["released", "released"]
    assert [each.reason for each in ended] == [f"sim-{wire} answered 503", f"second-{wire} answered 503"]


def test_a_stream_that_has_begun_is_not_begun_again(both: Pair) -> None:
    got, [only] = both.called("openai", 1, stream=True, directive="fault=error_event_after;output_tokens=30")
    assert "failed inside the stream" in got.events()[-1]["error"]["message"]
    assert only.outcome == "provisional"


def test_nobody_listens_at_the_first(tmp_path: Path) -> None:
    nowhere = (
        f'[providers.nowhere]\nwire = "openai"\nbase_url = "http://127.0.0.1:{free_port()}/v1"\n'
        'key_file = "provider.key"\nmodels = ["gpt-4o-mini"]\nfallback = ["sim-openai"]\n'
    )
    with opened(tmp_path, more=nowhere) as place:
        assert call(place.url, place.key, "openai").status == 200
        first, second = place.ended()
        assert (first.outcome, first.reason) == ("released", "nowhere could not be reached")
        assert second.outcome == "settled"
        place.assert_books_are_the_bill()


@BOTH
def test_a_provider_that_keeps_failing_is_skipped_and_comes_back(tmp_path: Path, wire: str) -> None:
    with pair(tmp_path) as made:
        made.place.sim.configure(faults={"overloaded": 1.0})
        for _ in range(5):
            made.called(wire, 2)
        made.place.sim.configure(faults={})
        _, [skipped] = made.called(wire, 1)
        assert made.second.bill.lines()[-1].client_request == skipped.id
        time.sleep(SKIP_S)
        _, [back] = made.called(wire, 1)
        assert made.place.sim.bill.lines()[-1].client_request == back.id


def test_the_same_provider_is_tried_again_after_a_pause(tmp_path: Path) -> None:
    with pair(tmp_path, retries=2) as made:
        began_s = time.monotonic()
        got, ended = made.called("openai", 4, directive="fault=refuse;status=500")
        assert time.monotonic() - began_s > 0.125 + 0.25
        assert got.status == 500
        assert [each.reason.split()[0] for each in ended] == ["sim-openai"] * 3 + ["second-openai"]


def test_a_short_retry_after_is_kept_to_and_a_long_one_is_not_waited_for(tmp_path: Path) -> None:
    with pair(tmp_path, retries=1) as made:
        began_s = time.monotonic()
        _, ended = made.called("openai", 3, directive="fault=rate_limited;retry_after_s=1")
        assert 1.0 <= time.monotonic() - began_s < 4
        assert len(ended) == 3
        began_s = time.monotonic()
        got, ended = made.called("openai", 2, directive="fault=rate_limited;retry_after_s=60")
        assert time.monotonic() - began_s < 1
        assert (got.status, got.headers["retry-after"]) == (429, "60")
        assert [each.reason.split()[0] for each in ended] == ["sim-openai", "second-openai"]


def test_a_client_that_leaves_between_attempts_gets_no_other(tmp_path: Path) -> None:
    with pair(tmp_path, retries=3) as made:
        place = made.place
        body = body_of("openai", directive="fault=rate_limited;retry_after_s=3")
        with send(place.url, request(WIRES["openai"], place.key, body)):
            until(lambda: len(place.ended()) == 1)
            time.sleep(0.2)
        time.sleep(4)
        assert [each.outcome for each in place.ended()] == ["released"]


def test_no_attempt_begins_after_the_deadline(tmp_path: Path) -> None:
    with pair(tmp_path, retries=5, more="[server]\ndeadline_s = 1\n") as made:
        began_s = time.monotonic()
        got, ended = made.called("openai", 2, directive="fault=rate_limited;retry_after_s=2")
        assert time.monotonic() - began_s < 1
        assert got.status == 429
        assert [each.reason.split()[0] for each in ended] == ["sim-openai", "second-openai"]


def test_a_budget_that_pays_for_one_hold_pays_for_one_attempt_after_another(tmp_path: Path) -> None:
    """The hold of the attempt that failed is released before the next is made: nothing is held twice."""
    more = SECOND + '[providers.only]\nwire = "openai"\nbase_url = "{bad}/v1"\nkey_file = "provider.key"\n'
    refusal = b"HTTP/1.1 503 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    with SimServer() as second, Upstream(refusal) as bad:
        config = (more + 'models = ["gpt-4o-mini"]\nfallback = ["second-openai"]\n').format(
            url=second.url, bad=bad.url
        )
        with opened(tmp_path, amount="0.0004", more=config) as place:
            got = call(place.url, place.key, "openai", directive="output_tokens=20")
            assert got.status == 200
            first, last = place.ended()
            assert (first.outcome, last.outcome) == ("released", "settled")
            assert first.bound == last.bound > 200_000


@pytest.mark.parametrize("wire", ["openai", "anthropic", "gemini"])
def test_another_name_for_the_model(tmp_path: Path, wire: str) -> None:
    """The client's name is priced and recorded; the provider is asked by its own."""
    with Upstream() as recorded:
        base = f"{recorded.url}/v1" if wire == "openai" else recorded.url
        model = {"openai": OPENAI_MODEL, "anthropic": ANTHROPIC_MODEL, "gemini": GEMINI_MODEL}[wire]
        more = (
            f'[providers.named]\nwire = "{wire}"\nbase_url = "{base}"\nkey_file = "provider.key"\n'
            f'models = ["{model}"]\nrename = {{ "{model}" = "our-deployment" }}\n'
        )
        with opened(tmp_path, more=more) as place:
            assert call(place.url, place.key, wire).status == 200
            [arrived] = recorded.requests
            if wire == "gemini":
                assert arrived.head.startswith("POST /v1beta/models/our-deployment:generateContent ")
                assert "model" not in arrived.json()
            else:
                assert arrived.json()["model"] == "our-deployment"
            with place.database.reading() as connection:
                kept = connection.execute(sa.select(calls.c.model, calls.c.provider)).one()
            assert tuple(kept) == (model, "named")
