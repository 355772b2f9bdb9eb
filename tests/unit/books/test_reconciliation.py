"""The books beside what others tell, on each engine: what matches, what does not, and what is put down of it."""

from __future__ import annotations

from typing import Any

import pytest

from bursar.books.imports import Report, take
from bursar.books.residual import put_down
from bursar.books.totals import take_totals
from bursar.importers.record import UsageRecord
from bursar.importers.totals import UsageTotal, grouped
from bursar.ledger.accounts import SHARED, Kind
from bursar.ledger.postings import Open
from bursar.money import NANOS_PER_USD as USD
from bursar.periods import Monthly
from bursar.refusals import Refused
from bursar.reports.reconciliation import Line, Reconciliation, period_named, reconciliation
from bursar.store.residuals import residual_lots
from bursar.usage import Usage
from tests.support.clock import VirtualClock
from tests.support.teams import SONNET, Company

NOVEMBER = Monthly("UTC").named("2026-11")
DAY_US = 86_400 * 1_000_000
CATALOGS = {"anthropic": "anthropic"}
CALL = Usage(input=1_000, output=100)
"""What each call of a company uses."""


def times(number: int) -> Usage:
    return Usage(input=CALL.input * number, output=CALL.output * number)


def total(source: str = "anthropic-usage", day: int = 1, **more: Any) -> UsageTotal:
    starts_us = NOVEMBER.start_us + (day - 1) * DAY_US
    told: dict[str, Any] = {"catalog": "anthropic", "starts_us": starts_us, "ends_us": starts_us + DAY_US}
    return UsageTotal(source=source, **{**told, "model": f"{SONNET}-20250929", **more})


def report(company: Company, *totals: UsageTotal) -> None:
    for source in {one.source for one in totals}:
        of_source = grouped(one for one in totals if one.source == source)
        take_totals(company.books, source, of_source, actor="operator")


def told(company: Company, source: str, *records: UsageRecord) -> None:
    take(company.books, Report(source=source, records=records, actor="operator"))


def record(source: str, key: str, at_us: int, **more: Any) -> UsageRecord:
    return UsageRecord(source, key, at_us, "anthropic", more.pop("model", SONNET), CALL, **more)


def found(company: Company, period: str = "2026-11", provider: str | None = None) -> Reconciliation:
    with company.books.database.reading() as connection:
        return reconciliation(connection, period_named(period), CATALOGS, company.books.prices, provider=provider)


def statuses(company: Company) -> list[tuple[str, str, str]]:
    return [(line.day[-2:], line.model, line.status) for line in found(company).lines]


def only(company: Company) -> Line:
    [line] = found(company).lines
    return line


def test_lines_match_are_different_only_here_or_only_there(company: Company, clock: VirtualClock) -> None:
    ada = company.person("ada")
    for number in (2, 1, 1):
        for _ in range(number):
            company.call(ada, 1)
        clock.advance(86_400)
    report(
        company,
        total(usage=times(2)),
        total("anthropic-cost", cost_nanos=2 * USD + 9_000),
        total(day=2, usage=times(3)),
        total(day=3, model="claude-opus-4-5", usage=CALL),
    )
    assert statuses(company) == [
        ("01", SONNET, "matched"),
        ("02", SONNET, "different"),
        ("03", "claude-opus-4-5", "only there"),
        ("03", SONNET, "only here"),
    ]
    lines = found(company).lines
    assert [line.tokens_apart for line in lines] == [0, 2_200, None, None]
    assert lines[0].cost_apart_nanos == 9_000, "as much as a provider may round"
    assert found(company, "2026-11-02").lines == lines[1:2]
    assert found(company, provider="openai").lines == ()


def test_a_cost_that_is_not_ours_is_different_however_equal_the_tokens(company: Company) -> None:
    company.call(company.person("ada"), 1)
    report(company, total(usage=CALL), total("anthropic-cost", cost_nanos=USD + 20_000))
    line = only(company)
    assert (line.status, line.tokens_apart, line.cost_apart_nanos) == ("different", 0, 20_000)


