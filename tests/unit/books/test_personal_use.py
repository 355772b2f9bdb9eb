"""Personal use: keys of their own, one limit for all of them, and a refusal by name without the term."""

from __future__ import annotations

import pytest

from bursar.books import Spender
from bursar.books.changes import Announcement, revoke
from bursar.refusals import Refusal, Refused, Why
from bursar.reports.statement import statement
from bursar.store import directory
from tests.support.calls import USD
from tests.support.teams import Company
from tests.unit.books.test_terms_of_lots import at, granted

TENTH = 'personal_use = "10%"\nclamp = false\n'


def personal_key(company: Company, email: str, name: str) -> str:
    """Make a personal key; `company` knows it under a name of its own."""
    made = company.books.create_key(email, name, personal=True)
    company.secrets[name] = made.secret
    assert made.key.personal
    return name


def test_all_personal_keys_share_one_limit(company: Company) -> None:
    ada = granted(company, TENTH, usd=100)
    home, phone = personal_key(company, ada, "home"), personal_key(company, ada, "phone")
    assert company.call(home, 6) is None
    refused = company.call(phone, 5)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.LIMIT_REACHED
    assert refused.facts["limit"] == "personal use, 2026-11"
    assert company.call(phone, 4) is None
    assert company.call(ada, 90) is None, "other keys have the rest"
    lot = company.balance("grant:1")
    assert (lot.spent, lot.available) == (100 * USD, 0)


def test_the_limit_renews_with_the_period(company: Company) -> None:
    ada = granted(company, TENTH, usd=100)
    home = personal_key(company, ada, "home")
    assert company.call(home, 10) is None
    company.clock.now_us = at("2026-12-01")
    assert company.call(home, 10) is None
    assert isinstance(company.call(home, 1), Refusal)


def test_a_part_of_a_personal_key_is_personal(company: Company) -> None:
    ada = granted(company, TENTH, usd=100)
    personal_key(company, ada, "home")
    with company.books.database.reading() as connection:
        parent = next(key for key in directory.keys_of(connection, 1) if key.personal)

    def add(connection: object) -> directory.Key:
        return directory.add_key(
            connection,  # type: ignore[arg-type]
            person_id=1,
            role="person",
            name="agent",
            shown="bsr_…",
            digest=b"d",
            expires_us=None,
            limit_nanos=None,
            now_us=company.clock(),
            parent_id=parent.id,
        )

    assert company.books.journal.write(add).personal


def test_without_the_term_a_personal_key_is_refused(company: Company) -> None:
    ada = granted(company, "", usd=100)
    with pytest.raises(Refused) as refused:
        company.books.create_key(ada, "home", personal=True)
    assert refused.value.refusal.why is Why.NO_PERSONAL_USE
    with pytest.raises(Refused):
        company.books.create_key(None, "sync", role="administrator", personal=True)


def test_a_personal_key_draws_on_no_other_budget(company: Company) -> None:
    ada = granted(company, TENTH + "priority = 200", usd=100)
    company.plan("strict", 500, "priority = 1")
    company.books.grant(ada, "strict")
    home = personal_key(company, ada, "home")
    assert company.call(home, 10) is None
    assert company.balance("grant:1").spent == 10 * USD
    found = company.books.find_spender(company.secrets["home"])
    assert isinstance(found, Spender)
    lots = tuple(lot.balance_id for lot in found.lots)
    assert lots == (company.balance("grant:1").id,)


def test_when_the_budget_has_ended_the_key_is_refused_by_name(company: Company) -> None:
    ada = granted(company, TENTH, usd=100)
    home = personal_key(company, ada, "home")
    other = company.plan("other", 500)
    company.books.grant(ada, other)
    revoke(company.books, Announcement(person=ada, reason="ends", actor="boss", plan="plan"))
    company.clock.now_us = at("2026-12-01")
    spender = company.spender(home)
    assert not spender.lots
    assert spender.paused is not None
    assert spender.paused.why is Why.NO_PERSONAL_USE


def test_the_statement_tells_what_personal_keys_spent(company: Company) -> None:
    """It is what an employer may have to report as income: dollars of credit at their face."""
    ada = granted(company, TENTH, usd=100)
    home = personal_key(company, ada, "home")
    assert company.call(ada, 5) is None
    assert company.call(home, 7) is None
    with company.books.database.reading() as connection:
        found = statement(connection, 1, "2026-11")
    assert (found.spent_nanos, found.personal_nanos) == (12 * USD, 7 * USD)
