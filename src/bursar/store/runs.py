"""Agent runs, and the keys that are a part of one another, read and written through a connection.

A run is a row here and a key: what may be spent, until when and on which models is the key's. A run that is started
with another run's key is a part of that one, so that a swarm is a tree of keys. Nothing has to be done for a run to
end at its `until_us`: its key has expired by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.refusals import Refused, Why, refuse
from bursar.store import directory
from bursar.store.directory import Key
from bursar.store.schema import keys, runs

RUNNING, ENDED, KILLED = "running", "ended", "killed"


class Run(msgspec.Struct, frozen=True):
    """One agent run. `outcome` is running, ended or killed, as last written; `state` knows the time as well."""

    id: int
    token: str
    person_id: int
    key_id: int
    parent_id: int | None
    name: str
    budget_nanos: int
    started_us: int
    until_us: int
    ended_us: int | None
    outcome: str
    exit_code: int | None

    def state(self, now_us: int) -> str:
        """What it is at an instant: a run whose time is over has ended, whoever noticed."""
        return ENDED if self.outcome == RUNNING and self.until_us <= now_us else self.outcome


_COLUMNS = [runs.c[field] for field in Run.__struct_fields__]


def add_run(
    connection: sa.Connection,
    *,
    token: str,
    key: Key,
    parent_id: int | None,
    name: str,
    budget_nanos: int,
    until_us: int,
    now_us: int,
) -> Run:
    """Add a run that begins now, with the key that was made for it."""
    row: dict[str, Any] = {
        "token": token,
        "person_id": key.person_id,
        "key_id": key.id,
        "parent_id": parent_id,
        "name": name,
        "budget_nanos": budget_nanos,
        "started_us": now_us,
        "until_us": until_us,
        "ended_us": None,
        "outcome": RUNNING,
        "exit_code": None,
    }
    connection.execute(sa.insert(runs).values(row))
    return run(connection, token)


def run(connection: sa.Connection, token: str) -> Run:
    """The run with this token. Refused when there is none."""
    row = connection.execute(sa.select(*_COLUMNS).where(runs.c.token == token)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="run", name=token, field="run"))
    return Run(*row)


def run_of_key(connection: sa.Connection, key: Key) -> Run | None:
    """The run that a key was made for, if it was made for one."""
    query = sa.select(*_COLUMNS).where(runs.c.person_id == key.person_id, runs.c.key_id == key.id)
    row = connection.execute(query).first()
    return None if row is None else Run(*row)


def runs_of_keys(connection: sa.Connection, person_id: int, key_ids: Collection[int]) -> dict[int, Run]:
    """The run that each of a person's keys was made for or within, the innermost; keys without one are left out."""
    above = {key.id: key for key in directory.keys_above(connection, list(key_ids))}
    query = sa.select(*_COLUMNS).where(runs.c.person_id == person_id, runs.c.key_id.in_(above))
    made_for = {run.key_id: run for run in (Run(*row) for row in connection.execute(query))}
    found: dict[int, Run] = {}
    for key_id in key_ids:
        part = above.get(key_id)
        while part is not None and part.id not in made_for:
            part = None if part.parent_id is None else above[part.parent_id]
        if part is not None:
            found[key_id] = made_for[part.id]
    return found


def runs_of(
    connection: sa.Connection,
    person_id: int | None,
    *,
    within: int | None = None,
    running_at_us: int | None = None,
    limit: int | None,
) -> list[Run]:
    """At most `limit` runs (None: all), the newest first: a person's or everybody's, those of a key and its
    descendants, or those that were running at an instant.
    """
    query = sa.select(*_COLUMNS).order_by(runs.c.id.desc()).limit(limit)
    if person_id is not None:
        query = query.where(runs.c.person_id == person_id)
    if within is not None:
        query = query.where(runs.c.key_id.in_(tree(sa.select(keys.c.id).where(keys.c.id == within))))
    if running_at_us is not None:
        query = query.where(runs.c.outcome == RUNNING, runs.c.until_us > running_at_us)
    return [Run(*row) for row in connection.execute(query)]


def runs_within(connection: sa.Connection, run_id: int) -> list[Run]:
    """The runs that were started directly within a run, the oldest first."""
    query = sa.select(*_COLUMNS).where(runs.c.parent_id == run_id).order_by(runs.c.id)
    return [Run(*row) for row in connection.execute(query)]


def tree(first: sa.Select[Any]) -> sa.Select[Any]:
    """A query for the ids of keys and of all that are a part of them, however deep."""
    found = first.cte("key_tree", recursive=True)
    found = found.union(sa.select(keys.c.id).join(found, keys.c.parent_id == found.c.id))
    return sa.select(found.c.id)


def end_keys(connection: sa.Connection, first: sa.Select[Any], outcome: str, now_us: int) -> frozenset[int]:
    """Revoke the keys that a query finds with all that are a part of them, and end their runs with this outcome.

    Returns the ids of all these keys. What was revoked or had ended before keeps its time and its outcome.
    """
    ended: set[int] = set()
    # Another node may have been making a key below these, and this waited for it: look again until nothing is new.
    while (found := set(connection.scalars(tree(first)))) != ended:
        ended = found
        connection.execute(
            sa.update(keys).where(keys.c.id.in_(ended), keys.c.revoked_us.is_(None)).values(revoked_us=now_us)
        )
        theirs = sa.select(keys.c.person_id).where(keys.c.id.in_(ended))  # so that only their runs are looked through
        running = sa.and_(runs.c.person_id.in_(theirs), runs.c.key_id.in_(ended), runs.c.outcome == RUNNING)
        connection.execute(
            sa.update(runs).where(running, runs.c.until_us > now_us).values(outcome=outcome, ended_us=now_us)
        )
        connection.execute(sa.update(runs).where(running).values(outcome=ENDED, ended_us=runs.c.until_us))
    return frozenset(ended)


def set_exit_code(connection: sa.Connection, run_id: int, exit_code: int) -> None:
    """Note what the run's command ended with, once."""
    connection.execute(
        sa.update(runs).where(runs.c.id == run_id, runs.c.exit_code.is_(None)).values(exit_code=exit_code)
    )


def lock_key(connection: sa.Connection, key_id: int) -> None:
    """Let nobody revoke a key before this transaction ends (PostgreSQL; SQLite has one writer anyway)."""
    connection.execute(sa.select(keys.c.id).where(keys.c.id == key_id).with_for_update())


def killed_run(connection: sa.Connection, chain: Iterable[Key]) -> Run | None:
    """The first run that was killed among those of a chain of keys. Asks nothing when none of them was revoked."""
    for key in chain:
        if key.revoked_us is not None:
            found = run_of_key(connection, key)
            if found is not None and found.outcome == KILLED:
                return found
    return None


def revoked_since(connection: sa.Connection, since_us: int) -> set[int]:
    """The ids of all keys that stopped working at an instant or later, because they or one above them were revoked.

    For nodes that share a database: ask with an overlap, because the instants are the revoking node's.
    """
    return set(connection.scalars(tree(sa.select(keys.c.id).where(keys.c.revoked_us >= since_us))))
