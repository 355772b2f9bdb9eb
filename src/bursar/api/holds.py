"""Holds for gateways other than Bursar's own: ask for the budget before a call, say afterwards what it cost.

An administrator's key asks for anybody, as a gateway does that serves many; a person's key for itself alone, within
its own limits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from bursar.api.access import PERSON, Caller
from bursar.api.keys import read_amount
from bursar.api.moments import time_after
from bursar.api.paging import MAX_ID
from bursar.api.routes import route
from bursar.books import Ask, Books, Spender
from bursar.books import holds as verbs
from bursar.books.holds import Ending, Known, Wanted
from bursar.money import MAX_NANOS, SOME_MONEY, usd
from bursar.periods import US_PER_SECOND, iso
from bursar.refusals import Refusal, Refused, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.directory import Key
from bursar.usage import Usage

MOST_TOKENS = 1_000_000_000
MOST_SECONDS = 86_400
MAX_ID_LENGTH = 200
CATALOGS = ("anthropic", "openai", "google")
"""Where a model is looked for when nobody says whose it is."""
STANDARD = "standard"
Bounder = Callable[[str, bytes], Ask]
"""Reads what a body that goes to a path can cost at most, as the gateway does, which the API does not know itself."""
Count = Annotated[int, Meta(ge=0, le=MOST_TOKENS)]


class NewHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money to set aside for a call: for `input_tokens` and `output_tokens` at most, a `request`, or an `amount`.

    A `request` is the body that goes to a `path` such as /v1/chat/completions, and is bounded as the gateway bounds
    its own: images, audio, files and tools, too. Beside it `input_tokens` and `output_tokens` are bounds that the
    asker knows better, and `model` another name for what the body asks for. `hidden_prompt_tokens` is what is added
    on the way that neither shows: a gateway's own fields, a provider's long built-in prompt.

    `id` is the asker's own name for it: the same again is the same hold. An administrator says whose budget pays:
    a `person`, or a `key` by its number, whose limits then apply as well. `catalog` is whose price of the model
    counts. `cache_writes` says that input may be billed as written to a cache. It must be settled or released before
    it `expires` (a span from now, an instant; a day at most).
    """

    id: str | None = None
    person: str | None = None
    key: Annotated[int, Meta(ge=1, le=MAX_ID)] | None = None
    gateway: str = "gateway"
    model: str = ""
    catalog: str | None = None
    variant: str = STANDARD
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    hidden_prompt_tokens: Count | None = None
    answers: Annotated[int, Meta(ge=1, le=128)] = 1
    cache_writes: bool = True
    audio: bool = False
    web_searches: Annotated[int, Meta(ge=0, le=1_000)] = 0
    path: str | None = None
    request: dict[str, Any] | None = None
    amount: str | None = None
    expires: str = "30m"


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call used, in disjoint buckets; `reasoning_tokens` are a part of `output_tokens`."""

    input_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    output_tokens: Count = 0
    audio_input_tokens: Count = 0
    audio_output_tokens: Count = 0
    web_searches: Count = 0
    reasoning_tokens: Count = 0

    @property
    def usage(self) -> Usage:
        """The same as the price book takes it."""
        return Usage(*msgspec.structs.astuple(self))

    @classmethod
    def of(cls, usage: Usage) -> Tokens:
        """What is told of a usage."""
        return cls(*msgspec.structs.astuple(usage))


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a call ended: what it used, which the price book of its time prices, or its cost in dollars.

    `variant` is the one that the provider delivered, when it is another than was asked for; `provider_request` its
    own name for the call.
    """

    usage: Tokens | None = None
    cost: str | None = None
    variant: str | None = None
    provider_request: str = ""


class ReleaseOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing was billed."""

    reason: str = "the gateway that has the call released it"


class HoldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A hold: held, settled at its `cost`, provisional (charged at its amount, for a reason) or released.

    `key` is null when a person was named; `expires` is null once it has ended. `left` is what its lots have left,
    told once, in answer to the first request; `warnings` are the limits whose soft amount it passes.
    """

    id: str
    state: str
    person: str
    key: int | None
    gateway: str
    model: str
    variant: str
    amount: str
    cost: str | None
    held: str
    expires: str | None
    reason: str
    usage: Tokens
    provider_request: str
    left: str | None = None
    warnings: tuple[str, ...] = ()


