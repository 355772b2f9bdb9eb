"""What somebody holds: a grant, the terms that it was granted under, and all that was announced about it since."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bursar.books.lots import terms_of
from bursar.periods import first_instant, from_us
from bursar.store.changes import Change, by_grant, changes_of
from bursar.store.directory import Grant, Plan, grants_of
from bursar.terms import amounts
from bursar.terms.plan import Terms
from bursar.terms.worth import Prices, Worth, worth_at


class Holding(NamedTuple):
    """A grant with its plan's version and its changes, in the order in which they were announced.

    `prices` are what models cost at any time.
    """

    grant: Grant
    plan: Plan
    terms: Terms
    changes: tuple[Change, ...]
    prices: Prices

    @property
    def revoked(self) -> Change | None:
        """What ends the grant, whether it has taken effect or is announced only."""
        return next((change for change in self.changes if change.kind in amounts.REVOCATIONS), None)

    def promised(self, at_us: int) -> Worth:
        """What a period is worth by what holds at an instant. Raises Refused when its model has no price then."""
        return worth_at(self.terms, self.grant.from_us, at_us, self.changes, self.prices)

    def pause(self, at_us: int) -> Change | None:
        """The pause that closes it at an instant."""
        return amounts.pause_at(self.changes, at_us)

    def day(self, at_us: int) -> str:
        """An instant as the plan's calendar has it: a day, with the time when the day has begun already."""
        zone = ZoneInfo(self.terms.time_zone)
        local = from_us(at_us).astimezone(zone)
        begins = first_instant(local.date(), zone) == at_us
        return f"{local:%Y-%m-%d}" if begins else f"{local:%Y-%m-%d %H:%M} ({self.terms.time_zone})"


def holdings(connection: sa.Connection, person_id: int, prices: Prices) -> list[Holding]:
    """A person's grants, oldest first, revoked ones included."""
    found = grants_of(connection, person_id)
    announced = by_grant(changes_of(connection, person_id), (grant for grant, _ in found))
    return [Holding(grant, plan, terms_of(plan), announced[grant.id], prices) for grant, plan in found]
