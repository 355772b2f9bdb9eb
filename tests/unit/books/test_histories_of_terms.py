"""Random histories of grants, spending, changes, leaves and closes under random terms: nothing is lost or made."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from bursar.books.changes import Announcement, change_amount, extend, pause, revoke, revoke_part
from bursar.books.limits import grant_pool
from bursar.books.outside import Outside, OutsideNote, charge_outside
from bursar.books.requests import approve, ask
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Posting
from bursar.periods import from_us
from bursar.refusals import Refused
from bursar.store import directory
from bursar.store.batch import read_balance
from bursar.store.pools import pools_of
from bursar.store.schema import absences, balances, people
from bursar.terms.plan import read_plan
from bursar.terms.schedules import SCHEDULES
from tests.support.calls import USD
from tests.support.clock import NOVEMBER_US
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
USE = (
    "",
    'outside_usage = "charge"',
    'outside_usage = "charge"\nrun_out_days = 6',
    'personal_use = "20%"',
)
LONGEST_RUN_OUT_US = 8 * DAY_US
OVERRUN = ("", 'overrun = "soft"\noverrun_ceiling = "30%"', 'overrun = "soft"\noverrun_ceiling = "9.00"')
GROWTH = (
    *("", ""),
    'escalator = "fixed"\nescalator_rate = "7%"',
    'escalator = "price_index"\nescalator_basket = ["claude-sonnet-4-5"]',
)
CASH = ("", 'cash_out_rate = "50%"', 'cash_out_rate = "25%"\ncash_out_cap = "7.00"')
ZONES = ("UTC", "America/Havana", "Australia/Lord_Howe", "Europe/Stockholm")


def random_terms(chance: Random) -> str:
    """The lines of a plan."""
    schedule = chance.choice(SCHEDULES[:5])
    availability = chance.choice(("uniform", "accrual"))
    lines = [
        f'schedule = "{schedule}"',
        f'time_zone = "{chance.choice(ZONES)}"',
        f'availability = "{availability}"',
        f'proration = "{chance.choice(("none", "daily"))}"',
        f"priority = {chance.randint(0, 2)}",
        chance.choice(UNUSED),
        chance.choice(PROMISES),
        chance.choice(CASH),
        chance.choice(USE),
        chance.choice(GROWTH),
        chance.choice(OVERRUN) if availability == "uniform" else "",
    ]
    if schedule == "biweekly" or chance.random() < 0.3:
        lines.append(f"anchor = 2026-0{chance.randint(1, 9)}-{chance.randint(1, 15):02d}")
    return "\n".join(lines)


class History:
    """Some weeks of two people and their team, by chance: it begins on 1 November 2026."""

    def __init__(self, company: Company, seed: int, reach_days: int = 50) -> None:
        self.company, self.books, self.chance = company, company.books, Random(seed)
        company.clock.now_us = NOVEMBER_US
        self.team, self.number, self.reach_days = f"team {seed}", seed, reach_days
        self.people = [company.person(f"{name}-{seed}", self.team, usd=None) for name in ("ada", "bo")]
        with self.books.database.reading() as connection:
            self.ids = {email: directory.person(connection, email).id for email in self.people}
        self.callers = list(self.people)
        self.plans: list[str] = []
        self.running: list[tuple[Posting, int]] = []

    def go_on(self) -> None:
        """A step: time passes, and something is done."""
        chance, clock = self.chance, self.company.clock
        clock.now_us += chance.choice((0, 1, 1, 2, 5, 40)) * DAY_US // chance.choice((1, 3))
        pick = chance.random()
        if len(self.plans) < 2 or pick < 0.1:
            self.grant()
        elif pick < 0.6:
            amount = chance.randint(1, 30)
            held = self.company.hold(chance.choice(self.callers), amount)
            if isinstance(held, Posting):
                self.running.append((held, amount))
        elif pick < 0.8 and self.running:
            self.settle_one()
        elif pick < 0.94:
            with suppress(Refused):
                chance.choice((self.change, self.change, self.roster, self.report))(chance.choice(self.people))
            self.books.forget_spenders()
        else:
            self.close()

    def grant(self) -> None:
        """Grant a plan of chance to somebody, from now or from a day that has been, and maybe to the team."""
        chance, email = self.chance, self.chance.choice(self.people)
        name, worth, lines = f"plan-{self.number}-{len(self.plans)}", chance.randint(5, 60), random_terms(chance)
        if chance.random() < 0.15 and "price_index" not in lines:
            of_tokens = f'denomination = "tokens"\ntokens = "{worth}00K"\ntokens_of = "claude-sonnet-4-5"'
            self.books.add_plan(read_plan(f'name = "{name}"\n{of_tokens}\n{lines}'))
        else:
            self.company.plan(name, worth, lines)
        self.plans.append(name)
        self.books.grant(email, name, self.company.clock() - chance.randint(0, self.reach_days) * DAY_US)
        with suppress(Refused):
            self.company.secrets[name] = self.books.create_key(email, "home", personal=True).secret
            self.callers.append(name)
        if chance.random() < 0.2:
            with suppress(Refused):
                grant_pool(self.books, self.team, name)

    def settle_one(self) -> None:
        """End a call at a cost within its bound."""
        held, amount = self.running.pop(self.chance.randrange(len(self.running)))
        self.company.settle(held, self.chance.randint(0, amount))

    def change(self, email: str) -> None:
        """Announce something to somebody; it may be refused."""
        chance, clock = self.chance, self.company.clock
        when_us = chance.choice((None, clock() + chance.randint(1, self.reach_days) * DAY_US))
        plan = chance.choice(self.plans)
        told = Announcement(person=email, reason="chance", actor="boss", plan=plan, effective_us=when_us)
        match chance.randrange(7):
            case 0 | 1:
                change_amount(self.books, told, chance.randint(1, 90) * USD)
            case 2:
                revoke(self.books, told)
            case 3:
                revoke_part(self.books, told, chance.randint(1, 30) * USD)
            case 4:
                extend(self.books, told, clock() + chance.randint(1, 60) * DAY_US)
            case 5:
                pause(self.books, told, (when_us or clock()) + chance.randint(1, self.reach_days) * DAY_US)
            case 6:
                request = ask(self.books, email, chance.randint(1, 20) * USD, "chance")
                approve(self.books, request.id, "boss", plan=plan)

    def roster(self, email: str) -> None:
        """Somebody is away from today on, or leaves."""
        today = from_us(self.company.clock()).date()
        if self.chance.random() < 0.5:
            away = {"from_day": str(today), "to_day": str(today + timedelta(days=self.chance.randint(1, 40)))}
            put = sa.insert(absences).values(person_id=self.ids[email], reason="leave", **away)
            with suppress(sa.exc.IntegrityError):
                self.books.journal.write(lambda connection: connection.execute(put))
        else:
            ends = self.chance.choice((None, str(today + timedelta(days=self.chance.randint(1, 90)))))
            leaves = sa.update(people).where(people.c.email == email).values(ends=ends)
            self.books.journal.write(lambda connection: connection.execute(leaves))

    def report(self, email: str) -> None:
        """Somebody reports usage that did not pass the gateway, maybe late, maybe again."""
        usage = Outside(
            op=f"{email}:{self.chance.randrange(30)}",
            at_us=self.company.clock() - self.chance.choice((0, 1, 5, 20, 60)) * DAY_US,
            cost_nanos=self.chance.randint(0, 20) * USD,
            note=OutsideNote(source="chance"),
        )
        charge_outside(self.books, self.ids[email], usage)

    def close(self) -> int:
        """Post all that is due to these lots; returns how much that was."""
        posted = sum(self.books.bring_up(person_id) for person_id in self.ids.values())
        return posted + self.books.bring_up_pools(self.team)

    def lots(self) -> list[Balance]:
        """All lots of these people and of their team."""
        with self.books.database.reading() as connection:
            pools = [pool.source for pool, _ in pools_of(connection, self.team)]
            theirs = balances.c.person_id.in_(self.ids.values())
            shared = balances.c.source.in_(pools + [f"overrun:{source}" for source in pools])
            query = sa.select(balances).where(sa.or_(theirs, shared), balances.c.kind == "lot")
            return [read_balance(tuple(row)) for row in connection.execute(query)]


def assert_sums(lots: list[Balance]) -> None:
    """The law of sums: over all lots, and for each with what was carried in and out."""
    for lot in lots:
        became = lot.available + lot.unearned + lot.held + lot.spent + lot.expired + lot.revoked + lot.cashed_out
        assert lot.granted + lot.carried_in + lot.overrun + lot.adjusted == became + lot.carried_out, lot
        assert not lot.is_overrun or (lot.carried_in, lot.carried_out, lot.cashed_out) == (0, 0, 0), lot
    assert sum(lot.carried_in for lot in lots) == sum(lot.carried_out for lot in lots)


def play(company: Company, seed: int, *, steps: int = 25, days: int = 200) -> None:
    """Grants, calls that run for days, changes, late usage, closes; and now and then nobody looks for long.

    Grants reach back by a quarter of so many days, and what is announced reaches as far ahead; after so many all is
    closed. What is carried over waits for a pause to end, so that must be before.
    """
    history = History(company, seed, days // 4)
    for _ in range(steps):
        history.go_on()
        assert_sums(history.lots())
    while history.running:
        history.settle_one()
    company.clock.now_us += days * DAY_US
    history.close()
    assert history.close() == 0, "a second close finds nothing to do"
    lots = history.lots()
    assert_sums(lots)
    over = [lot for lot in lots if lot.expires_us + LONGEST_RUN_OUT_US <= company.clock.now_us]
    assert all(lot.held == 0 and lot.unearned == 0 for lot in over)
    assert sum(lot.available for lot in over) == 0, "what has ended is closed"
    assert sum(lot.granted for lot in lots) > USD


@pytest.mark.parametrize("seed", range(4))
def test_the_law_of_sums(company: Company, seed: int) -> None:
    play(company, seed)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(40))
def test_the_law_of_sums_in_2_000_histories(company: Company, part: int) -> None:
    for seed in range(1_000 + part * 50, 1_050 + part * 50):
        print(f"seed {seed}")
        play(company, seed, steps=10, days=40)
