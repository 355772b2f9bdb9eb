"""Soft overrun: calls may pass the budget, up to a ceiling that is spent last and is no part of the budget."""

from __future__ import annotations

from bursar.books.changes import Announcement, revoke
from bursar.books.limits import grant_pool
from bursar.books.outside import How
from bursar.ledger.accounts import Balance
from bursar.refusals import Refusal, Why
from bursar.reports.balance import balance
from bursar.reports.statement import statement
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.teams import Company
from tests.unit.books.test_outside import charged, report
from tests.unit.books.test_terms_of_lots import at, granted

SOFT = 'overrun = "soft"\noverrun_ceiling = "20%"\n'


def beside(company: Company, label: str) -> Balance:
    """What lets calls pass the budget in a period."""
    [found] = [one for one in balances(company.books.database).values() if one.is_overrun and one.label == label]
    return found


def test_calls_pass_the_budget_up_to_the_ceiling(company: Company) -> None:
    ada = granted(company, SOFT + "clamp = false", usd=100)
    assert company.call(ada, 90) is None
    assert beside(company, "2026-11").spent == 0
    assert company.call(ada, 25) is None
    assert beside(company, "2026-11").spent == 15 * USD
    refused = company.call(ada, 6)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.BUDGET_EXHAUSTED
    assert company.call(ada, 5) is None


def test_the_pool_pays_first(company: Company) -> None:
    ada = granted(company, SOFT, usd=100)
    company.plan("shared", 50)
    pool = grant_pool(company.books, "platform", "shared")
    assert company.call(ada, 155) is None
    assert company.balance(pool.source).spent == 50 * USD
    assert beside(company, "2026-11").spent == 5 * USD


def test_it_is_never_carried_over_cashed_out_or_vested(company: Company) -> None:
    more = 'unused = "carry_over"\ncash_out_rate = "50%"\nvesting_months = 1\n'
    granted(company, SOFT + more, "2026-09-01", usd=100)
    company.clock.now_us = at("2026-12-05")
    company.books.bring_up()
    for label in ("2026-09", "2026-10", "2026-11"):
        one = beside(company, label)
        assert (one.expired, one.carried_out, one.carried_in, one.cashed_out) == (20 * USD, 0, 0, 0)


def test_it_ends_with_the_grant(company: Company) -> None:
    ada = granted(company, SOFT + "vesting_months = 2", "2026-10-01", usd=100)
    company.clock.now_us = at("2026-11-10")
    revoke(company.books, Announcement(person=ada, reason="why not", actor="boss"))
    one = beside(company, "2026-11")
    assert (one.available, one.revoked) == (0, 20 * USD)
    assert company.balance("grant:1", "2026-11").available == 50 * USD, "what had vested stays"


def test_an_amount_is_prorated_as_the_budget_is(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    granted(company, 'overrun = "soft"\noverrun_ceiling = "30.00"\nproration = "daily"', "2026-11-16", usd=100)
    assert beside(company, "2026-11").granted == 15 * USD


def test_reports_tell_it_as_overrun(company: Company) -> None:
    ada = granted(company, SOFT, usd=100)
    assert company.call(ada, 110) is None
    with company.books.database.reading() as connection:
        found, now = statement(connection, 1, "2026-11"), balance(connection, 1, company.clock())
    assert (found.granted_nanos, found.spent_nanos, found.overrun_nanos) == (100 * USD, 110 * USD, 10 * USD)
    assert (found.closing_nanos, found.available_nanos) == (0, 0)
    assert (now.granted_nanos, now.available_nanos, now.spent_nanos, now.overrun_nanos) == (
        *(100 * USD, 0, 110 * USD, 10 * USD),
    )
    assert now.beyond_nanos == 10 * USD
    assert len(now.lots) == 1


def test_what_even_the_ceiling_does_not_cover_is_told_once(company: Company) -> None:
    company.clock.now_us = at("2026-11-20")
    ada = granted(company, SOFT + 'outside_usage = "charge"', usd=100)
    assert charged(report(company, ada, "2026-11-03", 130)) == (How.CHARGED, 120, 10, 0)
    with company.books.database.reading() as connection:
        found, now = statement(connection, 1, "2026-11"), balance(connection, 1, company.clock())
    assert (found.spent_nanos, found.overrun_nanos, found.closing_nanos) == (130 * USD, 30 * USD, 0)
    assert (now.spent_nanos, now.overrun_nanos, now.beyond_nanos) == (130 * USD, 30 * USD, 0)
