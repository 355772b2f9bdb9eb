"""Keys: make, list, revoke. A person makes and revokes their own, never one that may do more than the key used."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from bursar.api.access import ADMINISTRATOR, FINANCE, PERSON, Caller
from bursar.api.answers import KeyAnswer, NewKeyAnswer
from bursar.api.moments import time_after
from bursar.api.paging import Id
from bursar.api.routes import route
from bursar.books import Books
from bursar.books.limits import Wanted, set_limit
from bursar.money import MoneyError, parse_usd
from bursar.periods import iso
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.directory import Key

MAX_NAME_LENGTH = 100


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make. `person` is left out only for an administrator's that is nobody's.

    `limit` is in dollars for the key's whole life, `per_day` for each day in UTC; `expires` is an instant, a day or a
    span from now ("12h"). A `personal` key spends what the plan allows for personal use. A key of finance reads
    everybody's pay; only finance and the operator may make one.
    """

    person: str | None = None
    role: str = PERSON
    name: str = ""
    limit: str | None = None
    per_day: str | None = None
    expires: str | None = None
    personal: bool = False


@route("POST /keys", PERSON)
def create_key(
    data: JSONBody[NewKey], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> NewKeyAnswer:
    """Make a key. Its secret is in this answer and nowhere else."""
    caller.must_manage_keys()
    email = _owner(books, caller, data)
    per_day_nanos = None if data.per_day is None else _more_than_nothing(data.per_day, "per_day")
    made = books.create_key(
        email,
        read_name(data.name),
        limit_nanos=None if data.limit is None else read_amount(data.limit, "limit"),
        expires_us=_expiry(books, caller, data.expires),
        role=data.role,
        personal=data.personal,
    )
    if per_day_nanos is not None:
        set_limit(books, Wanted(amount_nanos=per_day_nanos, per="day", key_id=made.key.id))
    return NewKeyAnswer(made.secret, KeyAnswer.of(made.key, email, books.clock()))


@route("GET /keys", PERSON)
def list_keys(
    books: NamedDependency[Books], caller: NamedDependency[Caller], person: FromQuery[str | None] = None
) -> list[KeyAnswer]:
    """Keys, newest first: everybody's, those of the person named, or a person's own. Those of runs are not listed."""
    with books.database.reading() as connection:
        keys = directory.keys_of(connection, caller.scope(connection, person), with_runs=False)
        emails = {someone.id: someone.email for someone in directory.all_people(connection)}
    now_us = books.clock()
    return [KeyAnswer.of(key, _email(emails, key), now_us) for key in keys]


@route("DELETE /keys/{key_id:int}", PERSON, status=200)
def revoke_key(key_id: Id, books: NamedDependency[Books], caller: NamedDependency[Caller]) -> KeyAnswer:
    """Revoke a key. When this answers, it admits no new call."""
    caller.must_manage_keys()
    if not caller.is_administrator:
        with books.database.reading() as connection:
            if key_id not in {key.id for key in directory.keys_of(connection, caller.own_id())}:
                caller.must_be(ADMINISTRATOR)
    key = books.revoke_key(key_id)
    with books.database.reading() as connection:
        emails = {someone.id: someone.email for someone in directory.all_people(connection)}
    return KeyAnswer.of(key, _email(emails, key), books.clock())


def _email(emails: dict[int, str], key: Key) -> str | None:
    return None if key.person_id is None else emails[key.person_id]


def _owner(books: Books, caller: Caller, wanted: NewKey) -> str | None:
    if wanted.role not in {PERSON, FINANCE, ADMINISTRATOR}:
        raise field_invalid("role", repr(wanted.role), f"{PERSON}, {FINANCE} or {ADMINISTRATOR}")
    caller.must_be(wanted.role)
    if wanted.person is None and caller.is_administrator:
        if wanted.role != ADMINISTRATOR:
            raise Refused(refuse(Why.FIELD_MISSING, field="person", right="the e-mail of the key's owner"))
        for field, text in (("limit", wanted.limit), ("per_day", wanted.per_day)):
            if text is not None:
                raise field_invalid(field, repr(text), "left out, for a key that belongs to nobody")
        return None
    with books.database.reading() as connection:
        owner = caller.person if wanted.person is None else caller.find(connection, wanted.person)
    assert owner is not None, "whoever is no administrator is a person"
    return owner.email


def read_name(name: str) -> str:
    """A name for a key or a run, as it may be shown. Refused when it is too long or not printable."""
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise field_invalid("name", "too long or not printable", f"at most {MAX_NAME_LENGTH} printable characters")
    return name.strip()


def read_amount(text: str, field: str) -> int:
    """An amount of dollars in nano-USD. Refused by the field's name when it is none."""
    try:
        return parse_usd(text)
    except MoneyError:
        raise field_invalid(field, repr(text), "dollars, such as 25.00") from None


def _more_than_nothing(text: str, field: str) -> int:
    amount_nanos = read_amount(text, field)
    if not amount_nanos:
        raise field_invalid(field, repr(text), "more than 0")
    return amount_nanos


def _expiry(books: Books, caller: Caller, text: str | None) -> int | None:
    """When the new key expires: when asked to, but not after the key that makes it."""
    most = caller.key.expires_us if caller.key is not None and not caller.is_administrator else None
    if text is None:
        return most
    expires_us = time_after(text, "expires", books.clock())
    if most is not None and expires_us > most:
        raise field_invalid("expires", repr(text), f"no later than the key that makes it, {iso(most)}")
    return expires_us


ROUTES = (create_key, list_keys, revoke_key)
