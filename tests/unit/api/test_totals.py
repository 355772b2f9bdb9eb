"""Totals that providers report: kept once, in whatever order they are told, and charged to nobody."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.support.books import assert_proved
from tests.unit.api.conftest import Api, refused


def total(**more: Any) -> dict[str, Any]:
    told = {"catalog": "anthropic", "starts": "2026-11-03T00:00:00Z", "ends": "2026-11-04T00:00:00Z"}
    return {**told, "model": "claude-sonnet-4-5", "grouping": "model", "input_tokens": 1_000} | more


def report(api: Api, *totals: dict[str, Any], source: str = "anthropic-usage", **more: Any) -> dict[str, Any]:
    answer = api.operator.post("/provider-totals", json={"source": source, "totals": list(totals), **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def kept(api: Api, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.operator.get("/provider-totals", params=asked).json()
    return found


def test_the_same_report_twice_is_the_same(api: Api) -> None:
    first = report(api, total(), total(model="claude-opus-4-5"), name="november.json")
    assert (first["added"], first["grown"], first["repeated"]) == (2, 0, 0)
    again = report(api, total(), total(model="claude-opus-4-5"), name="november.json")
    assert (again["added"], again["grown"], again["repeated"]) == (0, 0, 2)
    assert [one["input_tokens"] for one in kept(api)] == [1_000, 1_000]
    listed = api.operator.get("/imports").json()
    assert [(one["source"], one["name"], one["added"]) for one in listed] == [
        ("anthropic-usage", "november.json", 0),
        ("anthropic-usage", "november.json", 2),
    ]
    assert_proved(api.books.database)


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 2))))
def test_of_a_growing_day_the_largest_counts_in_any_order(api: Api, order: tuple[int, ...]) -> None:
    grown = [total(input_tokens=10, cost="0.10"), total(input_tokens=20, cost="0.20"), total(input_tokens=30)]
    for number in order:
        report(api, grown[number])
    [one] = kept(api)
    assert (one["input_tokens"], one["cost"]) == (30, None)


def test_a_provider_that_corrects_itself_is_believed_when_that_is_said(api: Api) -> None:
    report(api, total(cost="5.00"))
    told = report(api, total(cost="3.50"))
    assert (told["smaller"], kept(api)[0]["cost"]) == (1, "5.00")
    told = report(api, total(cost="3.50"), corrects=True)
    assert (told["grown"], kept(api)[0]["cost"]) == (1, "3.50")


def test_a_credit_is_below_nothing(api: Api) -> None:
    told = report(api, total(cost="-1.25"), source="openai-costs")
    assert told["cost"] == "-1.25"
    assert kept(api, source="openai-costs")[0]["cost"] == "-1.25"


def test_a_dry_run_keeps_nothing(api: Api) -> None:
    told = report(api, total(), dry_run=True)
    assert (told["import_id"], told["added"]) == (None, 1)
    assert kept(api) == []


def test_pages_of_totals(api: Api) -> None:
    report(api, *(total(model=f"m{number}") for number in range(5)))
    first = kept(api, limit=3)
    then = kept(api, limit=3, after=first[-1]["id"])
    assert sorted(one["model"] for one in [*first, *then]) == ["m0", "m1", "m2", "m3", "m4"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ends": "2026-11-03T00:00:00Z"}, "totals[0].ends"),
        ({"starts": "then"}, "totals[0].starts"),
        ({"cost": "much"}, "totals[0].cost"),
        ({"cost": "NaN"}, "totals[0].cost"),
        ({"model": "a\x1b[2J"}, "totals[0].model"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(api: Api, wrong: dict[str, Any], field: str) -> None:
    answer = api.operator.post("/provider-totals", json={"source": "x", "totals": [total(**wrong)]})
    assert refused(answer) == (400, "field_invalid", field)
    assert kept(api) == []
