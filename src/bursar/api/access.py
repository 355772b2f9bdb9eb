"""Who is calling, and what they may do. Default deny: a route that names no role is an administrator's.

On a route that is a person's too, a person sees and changes what is their own. What people are paid is for them and
for finance: an administrator's key does not open it.

A caller is known by a key of this Bursar (`Authorization: Bearer bsr_…`, or `x-api-key`), or by the local token that
a running server writes into its data folder: whoever can read that file could read the database too.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from bursar.books import Books
from bursar.books.spending import not_in_force
from bursar.keys import key_digest, looks_right
from bursar.money import people_usd
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import directory, runs
from bursar.store.directory import Key, Person
from bursar.store.limits import is_limited

ADMINISTRATOR = "administrator"
FINANCE = "finance"
PERSON = "person"
ACCOUNTS = "finance or administrator"
"""Either of the two: what is summed up for the company's own books."""


class Caller(msgspec.Struct, frozen=True):
    """Whoever sent a request. The operator of the data folder has no key; a key may belong to nobody."""

    role: str
    key: Key | None = None
    person: Person | None = None
    has_limit: bool = False
    """Whether a limit was set on the key, or on one that it is a part of."""

    @property
    def name(self) -> str:
        """How records name whoever did something: an e-mail, or a key that is nobody's; else the operator."""
        if self.person is not None:
            return self.person.email
        return "operator" if self.key is None else f"key {self.key.id} ({self.key.name or self.key.shown})"

    @property
    def is_administrator(self) -> bool:
        """Whether everything is allowed."""
        return self.role == ADMINISTRATOR

    def find(self, connection: sa.Connection, email: str) -> Person:
        """The person with this e-mail, if the caller may see what is theirs. Refused before it is looked up."""
        wanted = email.strip().lower()
        if not self.is_administrator and (self.person is None or self.person.email != wanted):
            raise _needs(ADMINISTRATOR, self.role)
        return directory.person(connection, wanted)

    @property
    def is_finance(self) -> bool:
        """Whether everybody's pay may be read and brought in. The operator could read the database, too."""
        return self.key is None or (self.role == FINANCE and not self.is_limited)

    def find_pay(self, connection: sa.Connection, email: str) -> Person:
        """The person with this e-mail, if the caller may see what they are paid. Refused before it is looked up.

        An agent run spends a person's budget with a key that is limited; it has no business with their pay.
        """
        wanted = email.strip().lower()
        if not self.is_finance:
            if self.person is None or self.person.email != wanted:
                raise _needs(FINANCE, self.role)
            self.must_manage_keys()
        return directory.person(connection, wanted)

    def scope(self, connection: sa.Connection, email: str | None) -> int | None:
        """Whose records to list: the named person's id, None for everybody's; a person's own when nobody is named."""
        if email is not None:
            return self.find(connection, email).id
        return None if self.is_administrator else self.own_id()

    def own_id(self) -> int:
        """The id of the person that the key belongs to. A key with the role person always has one."""
        assert self.person is not None, "a person's key belongs to a person"
        return self.person.id

    def must_be(self, role: str) -> None:
        """Refuse unless the caller has the role. Everybody has a person's; the operator has every role."""
        if role == FINANCE and not self.is_finance:
            raise _needs(role, self.role)
        if role == ACCOUNTS and not (self.is_finance or self.is_administrator):
            raise _needs(role, self.role)
        if role == ADMINISTRATOR and not self.is_administrator:
            raise _needs(role, self.role)

    @property
    def is_limited(self) -> bool:
        """Whether the caller's key carries a limit, as an agent run's does, or one was set on it."""
        if self.is_administrator or self.key is None:
            return False
        return self.has_limit or self.key.limit_nanos is not None

    def must_manage_keys(self) -> None:
        """Refuse a key that carries a limit: it could lift the limit by making itself another key."""
        if self.key is not None and self.is_limited:
            most = "" if self.key.limit_nanos is None else f" to {people_usd(self.key.limit_nanos)}"
            raise _needs("person with a key without a limit", f"person and is limited{most}")


class Door:
    """The guard of every route: finds out who is calling, and whether the route's role is theirs."""

    def __init__(self, books: Books, local_token: str) -> None:
        self._books = books
        self._local_token = local_token.encode()

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """Refuse the request, or remember its caller as the request's user."""
        caller = await sync_to_thread(self.caller, connection.headers)
        caller.must_be(handler.opt.get("role", ADMINISTRATOR))
        _check_query(connection, handler)
        connection.scope["user"] = caller

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who sends these headers. Refused when no key is given, or one that is unknown, revoked or expired."""
        secret = _secret(headers)
        if hmac.compare_digest(secret.encode(), self._local_token):
            return Caller(ADMINISTRATOR)
        return caller_of(self._books, secret)


def caller_of(books: Books, secret: str) -> Caller:
    """Whose key this is. Refused when it is unknown, revoked or expired."""
    if not looks_right(secret):
        raise Refused(refuse(Why.KEY_UNKNOWN))
    with books.database.reading() as connection:
        key = directory.key_by_digest(connection, key_digest(secret))
        if key is None:
            raise Refused(refuse(Why.KEY_UNKNOWN))
        chain = directory.key_chain(connection, key)
        refusal = not_in_force(chain, runs.killed_run(connection, chain), books.clock())
        if refusal is not None:
            raise Refused(refusal)
        person = None if key.person_id is None else directory.person_by_id(connection, key.person_id)
        return Caller(key.role, key, person, is_limited(connection, chain))


def _check_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a parameter that the route does not have: a misspelt filter would answer with everything."""
    known = {
        name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    for name in connection.query_params:
        if name not in known:
            raise field_invalid(name, "not known here", "left out")


def _secret(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization")
    if authorization is None:
        given = headers.get("x-api-key", "")
    else:
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(refuse(Why.HEADER_INVALID, header="authorization", problem="it must be 'Bearer' and a key"))
    if not given.strip():
        raise Refused(refuse(Why.KEY_MISSING))
    return given.strip()


def _needs(role: str, has: str) -> Refused:
    return Refused(refuse(Why.ROLE_MISSING, role=role, has=has))