@route("POST /holds", PERSON, status=201)
def ask_for_hold(
    data: JSONBody[NewHold],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    bounder: NamedDependency[Bounder],
) -> HoldAnswer:
    """Set money aside before a call, or be refused: budgets, limits and pauses are those of the gateway."""
    spender = _spender(books, caller, data)
    asker = 0 if caller.key is None else caller.key.id
    name = secrets.token_hex(16) if data.id is None else _own_id(data.id)
    wanted = Wanted(
        id=verbs.id_of(f"key:{asker}", name),
        asked=_digest(data, spender),
        gateway=_gateway(data.gateway),
        until_us=_until(data.expires, books.clock()),
        model=_label(data.model, "model"),
        catalog=_catalog(books, data.catalog, data.model),
        amount_nanos=0 if data.amount is None else _amount(data),
        ask=_ask(books, data, bounder) if data.amount is None else None,
    )
    posted = verbs.hold(books, spender, wanted)
    left = None if posted.left is None else usd(posted.left)
    return _told(books, verbs.known(books, wanted.id), left=left, warnings=posted.warns)


@route("GET /holds/{hold_id:str}", PERSON)
def show_hold(hold_id: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]) -> HoldAnswer:
    """A hold as it stands."""
    return _told(books, _own(books, caller, hold_id))


@route("POST /holds/{hold_id:str}/settle", PERSON, status=200)
def settle_hold(
    hold_id: FromPath[str],
    data: JSONBody[Settlement],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
) -> HoldAnswer:
    """Say what the call used, or what it cost: that is charged, and the rest of the hold is given back."""
    _own(books, caller, hold_id)
    if (data.usage is None) == (data.cost is None):
        raise Refused(refuse(Why.FIELD_MISSING, field="usage", right="given, or else cost, and not both"))
    ending = Ending(
        usage=None if data.usage is None else data.usage.usage,
        cost_nanos=0 if data.cost is None else read_amount(data.cost, "cost"),
        variant=None if data.variant is None else _label(data.variant, "variant"),
        provider_request=_label(data.provider_request, "provider_request"),
    )
    return _told(books, verbs.settle(books, hold_id, ending))


@route("POST /holds/{hold_id:str}/release", PERSON, status=200)
def release_hold(
    hold_id: FromPath[str],
    data: JSONBody[ReleaseOf],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
) -> HoldAnswer:
    """Give the hold back: the call was not made, or the provider billed nothing for it."""
    _own(books, caller, hold_id)
    return _told(books, verbs.release(books, hold_id, _label(data.reason, "reason")))


def _spender(books: Books, caller: Caller, data: NewHold) -> Spender:
    """Whose budget pays, within which key's limits."""
    if data.person is not None and data.key is not None:
        raise field_invalid("key", data.key, "left out when a person is named")
    with books.database.reading() as connection:
        if data.key is not None:
            key: Key | None = _key(connection, caller, data.key)
        elif data.person is not None and caller.is_administrator:
            return books.spender_of(caller.find(connection, data.person).id, None)
        else:
            if data.person is not None:
                caller.find(connection, data.person)
            key = caller.key
    if key is None or key.person_id is None:
        raise Refused(refuse(Why.FIELD_MISSING, field="person", right="the e-mail of whose budget pays"))
    return books.spender_of(key.person_id, key)


def _key(connection: sa.Connection, caller: Caller, key_id: int) -> Key:
    """The key with this number, if the caller may spend with it."""
    if not caller.is_administrator and (caller.key is None or caller.key.id != key_id):
        raise field_invalid("key", key_id, "left out, or the number of the key that asks")
    return directory.key(connection, key_id)


def _ask(books: Books, data: NewHold, bounder: Bounder) -> Ask:
    by_tokens = data.request is None and data.path is None
    ask = _ask_by_tokens(data) if by_tokens else _ask_by_request(data, bounder)
    catalog = _catalog(books, data.catalog, ask.model) or CATALOGS[0]
    return msgspec.structs.replace(
        ask,
        wire=f"{verbs.WIRE}:{data.gateway}",
        provider=catalog,
        catalog=catalog,
        input_tokens=ask.input_tokens + (data.hidden_prompt_tokens or 0),
    )


def _ask_by_tokens(data: NewHold) -> Ask:
    if not data.model:
        raise Refused(refuse(Why.FIELD_MISSING, field="model", right="given, unless there is an amount or a request"))
    if data.input_tokens is None:
        right = "given: the most that the call can have, unless there is an amount or a request"
        raise Refused(refuse(Why.FIELD_MISSING, field="input_tokens", right=right))
    return Ask(
        wire="",
        provider="",
        catalog="",
        model=data.model,
        variant=data.variant,
        input_tokens=data.input_tokens,
        unbounded=None,
        output_tokens=data.output_tokens,
        output_copies=data.answers,
        output_allowance=0,
        least_output=0,
        input_reads=1,
        cache_writes=data.cache_writes,
        web_searches=data.web_searches,
        audio=data.audio,
    )


