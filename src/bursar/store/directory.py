"""The directory: people, plans, grants and keys, read and written through a connection.

Writing functions run inside `Journal.write`, on the one writing connection. They refuse by name and return what they
made. Plans are versioned: adding a plan under a name that exists makes its next version, and grants keep theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.refusals import Refused, Why, refuse
from bursar.store.schema import grants, keys, people, plans, price_book_uses, price_books, runs


class Person(msgspec.Struct, frozen=True):
    """Someone who spends. `starts` and `ends` are the first and the last day of employment, where they are known."""

    id: int
    email: str
    name: str
    team: str
    created_us: int
    starts: str | None = None
    ends: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """A plan's version; `terms` is the JSON of `bursar.terms.plan.Terms`."""

    id: int
    name: str
    version: int
    terms: str
    created_us: int


class Grant(msgspec.Struct, frozen=True):
    """A person's enrolment in a plan's version from an instant."""

    id: int
    person_id: int
    plan_id: int
    from_us: int
    created_us: int


class Key(msgspec.Struct, frozen=True):
    """A credential without its secret. `limit_id` is the balance that carries its limit.

    A key made with another key, to be a part of its budget, names that as its `parent_id`: the parent's limits apply
    to it, too, and it ends with the parent. `models` are the only ones that it may be used for; None is all. What is
    spent with a `personal` one is personal use.
    """

    id: int
    person_id: int | None
    role: str
    name: str
    shown: str
    limit_id: int | None
    limit_nanos: int | None
    expires_us: int | None
    revoked_us: int | None
    created_us: int
    parent_id: int | None = None
    models: tuple[str, ...] | None = None
    personal: bool = False

    def allows(self, model: str) -> bool:
        """Whether it may be used for a model (or, of a run inside a run, for a pattern)."""
        return self.models is None or any(fnmatchcase(model, pattern) for pattern in self.models)


_decode_models = msgspec.json.Decoder(tuple[str, ...]).decode
_KEY_COLUMNS = [keys.c[field] for field in Key.__struct_fields__]


def add_person(connection: sa.Connection, email: str, name: str, team: str, now_us: int) -> Person:
    """Add a person. Refused when the e-mail is taken."""
    if connection.execute(sa.select(people.c.id).where(people.c.email == email)).first():
        raise Refused(refuse(Why.EXISTS, what="person", name=email, field="email"))
    row: dict[str, Any] = {"email": email, "name": name, "team": team, "created_us": now_us}
    return Person(_insert(connection, people, row), **row)


def person(connection: sa.Connection, email: str) -> Person:
    """The person with this e-mail. Refused when there is none."""
    row = connection.execute(sa.select(people).where(people.c.email == email)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="person", name=email, field="email"))
    return Person(*row)


def person_by_id(connection: sa.Connection, person_id: int) -> Person:
    """The person with this id, which exists."""
    return Person(*connection.execute(sa.select(people).where(people.c.id == person_id)).one())


def all_people(connection: sa.Connection) -> list[Person]:
    """Everybody, by e-mail."""
    return [Person(*row) for row in connection.execute(sa.select(people).order_by(people.c.email))]


def known_team(connection: sa.Connection, team: str) -> str:
    """A team's name without the blanks around it. Refused when nobody is in a team that is called so."""
    team = team.strip()
    if not team or not connection.execute(sa.select(people.c.id).where(people.c.team == team).limit(1)).first():
        raise Refused(refuse(Why.UNKNOWN, what="team", name=team, field="team"))
    return team


def add_plan(connection: sa.Connection, name: str, terms: str, now_us: int) -> Plan:
    """Add a plan, or the next version of one. The same terms again give the version that has them."""
    newest = find_plan(connection, name)
    if newest is not None and newest.terms == terms:
        return newest
    row: dict[str, Any] = {
        "name": name,
        "version": 1 if newest is None else newest.version + 1,
        "terms": terms,
        "created_us": now_us,
    }
    return Plan(_insert(connection, plans, row), **row)


def find_plan(connection: sa.Connection, name: str) -> Plan | None:
    """A plan's newest version, if there is such a plan."""
    row = connection.execute(
        sa.select(plans).where(plans.c.name == name).order_by(plans.c.version.desc()).limit(1)
    ).first()
    return None if row is None else Plan(*row)


def plan(connection: sa.Connection, name: str) -> Plan:
    """A plan's newest version. Refused when there is no such plan."""
    found = find_plan(connection, name)
    if found is None:
        raise Refused(refuse(Why.UNKNOWN, what="plan", name=name, field="plan"))
    return found


def all_plans(connection: sa.Connection) -> list[Plan]:
    """Every version of every plan, by name, newest first."""
    query = sa.select(plans).order_by(plans.c.name, plans.c.version.desc())
    return [Plan(*row) for row in connection.execute(query)]


def add_grant(connection: sa.Connection, person_id: int, plan_id: int, from_us: int, now_us: int) -> Grant:
    """Enrol a person in a plan's version. The same enrolment again is the same grant."""
    same = sa.and_(grants.c.person_id == person_id, grants.c.plan_id == plan_id, grants.c.from_us == from_us)
    found = connection.execute(sa.select(grants).where(same)).first()
    if found is not None:
        return Grant(*found)
    row = {"person_id": person_id, "plan_id": plan_id, "from_us": from_us, "created_us": now_us}
    return Grant(_insert(connection, grants, row), **row)


