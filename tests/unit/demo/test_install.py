"""The demo company as it lies in the books."""

from __future__ import annotations

import shutil
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bursar.books import Books
from bursar.demo import Demo, install, load_demo
from bursar.demo.company import PEOPLE, PLANS, RUNS
from bursar.demo.habits import calls_of, days
from bursar.ledger.postings import Hold, Posting
from bursar.money import NANOS_PER_USD
from bursar.periods import first_instant, from_us, to_us
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import RateCard
from bursar.refusals import Refusal, Refused, Why
from bursar.store import directory
from bursar.store.database import Database
from bursar.store.schema import balances, calls, links, people, postings, refusals
from bursar.store.verify import verify
from bursar.usage import Usage
from tests.unit.demo.conftest import NOW_US, Installed


def rows(database: Database, query: sa.Select[Any]) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(query))


def spent_usd(database: Database, month: str) -> dict[str, float]:
    """What each person spent in a month, in dollars (for comparing, not for accounts)."""
    query = (
        sa.select(people.c.email, balances.c.spent)
        .join(people, people.c.id == balances.c.person_id)
        .where(balances.c.kind == "lot", balances.c.label == month)
    )
    return {email: spent / NANOS_PER_USD for email, spent in rows(database, query)}


def test_the_books_are_right_and_nothing_is_held(company: Installed) -> None:
    with company.database.reading() as connection:
        found = verify(connection)
    assert found.is_right, found.faults
    assert found.open_holds == 0
    assert 3_000 <= found.calls <= 7_000


def test_everybody_is_there_with_a_grant_and_keys(company: Installed) -> None:
    with company.database.reading() as connection:
        assert [person.email for person in directory.all_people(connection)] == sorted(p.email for p in PEOPLE)
        assert len({person.team for person in directory.all_people(connection)}) == 3
        assert len(directory.all_plans(connection)) == len(PLANS)
        assert len(directory.grants_of(connection)) == len(PEOPLE)
        assert len(directory.keys_of(connection)) == sum(len(person.keys) for person in PEOPLE) + len(RUNS)


def test_spending_is_spread_as_in_the_field(company: Installed) -> None:
    october = spent_usd(company.database, "2026-10")
    assert len(october) == len(PEOPLE)
    assert median(october.values()) < 150
    assert max(october.values()) > 2_500
    assert sum(spent < 15 for spent in october.values()) >= 3


def test_every_cost_is_the_price_books(company: Installed, prices: PriceBook) -> None:
    for call in rows(company.database, sa.select(calls).where(calls.c.outcome == "settled")):
        card = prices.card(call.wire, call.model, from_us(call.started_us), call.variant)
        assert isinstance(card, RateCard)
        used = Usage(
            call.input_tokens,
            call.cache_read_tokens,
            call.cache_write_5m_tokens,
            call.cache_write_1h_tokens,
            call.output_tokens,
        )
        assert call.cost_nanos == card.cost(used)
        assert call.price_version == prices.version


def test_what_was_not_settled_says_why(company: Installed) -> None:
    query = sa.select(calls.c.outcome, calls.c.reason, sa.func.count()).group_by(calls.c.outcome, calls.c.reason)
    reasons: dict[str, dict[str, int]] = {}
    for outcome, reason, number in rows(company.database, query):
        reasons.setdefault(outcome, {})[reason] = number
    assert set(reasons) == {"settled", "provisional", "released", "reported"}
    assert all(reason.startswith("reported by claude-code") for reason in reasons["reported"])
    assert set(reasons["settled"]) == {""}
    assert all(reason.endswith("is not known") for reason in reasons["provisional"])
    assert 5 <= sum(reasons["provisional"].values()) <= 60
    assert all(" answered 5" in reason for reason in reasons["released"])
    assert 20 <= sum(reasons["released"].values()) <= 120


def test_time_goes_forward(company: Installed) -> None:
    query = (
        sa.select(postings.c.effective_us, links.c.recorded_us)
        .join(links, links.c.id == postings.c.link_id)
        .order_by(postings.c.id)
    )
    found = rows(company.database, query)
    recorded = [row.recorded_us for row in found]
    assert recorded == sorted(recorded)
    assert all(row.effective_us <= row.recorded_us <= NOW_US for row in found)
    last = sa.select(sa.func.max(postings.c.effective_us))
    assert NOW_US - rows(company.database, last)[0][0] < 3 * 3_600_000_000


def sources(database: Database) -> list[tuple[str, str]]:
    """How lots name their grants, with the plans' names."""
    with database.reading() as connection:
        return [(f"grant:{grant.id}", plan.name) for grant, plan in directory.grants_of(connection)]


def test_months_that_are_over_left_breakage(company: Installed) -> None:
    over = rows(
        company.database,
        sa.select(balances).where(
            balances.c.kind == "lot", balances.c.expires_us <= NOW_US, balances.c.source.like("grant:%")
        ),
    )
    assert {lot.label for lot in over} == {"2026-09", "2026-10"}
    assert all(lot.available == 0 for lot in over)
    used_up = {source for source, plan in sources(company.database) if plan in {"experiment", "contractors"}}
    assert {lot.source for lot in over if not lot.expired} <= used_up


def test_the_late_joiner_came_on_the_17th(company: Installed) -> None:
    (late,) = (person for person in PEOPLE if person.joined_late)
    opened = rows(
        company.database,
        sa.select(balances.c.opens_us, balances.c.label)
        .join(people, people.c.id == balances.c.person_id)
        .where(people.c.email == late.email)
        .order_by(balances.c.opens_us),
    )
    assert opened[0] == (to_us(datetime(2026, 10, 16, 22, tzinfo=UTC)), "2026-10")
    assert [label for _, label in opened] == ["2026-10", "2026-11"]


