"""Refusals: each has a rule, a text that renders, and a status that fits."""

from __future__ import annotations

import string

import pytest

from bursar.refusals import RULES, Refused, Why, refuse

CALLERS_FAULT = range(400, 500)
OURS = range(500, 600)


def test_every_reason_has_a_rule() -> None:
    assert set(RULES) == set(Why)
    assert len({why.value for why in Why}) == len(Why)
    assert len({rule.text for rule in RULES.values()}) == len(Why)


@pytest.mark.parametrize("why", Why)
def test_the_text_renders_without_any_fact(why: Why) -> None:
    text = refuse(why).text
    assert len(text) > 10
    assert "{" not in text


@pytest.mark.parametrize("why", Why)
def test_the_text_tells_every_fact_that_it_names(why: Why) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(RULES[why].text) if name and name != "renewal"}
    facts = {name: f"<{name} fact>" for name in names}
    for fact in facts.values():
        assert fact in refuse(why, **facts).text


@pytest.mark.parametrize("why", Why)
def test_the_status_fits(why: Why) -> None:
    rule = RULES[why]
    assert rule.status in CALLERS_FAULT or rule.status in OURS
    assert refuse(why).status == rule.status
    assert refuse(why).retryable == rule.retryable
    if rule.retryable:
        assert rule.status in (429, *OURS), "only a wait or our own trouble can end by itself"


@pytest.mark.parametrize("why", [Why.BUDGET_EXHAUSTED, Why.LIMIT_REACHED, Why.NO_GRANT])
def test_a_budget_that_is_gone_is_no_reason_to_retry(why: Why) -> None:
    assert (refuse(why).status, refuse(why).retryable) == (402, False)


@pytest.mark.parametrize("why", [Why.BUDGET_HELD, Why.LIMIT_HELD])
def test_money_held_by_running_calls_is_a_reason_to_wait(why: Why) -> None:
    assert (refuse(why).status, refuse(why).retryable) == (429, True)


def test_amounts_and_times_are_told_as_people_write_them() -> None:
    refusal = refuse(
        Why.BUDGET_EXHAUSTED, left_nanos=1_500_000_000, bound_nanos=2_345_670_000, renews_us=1_793_491_200_000_000
    )
    assert refusal.text == (
        "This token budget is used up: $1.50 is left and this call could cost up to $2.35. "
        "The next period opens at 2026-11-01T00:00:00Z."
    )
    assert refuse(Why.LIMIT_REACHED, limit="key:7").text.endswith("It does not renew by itself.")


def test_a_fact_is_never_a_template() -> None:
    assert refuse(Why.MODEL_UNKNOWN, model="{left} {0.__class__}").text.count("{left} {0.__class__}") == 1


def test_the_field_is_a_fact() -> None:
    refusal = refuse(Why.FIELD_MISSING, field="model", right="a text")
    assert refusal.field == "model"
    assert refusal.text == "The field model is missing; it must be a text."


def test_an_exception_carries_it() -> None:
    refusal = refuse(Why.HOLD_ENDED, hold="h1")
    assert Refused(refusal).refusal is refusal
    assert str(Refused(refusal)) == "The hold h1 has already ended."
