"""Employment and pay: when people are there, when they are away, and what they are paid, by day (YYYY-MM-DD).

Days are texts that sort as the calendar does; spans include their last day. Writing functions run inside
`Journal.write` and take many rows at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.money import ceil_div
from bursar.refusals import Refused, Why, refuse
from bursar.store.directory import Person
from bursar.store.schema import absences, exchange_rates, pay, people

USD = "USD"
NANOS_PER_UNIT = 1_000_000_000
"""Pay is kept in billionths of its currency's unit, as money is."""


class Absence(msgspec.Struct, frozen=True):
    """Leave from its first to its last day, both included; `to_day` is None while nobody knows when it ends."""

    person_id: int
    from_day: str
    to_day: str | None
    reason: str


class Pay(msgspec.Struct, frozen=True):
    """What somebody is paid a year from a day on: in billionths of the currency's unit."""

    person_id: int
    from_day: str
    currency: str
    base_nanos: int
    bonus_nanos: int
    equity_nanos: int


class Rate(msgspec.Struct, frozen=True):
    """What a unit of a currency is worth from a day on, in nano-USD."""

    currency: str
    from_day: str
    unit_nanos: int

    def convert(self, nanos: int) -> int:
        """Billionths of the currency's unit in nano-USD, rounded as all amounts are."""
        return ceil_div(nanos * self.unit_nanos, NANOS_PER_UNIT)


PARITY = Rate(USD, "", NANOS_PER_UNIT)


def absences_of(connection: sa.Connection, person_id: int | None = None) -> list[Absence]:
    """Absences by person and first day; everybody's when no person is named."""
    columns = [absences.c[field] for field in Absence.__struct_fields__]
    query = sa.select(*columns).order_by(absences.c.person_id, absences.c.from_day)
    if person_id is not None:
        query = query.where(absences.c.person_id == person_id)
    return [Absence(*row) for row in connection.execute(query)]


def pay_of(connection: sa.Connection, person_id: int | None = None) -> list[Pay]:
    """Pay by person and day, oldest first; everybody's when no person is named."""
    columns = [pay.c[field] for field in Pay.__struct_fields__]
    query = sa.select(*columns).order_by(pay.c.person_id, pay.c.from_day)
    if person_id is not None:
        query = query.where(pay.c.person_id == person_id)
    return [Pay(*row) for row in connection.execute(query)]


def rates(connection: sa.Connection) -> list[Rate]:
    """Every rate, by currency and day."""
    query = sa.select(exchange_rates).order_by(exchange_rates.c.currency, exchange_rates.c.from_day)
    return [Rate(*row) for row in connection.execute(query)]


def rate_on(found: Iterable[Rate], currency: str, day: str) -> Rate | None:
    """The rate of a currency that holds on a day; None when none is stored from that day or an earlier one."""
    if currency == USD:
        return PARITY
    known = [rate for rate in found if rate.currency == currency and rate.from_day <= day]
    return max(known, key=lambda rate: rate.from_day, default=None)


def add_rate(connection: sa.Connection, rate: Rate) -> Rate:
    """Keep a rate. The same again is the same; another for the same currency and day is refused."""
    same = sa.and_(exchange_rates.c.currency == rate.currency, exchange_rates.c.from_day == rate.from_day)
    row = connection.execute(sa.select(exchange_rates).where(same)).first()
    if row is None:
        connection.execute(sa.insert(exchange_rates).values(msgspec.structs.asdict(rate)))
    elif Rate(*row) != rate:
        name = f"{rate.currency} from {rate.from_day}"
        raise Refused(refuse(Why.EXISTS, what="rate of", name=name, field="rate"))
    return rate


def insert_people(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add people: email, name, team, created_us, starts and ends of each."""
    _insert(connection, people, rows)


def update_people(connection: sa.Connection, changed: Sequence[Person]) -> None:
    """Write name, team, starts and ends of people who are there."""
    fields = ("name", "team", "starts", "ends")
    change = sa.update(people).where(people.c.id == sa.bindparam("its_id"))
    change = change.values({field: sa.bindparam(f"its_{field}") for field in fields})
    rows = [
        {"its_id": person.id, **{f"its_{field}": getattr(person, field) for field in fields}} for person in changed
    ]
    if rows:
        connection.execute(change, rows)


def put_absences(connection: sa.Connection, added: Sequence[Absence], changed: Sequence[Absence]) -> None:
    """Add absences, and give others, known by person and first day, another last day."""
    _insert(connection, absences, [msgspec.structs.asdict(absence) for absence in added])
    _update(connection, absences, ("to_day",), changed)


def put_pay(connection: sa.Connection, added: Sequence[Pay], changed: Sequence[Pay]) -> None:
    """Add pay, and write what is known by person and day anew."""
    _insert(connection, pay, [msgspec.structs.asdict(one) for one in added])
    _update(connection, pay, ("currency", "base_nanos", "bonus_nanos", "equity_nanos"), changed)


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _update(
    connection: sa.Connection, table: sa.Table, fields: Sequence[str], changed: Sequence[Absence] | Sequence[Pay]
) -> None:
    """Write fields of rows that are known by person and first day."""
    known = sa.and_(table.c.person_id == sa.bindparam("its_person"), table.c.from_day == sa.bindparam("its_day"))
    change = sa.update(table).where(known).values({field: sa.bindparam(f"its_{field}") for field in fields})
    rows = [
        {"its_person": row.person_id, "its_day": row.from_day}
        | {f"its_{field}": getattr(row, field) for field in fields}
        for row in changed
    ]
    if rows:
        connection.execute(change, rows)
