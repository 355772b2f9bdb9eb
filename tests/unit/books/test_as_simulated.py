"""A plan played through is what the books do with it: two ways to the same lots, whatever the terms."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from msgspec.msgpack import encode

from bursar.ledger.postings import Hold, Posting
from bursar.periods import first_instant
from bursar.pricebooks import OneBook
from bursar.pricing.book import PriceBook
from bursar.pricing.negotiated import apply_overrides
from bursar.pricing.overrides import read_overrides
from bursar.store import directory
from bursar.terms.plan import Terms, read_plan
from bursar.terms.simulation import simulate
from tests.store.seen import balances
from tests.support.calls import NOTE, USD
from tests.support.teams import Company

FIRST, LAST = date(2026, 11, 9), date(2027, 2, 20)
CHEAPER = """
[[rate]]
catalog = "anthropic"
model = "claude-sonnet-4-5"
from = 2026-12-15
input = "1.70"
output = "7.30"
"""
SONNET = 'tokens_of = "claude-sonnet-4-5"'
DOLLARS = 'amount = "30.00"\n'
PLANS = {
    "expire": DOLLARS + 'time_zone = "Europe/Stockholm"\nproration = "daily"',
    "accrual": DOLLARS + 'availability = "accrual"\ncash_out_rate = "50%"\ncash_out_cap = "4.00"',
    "carry-over": DOLLARS + 'unused = "carry_over"\ncarry_over_periods = 2\ncarry_over_cap = "60%"',
    "run-out": DOLLARS + 'unused = "carry_over"\noutside_usage = "charge"\nrun_out_days = 9',
    "grace": DOLLARS + 'schedule = "semimonthly"\nunused = "grace"\ngrace_days = 10',
    "soft": DOLLARS + 'overrun = "soft"\noverrun_ceiling = "25%"\nproration = "daily"',
    "tokens": f'denomination = "tokens"\ntokens = "5M"\n{SONNET}\nproration = "daily"\nunused = "carry_over"',
    "fixed": DOLLARS + 'schedule = "weekly"\nescalator = "fixed"\nescalator_rate = "3.33%"\nanchor = 2026-11-09',
    "index": DOLLARS + 'schedule = "biweekly"\nanchor = 2026-11-02\nescalator = "price_index"\n'
    'escalator_basket = ["claude-sonnet-4-5", "gpt-5"]\nunused = "grace"\ngrace_days = 3',
}
Seen = dict[str, tuple[int, ...]]


@pytest.mark.parametrize("name", PLANS)
def test_the_books_do_what_the_simulation_says(company: Company, prices: PriceBook, name: str) -> None:
    book = PriceBook(apply_overrides(prices.content, read_overrides(CHEAPER, "prices.toml")))
    company.books.prices = book
    terms = read_plan(f'name = "plan"\n{PLANS[name]}')
    chance = Random(name)
    days = sorted(chance.sample(range((LAST - FIRST).days), 8))
    usage = {FIRST + timedelta(days=day): chance.randint(1, 35) * USD for day in days}
    done = simulate(terms, FIRST, LAST, usage, prices=OneBook(book))
    told = {
        lot.period: (
            *(lot.granted_nanos, lot.carried_in_nanos, lot.spent_nanos - lot.overrun_nanos, lot.carried_out_nanos),
            *(lot.cashed_out_nanos, lot.expired_nanos, lot.left_nanos, lot.overrun_nanos),
        )
        for lot in done.lots
    }
    found, missing = played(company, terms, usage)
    assert found == told
    assert missing == done.uncovered_nanos
    assert len(told) > 3, "there is something to compare"


def played(company: Company, terms: Terms, usage: dict[date, int]) -> tuple[Seen, int]:
    """The lots after the same days in the books, and what nothing could pay for."""
    zone = terms.periods.time_zone
    keep_now(company)
    company.clock.now_us = day_us(FIRST, zone)
    ada = company.person("ada", usd=None)
    company.books.add_plan(terms)
    company.books.grant(ada, "plan", day_us(FIRST, zone))
    missing = 0
    for day, amount in usage.items():
        company.clock.now_us = day_us(day, zone)
        company.books.bring_up()
        missing += amount - spent(company, ada, amount)
    company.clock.now_us = day_us(LAST + timedelta(days=1), zone)
    company.books.bring_up()
    return seen(company), missing


def spent(company: Company, email: str, amount: int) -> int:
    """A call that costs at most so much, or what is left."""
    spender = company.spender(email)
    means = spender.for_model("claude-sonnet-4-5")
    call = f"call-{company.clock()}"
    command = Hold(call, spender.person_id, means.lots, means.limits, amount, 1, company.clock(), note=encode(NOTE))
    company.caller.holds[call] = command
    held = company.books.journal.post(command)
    if not isinstance(held, Posting):
        return 0
    company.caller.settle(call, held.amount, company.clock())
    return held.amount


def keep_now(company: Company) -> None:
    """Put the book that the books have in force from the first instant on."""
    book = company.books.prices
    company.books.journal.write(
        lambda connection: directory.keep_price_book(connection, book.version, book.to_json(), company.clock())
    )


def seen(company: Company) -> Seen:
    """What the lots have come to, with what passed them."""
    found = balances(company.books.database).values()
    beyond = {one.label: one.spent for one in found if one.is_overrun}
    return {
        lot.label: (
            *(lot.granted, lot.carried_in, lot.spent, lot.carried_out, lot.cashed_out, lot.expired),
            *(lot.available + lot.unearned, beyond.get(lot.label, 0)),
        )
        for lot in sorted(found, key=lambda lot: lot.opens_us)
        if lot.kind == "lot" and not lot.is_overrun and lot.opens_us < company.clock()
    }


def day_us(day: date, zone: str) -> int:
    """A day's first instant there."""
    return first_instant(day, ZoneInfo(zone))
