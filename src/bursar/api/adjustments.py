"""Adjustments: usage that did not pass the gateway, charged to the budget that was open when it happened."""

from __future__ import annotations

import secrets

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from bursar.api.access import ADMINISTRATOR
from bursar.api.keys import read_amount
from bursar.api.moments import time_before
from bursar.api.routes import route
from bursar.books import Books
from bursar.books.changes import check_reason
from bursar.books.outside import Charged, Outside, OutsideNote, charge_outside
from bursar.money import usd
from bursar.refusals import Refusal, Refused, field_invalid
from bursar.store import directory

MAX_NAME_LENGTH = 100


class NewAdjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Usage to charge. `at` is when it was: an instant, a day in UTC or a span ago ("3d"); `cost` is in dollars.

    `source` is who reports it. `id` names the usage, so that it is charged once, however often it is sent; without
    one it is another each time. With a `model`, only budgets that may be spent on it pay.
    """

    at: str
    cost: str
    source: str
    reason: str
    model: str = ""
    id: str | None = None


class AdjustmentAnswer(msgspec.Struct, frozen=True):
    """What became of it. `how` is charged, adjusted (too late for credit) or memo (the plan charges nothing).

    cost = credit + overrun + adjusted, but for a memo. `periods` are those on whose statements it is.
    """

    person: str
    id: str
    how: str
    cost: str
    credit: str
    overrun: str
    adjusted: str
    periods: tuple[str, ...]

    @classmethod
    def of(cls, email: str, name: str, made: Charged) -> AdjustmentAnswer:
        """What is told of a charge."""
        return cls(
            person=email,
            id=name,
            how=made.how.value,
            cost=usd(made.cost_nanos),
            credit=usd(made.credit_nanos),
            overrun=usd(made.overrun_nanos),
            adjusted=usd(made.adjusted_nanos),
            periods=made.periods,
        )


@route("POST /people/{email:str}/adjustments", ADMINISTRATOR)
def adjust(email: FromPath[str], data: JSONBody[NewAdjustment], books: NamedDependency[Books]) -> AdjustmentAnswer:
    """Charge usage that did not pass the gateway, to the credit that was open when it was, if the plan says so."""
    check_reason(data.reason)
    with books.database.reading() as connection:
        person = directory.person(connection, email.strip().lower())
    name = secrets.token_hex(8) if data.id is None else _name(data.id, "id")
    cost_nanos = read_amount(data.cost, "cost")
    if not cost_nanos:
        raise field_invalid("cost", repr(data.cost), "more than 0")
    note = OutsideNote(source=_name(data.source, "source"), model=data.model.strip(), reason=data.reason)
    usage = Outside(
        op=f"adjust:{person.id}:{name}",
        at_us=time_before(data.at, "at", books.clock()),
        cost_nanos=cost_nanos,
        note=note,
    )
    made = charge_outside(books, person.id, usage)
    if isinstance(made, Refusal):
        raise Refused(made)
    return AdjustmentAnswer.of(person.email, name, made)


def _name(text: str, field: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise field_invalid(field, repr(text), f"at most {MAX_NAME_LENGTH} printable characters, and not empty")
    return name


ROUTES = (adjust,)