def test_logs_and_telemetry_of_the_gateways_calls_are_counted_once(company: Company, clock: VirtualClock) -> None:
    ada = company.person("ada")
    company.call(ada, 1)
    company.call(ada, 1)
    at_us = clock()
    for source in ("claude-code", "otel"):
        told(
            company, source, *(record(source, f"{n}", at_us, request_id=f"req_call-{n}", person=ada) for n in (1, 2))
        )
    line = only(company)
    assert (line.gateway.calls, line.telemetry.calls, line.logs.calls, line.known.calls) == (2, 2, 2, 2)
    assert line.status == "different", "each cost a dollar, and is less by the price book"
    told(company, "claude-code", record("claude-code", "3", at_us, person=ada))
    report(company, total(usage=times(3)))
    line = only(company)
    assert (line.logs.calls, line.known.calls, line.status) == (3, 3, "matched")


def test_where_no_provider_tells_it_is_the_gateway_beside_the_others(company: Company, clock: VirtualClock) -> None:
    ada, bob = company.person("ada"), company.person("bob")
    company.call(ada, 1)
    told(company, "claude-code", record("claude-code", "b", clock(), person=bob, model="claude-haiku-4-5"))
    lines = found(company).lines
    assert [(line.model, line.status) for line in lines] == [
        ("claude-haiku-4-5", "only there"),
        (SONNET, "only here"),
    ]
    assert [(each.person, each.status) for each in lines[0].people] == [(bob, "only there")]


def test_people_are_compared_where_the_provider_names_them(company: Company) -> None:
    ada, bob = company.person("ada"), company.person("bob")
    company.call(ada, 1)
    company.call(bob, 1)
    report(company, total(usage=times(2)))
    assert {each.status for each in only(company).people} == {"not named"}
    by_person = [total("anthropic-claude-code", person=one, usage=CALL) for one in (ada, "eve@example.com")]
    report(company, *by_person)
    line = only(company)
    assert line.status == "matched", "what is told by person is told of the same calls, and not added"
    assert [(each.person, each.status) for each in line.people] == [
        (ada, "matched"),
        (bob, "only here"),
        ("eve@example.com", "only there"),
    ]


def test_a_login_is_a_name_and_a_number_of_the_providers_is_none(company: Company) -> None:
    for source, person in (("copilot", "octo-ada"), ("openai-usage", "user-a1b2")):
        report(company, total(source, catalog=source, person=person, usage=CALL, cost_nanos=USD))
    people = {line.provider: [each.person for each in line.people] for line in found(company).lines}
    assert people == {"copilot": ["octo-ada"], "openai-usage": []}


def test_the_same_day_grouped_otherwise_or_by_the_hour_is_not_added(company: Company) -> None:
    company.call(company.person("ada"), 1)
    company.call("ada@example.com", 1)
    hour = total(usage=CALL, ends_us=NOVEMBER.start_us + 3_600 * 1_000_000)
    for some in (
        [total(usage=times(2))],
        [total(usage=CALL, api_key="k1"), total(usage=CALL, api_key="k2")],
        [total(usage=CALL, api_key="k1", project="p"), total(usage=CALL, api_key="k2")],
        [hour],
    ):
        report(company, *some)
        assert only(company).reported.input_tokens in {1_000, 2_000}
    line = only(company)
    assert (line.status, line.reported.input_tokens) == ("matched", 2_000)


