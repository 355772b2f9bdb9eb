"""The verbs of agent runs: start one, end it, kill it with all that it started, kill all that a person runs."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.spending import not_in_force
from bursar.keys import key_digest, new_key, shown
from bursar.money import usd
from bursar.periods import US_PER_SECOND, iso
from bursar.refusals import Refused, field_invalid
from bursar.store import directory, runs
from bursar.store.directory import Key
from bursar.store.runs import ENDED, KILLED, Run
from bursar.store.schema import keys

LONGEST_WITHOUT_WORD_US = 24 * 3_600 * US_PER_SECOND
"""How long a run lasts at most when nobody says until when: one whose program crashed ends then."""
MAX_MODELS, MAX_PATTERN_LENGTH = 50, 200
TOKEN_BYTES, TOKEN_LENGTH = 7, 10
"""50 random bits: a run's token is a name, not a secret."""


class Started(msgspec.Struct, frozen=True):
    """A run that has just begun, with the secret of its key, which is shown this once."""

    run: Run
    secret: str


def start(
    books: Books,
    email: str,
    budget_nanos: int,
    *,
    name: str = "",
    until_us: int | None = None,
    models: tuple[str, ...] | None = None,
    within: Key | None = None,
) -> Started:
    """Begin a run that may spend so much of a person's budget until an instant (by default for 24 hours at most).

    `within` is the key that asks for it: the run is a part of its budget and ends with it. `models` are patterns of
    the only models that may be called. Refused by the name of the field that is wrong, or why `within` has ended.
    """
    now_us = books.clock()
    if budget_nanos <= 0:
        raise field_invalid("budget", usd(budget_nanos), "more than 0")
    token = "r" + b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()[:TOKEN_LENGTH]
    secret = new_key()

    def write(connection: sa.Connection) -> tuple[Run, Key]:
        chain = [] if within is None else _chain(connection, within, now_us)
        ends_us = _until(chain, until_us, now_us)
        _check_models(chain, models)
        key = directory.add_key(
            connection,
            person_id=directory.person(connection, email).id,
            role="person",
            name=f"run {name or token}",
            shown=shown(secret),
            digest=key_digest(secret),
            expires_us=ends_us,
            limit_nanos=budget_nanos,
            now_us=now_us,
            parent_id=None if within is None else within.id,
            models=models,
        )
        parent = _run_above(connection, chain)
        made = runs.add_run(
            connection,
            token=token,
            key=key,
            parent_id=None if parent is None else parent.id,
            name=name,
            budget_nanos=budget_nanos,
            until_us=ends_us,
            now_us=now_us,
        )
        return made, key

    run, key = books.journal.write(write)
    books.with_limit(key)
    return Started(run, secret)


def end(books: Books, run: Run, exit_code: int | None = None) -> None:
    """End a run, and those within it that still run: their keys are revoked. One that has ended stays as it is."""
    if exit_code is not None:
        books.journal.write(lambda connection: runs.set_exit_code(connection, run.id, exit_code))
    books.end_keys(_key_of(run), ENDED)


def kill(books: Books, run: Run) -> None:
    """Kill a run with all that run within it: no new call is admitted here when this returns."""
    books.end_keys(_key_of(run), KILLED)


def kill_person(books: Books, person_id: int) -> frozenset[int]:
    """Kill all runs of a person and revoke all of the person's keys, in one transaction; returns the keys' ids."""
    return books.end_keys(sa.select(keys.c.id).where(keys.c.person_id == person_id), KILLED)


def _key_of(run: Run) -> sa.Select[tuple[int]]:
    return sa.select(keys.c.id).where(keys.c.id == run.key_id)


def _chain(connection: sa.Connection, within: Key, now_us: int) -> list[Key]:
    """The keys that a run is to be a part of, as they are now. Refused when one of them is no longer in force."""
    runs.lock_key(connection, within.id)
    chain = directory.key_chain(connection, directory.key(connection, within.id))
    refusal = not_in_force(chain, runs.killed_run(connection, chain), now_us)
    if refusal is not None:
        raise Refused(refusal)
    return chain


def _run_above(connection: sa.Connection, chain: Iterable[Key]) -> Run | None:
    """The innermost run that a chain of keys belongs to."""
    for key in chain:
        found = runs.run_of_key(connection, key)
        if found is not None:
            return found
    return None


def _until(chain: Iterable[Key], until_us: int | None, now_us: int) -> int:
    """When the run ends: as asked, but within the time of the keys that it is a part of."""
    most_us = min((key.expires_us for key in chain if key.expires_us is not None), default=None)
    if until_us is None:
        ends_us = now_us + LONGEST_WITHOUT_WORD_US
        return ends_us if most_us is None else min(ends_us, most_us)
    if until_us <= now_us:
        raise field_invalid("until", iso(until_us), "later than now")
    if most_us is not None and until_us > most_us:
        right = f"no later than the key that starts it, {iso(most_us)}"
        raise field_invalid("until", iso(until_us), right)
    return until_us


def _check_models(chain: Iterable[Key], models: tuple[str, ...] | None) -> None:
    """Refuse patterns that make no sense, or that name what the keys above do not allow, before a call does."""
    if models is None:
        return
    if not 0 < len(models) <= MAX_MODELS or not all(0 < len(each) <= MAX_PATTERN_LENGTH for each in models):
        right = f"1 to {MAX_MODELS} names or patterns such as claude-*"
        raise field_invalid("models", f"{len(models)} of them", right)
    for key in chain:
        for model in models:
            if not key.allows(model):
                right = f"within what the key that starts it may use: {', '.join(key.models or ())}"
                raise field_invalid("models", repr(model), right)
