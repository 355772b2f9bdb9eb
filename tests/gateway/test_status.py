"""What machines ask of a server: /healthz, /readyz and /metrics, while all is well and while it is not."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bursar.money import NANOS_PER_USD
from bursar.sim.server import SimSettings
from tests.support.books import sums
from tests.support.postgres import PostgresServer
from tests.unit.sim.raw import CHAT, Got, ask, until

from .place import Place, opened
from .raw import WIRES, body_of, call, read_to_the_end, read_until, request, send

SLOW = SimSettings(event_delay_ms=25)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("status"), amount="20.00") as made:
        yield made


def of(place: Place, path: str, *, key: str | None = None, method: str = "GET", **headers: str) -> Got:
    """An answer to somebody who has no key, unless there is one."""
    return ask(place.url, method, path, key=key, **headers)


def metrics(place: Place) -> dict[str, dict[tuple[str, ...], float]]:
    """Every sample: its name, then the values of its labels in the order of the labels' names."""
    got = of(place, "/metrics")
    assert (got.status, got.headers["content-type"].partition(";")[0]) == (200, "text/plain")
    told: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(got.body.decode()):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            told.setdefault(sample.name, {})[labels] = sample.value
    return told


def test_health_and_readiness(place: Place) -> None:
    assert (of(place, "/healthz").status, of(place, "/healthz").json()) == (200, {"status": "ok"})
    assert (of(place, "/readyz").status, of(place, "/readyz").json()) == (200, {"status": "ready"})
    head = of(place, "/readyz", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert of(place, "/readyz", method="POST").status == 404


def test_the_counters_are_what_the_books_say(tmp_path: Path) -> None:
    with opened(tmp_path, amount="20.00") as place:
        check_the_counters(place)


def check_the_counters(place: Place) -> None:
    before = metrics(place)
    for wire in WIRES:
        call(place.url, place.key, wire)
        call(place.url, place.key, wire, stream=True)
    call(place.url, place.key, "openai", directive="fault=no_usage")
    call(place.url, place.key, "openai", directive="fault=refuse;status=500")
    call(place.url, "bsr_none", "openai")
    ask(place.url, "POST", CHAT, b"no JSON", key=place.key)
    place.until_quiet(6)
    told = metrics(place)
    calls = {label: told["bursar_calls_total"][label] for label in told["bursar_calls_total"]}
    assert calls["settled", "sim-openai", "openai"] == 2
    assert calls["settled", "sim-anthropic", "anthropic"] == 2
    assert calls["provisional", "sim-openai", "openai"] == 1
    assert calls["released", "sim-openai", "openai"] == 1
    spent = sum(told["bursar_cost_usd_total"].values())
    assert spent == pytest.approx(sums(place.database).spent / NANOS_PER_USD)
    output = sum(line.usage.output for line in place.sim.bill.lines())
    unsaid = place.sim.bill.lines()[4].usage.output
    assert sum(n for label, n in told["bursar_tokens_total"].items() if label[0] == "output") == output - unsaid
    refusals = told["bursar_refusals_total"]
    assert (refusals["key_unknown",], refusals["body_invalid",]) == (1, 1)
    requests = told["bursar_requests_total"]
    assert (requests["2xx", "openai"], requests["4xx", "openai"], requests["5xx", "openai"]) == (3, 2, 1)
    assert told["bursar_request_seconds_count"]["openai",] == 6
    assert told["bursar_first_byte_seconds_count"]["sim-openai",] == 4
    groups = told["bursar_journal_groups_total"][()]
    assert groups >= before["bursar_journal_groups_total"][()] + 12
    assert told["bursar_journal_commit_seconds_count"][()] >= 12
    assert (told["bursar_holds"][()], told["bursar_held_usd"][()]) == (0, 0)
    assert (told["bursar_ready"][()], told["bursar_calls_running"][()]) == (1, 0)


def test_further_attempts_are_counted(tmp_path: Path) -> None:
    """The first provider is away, and is tried twice; then the other one answers."""
    away = """
[providers.away]
wire = "openai"
base_url = "http://127.0.0.1:9/v1"
key_file = "provider.key"
models = ["gpt-4o-mini"]
retries = 1
fallback = ["sim-openai"]
"""
    with opened(tmp_path, amount="5.00", more=away) as place:
        assert call(place.url, place.key, "openai").status == 200
        place.until_quiet(3)
        told = metrics(place)
    assert told["bursar_attempts_total"] == {("away", "away"): 1, ("away", "sim-openai"): 1}
    assert told["bursar_calls_total"] == {
        ("released", "away", "openai"): 2,
        ("settled", "sim-openai", "openai"): 1,
    }
    assert told["bursar_requests_total"]["2xx", "openai"] == 1


def test_what_runs_is_seen(tmp_path: Path) -> None:
    with opened(tmp_path, settings=SLOW, amount="5.00") as place:
        body = body_of("openai", stream=True, directive="output_tokens=60")
        with send(place.url, request(CHAT, place.key, body, "connection: close")) as link:
            read_until(link, b"data: ")
            told = metrics(place)
            assert (told["bursar_calls_running"][()], told["bursar_holds"][()]) == (1, 1)
            assert told["bursar_held_usd"][()] == pytest.approx(sums(place.database).held / NANOS_PER_USD)
            read_to_the_end(link)
        until(lambda: metrics(place)["bursar_holds"][()] == 0)


def test_no_label_is_a_person(place: Place) -> None:
    call(place.url, place.key, "openai", user="canary-user")
    call(place.url, "bsr_none", "openai")
    page = of(place, "/metrics").body.decode()
    labels = set(re.findall(r'[{,]([a-z_]+)="', page))
    assert labels == {
        *("wire", "provider", "outcome", "status", "name", "bucket", "le"),
        *("version", "engine", "price_book"),
    }
    assert not any(secret in page for secret in ("ada@", place.key, place.key[:8], "canary"))


def test_openmetrics_for_those_who_ask(place: Place) -> None:
    got = of(place, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert got.headers["content-type"].startswith("application/openmetrics-text")
    assert got.body.endswith(b"# EOF\n")


def test_only_this_machine_and_administrators_read_metrics(place: Place) -> None:
    through = {"x_forwarded_for": "203.0.113.7"}
    assert of(place, "/metrics", **through).json()["error"]["name"] == "key_missing"
    assert of(place, "/metrics", key=place.key, **through).json()["error"]["name"] == "role_missing"
    assert of(place, "/metrics", key="bsr_none", **through).json()["error"]["name"] == "key_unknown"
    made = place.operator("POST", "/keys", {"role": "administrator", "name": "prometheus"})
    assert of(place, "/metrics", key=made.json()["secret"], **through).status == 200


def test_a_token_is_for_those_who_have_it(tmp_path: Path) -> None:
    (tmp_path / "metrics.token").write_text("let-me-read\n")
    with opened(tmp_path, more='[metrics]\ntoken_file = "metrics.token"\n') as place:
        assert of(place, "/metrics").status == 401
        assert of(place, "/metrics", key="let-me-reaD").status == 401
        assert of(place, "/metrics", key="let-me-read", x_forwarded_for="203.0.113.7").status == 200


def test_metrics_may_be_off(tmp_path: Path) -> None:
    with opened(tmp_path, more="[metrics]\nenabled = false\n") as place:
        got = of(place, "/metrics")
        assert (got.status, got.json()["error"]["name"]) == (404, "route_unknown")


def test_a_database_that_takes_no_writes_is_not_ready(tmp_path: Path) -> None:
    """Somebody else has SQLite's write lock; the process lives, and is ready again when it is let go."""
    with opened(tmp_path, amount="5.00") as place:
        other = sqlite3.connect(tmp_path / "bursar.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began_s = time.monotonic()
        got = of(place, "/readyz")
        assert (got.status, got.json()["reason"]) == (503, "store_unavailable")
        assert 0.9 < time.monotonic() - began_s < 3
        assert of(place, "/healthz").status == 200
        told = metrics(place)
        assert told["bursar_ready"][()] == 0
        other.execute("ROLLBACK")
        other.close()
        until(lambda: of(place, "/readyz").status == 200, timeout_s=15)
        assert call(place.url, place.key, "openai").status == 200


def test_postgresql_hangs_and_goes_and_comes_back(tmp_path: Path, postgres: PostgresServer) -> None:
    name = postgres.fresh()
    with opened(tmp_path, amount="5.00", url=postgres.url(name)) as place:
        assert of(place, "/readyz").status == 200
        assert metrics(place)["bursar_holds"][()] == 0
        with postgres.hanging():
            until(lambda: of(place, "/readyz").json().get("reason") == "store_unavailable")
            assert "bursar_holds" not in metrics(place)
            assert of(place, "/healthz").status == 200
        until(lambda: of(place, "/readyz").status == 200, timeout_s=15)
        postgres.stop()
        until(lambda: of(place, "/readyz").status == 503)
        postgres.start()
        until(lambda: of(place, "/readyz").status == 200, timeout_s=15)
        assert call(place.url, place.key, "openai").status == 200
        assert place.server.stop() == 0
    postgres.drop(name)


def test_a_server_that_stops_is_not_ready(tmp_path: Path) -> None:
    """First it says so, while calls are still taken; then it takes none; what runs is settled."""
    limits = "[server]\nannounce_stop_s = 3\nstop_timeout_s = 20\n"
    with opened(tmp_path, settings=SLOW, amount="5.00", more=limits) as place, ThreadPoolExecutor() as pool:
        body = body_of("openai", stream=True, directive="output_tokens=300")
        link = send(place.url, request(CHAT, place.key, body, "connection: close"), timeout_s=40)
        read_until(link, b"data: ")
        assert of(place, "/readyz").status == 200
        os.kill(place.server.pid, signal.SIGTERM)
        until(lambda: of(place, "/readyz").status == 503)
        assert of(place, "/readyz").json()["reason"] == "stopping"
        assert call(place.url, place.key, "anthropic").status == 200
        until(lambda: call(place.url, place.key, "anthropic").status == 503, timeout_s=6)
        assert (of(place, "/healthz").status, of(place, "/readyz").status) == (200, 503)
        rest = pool.submit(read_to_the_end, link)
        assert rest.result(timeout=30).endswith(b"0\r\n\r\n")
        link.close()
        assert place.server.stop() == 0
        assert place.ended()[-1].outcome == "settled"
        assert sums(place.database).held == 0