def test_the_shown_person_has_a_statement_worth_reading(company: Installed) -> None:
    query = (
        sa.select(calls.c.model, calls.c.started_us)
        .join(people, people.c.id == calls.c.person_id)
        .where(people.c.email == company.demo.person, calls.c.started_us >= to_us(datetime(2026, 11, 1, tzinfo=UTC)))
    )
    made = rows(company.database, query)
    assert len({call.model for call in made}) >= 4
    used = {from_us(call.started_us).date() for call in made}
    workdays = [day for day in days(date(2026, 11, 2), from_us(NOW_US).date()) if day.weekday() < 5]
    assert len(used) >= 0.8 * len(workdays)
    assert 50 < spent_usd(company.database, "2026-11")[company.demo.person] < 1_500


def test_the_keys_to_paste_are_what_they_are_said_to_be(
    company: Installed, prices: PriceBook, tmp_path: Path
) -> None:
    """One can pay for a small call, the other cannot pay for a nano-dollar."""
    shutil.copy(company.folder / "bursar.sqlite", tmp_path)
    books = Books(Database.in_folder(tmp_path), prices, lambda: NOW_US)
    try:
        outcomes = {}
        for secret in (company.demo.key, company.demo.spent_key):
            spender = books.find_spender(secret)
            assert not isinstance(spender, Refusal)
            lots = tuple(lot.balance_id for lot in spender.lots)
            outcomes[spender.email] = books.journal.post(
                Hold(
                    spender.email,
                    spender.person_id,
                    lots,
                    tuple(limit.balance_id for limit in spender.limits),
                    1,
                    1,
                    NOW_US,
                )
            )
    finally:
        books.close()
    assert isinstance(outcomes[company.demo.person], Posting)
    refused = outcomes[company.demo.spent_person]
    assert isinstance(refused, Refusal)
    assert refused.why is Why.BUDGET_EXHAUSTED


def test_a_limit_was_reached_and_budgets_ran_out(company: Installed) -> None:
    query = sa.select(refusals.c.why, people.c.email).join(people, people.c.id == refusals.c.person_id).distinct()
    refused = {(why, email.split("@")[0]) for why, email in rows(company.database, query)}
    assert ("limit_reached", "sofia.marin") in refused
    assert {("budget_exhausted", "tove.dahl"), ("budget_exhausted", "lena.fischer")} <= refused


def test_progress_goes_up_to_all_calls(company: Installed) -> None:
    done = [number for number, _ in company.progress]
    assert done == sorted(done)
    assert done[0] == 0
    assert {total for _, total in company.progress} == {done[-1]}


def test_the_keys_are_kept_for_the_next_start(company: Installed, tmp_path: Path) -> None:
    assert load_demo(company.folder) == company.demo
    assert stat.S_IMODE((company.folder / "demo.json").stat().st_mode) == 0o600
    assert load_demo(tmp_path) is None
    (tmp_path / "demo.json").write_text("{")
    with pytest.raises(Refused) as refused:
        load_demo(tmp_path)
    assert refused.value.refusal.why is Why.DATA_FOLDER


def test_real_data_and_demo_data_never_mix(sqlite_database: Database, prices: PriceBook, tmp_path: Path) -> None:
    books = Books(Database(sqlite_database.url), prices, lambda: NOW_US)
    books.add_person("someone@example.com", "Someone")
    books.close()
    with pytest.raises(Refused) as refused:
        install(tmp_path, sqlite_database, prices, NOW_US, lambda done, total: None)
    assert refused.value.refusal.why is Why.DATA_FOLDER
    with sqlite_database.reading() as connection:
        assert [person.email for person in directory.all_people(connection)] == ["someone@example.com"]
    assert load_demo(tmp_path) is None


AMOUNTS = (
    sa.select(
        people.c.email,
        *(calls.c[name] for name in ("started_us", "ended_us", "model", "variant", "bound_nanos", "cost_nanos")),
        calls.c.outcome,
    )
    .join(people, people.c.id == calls.c.person_id)
    .order_by(calls.c.posting_id)
)


def test_the_same_instant_gives_the_same_company(
    company: Installed, prices: PriceBook, sqlite_database: Database, tmp_path: Path
) -> None:
    again = install(tmp_path, sqlite_database, prices, NOW_US, lambda done, total: None)
    assert rows(sqlite_database, AMOUNTS) == rows(company.database, AMOUNTS)
    assert again.key != company.demo.key


def test_a_persons_day_does_not_depend_on_when_the_demo_is_installed(company: Installed) -> None:
    """Nor on the days before it: each is drawn from a seed of its own."""
    ada = PEOPLE[0]
    day = date(2026, 11, 12)
    query = sa.select(sa.func.count()).where(
        calls.c.key_id == 1, calls.c.started_us.between(first_us(day), first_us(day + timedelta(days=1)) - 1)
    )
    assert rows(company.database, query)[0][0] == len(list(calls_of(ada, ada.keys[0], day)))


def first_us(day: date) -> int:
    return first_instant(day, ZoneInfo("Europe/Stockholm"))


@pytest.mark.parametrize("now", ["2027-01-01T00:00:00Z", "2027-03-01T05:00:00Z"])
def test_a_month_that_has_just_begun(now: str, database: Database, prices: PriceBook, tmp_path: Path) -> None:
    """On either engine: an hour into a year, and some hours into a month after a short one."""
    now_us = to_us(datetime.fromisoformat(now))
    demo = install(tmp_path, database, prices, now_us, lambda done, total: None)
    assert isinstance(demo, Demo)
    with database.reading() as connection:
        found = verify(connection)
    assert found.is_right, found.faults
    month = now[:7]
    assert spent_usd(database, month)[demo.spent_person] == 1.0
    assert len(spent_usd(database, month)) == len(PEOPLE)