def _ask_by_request(data: NewHold, bounder: Bounder) -> Ask:
    """What the body asks for, and what the asker knows besides. Refused by the name of what has no bound."""
    if data.request is None or data.path is None:
        field, other = ("request", "path") if data.request is None else ("path", "request")
        raise Refused(refuse(Why.FIELD_MISSING, field=field, right=f"given beside the {other}"))
    body = {"model": data.model, **data.request} if data.model else data.request
    ask = bounder(data.path, msgspec.json.encode(body))
    counted = data.input_tokens is not None
    return msgspec.structs.replace(
        ask,
        model=data.model or ask.model,
        variant=ask.variant if data.variant == STANDARD else data.variant,
        input_tokens=data.input_tokens if counted else ask.input_tokens,
        unbounded=None if counted else ask.unbounded,
        output_tokens=ask.output_tokens if data.output_tokens is None else data.output_tokens,
        output_copies=max(ask.output_copies, data.answers),
        cache_writes=ask.cache_writes and data.cache_writes,
        web_searches=max(ask.web_searches, data.web_searches),
        audio=ask.audio or data.audio,
    )


def _catalog(books: Books, catalog: str | None, model: str) -> str:
    """Whose price of a model counts: as it is asked for, else the first that has one; empty when none has."""
    now_us = books.clock()
    found = (name for name in CATALOGS if not isinstance(books.prices.card_at(name, model, now_us), Refusal))
    return _label(catalog, "catalog") if catalog else next(found, "")


def _amount(data: NewHold) -> int:
    for field in ("input_tokens", "output_tokens", "hidden_prompt_tokens", "path", "request"):
        if getattr(data, field) is not None:
            raise field_invalid(field, getattr(data, field), "left out when there is an amount")
    nanos = read_amount(data.amount or "", "amount")
    if not 0 < nanos < MAX_NANOS:
        raise field_invalid("amount", repr(data.amount), SOME_MONEY)
    return nanos


def _until(text: str, now_us: int) -> int:
    until_us = time_after(text, "expires", now_us)
    if not now_us < until_us <= now_us + MOST_SECONDS * US_PER_SECOND:
        raise field_invalid("expires", repr(text), "later than now, and a day from now at most")
    return until_us


def _own_id(text: str) -> str:
    if not 0 < len(text) <= MAX_ID_LENGTH or not text.isprintable():
        raise field_invalid("id", "empty, too long or not printable", f"1 to {MAX_ID_LENGTH} printable characters")
    return text


def _gateway(text: str) -> str:
    if not text:
        raise field_invalid("gateway", "empty", "the gateway's name, or left out")
    return _label(text, "gateway")


def _label(text: str, field: str) -> str:
    if len(text) > MAX_ID_LENGTH or not text.isprintable():
        raise field_invalid(field, "too long or not printable", f"at most {MAX_ID_LENGTH} printable characters")
    return text


def _digest(data: NewHold, spender: Spender) -> str:
    """All that is asked for, but for the name by which it is asked."""
    asked = (spender.person_id, spender.key_id, msgspec.structs.replace(data, id=None, person=None, key=None))
    try:
        return hashlib.sha256(msgspec.msgpack.encode(asked)).hexdigest()
    except OverflowError:
        raise field_invalid("request", "with a number that is out of bounds", "of numbers of 64 bits") from None


def _own(books: Books, caller: Caller, hold_id: str) -> Known:
    """A hold that the caller may see and end: an administrator any, a person their own, a limited key its own."""
    known = verbs.known(books, hold_id)
    if caller.is_administrator:
        return known
    own_key = not caller.is_limited or (caller.key is not None and caller.key.id == known.key_id)
    if known.person_id != caller.own_id() or not own_key:
        raise Refused(refuse(Why.HOLD_UNKNOWN, hold=hold_id))
    return known


def _told(books: Books, known: Known, *, left: str | None = None, warnings: tuple[str, ...] = ()) -> HoldAnswer:
    with books.database.reading() as connection:
        email = directory.person_by_id(connection, known.person_id).email
    is_held = known.state == verbs.HELD
    return HoldAnswer(
        id=known.id,
        state=known.state,
        person=email,
        key=known.key_id or None,
        gateway=known.gateway,
        model=known.model,
        variant=known.variant,
        amount=usd(known.amount_nanos),
        cost=None if is_held else usd(known.cost_nanos),
        held=iso(known.held_us),
        expires=iso(known.until_us) if is_held else None,
        reason=known.reason,
        usage=Tokens.of(known.usage),
        provider_request=known.provider_request,
        left=left,
        warnings=warnings,
    )


ROUTES = (ask_for_hold, show_hold, settle_hold, release_hold)
