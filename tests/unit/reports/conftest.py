"""A person with a plan, on each engine in turn."""

from __future__ import annotations

import msgspec
import pytest

from bursar.reports.statement import statement
from bursar.reports.statement_shape import Statement
from bursar.store import directory
from bursar.store.database import Database
from bursar.store.directory import Person
from bursar.store.journal import Journal
from bursar.terms.plan import Terms
from tests.support.calls import USD, Caller

ZONE = "Europe/Stockholm"


class Staff:
    """People with grants of plans, and their calls."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self.database, self.journal = database, journal
        self.caller = Caller(journal)

    def person(self, name: str) -> Person:
        """Add a person."""
        email = f"{name.lower()}@example.com"
        return self.journal.write(lambda connection: directory.add_person(connection, email, name, "compilers", 1))

    def grant(self, person: Person, plan: str, zone: str = ZONE) -> int:
        """Grant a plan; returns the grant's id."""
        terms = Terms(
            name=plan, amount_nanos=USD, currency="USD", schedule="monthly", time_zone=zone, unused="expire"
        )
        text = msgspec.json.encode(terms).decode()
        kept = self.journal.write(lambda connection: directory.add_plan(connection, plan, text, 1))
        made = self.journal.write(lambda connection: directory.add_grant(connection, person.id, kept.id, 1, 1))
        return made.id

    def lot(self, person: Person, plan: str, label: str, usd: int, zone: str = ZONE) -> int:
        """Grant a plan and open its lot of a month."""
        return self.caller.lot(person.id, label, usd, grant_id=self.grant(person, plan, zone), zone=zone)

    def statement(self, person: Person, label: str) -> Statement:
        """The person's statement as it is now."""
        with self.database.reading() as connection:
            return statement(connection, person.id, label)


@pytest.fixture
def staff(database: Database, journal: Journal) -> Staff:
    """Nobody yet."""
    return Staff(database, journal)


@pytest.fixture
def ada(staff: Staff) -> Person:
    """A person without a grant."""
    return staff.person("Ada")