def lots(company: Company) -> list[tuple[str, str, int]]:
    """The lots, with what stands there of the residual."""
    with company.books.database.reading() as connection:
        found = residual_lots(connection, "anthropic", "2026-11")
    return [(lot.source, lot.label, lot.nanos // USD) for lot in found]


def billed(company: Company, dollars: int) -> None:
    costs = grouped([total("anthropic-cost", cost_nanos=dollars * USD)])
    take_totals(company.books, "anthropic-cost", costs, actor="operator", corrects=True)


STEPS = [
    (4, "residual:anthropic", 3, [3]),
    (6, "residual:anthropic", 2, [3, 2]),
    (5, "residual:anthropic", -1, [3, 1]),
    (2, "residual:anthropic", -3, [1, 0]),
    (5, "residual:anthropic", 3, [1, 0, 3]),
    (2, "residual:anthropic", -3, [1, 0, 0]),
    (0, "residual-less:anthropic", -2, [0, 0, 0, -1]),
    (-2, "residual-less:anthropic", -2, [0, 0, 0, -1, -2]),
    (-1, "residual-less:anthropic", 1, [0, 0, 0, 0, -2]),
    (3, "residual:anthropic", 4, [0, 0, 0, 0, 0, 2]),
]
"""What the provider billed for a call of one dollar; the account, what is put down, what stands in each lot then."""


def test_a_residual_is_put_down_once_and_follows_the_report(company: Company) -> None:
    company.call(company.person("ada"), 1)
    for dollars, account, left, standing in STEPS:
        billed(company, dollars)
        [residual] = found(company).residuals
        assert (residual.residual_nanos, residual.left_nanos) == ((dollars - 1) * USD, left * USD)
        made = [put_down(company.books, "anthropic", NOVEMBER, residual.residual_nanos) for _ in range(2)]
        assert [(one.account, one.amount_nanos) for one in made] == [(account, left * USD), ("", 0)]
        assert [nanos for _, _, nanos in lots(company)] == standing
        [residual] = found(company).residuals
        assert (residual.posted_nanos, residual.left_nanos) == ((dollars - 1) * USD, 0)
    assert company.balance("grant:1", "2026-11").spent == USD, "nobody's credit is touched"


def test_a_residual_that_was_cut_off_is_finished(company: Company, clock: VirtualClock) -> None:
    """The process ended after the lot was opened, and before it was spent."""
    opened = Open(SHARED, Kind.LOT, "residual:anthropic", "2026-11/1", 3 * USD, clock(), opens_us=NOVEMBER.start_us)
    company.books.journal.post(opened)
    assert put_down(company.books, "anthropic", NOVEMBER, 3 * USD).amount_nanos == 0
    assert lots(company) == [("residual:anthropic", "2026-11/1", 3)]


def test_days_whose_costs_are_not_told_are_no_part_of_the_residual(company: Company, clock: VirtualClock) -> None:
    ada = company.person("ada")
    company.call(ada, 1)
    clock.advance(86_400)
    company.call(ada, 5)
    report(company, total("anthropic-cost", cost_nanos=USD), total(day=2, usage=CALL))
    [residual] = found(company).residuals
    assert (residual.days, residual.here_nanos, residual.residual_nanos) == (1, USD, 0)


@pytest.mark.parametrize("label", ["2026", "2026-13", "november", "2026-11-31", ""])
def test_a_period_is_a_month_or_a_day(label: str) -> None:
    with pytest.raises(Refused):
        period_named(label)


def test_it_says_what_to_do_next(company: Company, clock: VirtualClock) -> None:
    ada = company.person("ada")
    company.call(ada, 1)
    told(company, "claude-code", record("claude-code", "stranger", clock(), person="eve@example.com"))
    assert found(company).next == (
        "No costs of anthropic are brought in for 2026-11, so nothing says what it billed: bursar import anthropic",
    )
    report(company, total(usage=times(2)), total("anthropic-cost", cost_nanos=USD + 4_500_000))
    memo, left = found(company).next[:2]
    assert memo.startswith("$0.0045 of anthropic's calls are known and charged to no budget")
    assert left == (
        "anthropic billed $0.0045 more than is in the books. When it is explained: "
        "bursar reconcile --period 2026-11 --provider anthropic --post"
    )
    put_down(company.books, "anthropic", NOVEMBER, 4_500_000)
    assert not any("--post" in step for step in found(company).next)
    clock.advance(86_400)
    company.call(ada, 1)
    assert found(company).next[0].startswith("anthropic tells no costs of 1 day")


def test_nothing_is_to_be_done_when_all_agrees(company: Company) -> None:
    company.call(company.person("ada"), 1)
    report(company, total(usage=CALL), total("anthropic-cost", cost_nanos=USD))
    assert [step for step in found(company).next if "prices" not in step] == []
