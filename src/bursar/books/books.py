"""The verbs of Bursar's books. Everything that changes anything goes through here, and from here to the journal.

Synchronous, but for what the gateway does itself with `Journal.submit`. Time is an argument or comes from the one
clock given at the start.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.books.lots import Enrolments, terms_of
from bursar.books.personal import PersonalUse, allows_personal_use
from bursar.books.recovery import recover
from bursar.books.spending import NEVER_US, OpenLimit, OpenLot, Spender
from bursar.keys import key_digest, looks_right, new_key, shown
from bursar.ledger.accounts import Kind, account_of
from bursar.ledger.postings import Command, Open, Posting
from bursar.periods import US_PER_SECOND
from bursar.pricebooks import PriceBooks
from bursar.pricing.book import PriceBook
from bursar.refusals import Refusal, Refused, Why, field_invalid, refuse
from bursar.store import directory, runs
from bursar.store.batch import Outcome
from bursar.store.database import Database
from bursar.store.directory import Grant, Key, Person, Plan
from bursar.store.journal import Journal
from bursar.store.limits import Limit, counting, limits_in_force
from bursar.store.schema import balances, keys
from bursar.terms.plan import Terms
from bursar.terms.worth import worth_at

SHARED_DIRECTORY_US = US_PER_SECOND // 2
"""How long another process's change to a key may go unseen on a database that several processes write."""
MAX_SPENDERS = 100_000
_EMAIL = re.compile(r"(?=.{3,254}$)[^\s/\\\"<>@]+@[^\s/\\\"<>@]+")
"""An e-mail address as far as it matters here: it names a person, also in an address of the API."""


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made, with the secret that is shown this once."""

    key: Key
    secret: str


class Books:
    """The books of one Bursar."""

    def __init__(self, database: Database, prices: PriceBook, clock: Callable[[], int]) -> None:
        """Open the books: start the journal, keep the price book's version, end what an earlier run left open."""
        self.database = database
        self.prices = prices
        self.clock = clock
        self.journal = Journal(database, clock)
        self.on_revoked: list[Callable[[frozenset[int]], None]] = []
        """Called, from any thread, with the ids of keys that have just ceased to work."""
        self.taking = threading.Lock()
        """Whose turn it is to take a part of a long report."""
        self._spenders: dict[bytes, Spender] = {}
        self._changes = 0
        self.journal.write(
            lambda connection: directory.keep_price_book(connection, prices.version, prices.to_json(), clock())
        )
        recover(self.journal, clock())

    def close(self) -> None:
        """Write what waits and close the database."""
        self.journal.close()
        self.database.close()

    @property
    def term_prices(self) -> PriceBooks:
        """What models cost at any time, for plans that name some."""
        return PriceBooks(self.database.reading, self.prices)

    # --- directory --------------------------------------------------------------------------------------------

    def add_person(self, email: str, name: str, team: str = "") -> Person:
        """Add somebody who may be granted a budget. Refused when the e-mail is no e-mail or is taken."""
        email = email.strip().lower()
        if not is_email(email):
            raise field_invalid("email", repr(email), "an e-mail address")
        if not name.strip():
            raise field_invalid("name", "empty", "the person's name")
        return self.journal.write(
            lambda connection: directory.add_person(connection, email, name.strip(), team.strip(), self.clock())
        )

    def add_plan(self, terms: Terms) -> Plan:
        """Add a plan, or its next version. Grants that exist keep the version that they have."""
        text = msgspec.json.encode(terms).decode()

        def write(connection: sa.Connection) -> Plan:
            newest = directory.find_plan(connection, terms.name)
            if newest is not None and terms_of(newest) == terms:
                return newest  # as it may have been written before a term was thought of that it leaves out
            return directory.add_plan(connection, terms.name, text, self.clock())

        return self.journal.write(write)

    def grant(self, email: str, plan_name: str, from_us: int | None = None) -> Grant:
        """Enrol a person in a plan's newest version, from an instant (default: this period's start).

        Refused when the plan names a model that has no price then, or now.
        """
        now_us = self.clock()

        def write(connection: sa.Connection) -> Grant:
            person = directory.person(connection, email)
            plan = directory.plan(connection, plan_name)
            terms = terms_of(plan)
            begins_us = terms.periods.at(now_us).start_us if from_us is None else from_us
            self.must_be_priced(terms, begins_us, now_us)
            return directory.add_grant(connection, person.id, plan.id, begins_us, now_us)

        grant = self.journal.write(write)
        self.bring_up(grant.person_id)
        self.forget_spenders()
        return grant

    def must_be_priced(self, terms: Terms, from_us: int, now_us: int) -> None:
        """Refuse to grant a plan from an instant that names a model without a price then, or now."""
        for at_us in (from_us, max(from_us, now_us)):
            worth_at(terms, from_us, at_us, (), self.term_prices)

    def create_key(
        self,
        email: str | None,
        name: str = "",
        *,
        limit_nanos: int | None = None,
        expires_us: int | None = None,
        role: str = "person",
        personal: bool = False,
    ) -> NewKey:
        """Make a key for a person, with the role person or finance, or an administrator's, which may be nobody's.

        A `personal` one spends only what plans allow for personal use; refused when none of the person's does. The
        secret is in the answer and nowhere else.
        """
        now_us = self.clock()
        if limit_nanos is not None and limit_nanos <= 0:
            raise field_invalid("limit", "0.00", "more than 0")
        if expires_us is not None and expires_us <= now_us:
            raise field_invalid("expires", "in the past", "later than now")
        secret = new_key()

        def write(connection: sa.Connection) -> Key:
            person = None if email is None else directory.person(connection, email)
            if personal and not (person and role == "person" and allows_personal_use(connection, person.id)):
                raise Refused(refuse(Why.NO_PERSONAL_USE, key=name.strip() or "to be made"))
            return directory.add_key(
                connection,
                person_id=None if person is None else person.id,
                role=role,
                name=name.strip(),
                shown=shown(secret),
                digest=key_digest(secret),
                expires_us=expires_us,
                limit_nanos=limit_nanos,
                now_us=now_us,
                personal=personal,
            )

        key = self.journal.write(write)
        return NewKey(self.with_limit(key), secret)

    def with_limit(self, key: Key) -> Key:
        """A key that was just added, with its limit opened; until then its secret is told to nobody."""
        if key.limit_nanos is None:
            return key
        assert key.person_id is not None, "only a person's key has a limit"
        # Without an end, although the key may have one: a call that is held just then must be within it, too.
        label = key.name or key.shown
        limit = Open(key.person_id, Kind.LIMIT, f"key:{key.id}", label, key.limit_nanos, self.clock())
        opened = posted(self.journal.post(limit))
        assert opened.opens is not None
        limit_id = opened.opens.id
        self.journal.write(lambda connection: directory.set_key_limit(connection, key.id, limit_id))
        return msgspec.structs.replace(key, limit_id=limit_id)

    def revoke_key(self, key_id: int) -> Key:
        """Revoke a key, and with it those that are a part of it; agent runs that spend with them are killed.

        When this returns, no new call is admitted with them here; elsewhere within half a second.
        """
        with self.database.reading() as connection:
            directory.key(connection, key_id)
        self.end_keys(sa.select(keys.c.id).where(keys.c.id == key_id), runs.KILLED)
        with self.database.reading() as connection:
            return directory.key(connection, key_id)

    def end_keys(self, first: sa.Select[Any], outcome: str) -> frozenset[int]:
        """Revoke the keys that a query finds, with all that are a part of them, and end their runs with an outcome.

        One transaction. Whoever listens is told of the keys' ids, which are returned.
        """
        ended = self.journal.write(lambda connection: runs.end_keys(connection, first, outcome, self.clock()))
        self.forget_spenders()
        for told in self.on_revoked:
            told(ended)
        return ended

    def forget_spenders(self) -> None:
        """Something that spenders were made from has changed: make them anew when they are next needed."""
        self._changes += 1
        self._spenders.clear()

    # --- lots -------------------------------------------------------------------------------------------------

    def bring_up(self, person_id: int | None = None, until_us: int | None = None) -> int:
        """Post what is due to lots, for a person or for everybody, until an instant (default: now).

        Lots open, their parts are earned, and what is unspent at their end is carried over, cashed out or expires.
        Returns how much was posted. May be done any number of times, at any time, on any node: the postings are the
        same.
        """
        until_us = self.clock() if until_us is None else until_us
        with self.database.reading() as connection:
            person = None if person_id is None else directory.person_by_id(connection, person_id)
            enrolments = Enrolments.of(connection, person, self.term_prices)
        return len(self.bring_up_these(enrolments, until_us))

    def bring_up_pools(self, team: str | None) -> int:
        """The same for the pools of a team, or of every team."""
        now_us = self.clock()
        with self.database.reading() as connection:
            enrolments = Enrolments.of_pools(connection, team, self.term_prices)
        return len(self.bring_up_these(enrolments, now_us))

    def bring_up_these(self, enrolments: Enrolments, now_us: int) -> list[Posting]:
        """Post what is due to the lots of some enrolments by an instant, in the order in which it would have been.

        So lots that ended long ago are closed one after the other, each with what it had then.
        """
        done = self._post_due(enrolments.due_openings, now_us)
        done += self._post_due(enrolments.due_earnings, now_us)
        seen = {posting.op for posting in done}
        moment_us = 0
        while moment_us < now_us:
            with self.database.reading() as connection:
                moment_us = enrolments.next_close_us(connection, moment_us, now_us)
            # What one lot gives on may have to go on from there at once; so this goes on until nothing moves.
            while moved := [
                posting
                for due in (enrolments.due_effects, enrolments.due_earnings, enrolments.due_closings)
                for posting in self._post_due(due, moment_us)
                if posting.op not in seen
            ]:
                done += moved
                seen |= {posting.op for posting in moved}
        return done

    def _post_due(self, due: Callable[[sa.Connection, int], list[Command]], now_us: int) -> list[Posting]:
        """Post what is due; what another node has posted in between, maybe otherwise, is not done again."""
        with self.database.reading() as connection:
            commands = due(connection, now_us)
        done = []
        for outcome in self.journal.post_all(commands):
            if isinstance(outcome, Refusal) and outcome.why is Why.OPERATION_CONFLICT:
                continue
            if outcome is not None:
                done.append(posted(outcome))
        return done

    # --- spending ---------------------------------------------------------------------------------------------

    def known_spender(self, digest: bytes, now_us: int) -> Spender | None:
        """Whom the key with this digest lets spend, if that is known and still good. Never waits."""
        spender = self._spenders.get(digest)
        return spender if spender is not None and now_us < spender.until_us else None

    def find_spender(self, secret: str) -> Spender | Refusal:
        """Look a key up, bring its person's lots up to date, and remember both. May wait for the database."""
        if not looks_right(secret):
            return refuse(Why.KEY_UNKNOWN)
        digest, changes = key_digest(secret), self._changes
        with self.database.reading() as connection:
            key = directory.key_by_digest(connection, digest)
        if key is None:
            return refuse(Why.KEY_UNKNOWN)
        if key.person_id is None:
            return refuse(Why.ROLE_MISSING, role="person", has=key.role)
        spender = self._spender(key, key.person_id, self.clock())
        if len(self._spenders) >= MAX_SPENDERS:
            self._spenders.clear()
        if changes == self._changes:  # else a revocation came in between: use it once, do not remember it
            self._spenders[digest] = spender
        return spender

    def spender_of(self, person_id: int, key: Key | None) -> Spender:
        """Whom a person, or one of their keys, lets spend now, for whoever knows them by other means than a secret.

        Not remembered. Waits for the database.
        """
        return self._spender(key, person_id, self.clock())

    def _spender(self, key: Key | None, person_id: int, now_us: int) -> Spender:
        """Whom a person's key lets spend, from what is open and within what is in force at an instant."""
        with self.database.reading() as connection:
            person = directory.person_by_id(connection, person_id)
            enrolments = Enrolments.of(connection, person, self.term_prices)
        self.bring_up_these(enrolments, now_us)
        with self.database.reading() as connection:
            chain = () if key is None else tuple(directory.key_chain(connection, key))
            killed = runs.killed_run(connection, chain)
            lots = enrolments.open_lots(connection, now_us)
            personal = enrolments.personal_use(connection, now_us) if any(part.personal for part in chain) else None
            in_force = counting(limits_in_force(connection, person), {part.id for part in chain})
        limits = [OpenLimit(part.limit_id) for part in chain if part.limit_id is not None]
        limits += self.open_limits(in_force, now_us)
        closed = enrolments.paused(now_us) or (None if lots else enrolments.unpriced(now_us))
        if any(part.personal for part in chain):
            lots, closed = self._personal(personal, lots, limits), closed or _no_personal_use(chain[0])
        counted_until_us = min((limit.expires_us for limit in limits), default=NEVER_US)
        until_us = min([lot.expires_us for lot in lots] + [counted_until_us, enrolments.next_us(now_us)])
        if not self.database.is_sqlite:
            until_us = min(until_us, now_us + SHARED_DIRECTORY_US)
        return Spender(
            chain,
            person.id,
            person.email,
            lots,
            tuple(limits),
            until_us,
            killed=killed,
            counted_from_us=max((limit.opens_us for limit in limits), default=0),
            counted_until_us=counted_until_us,
            paused=closed,
        )

    def _personal(
        self, use: PersonalUse | None, lots: tuple[OpenLot, ...], limits: list[OpenLimit]
    ) -> tuple[OpenLot, ...]:
        """Of the open lots those that a personal key may draw on; the limit of personal use is added to `limits`."""
        if use is None:
            return ()
        opened = posted(self.journal.post(use.limit))
        limit_id = account_of(opened.transfers[0].debit)[0]
        limits.append(OpenLimit(limit_id, "", use.limit.opens_us, use.limit.expires_us))
        return tuple(lot for lot in lots if lot.balance_id in use.lots)

    def open_limits(self, in_force: list[Limit], now_us: int) -> list[OpenLimit]:
        """The balances of limits for now; those that are not there yet are opened."""
        if not in_force:
            return []
        openings = [limit.opening(now_us) for limit in in_force]
        these = (
            balances.c.source.in_([opening.source for opening in openings]),
            balances.c.label.in_([opening.label for opening in openings]),
        )
        with self.database.reading() as connection:
            found = connection.execute(sa.select(balances.c.source, balances.c.label, balances.c.id).where(*these))
            known = {(source, label): balance_id for source, label, balance_id in found}
        missing = [opening for opening in openings if (opening.source, opening.label) not in known]
        for opening, outcome in zip(missing, self.journal.post_all(missing), strict=True):
            # Another may have opened it in between: the answer is the same.
            known[opening.source, opening.label] = account_of(posted(outcome).transfers[0].debit)[0]
        return [
            OpenLimit(
                known[opening.source, opening.label],
                limit.models,
                opening.opens_us,
                opening.expires_us or NEVER_US,
                limit.soft_nanos or 0,
            )
            for limit, opening in zip(in_force, openings, strict=True)
        ]


def _no_personal_use(key: Key) -> Refusal:
    return refuse(Why.NO_PERSONAL_USE, key=key.name or key.shown)


def is_email(text: str) -> bool:
    """Whether a text without capitals can be somebody's e-mail here."""
    return text.isprintable() and _EMAIL.fullmatch(text) is not None


def posted(outcome: Outcome) -> Posting:
    """The posting that an outcome is. Raises Refused when it is a refusal."""
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    assert outcome is not None, "a posting was expected"
    return outcome
