"""Traces: a span for each call, with the conventions' attributes, as a real collector gets them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bursar.money import NANOS_PER_USD
from bursar.store.schema import calls
from tests.support.collector import Collector
from tests.support.running import Running
from tests.unit.sim.raw import until

from .place import Place, opened
from .raw import call

CLIENT, INTERNAL = 3, 1
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    with opened(tmp_path, amount="3.00", more=f'[otel]\nendpoint = "{collector.url}"\n') as made:
        yield made


def test_a_call_is_a_span_of_the_clients_trace(place: Place, collector: Collector) -> None:
    before_ns = time.time_ns()
    got = call(place.url, place.key, "openai", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    ended = place.last(before=0)
    until(lambda: len(collector.spans) == 1)
    [span] = collector.spans
    assert collector.posts[0][0] == "/v1/traces"
    assert (span.name, span.kind, span.failed) == ("chat gpt-4o-mini", CLIENT, False)
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    assert before_ns <= span.start_ns < span.end_ns <= time.time_ns()
    assert span.resource["service.name"] == "bursar"
    said = got.json()
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": said["model"],
        "gen_ai.usage.input_tokens": said["usage"]["prompt_tokens"],
        "gen_ai.usage.output_tokens": said["usage"]["completion_tokens"],
        "gen_ai.request.stream": False,
        "server.address": "127.0.0.1",
        "server.port": int(place.sim.url.rpartition(":")[2]),
        "http.response.status_code": 200,
        "bursar.call": ended.id,
        "bursar.outcome": "settled",
        "bursar.provider": "sim-openai",
        "bursar.cost.nanos": ended.cost,
        "bursar.cost.usd": ended.cost / NANOS_PER_USD,
    }
    assert {name: span.attributes.get(name) for name in expected} == expected
    assert "error.type" not in span.attributes


def test_input_tokens_include_the_cached_ones(place: Place, collector: Collector) -> None:
    system = [{"type": "text", "text": "word " * 3000, "cache_control": {"type": "ephemeral"}}]
    for _ in range(2):
        call(place.url, place.key, "anthropic", system=system)
    place.until_quiet(2)
    until(lambda: len(collector.spans) == 2)
    first, second = (span.attributes for span in collector.spans)
    assert first["gen_ai.usage.cache_creation.input_tokens"] > 1000
    assert second["gen_ai.usage.cache_read.input_tokens"] == first["gen_ai.usage.cache_creation.input_tokens"]
    assert first["gen_ai.usage.input_tokens"] == second["gen_ai.usage.input_tokens"]
    assert first["gen_ai.provider.name"] == "anthropic"
    with place.database.reading() as connection:
        rows = connection.execute(calls.select().order_by(calls.c.posting_id)).all()
    assert second["gen_ai.usage.input_tokens"] == rows[1].input_tokens + rows[1].cache_read_tokens


def test_a_stream_tells_its_first_chunk(place: Place, collector: Collector) -> None:
    call(place.url, place.key, "anthropic", stream=True)
    until(lambda: len(collector.spans) == 1)
    attributes = collector.spans[0].attributes
    assert attributes["gen_ai.request.stream"] is True
    assert 0 < attributes["gen_ai.response.time_to_first_chunk"] < 10


def test_errors(place: Place, collector: Collector) -> None:
    call(place.url, place.key, "openai", directive="fault=refuse;status=500")
    call(place.url, place.key, "openai", directive="fault=cut_before_headers")
    call(place.url, "bsr_none", "openai")
    until(lambda: len(collector.spans) == 3)
    told = [(span.name, span.kind, span.attributes["error.type"]) for span in collector.spans]
    assert sorted(told) == [
        ("chat gpt-4o-mini", CLIENT, "500"),
        ("chat gpt-4o-mini", CLIENT, "upstream_cut"),
        ("chat refused", INTERNAL, "key_unknown"),
    ]
    assert all(span.failed and span.parent_id == "" for span in collector.spans)


def test_a_traceparent_that_is_none_begins_a_trace(place: Place, collector: Collector) -> None:
    call(place.url, place.key, "openai", headers={"traceparent": "00-nonsense-01"})
    until(lambda: len(collector.spans) == 1)
    assert collector.spans[0].parent_id == ""


def test_what_waits_is_sent_when_the_server_stops(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard variables alone are enough to have traces."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "budgets")
    with opened(tmp_path, amount="3.00") as place:
        call(place.url, place.key, "openai")
        place.until_quiet(1)
        assert place.server.stop() == 0
    assert [span.resource["service.name"] for span in collector.spans] == ["budgets"]


def test_a_collector_that_is_away_disturbs_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with opened(tmp_path, amount="3.00", more='[otel]\nendpoint = "http://127.0.0.1:9"\n') as place:
        for _ in range(3):
            assert call(place.url, place.key, "openai").status == 200
        place.assert_books_are_the_bill()
        began_s = time.monotonic()
        assert place.server.stop() == 0
        assert time.monotonic() - began_s < 15


def test_nothing_is_imported_that_is_not_configured(tmp_path: Path) -> None:
    with opened(tmp_path, amount="3.00") as place:
        call(place.url, place.key, "openai")
        assert isinstance(place.server, Running)
        mapped = Path(f"/proc/{place.server.pid}/maps").read_text()
        assert "google/_upb" not in mapped, "protobuf's library is loaded, which only traces need"
