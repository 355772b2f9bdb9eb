"""Random histories of grants, spending, changes, leaves and closes under random terms: nothing is lost or made."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from bursar.books.changes import Announcement, change_amount, revoke
from bursar.books.upkeep import close_periods
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Posting
from bursar.periods import from_us
from bursar.refusals import Refused
from bursar.store.schema import absences, people
from bursar.terms.schedules import SCHEDULES
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.teams import Company

DAY_US = 86_400_000_000
UNUSED = (
    "",
    'unused = "carry_over"\ncarry_over_cap = "40%"',
    'unused = "carry_over"\ncarry_over_periods = 3',
    'unused = "grace"\ngrace_days = 6',
)
PROMISES = (
    "",
    "vesting_months = 3",
    'on_leaving = "forfeit"',
    'on_leaving = "days"\nleaving_days = 5\nvesting_months = 12',
)
CASH = ("", 'cash_out_rate = "50%"', 'cash_out_rate = "25%"\ncash_out_cap = "7.00"')
ZONES = ("UTC", "America/Havana", "Australia/Lord_Howe", "Europe/Stockholm")


def random_terms(chance: Random) -> str:
    """The lines of a plan."""
    schedule = chance.choice(SCHEDULES[:5])
    lines = [
        f'schedule = "{schedule}"',
        f'time_zone = "{chance.choice(ZONES)}"',
        f'availability = "{chance.choice(("uniform", "accrual"))}"',
        f'proration = "{chance.choice(("none", "daily"))}"',
        f"priority = {chance.randint(0, 2)}",
        chance.choice(UNUSED),
        chance.choice(PROMISES),
        chance.choice(CASH),
    ]
    if schedule == "biweekly" or chance.random() < 0.3:
        lines.append(f"anchor = 2026-0{chance.randint(1, 9)}-{chance.randint(1, 15):02d}")
    return "\n".join(lines)


def change(company: Company, chance: Random, email: str, plans: list[str]) -> None:
    """Announce something to somebody, or write down that they are away or leave; it may be refused."""
    told = Announcement(person=email, reason="chance", actor="boss", plan=chance.choice(plans))
    today = from_us(company.clock()).date()
    with suppress(Refused):
        match chance.randrange(5):
            case 0 | 1:
                change_amount(company.books, told, chance.randint(1, 90) * USD)
            case 2:
                revoke(company.books, told)
            case 3:
                away = {"from_day": str(today), "to_day": str(today + timedelta(days=chance.randint(1, 40)))}
                row = {"person_id": 1 if email.startswith("ada") else 2, "reason": "leave", **away}
                put = sa.insert(absences).values(row)
                with suppress(sa.exc.IntegrityError):
                    company.books.journal.write(lambda connection: connection.execute(put))
            case 4:
                ends = str(today + timedelta(days=chance.randint(1, 90)))
                leaves = sa.update(people).where(people.c.email == email).values(ends=ends)
                company.books.journal.write(lambda connection: connection.execute(leaves))
    company.books.forget_spenders()


def assert_sums(company: Company) -> list[Balance]:
    """The law of sums: over all lots, and for each with what was carried in and out."""
    lots = [lot for lot in balances(company.books.database).values() if lot.kind == "lot"]
    for lot in lots:
        became = lot.available + lot.unearned + lot.held + lot.spent + lot.expired + lot.revoked + lot.cashed_out
        assert lot.granted + lot.carried_in + lot.overrun == became + lot.carried_out, lot
    assert sum(lot.carried_in for lot in lots) == sum(lot.carried_out for lot in lots)
    return lots


def play(company: Company, chance: Random) -> None:
    """Some weeks of a few people: grants, calls that run for days, closes, and now and then nobody looks for long."""
    people = [company.person(name, usd=None) for name in ("ada", "bo")]
    running: list[tuple[Posting, int]] = []
    plans: list[str] = []
    for step in range(25):
        company.clock.now_us += chance.choice((0, 1, 1, 2, 5, 40)) * DAY_US // chance.choice((1, 3))
        pick, email = chance.random(), chance.choice(people)
        if step < 2 or pick < 0.1:
            name = company.plan(f"plan-{step}", chance.randint(5, 60), random_terms(chance))
            plans.append(name)
            company.books.grant(email, name, company.clock.now_us - chance.randint(0, 50) * DAY_US)
        elif pick < 0.6:
            amount = chance.randint(1, 30)
            held = company.hold(email, amount)
            if isinstance(held, Posting):
                running.append((held, amount))
        elif pick < 0.85 and running:
            held, amount = running.pop(chance.randrange(len(running)))
            company.settle(held, chance.randint(0, amount))
        elif pick < 0.93:
            change(company, chance, email, plans)
        else:
            close_periods(company.books, company.clock.now_us)
        assert_sums(company)
    for held, amount in running:
        company.settle(held, chance.randint(0, amount))
    company.clock.now_us += 200 * DAY_US
    close_periods(company.books, company.clock.now_us)
    assert close_periods(company.books, company.clock.now_us) == []
    over = [lot for lot in assert_sums(company) if lot.expires_us <= company.clock.now_us]
    assert all(lot.held == 0 and lot.unearned == 0 for lot in over)
    assert sum(lot.available for lot in over) == 0, "what has ended is closed"
    assert sum(lot.granted for lot in over) >= 5 * USD


@pytest.mark.parametrize("seed", range(8))
def test_the_law_of_sums(company: Company, seed: int) -> None:
    play(company, Random(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 1_100))
def test_the_law_of_sums_for_long(company: Company, seed: int) -> None:
    play(company, Random(seed))
