"""Reports fetched page by page from the simulated providers, over sockets, with what goes wrong there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from bursar.importers.admin import PROVIDERS, AdminApi, Place, Wanted, checked_address
from bursar.importers.reports import total_sources
from bursar.importers.totals import UsageTotal
from bursar.refusals import Refused, Why
from bursar.sim.bill import Line
from bursar.sim.server import SimServer
from bursar.sim.settings import SimSettings
from bursar.usage import Usage

KEY = "sk-admin-of-the-organisation"
TODAY = datetime.now(UTC).date()
DAY_S = 86_400
USAGE, COST, CLAUDE_CODE = PROVIDERS["anthropic"].reports
COMPLETIONS, COSTS = PROVIDERS["openai"].reports


@pytest.fixture
def sim() -> Iterator[SimServer]:
    """Providers that have billed a call on each of the last 70 days, of two models and two keys."""
    with SimServer(SimSettings()) as sim:
        for number in range(140):
            model = ("claude-sonnet-4-5", "gpt-5")[number % 2]
            sim.bill.add(
                Line(
                    call=f"call-{number}",
                    key=f"sk-{number % 4 // 2}",
                    wire="any",
                    model=model,
                    variant=None,
                    usage=Usage(input=1_000 + number, cache_read=10 * number, output=7),
                    cost_nanos=1_000_001 * (number + 1),
                    finished="complete",
                    at=time.time() - number // 2 * DAY_S,
                )
            )
        yield sim


def fetched(api: AdminApi, wanted: Wanted, days: int, at: Place | None = None) -> list[UsageTotal]:
    source = total_sources()[wanted.source]
    totals = []
    for page in api.pages(wanted, TODAY - timedelta(days=days - 1), TODAY, at):
        found = source.read(page.body, "page")
        assert found.broken == []
        totals += found.totals
    return totals


@pytest.mark.parametrize(("usage", "cost"), [(USAGE, COST), (COMPLETIONS, COSTS)], ids=["anthropic", "openai"])
def test_all_pages_are_the_bill(sim: SimServer, usage: Wanted, cost: Wanted) -> None:
    lines = [line for line in sim.bill.lines() if line.model.startswith("claude") == (usage is USAGE)]
    with AdminApi(usage.provider, KEY, sim.url) as api:
        used, billed = fetched(api, usage, 70), fetched(api, cost, 70)
    assert len(used) == len(lines) == 70
    for bucket in ("input", "cache_read", "output"):
        wanted = sum(getattr(line.usage, bucket) for line in lines)
        assert sum(getattr(total.usage, bucket) for total in used) == wanted
    assert sum(total.cost_nanos or 0 for total in billed) == sum(line.cost_nanos for line in lines)
    assert len({total.api_key for total in used}) == 2


def test_what_fails_for_now_is_asked_for_again(sim: SimServer) -> None:
    sim.configure(faults={"rate_limited": 0.4, "refuse": 0.2, "html_error": 0.1})
    waited: list[float] = []
    with AdminApi("anthropic", KEY, sim.url, sleep=waited.append) as api:
        cost = sum(total.cost_nanos or 0 for _ in range(3) for total in fetched(api, COST, 70))
    assert cost == 3 * sum(line.cost_nanos for line in sim.bill.lines() if line.model.startswith("claude"))
    assert 1.0 in waited, "the simulation says that one second is to be waited"
    assert all(0 < wait <= 60 for wait in waited)


def test_it_gives_up_on_what_never_answers(sim: SimServer) -> None:
    sim.configure(faults={"overloaded": 1.0})
    waited: list[float] = []
    with AdminApi("anthropic", KEY, sim.url, sleep=waited.append) as api, pytest.raises(Refused) as problem:
        fetched(api, COST, 1)
    assert problem.value.refusal.why is Why.REPORT_UNAVAILABLE
    assert len(waited) == 7
    assert waited[5] > waited[0]


def test_a_key_that_is_none_is_told_at_once(sim: SimServer) -> None:
    waited: list[float] = []
    with AdminApi("openai", "sk-person", sim.url, sleep=waited.append) as api, pytest.raises(Refused) as problem:
        fetched(api, COSTS, 1)
    assert "401" in problem.value.refusal.text
    assert "sk-person" not in problem.value.refusal.text
    assert waited == []


def test_fetching_goes_on_where_it_was(sim: SimServer) -> None:
    with AdminApi("anthropic", KEY, sim.url) as api:
        whole = fetched(api, USAGE, 70)
        pages = api.pages(USAGE, TODAY - timedelta(days=69), TODAY)
        first = next(pages)
        assert first.after is not None
        seen = total_sources()[USAGE.source].read(first.body, "page").totals
        rest = fetched(api, USAGE, 70, first.after)
    assert (len(seen), len(rest)) == (31, 39)
    assert {total.key for total in whole} == {total.key for total in [*seen, *rest]}


def test_a_place_that_the_provider_has_forgotten_is_begun_anew(sim: SimServer) -> None:
    since = (TODAY - timedelta(days=69)).isoformat()
    with AdminApi("openai", KEY, sim.url) as api:
        assert fetched(api, COSTS, 70, Place(since, "page_of another time")) == fetched(api, COSTS, 70)


def test_claude_code_is_asked_for_day_by_day(sim: SimServer) -> None:
    with AdminApi("anthropic", KEY, sim.url) as api:
        days = [page.until for page in api.pages(CLAUDE_CODE, date(2026, 11, 1), date(2026, 11, 3))]
    assert days == [date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)]


@pytest.mark.parametrize(
    "address", ["http://api.anthropic.com", "ftp://x", "http://127.0.0.1.example.com", "https://"]
)
def test_a_key_goes_over_https_only(address: str) -> None:
    with pytest.raises(Refused):
        checked_address(address)
