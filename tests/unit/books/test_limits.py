"""Limits of people, teams and keys: what counts, when they open again, and that a change takes effect at once."""

from __future__ import annotations

from threading import Thread

import msgspec
import pytest

from bursar.books import Books, Spender, limits
from bursar.books.limits import Wanted, set_limit
from bursar.books.spending import NEVER_US, Admission, Ask, admit
from bursar.keys import key_digest
from bursar.ledger.postings import Posting
from bursar.periods import US_PER_SECOND, Daily
from bursar.pricing.book import PriceBook
from bursar.refusals import Refusal, Refused, Why
from bursar.store.database import Database
from bursar.store.limits import Scope
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.teams import GPT, SONNET, Company

HOUR_S, DAY_S = 3_600, 86_400
HAIKU_ASK = Ask(
    wire="anthropic",
    provider="anthropic",
    catalog="anthropic",
    model="claude-haiku-4-5",
    variant="standard",
    input_tokens=1_000,
    unbounded=None,
    output_tokens=100,
    output_copies=1,
    output_allowance=0,
    least_output=1,
    input_reads=1,
    cache_writes=False,
    web_searches=0,
    audio=False,
)


def why(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.why.value


def test_a_teams_day_is_shared_and_ends_at_midnight(company: Company) -> None:
    ada, bob, eve = (company.person(name, team) for name, team in (("ada", "web"), ("bob", "web"), ("eve", "ops")))
    limit = company.limit(10, team="web")
    assert company.call(ada, 6) is None
    refused = company.hold(bob, 5)
    assert why(refused) == "limit_reached"
    assert isinstance(refused, Refusal)
    assert not refused.retryable
    assert refused.status == 402
    assert refused.text == (
        "The limit web, a day: 2026-11-01 is reached: $4.00 of it is left and this call could cost up to $5.00. "
        "The next period opens at 2026-11-02T00:00:00Z."
    )
    assert company.call(eve, 20) is None, "another team"
    assert company.call(bob, 4) is None
    company.clock.advance(DAY_S - 1)
    assert why(company.hold(ada, 1)) == "limit_reached"
    company.clock.advance(1)
    assert company.call(bob, 10) is None
    assert [company.balance(limit.source, day).spent for day in ("-01", "-02")] == [10 * USD, 10 * USD]
    assert {company.balance(limit.source, day).person_id for day in ("-01", "-02")} == {0}


def test_what_running_calls_hold_is_not_reached_yet(company: Company) -> None:
    ada, bob = company.person("ada"), company.person("bob")
    company.limit(10, everybody=True)
    held = company.hold(ada, 8)
    assert isinstance(held, Posting)
    refused = company.hold(bob, 5)
    assert why(refused) == "limit_held"
    assert isinstance(refused, Refusal)
    assert refused.retryable
    assert refused.status == 429
    assert "The limit everybody, a day: 2026-11-01" not in refused.text
    assert "What is left of the limit everybody, a day: 2026-11-01 is held by calls that are running" in refused.text
    company.settle(held, 5)
    assert company.call(bob, 5) is None
    assert why(company.hold(ada, 1)) == "limit_reached"


def test_a_pattern_counts_only_its_models(company: Company) -> None:
    ada = company.person("ada")
    limit = company.limit(5, models="claude-*", person=ada)
    assert company.call(ada, 30, GPT) is None
    assert company.call(ada, 5, SONNET) is None
    assert why(company.hold(ada, 1, SONNET)) == "limit_reached"
    assert company.call(ada, 30, GPT) is None
    assert company.balance(limit.source).label == "this person, claude-*, a day: 2026-11-01"
    assert company.balance(limit.source).person_id == company.spender(ada).person_id


def test_all_limits_that_apply_are_held_in(company: Company) -> None:
    ada = company.person("ada", "web")
    key_id = company.spender(ada).key.id
    found = [
        company.limit(9, everybody=True),
        company.limit(8, team="web"),
        company.limit(7, "week", person=ada),
        company.limit(6, "month", key_id=key_id),
        company.limit(5, "life", key_id=key_id),
        company.limit(4, models="gpt-*", team="web"),
    ]
    held = company.hold(ada, 10, minimum=1)
    assert isinstance(held, Posting)
    assert held.amount == 5 * USD, "the tightest one clamps"
    assert [company.balance(limit.source).held for limit in found[:5]] == [5 * USD] * 5
    assert company.balance(found[5].source).held == 0
    company.settle(held, 3)
    assert [company.balance(limit.source).available // USD for limit in found] == [6, 5, 4, 3, 2, 4]


def test_a_keys_limit_is_that_keys_alone(company: Company) -> None:
    ada = company.person("ada")
    company.limit(1, key_id=company.spender(ada).key.id)
    assert why(company.hold(ada, 2)) == "limit_reached"
    company.secrets[ada] = company.books.create_key(ada, "desk").secret
    assert company.call(ada, 2) is None


def test_a_limit_takes_effect_at_once_and_counts_from_then_on(company: Company) -> None:
    ada = company.person("ada")
    assert company.call(ada, 20) is None
    company.clock.advance(HOUR_S)
    made = company.limit(10, person=ada)
    assert company.call(ada, 10) is None, "what was spent before does not count"
    assert why(company.hold(ada, 1)) == "limit_reached"
    assert company.balance(made.source).opens_us == NOVEMBER_US + HOUR_S * US_PER_SECOND
    ended = limits.end(company.books, made.id)
    assert ended.ended_us == company.clock()
    assert company.call(ada, 1) is None
    company.clock.advance(5)
    assert limits.end(company.books, made.id).ended_us == ended.ended_us, "once ended it stays so"
    with pytest.raises(Refused) as refused:
        limits.end(company.books, 99)
    assert refused.value.refusal.why is Why.UNKNOWN


def test_a_known_spender_is_known_no_longer_than_its_limits(company: Company) -> None:
    ada = company.person("ada")
    company.limit(10, person=ada, time_zone="Asia/Kolkata")
    day = Daily("Asia/Kolkata").at(company.clock())
    spender = company.spender(ada)
    assert (spender.counted_from_us, spender.counted_until_us) == (NOVEMBER_US, day.end_us)
    assert spender.until_us <= day.end_us
    assert day.end_us == NOVEMBER_US + int(18.5 * HOUR_S) * US_PER_SECOND


def test_a_call_whose_body_comes_after_midnight_is_within_the_day_in_which_it_was_asked_for(company: Company) -> None:
    ada = company.person("ada")
    limit = company.limit(1, person=ada)
    company.clock.advance(DAY_S - 1)
    spender = company.spender(ada)
    prices, midnight_us = company.books.prices, spender.counted_until_us
    costs = 0
    for now_us, at_us in (
        (midnight_us - 1, midnight_us - 1),
        (midnight_us, midnight_us - 1),
        (midnight_us + 30 * US_PER_SECOND, midnight_us - 1),
        (spender.counted_from_us - 1, spender.counted_from_us),
    ):
        admission = admit(spender, HAIKU_ASK, prices, now_us)
        assert isinstance(admission, Admission)
        assert admission.hold.at_us == at_us
        company.caller.holds[admission.hold.id] = admission.hold
        before = company.balance(limit.source).held
        held = company.books.journal.post(admission.hold)
        assert isinstance(held, Posting)
        assert company.balance(limit.source).held == before + held.amount
        company.caller.settle(admission.hold.id, held.amount, now_us)
        costs += held.amount
    assert company.balance(limit.source).spent == costs


def test_a_spender_without_limits_is_not_bounded_by_any(company: Company) -> None:
    spender = company.spender(company.person("ada"))
    assert (spender.limits, spender.counted_from_us, spender.counted_until_us) == ((), 0, NEVER_US)


def test_a_call_over_midnight_leaves_the_new_day_whole(company: Company) -> None:
    ada = company.person("ada")
    limit = company.limit(10, person=ada)
    company.clock.advance(DAY_S - 60)
    held = company.hold(ada, 8)
    assert isinstance(held, Posting)
    company.clock.advance(120)
    assert company.call(ada, 10) is None
    company.settle(held, 3)
    first, second = (company.balance(limit.source, label) for label in ("-01", "-02"))
    assert (first.spent, first.expired, first.available, first.held) == (3 * USD, 5 * USD, 2 * USD, 0)
    assert (second.spent, second.available) == (10 * USD, 0)


def test_nothing_opens_while_nobody_spends(company: Company) -> None:
    ada = company.person("ada")
    limit = company.limit(10, person=ada)
    for _ in range(3):
        company.clock.advance(DAY_S)
        company.books.bring_up()
    assert company.call(ada, 1) is None
    opened = [one.label for one in balances(company.books.database).values() if one.source == limit.source]
    assert opened == ["this person, a day: 2026-11-04"]


def test_a_week_begins_on_monday(company: Company) -> None:
    ada = company.person("ada")
    limit = company.limit(10, "week", person=ada)
    assert company.call(ada, 10) is None
    company.clock.advance(DAY_S)
    assert company.call(ada, 10) is None
    assert [company.balance(limit.source, week).spent for week in ("2026-W44", "2026-W45")] == [10 * USD] * 2


def test_a_soft_limit_lets_through_up_to_its_ceiling(company: Company) -> None:
    ada = company.person("ada")
    made = company.limit(10, soft_nanos=6 * USD, person=ada)
    assert made.soft_nanos == 6 * USD
    held = [company.hold(ada, usd) for usd in (4, 2, 1, 3)]
    assert why(company.hold(ada, 1)) == "limit_held"
    warned = [one.warns for one in held if isinstance(one, Posting)]
    assert warned == [(), (), ("this person, a day: 2026-11-01",), ("this person, a day: 2026-11-01",)]
    for one, usd in zip(held, (4, 2, 1, 3), strict=True):
        assert isinstance(one, Posting)
        company.settle(one, usd)
    assert why(company.hold(ada, 1)) == "limit_reached"


def test_only_limits_that_have_a_soft_amount_and_count_the_call_warn(company: Company) -> None:
    ada = company.person("ada")
    company.limit(50, everybody=True)
    company.limit(50, soft_nanos=1, team="platform", models="gpt-*")
    company.limit(50, "week", soft_nanos=2 * USD, team="platform")
    company.limit(50, soft_nanos=20 * USD, person=ada)
    assert company.spender(ada).for_model(SONNET).soft == (0, 2 * USD, 20 * USD)
    held = company.hold(ada, 3, SONNET)
    assert isinstance(held, Posting)
    assert held.warns == ("platform, a week: 2026-W44",)
    company.settle(held, 3)
    bob = company.person("bob", "")
    assert company.spender(bob).for_model(SONNET).soft == (), "his one limit has none"


def test_another_node_knows_of_a_limit_within_half_a_second(postgres_database: Database, prices: PriceBook) -> None:
    clock = VirtualClock()
    here, there = (Company(Books(postgres_database, prices, clock), clock) for _ in range(2))
    ada = here.person("ada")
    there.secrets = here.secrets
    assert there.call(ada, 5) is None
    limit = here.limit(3, person=ada)
    digest = key_digest(there.secrets[ada])
    assert there.books.known_spender(digest, clock()) is not None, "it has not looked yet"
    clock.advance(0.5)
    assert there.books.known_spender(digest, clock()) is None
    found: list[Spender] = []
    threads = [Thread(target=lambda at=at: found.append(at.spender(ada))) for at in (here, there) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [opened] = {spender.limits for spender in found}
    assert [one.balance_id for one in opened] == [here.balance(limit.source).id]
    assert why(there.hold(ada, 4)) == "limit_reached"
    for node in (there, here):
        node.prove()
        node.books.journal.close()


WRONG = {
    "nobody's": ({}, "team"),
    "two's": ({"team": "platform", "everybody": True}, "team"),
    "nothing": ({"everybody": True, "amount_nanos": 0}, "amount"),
    "too much": ({"everybody": True, "amount_nanos": 2**62}, "amount"),
    "no period": ({"everybody": True, "per": "fortnight"}, "per"),
    "no zone": ({"everybody": True, "time_zone": "Mars/Olympus"}, "time_zone"),
    "soft is none": ({"everybody": True, "soft_nanos": 0}, "soft"),
    "soft is the ceiling": ({"everybody": True, "soft_nanos": USD}, "soft"),
    "models": ({"everybody": True, "models": "x" * 201}, "models"),
    "models of control characters": ({"everybody": True, "models": "a\nb"}, "models"),
    "no such team": ({"team": "platfrom"}, "team"),
    "no team": ({"team": " "}, "team"),
    "no such person": ({"person": "nobody@example.com"}, "email"),
    "no such key": ({"key_id": 99}, "key"),
    "a key that spends nothing": ({"key_id": 1}, "key"),
}


@pytest.mark.parametrize(("wanted", "field"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_limit_is_refused_by_its_field(company: Company, wanted: dict[str, object], field: str) -> None:
    company.books.create_key(None, role="administrator")
    company.person("ada")
    with pytest.raises(Refused) as refused:
        set_limit(company.books, msgspec.convert({"amount_nanos": USD, "per": "day", **wanted}, Wanted))
    assert refused.value.refusal.field == field


def test_scopes(company: Company) -> None:
    ada = company.person("ada")
    found = [company.limit(1, everybody=True), company.limit(1, team="platform"), company.limit(1, person=ada)]
    assert [limit.scope for limit in found] == [Scope.EVERYBODY, Scope.TEAM, Scope.PERSON]
