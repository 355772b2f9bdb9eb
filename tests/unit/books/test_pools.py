"""A team's pool: who draws on it, after what, and that it renews and ends as any budget does."""

from __future__ import annotations

import pytest

from bursar.books.limits import grant_pool
from bursar.ledger.postings import Posting
from bursar.periods import Monthly
from bursar.refusals import Refusal, Refused, Why
from tests.support.calls import USD
from tests.support.teams import GPT, SONNET, Company

DAY_S = 86_400
DECEMBER = Monthly("UTC").named("2026-12")


def test_the_pool_pays_after_a_persons_own_lots(company: Company) -> None:
    ada, bob = company.person("ada", usd=10), company.person("bob", usd=None)
    company.plan("shared", 50, "priority = 0")
    pool = grant_pool(company.books, "platform", "shared")
    assert company.call(ada, 4) is None
    assert company.balance(pool.source).spent == 0
    assert company.call(ada, 9) is None, "partly from her own"
    assert company.balance(pool.source).spent == 3 * USD
    assert company.call(bob, 20) is None, "he has nothing of his own"
    assert company.balance(pool.source).spent == 23 * USD
    assert company.balance(pool.source).person_id == 0
    refused = company.hold(ada, 28)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.BUDGET_EXHAUSTED


def test_only_the_team_draws_on_it(company: Company) -> None:
    eve, sam = company.person("eve", "ops", usd=None), company.person("sam", "", usd=None)
    company.person("ada")
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared")
    for outsider in (eve, sam):
        refused = company.hold(outsider, 1)
        assert isinstance(refused, Refusal)
        assert refused.why is Why.NO_GRANT


def test_it_renews_and_expires_as_its_plan_says(company: Company) -> None:
    ada = company.person("ada", usd=None)
    company.plan("shared", 50)
    pool = grant_pool(company.books, "platform", "shared")
    assert company.call(ada, 20) is None
    company.clock.advance(30 * DAY_S)
    assert company.call(ada, 50) is None
    november, december = (company.balance(pool.source, label) for label in ("2026-11", "2026-12"))
    assert (november.spent, november.expired, november.available) == (20 * USD, 30 * USD, 0)
    assert (december.spent, december.available, december.opens_us) == (50 * USD, 0, DECEMBER.start_us)


def test_a_pool_that_begins_later_is_opened_in_time(company: Company) -> None:
    ada = company.person("ada", usd=None)
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared", DECEMBER.start_us)
    assert company.spender(ada).until_us <= DECEMBER.start_us
    assert isinstance(company.hold(ada, 1), Refusal)
    company.clock.now_us = DECEMBER.start_us
    assert isinstance(company.hold(ada, 1), Posting)


def test_its_plan_says_for_which_models(company: Company) -> None:
    ada = company.person("ada", usd=5)
    company.plan("shared", 50, 'models = ["gpt-*"]\nclamp = false')
    pool = grant_pool(company.books, "platform", "shared")
    refused = company.call(ada, 6, SONNET)
    assert refused is not None
    assert refused.why is Why.BUDGET_EXHAUSTED
    assert company.call(ada, 6, GPT) is None
    assert company.balance(pool.source).spent == 1 * USD
    assert company.spender(ada).for_model(SONNET).may_clamp
    assert not company.spender(ada).for_model(GPT).may_clamp


def test_everybodys_lots_are_brought_up_together(company: Company) -> None:
    company.person("ada", usd=10)
    company.plan("shared", 50)
    pool = grant_pool(company.books, "platform", "shared")
    assert company.books.bring_up() == 1, "the pool's lot; the person's is there"
    assert company.books.bring_up() == 0
    company.clock.now_us = DECEMBER.start_us
    assert company.books.bring_up() == 4, "two lots of December opened, two of November expired"
    assert company.balance(pool.source, "2026-11").expired == 50 * USD


def test_the_same_pool_again_is_the_same(company: Company) -> None:
    company.person("ada")
    company.plan("shared", 50)
    assert grant_pool(company.books, "platform", "shared") == grant_pool(company.books, " platform ", "shared")


@pytest.mark.parametrize(("team", "plan", "field"), [("nobodys", "shared", "team"), ("platform", "none", "plan")])
def test_what_is_not_there_is_refused(company: Company, team: str, plan: str, field: str) -> None:
    company.person("ada")
    company.plan("shared", 50)
    with pytest.raises(Refused) as refused:
        grant_pool(company.books, team, plan)
    assert (refused.value.refusal.why, refused.value.refusal.field) == (Why.UNKNOWN, field)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("vesting_months = 12", "vesting_months"),
        ('proration = "daily"\non_leave = "pause"', "on_leave"),
        ('on_leaving = "forfeit"', "on_leaving"),
        ('personal_use = "10%"', "personal_use"),
    ],
)
def test_a_plan_that_is_a_promise_to_a_person_is_no_pools(company: Company, line: str, field: str) -> None:
    company.person("ada")
    company.plan("shared", 50, line)
    with pytest.raises(Refused) as refused:
        grant_pool(company.books, "platform", "shared")
    assert (refused.value.refusal.why, refused.value.refusal.field) == (Why.PLAN_INVALID, field)
