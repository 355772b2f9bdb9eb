"""Random histories of changes: looked at every day, or once a year later, the lots come out the same."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bursar.books import Books, changes, requests
from bursar.books.changes import Announcement
from bursar.periods import US_PER_SECOND
from bursar.pricing.book import PriceBook
from bursar.refusals import Refused, Why
from bursar.store.database import Database
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.teams import Company

DAY_US = 86_400 * US_PER_SECOND
DAYS = 150
PLANS = (
    "",
    'proration = "daily"\navailability = "accrual"',
    'vesting_months = 12\nunused = "carry_over"\ncarry_over_periods = 2',
    'vesting_months = 3\nunused = "grace"\ngrace_days = 9\nnotice_reduce_days = 5\nnotice_revoke_days = 9',
    'schedule = "weekly"\nproration = "daily"\ncash_out_rate = "50%"\nrevocable = false',
)
EXPECTED = {
    *(Why.NOTICE_TOO_SHORT, Why.NOT_REVOCABLE, Why.CREDIT_VESTED, Why.NOTHING_TO_CHANGE, Why.NO_GRANT),
    Why.FIELD_INVALID,
}


@contextmanager
def founded(folder: Path, migrated: Path, prices: PriceBook, plan: str) -> Iterator[Company]:
    """Ada on a plan, in a folder of her own."""
    folder.mkdir()
    shutil.copy(migrated, folder / "bursar.sqlite")
    clock = VirtualClock()
    books = Books(Database.in_folder(folder), prices, clock)
    company = Company(books, clock)
    company.person("ada", usd=None)
    company.plan("engineers", 1_000, plan)
    books.grant("ada@example.com", "engineers")
    yield company
    company.prove()
    books.close()


def one_change(company: Company, chance: random.Random) -> str:
    """Announce something, or be refused by a name that is expected. Returns what came of it."""
    now_us = company.clock()
    announced = Announcement(
        person="ada@example.com",
        reason="why not",
        actor="boss",
        effective_us=chance.choice([None, now_us + chance.randrange(1, 40) * DAY_US + chance.randrange(3)]),
        approver=chance.choice(["", "", "second"]),
    )
    until_us = chance.choice([None, now_us + chance.randrange(1, 70) * DAY_US])
    what = chance.choices(["amount", "pause", "resume", "revoke", "request"], [8, 4, 4, 1, 3])[0]
    amount = chance.randrange(1, 3_000) * USD
    try:
        if what == "amount":
            changes.change_amount(company.books, announced, amount)
        elif what == "pause":
            changes.pause(company.books, announced, until_us)
        elif what == "request":
            asked = requests.ask(company.books, "ada@example.com", amount, "more")
            requests.approve(company.books, asked.id, "boss")
        else:
            getattr(changes, what)(company.books, announced)
    except Refused as refused:
        if refused.refusal.why not in EXPECTED:
            raise
        return f"{what} {refused.refusal.why}"
    return what


def played(company: Company, seed: int, *, looks: bool) -> tuple[list[str], dict[tuple[str, str], list[int]]]:
    """A history of changes, and the lots at its end by source and label."""
    chance = random.Random(seed)
    came: list[str] = []
    for day in range(DAYS):
        company.clock.now_us = NOVEMBER_US + day * DAY_US + chance.randrange(DAY_US)
        if looks:
            company.books.bring_up()
        if chance.random() < 0.08:
            came.append(one_change(company, chance))
    company.clock.now_us = NOVEMBER_US + 365 * DAY_US
    company.books.bring_up()
    assert company.books.bring_up() == 0, "nothing is due twice"
    lots = balances(company.books.database).values()
    return came, {(lot.source, lot.label): lot.amounts for lot in lots}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("plan", PLANS, ids=range(len(PLANS)))
def test_the_lots_are_the_same_whoever_looked(
    tmp_path: Path, migrated_file: Path, prices: PriceBook, plan: str, seed: int
) -> None:
    with (
        founded(tmp_path / "eager", migrated_file, prices, plan) as eager,
        founded(tmp_path / "lazy", migrated_file, prices, plan) as lazy,
    ):
        seen, found = played(eager, seed, looks=True), played(lazy, seed, looks=False)
    assert seen == found
    assert len(seen[0]) > 3