def grants_of(connection: sa.Connection, person_id: int | None = None) -> list[tuple[Grant, Plan]]:
    """Grants with their plans, oldest first; of everybody when no person is named."""
    query = sa.select(grants, plans).join(plans, plans.c.id == grants.c.plan_id).order_by(grants.c.id)
    if person_id is not None:
        query = query.where(grants.c.person_id == person_id)
    width = len(grants.columns)
    return [(Grant(*row[:width]), Plan(*row[width:])) for row in connection.execute(query)]


def add_key(
    connection: sa.Connection,
    *,
    person_id: int | None,
    role: str,
    name: str,
    shown: str,
    digest: bytes,
    expires_us: int | None,
    limit_nanos: int | None,
    now_us: int,
    parent_id: int | None = None,
    models: tuple[str, ...] | None = None,
    personal: bool = False,
) -> Key:
    """Add a key. Its limit's balance is opened afterwards and set by `set_key_limit`.

    A part of a personal key is personal, too.
    """
    personal = personal or key_is_personal(connection, parent_id)
    row: dict[str, Any] = {
        "person_id": person_id,
        "role": role,
        "name": name,
        "shown": shown,
        "limit_id": None,
        "limit_nanos": limit_nanos,
        "expires_us": expires_us,
        "revoked_us": None,
        "created_us": now_us,
        "parent_id": parent_id,
        "models": models,
        "personal": personal,
    }
    kept = None if models is None else msgspec.json.encode(models).decode()
    made = _insert(connection, keys, {**row, "digest": digest, "models": kept, "personal": int(personal)})
    return Key(made, **row)


def set_key_limit(connection: sa.Connection, key_id: int, limit_id: int) -> None:
    """Tie a key to the balance that carries its limit."""
    connection.execute(sa.update(keys).where(keys.c.id == key_id).values(limit_id=limit_id))


def key_is_personal(connection: sa.Connection, key_id: int | None) -> bool:
    """Whether a key is for personal use."""
    return connection.execute(sa.select(keys.c.personal).where(keys.c.id == key_id)).scalar() == 1


def key(connection: sa.Connection, key_id: int) -> Key:
    """The key with this id. Refused when there is none."""
    row = connection.execute(sa.select(*_KEY_COLUMNS).where(keys.c.id == key_id)).first()
    if row is None:
        raise Refused(refuse(Why.UNKNOWN, what="key", name=key_id, field="key"))
    return _key(row)


def key_chain(connection: sa.Connection, key: Key) -> list[Key]:
    """A key and those that it is a part of, up to the first."""
    chain = [key]
    while chain[-1].parent_id is not None:
        row = connection.execute(sa.select(*_KEY_COLUMNS).where(keys.c.id == chain[-1].parent_id)).one()
        chain.append(_key(row))
    return chain


def keys_above(connection: sa.Connection, key_ids: Sequence[int]) -> list[Key]:
    """Keys and all that they are a part of, each once, in no order."""
    found = sa.select(keys.c.id, keys.c.parent_id).where(keys.c.id.in_(key_ids)).cte("above", recursive=True)
    found = found.union(sa.select(keys.c.id, keys.c.parent_id).join(found, keys.c.id == found.c.parent_id))
    query = sa.select(*_KEY_COLUMNS).where(keys.c.id.in_(sa.select(found.c.id)))
    return [_key(row) for row in connection.execute(query)]


def key_by_digest(connection: sa.Connection, digest: bytes) -> Key | None:
    """The key whose secret has this digest."""
    row = connection.execute(sa.select(*_KEY_COLUMNS).where(keys.c.digest == digest)).first()
    return None if row is None else _key(row)


def keys_of(connection: sa.Connection, person_id: int | None = None, *, with_runs: bool = True) -> list[Key]:
    """Keys, newest first; everybody's when no person is named. Those of agent runs may be left out."""
    query = sa.select(*_KEY_COLUMNS).order_by(keys.c.id.desc())
    if not with_runs:
        query = query.where(keys.c.id.not_in(sa.select(runs.c.key_id)))
    if person_id is not None:
        query = query.where(keys.c.person_id == person_id)
    return [_key(row) for row in connection.execute(query)]


def _key(row: Sequence[Any]) -> Key:
    *fields, models, personal = row
    fields += [None if models is None else _decode_models(models), bool(personal)]
    return Key(*fields)


def keep_price_book(connection: sa.Connection, version: str, content: bytes, now_us: int) -> None:
    """Put a price book in force from an instant on. Its content is kept under its version, once."""
    if not connection.execute(sa.select(price_books.c.version).where(price_books.c.version == version)).first():
        connection.execute(sa.insert(price_books).values(version=version, content=content, created_us=now_us))
    uses = price_book_uses.c
    last = sa.select(uses.version).order_by(uses.from_us.desc(), uses.id.desc()).limit(1)
    if connection.execute(last).scalar() != version:
        connection.execute(sa.insert(price_book_uses).values(version=version, from_us=now_us))


def has_people(connection: sa.Connection) -> bool:
    """Whether anybody is in the directory."""
    return connection.execute(sa.select(people.c.id).limit(1)).first() is not None


def _insert(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    result = connection.execute(sa.insert(table).values(row))
    made = result.inserted_primary_key
    assert made is not None
    return int(made[0])
