"""Cost centres: which team and which plan the credit of a lot belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.store import directory
from bursar.store.pools import pools_of
from bursar.terms.plan import Terms

BEYOND = ", beyond it"
"""What a plan's name has after it where calls passed the budget."""
_OVERRUN = "overrun:"
_terms = msgspec.json.Decoder(Terms).decode


class Centre(NamedTuple):
    """A team, as the directory has it now, and a plan. The team is empty for who is in none."""

    team: str
    plan: str


class Opener(NamedTuple):
    """What opens lots: a grant, or a team's pool. A pool is nobody's: its `person_id` is None."""

    centre: Centre
    terms: Terms | None
    person_id: int | None


class Openers:
    """What opened the lots, by the source that these name."""

    def __init__(self, found: Mapping[str, Opener]) -> None:
        self._found = dict(found)

    def of(self, source: str) -> Opener:
        """What opened the lots of a source. Nothing of the books may be lost, so a source always has a centre."""
        opener = self._found.get(source)
        if opener is None and source.startswith(_OVERRUN):
            team, plan = self.of(source.removeprefix(_OVERRUN)).centre
            opener = Opener(Centre(team, plan + BEYOND), None, None)
        return Opener(Centre("", source), None, None) if opener is None else opener


def openers(connection: sa.Connection) -> Openers:
    """Every grant and every pool."""
    teams = {person.id: person.team for person in directory.all_people(connection)}
    found = {
        f"grant:{grant.id}": Opener(Centre(teams[grant.person_id], plan.name), _terms(plan.terms), grant.person_id)
        for grant, plan in directory.grants_of(connection)
    }
    for pool, plan in pools_of(connection):
        found[pool.source] = Opener(Centre(pool.team, plan.name), _terms(plan.terms), None)
    return Openers(found)
