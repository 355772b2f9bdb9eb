"""The verbs of limits and pools: set a limit, end it, grant a plan to a team."""

from __future__ import annotations

from zoneinfo import available_timezones

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.lots import terms_of
from bursar.money import MAX_NANOS, SOME_MONEY, usd
from bursar.periods import SCHEDULES
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.limits import LIFE, Limit, Scope, add_limit, end_limit
from bursar.store.pools import Pool, add_pool
from bursar.terms.plan import Terms

PERIODS = (LIFE, *SCHEDULES)
MAX_PATTERN_LENGTH = 200


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A limit to set. Exactly one of everybody, team, person (an e-mail) and key (its number) says whose it is."""

    amount_nanos: int
    per: str
    everybody: bool = False
    team: str | None = None
    person: str | None = None
    key_id: int | None = None
    models: str = ""
    soft_nanos: int | None = None
    time_zone: str = "UTC"

    @property
    def scope(self) -> Scope:
        """Whose it is. Refused unless it is one's."""
        named = {
            Scope.EVERYBODY: self.everybody,
            Scope.TEAM: self.team is not None,
            Scope.PERSON: self.person is not None,
            Scope.KEY: self.key_id is not None,
        }
        scopes = [scope for scope, is_named in named.items() if is_named]
        if len(scopes) != 1:
            got = " and ".join(scopes) or "nobody's"
            raise field_invalid("team", got, "one of a team's, a person's, a key's or everybody's")
        return scopes[0]


def set_limit(books: Books, wanted: Wanted) -> Limit:
    """Set a limit, in force when this returns (elsewhere within half a second). It counts what is spent from now on.

    Refused by the name of the field that is wrong.
    """
    scope = wanted.scope
    _check(wanted)

    def write(connection: sa.Connection) -> Limit:
        key = None if wanted.key_id is None else directory.key(connection, wanted.key_id)
        person_id = None if key is None else key.person_id
        if key is not None and person_id is None:
            raise field_invalid("key", "an administrator's, which spends nothing", "a person's")
        if wanted.person is not None:
            person_id = directory.person(connection, wanted.person.strip().lower()).id
        return add_limit(
            connection,
            scope=scope,
            person_id=person_id,
            key_id=wanted.key_id,
            team="" if wanted.team is None else directory.known_team(connection, wanted.team),
            models=wanted.models,
            per=wanted.per,
            time_zone=wanted.time_zone,
            amount_nanos=wanted.amount_nanos,
            soft_nanos=wanted.soft_nanos,
            now_us=books.clock(),
        )

    made = books.journal.write(write)
    books.forget_spenders()
    return made


def _check(wanted: Wanted) -> None:
    if wanted.per not in PERIODS:
        raise field_invalid("per", repr(wanted.per), f"one of {', '.join(PERIODS)}")
    if wanted.time_zone not in available_timezones():
        raise field_invalid("time_zone", repr(wanted.time_zone), "an IANA time zone, such as Europe/Stockholm")
    if not 0 < wanted.amount_nanos < MAX_NANOS:
        raise field_invalid("amount", usd(wanted.amount_nanos), SOME_MONEY)
    if wanted.soft_nanos is not None and not 0 < wanted.soft_nanos < wanted.amount_nanos:
        raise field_invalid(
            "soft", usd(wanted.soft_nanos), f"more than 0 and less than the limit, {usd(wanted.amount_nanos)}"
        )
    if len(wanted.models) > MAX_PATTERN_LENGTH or not wanted.models.isprintable():
        raise field_invalid("models", "too long or not printable", "a model's name or a pattern, such as claude-*")


def end(books: Books, limit_id: int) -> Limit:
    """End a limit. When this returns it stops nobody here; elsewhere within half a second."""
    ended = books.journal.write(lambda connection: end_limit(connection, limit_id, books.clock()))
    books.forget_spenders()
    return ended


def _must_suit_a_team(terms: Terms) -> None:
    """Refuse a plan that promises what only a person can have: nobody joins, leaves or vests for a team."""
    personal = {
        "vesting_months": terms.vesting_months is not None,
        "on_leave": terms.on_leave != "continue",
        "on_leaving": terms.on_leaving != "period_end",
        "personal_use": terms.personal_use_bps > 0,
    }
    for field, promised in personal.items():
        if promised:
            problem = "it is a promise to a person, and a pool is a team's; grant the pool another plan"
            raise Refused(refuse(Why.PLAN_INVALID, field=field, problem=problem))


def grant_pool(books: Books, team: str, plan_name: str, from_us: int | None = None) -> Pool:
    """Grant a plan's newest version to a team, from an instant (default: this period's start).

    Refused when the plan names a model that has no price then, or now.
    """
    now_us = books.clock()

    def write(connection: sa.Connection) -> Pool:
        known = directory.known_team(connection, team)
        plan = directory.plan(connection, plan_name)
        _must_suit_a_team(terms_of(plan))
        terms = terms_of(plan)
        begins_us = terms.periods.at(now_us).start_us if from_us is None else from_us
        books.must_be_priced(terms, begins_us, now_us)
        return add_pool(connection, known, plan.id, begins_us, now_us)

    pool = books.journal.write(write)
    books.forget_spenders()
    return pool
