"""The counters as Prometheus reads them. Imported when somebody asks for the first time.

Nothing here is on the path of a call: what a call left behind in `Counts` is made into metrics when it is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bursar.money import NANOS_PER_USD
from bursar.watch.counts import COUNTED, Counts, Histogram
from bursar.watch.now import Now

SEARCHES = "web_searches"


class Exposition(Collector):
    """A server's metrics. Read by one reader at a time."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._now: Now | None = None
        self._reading = Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def page(self, accept: str, now: Now) -> tuple[bytes, str]:
        """The page of metrics as of now, and its content type, in the format that the reader accepts."""
        encode, kind = choose_encoder(accept)
        with self._reading:
            self._now = now
            return encode(self._registry), kind

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: registering asks for no metrics."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Everything."""
        yield from self._requests()
        yield from self._calls()
        yield from self._latencies()
        if self._now is not None:
            yield from _present(self._now)

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "bursar_requests", "Requests to the gateway that were answered.", labels=["wire", "status"]
        )
        by_class: dict[tuple[str, str], int] = defaultdict(int)
        for (wire, status), number in self._counts.requests.copy().items():
            by_class[wire, f"{status // 100}xx" if status else "left"] += number
        for labels, number in by_class.items():
            requests.add_metric(labels, number)
        yield requests
        refusals = CounterMetricFamily("bursar_refusals", "Requests that were refused, by why.", labels=["name"])
        for why, number in self._counts.refusals.copy().items():
            refusals.add_metric([why], number)
        yield refusals

    def _calls(self) -> Iterator[Metric]:
        labels = ["wire", "provider", "outcome"]
        calls = CounterMetricFamily("bursar_calls", "Calls to providers whose hold has ended.", labels=labels)
        cost = CounterMetricFamily("bursar_cost_usd", "What those calls were charged, in dollars.", labels=labels)
        tokens = CounterMetricFamily(
            "bursar_tokens", "What settled calls used.", labels=["wire", "provider", "bucket"]
        )
        searches = CounterMetricFamily(
            "bursar_web_searches", "Web searches of settled calls.", labels=["wire", "provider"]
        )
        for label, (number, nanos, *counted) in self._counts.calls.copy().items():
            calls.add_metric(label, number)
            cost.add_metric(label, nanos / NANOS_PER_USD)
            if label[2] != "settled":
                continue
            for name, count in zip(COUNTED, counted, strict=True):
                if name == SEARCHES:
                    searches.add_metric(label[:2], count)
                else:
                    tokens.add_metric([*label[:2], name.removesuffix("_tokens")], count)
        attempts = CounterMetricFamily(
            "bursar_attempts",
            "Further attempts at a request: again at the same provider, or at the next.",
            labels=["failed", "next"],
        )
        for pair, number in self._counts.attempts.copy().items():
            attempts.add_metric(pair, number)
        yield from (calls, cost, tokens, searches, attempts)

    def _latencies(self) -> Iterator[Metric]:
        requests = HistogramMetricFamily(
            "bursar_request_seconds", "From a request's arrival to the end of its answer.", labels=["wire"]
        )
        for wire, histogram in self._counts.request_s.copy().items():
            _add(requests, [wire], histogram)
        first = HistogramMetricFamily(
            "bursar_first_byte_seconds", "From a call's sending to the provider's headers.", labels=["provider"]
        )
        for provider, histogram in self._counts.first_byte_s.copy().items():
            _add(first, [provider], histogram)
        commits = HistogramMetricFamily(
            "bursar_journal_commit_seconds", "What the journal takes to decide, write and commit a group of commands."
        )
        _add(commits, [], self._counts.commit_s)
        yield from (requests, first, commits)


def _add(family: HistogramMetricFamily, labels: list[str], histogram: Histogram) -> None:
    running, buckets = 0, []
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), list(histogram.counts), strict=True):
        running += count
        buckets.append((bound, running))
    family.add_metric(labels, buckets, histogram.total_s)


def _present(now: Now) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "bursar_build",
        "Which Bursar this is.",
        value={"version": now.version, "engine": now.engine, "price_book": now.price_book},
    )
    yield _gauge("bursar_ready", "Whether new calls are taken.", int(now.ready))
    yield _gauge("bursar_calls_running", "Calls that were sent and have not ended, in this process.", now.running)
    yield _gauge("bursar_calls_waiting", "Calls that wait for budget that others hold.", now.waiting)
    yield _gauge("bursar_journal_queue", "Commands that wait to be written.", now.queue)
    yield CounterMetricFamily("bursar_journal_groups", "Groups that the journal has written.", value=now.groups)
    yield CounterMetricFamily("bursar_log_lines_dropped", "Log lines that came too fast.", value=now.dropped)
    if now.holds is not None and now.held_nanos is not None:
        yield _gauge("bursar_holds", "Open holds in the database, of all processes.", now.holds)
        yield _gauge("bursar_held_usd", "What those hold, in dollars.", now.held_nanos / NANOS_PER_USD)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)
