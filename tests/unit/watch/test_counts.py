"""Counters: what is added up from records and durations."""

from __future__ import annotations

import pytest

from bursar.refusals import Why, refuse
from bursar.store.records import CallNote, CallRecord, unsettled_record
from bursar.watch import Watch
from bursar.watch.counts import COUNTED, Counts, Histogram
from bursar.watch.told import ToldCall


def record(provider: str = "acme", *, cost: int = 5, outcome: str = "settled", hold_id: str = "h1") -> CallRecord:
    note = CallNote(1, "openai", provider, "gpt-5", "standard", "pb-1")
    return unsettled_record(
        note,
        hold_id=hold_id,
        person_id=1,
        started_us=1,
        ended_us=2,
        bound_nanos=9,
        cost_nanos=cost,
        outcome=outcome,
        reason="",
    )


def used(**tokens: int) -> CallRecord:
    base = record()
    values = {name: getattr(base, name) for name in base.__struct_fields__}
    return CallRecord(**{**values, **tokens})


@pytest.mark.parametrize(
    ("seconds", "place"), [(0, 0), (0.1, 0), (0.1000001, 1), (1, 1), (5, 2), (10, 2), (10.5, 3), (1e9, 3)]
)
def test_a_histogram_counts_up_to_and_with_its_bound(seconds: float, place: int) -> None:
    histogram = Histogram((0.1, 1, 10))
    histogram.observe(seconds)
    assert histogram.counts == [int(n == place) for n in range(4)]
    assert histogram.total_s == seconds


def test_calls_add_up_by_wire_provider_and_outcome() -> None:
    counts = Counts()
    counts.ended(used(input_tokens=3, output_tokens=4, cost_nanos=10))
    counts.ended(used(input_tokens=30, cache_read_tokens=7, web_searches=2, reasoning_tokens=1, cost_nanos=100))
    counts.ended(record("other", outcome="released", cost=0))
    first = counts.calls["openai", "acme", "settled"]
    expected = {"input_tokens": 33, "output_tokens": 4, "cache_read_tokens": 7, "web_searches": 2}
    assert first == [2, 110, *(expected.get(name, 0) for name in COUNTED)]
    assert counts.calls["openai", "other", "released"][:2] == [1, 0]
    assert "reasoning_tokens" not in COUNTED


class Keeper:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[ToldCall] = []

    def tell(self, call: ToldCall) -> None:
        self.told.append(call)

    def close(self) -> None:
        pass


class Broken(Keeper):
    """Fails."""

    def tell(self, call: ToldCall) -> None:
        raise OSError("the disk is full")


def test_attempts_at_one_request() -> None:
    keeper = Keeper()
    watch = Watch((keeper,))
    sight = watch.begin([(b"host", b"x"), (b"traceparent", b"00-ab")])
    for provider, outcome in (("acme", "released"), ("acme", "released"), ("other", "settled")):
        sight.ended(record(provider, outcome=outcome))
        sight.finished()
    sight.status = 200
    sight.answered("openai")
    assert watch.counts.attempts == {("acme", "acme"): 1, ("acme", "other"): 1}
    assert watch.counts.requests == {("openai", 200): 1}
    assert [told.record.provider for told in keeper.told if told.record] == ["acme", "acme", "other"]
    assert {told.parent for told in keeper.told} == {b"00-ab"}


def test_a_refusal_before_a_call_is_told_once() -> None:
    keeper = Keeper()
    watch = Watch((keeper,))
    sight = watch.begin([])
    sight.status, sight.refusal = 402, refuse(Why.NO_GRANT)
    sight.answered("anthropic")
    sight.finished()
    assert [(told.refusal, told.wire, told.record) for told in keeper.told] == [("no_grant", "anthropic", None)]
    assert watch.counts.refusals == {"no_grant": 1}


def test_names_of_others_cannot_break_a_line() -> None:
    keeper = Keeper()
    sight = Watch((keeper,)).begin([])
    sight.delivered = "gpt\n2026 INFO forged\x1b[31m " + "x" * 500
    sight.ended(record())
    sight.finished()
    [told] = keeper.told
    assert told.delivered.startswith("gpt2026INFOforged[31mx")
    assert len(told.delivered) <= 100


def test_one_who_fails_to_tell_hinders_nobody(caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    sight = Watch((Broken(), keeper)).begin([])
    sight.ended(record())
    sight.finished()
    assert len(keeper.told) == 1
    assert "could not be told of" in caplog.text
