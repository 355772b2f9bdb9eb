"""Single calls as a stream of Arrow record batches, day after day: what Parquet files are made of.

Amounts are decimals of 38 digits, 9 of them after the point; times are microseconds UTC. No more than a few thousand
rows are in memory at once, however many calls there are. `day` is the last column, of which whoever writes Parquet
makes folders.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from bursar.exports.span import Span, read_span
from bursar.ledger.postings import Verb
from bursar.money import DECIMALS
from bursar.store.reading import ROWS_AT_ONCE, stream
from bursar.store.schema import calls, keys, people, postings

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
ROWS = b"bursar.rows"
"""The key under which the schema's metadata says how many rows will come."""
DAY = "day"
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""The end of an Arrow IPC stream (Arrow columnar format, IPC streaming format)."""
_TOLD = (Verb.SETTLE, Verb.PROVISIONAL, Verb.RELEASE, Verb.CHARGE, Verb.CORRECT)
_WHOLE = (*(column.name for column in calls.c if column.name.endswith("_tokens")), "web_searches")
_TEXTS = ("wire", "provider", "model", "variant", "price_version", "provider_request", "provider_message")


class _Column(NamedTuple):
    """A column of the file: its name, its kind, and what is selected for it."""

    name: str
    kind: str
    value: sa.ColumnElement[Any]


def _columns(*, with_people: bool) -> list[_Column]:
    verb, amount = postings.c.verb, postings.c.amount_nanos
    cost = sa.case((verb == Verb.CORRECT.value, -amount), (verb == Verb.RELEASE.value, 0), else_=amount)
    person = [
        _Column("person", "text", people.c.email),
        _Column("key", "text", sa.func.coalesce(sa.func.nullif(keys.c.name, ""), keys.c.shown)),
    ]
    return [
        _Column("posting", "whole", postings.c.id),
        _Column("call", "text", sa.func.coalesce(calls.c.hold_id, postings.c.op)),
        *(person if with_people else []),
        _Column("team", "text", people.c.team),
        *(_Column(name, "text", calls.c[name]) for name in _TEXTS),
        _Column("started", "time", calls.c.started_us),
        _Column("ended", "time", calls.c.ended_us),
        _Column("charged", "time", postings.c.effective_us),
        *(_Column(name, "whole", calls.c[name]) for name in _WHOLE),
        _Column("bound", "money", calls.c.bound_nanos),
        _Column("cost", "money", cost),
        _Column("outcome", "text", sa.func.coalesce(calls.c.outcome, verb)),
        _Column("reason", "text", postings.c.reason),
    ]


class Calls:
    """Which calls: those that were charged or given back in a period. Refused when something is not right."""

    def __init__(self, period: str, *, time_zone: str, with_people: bool) -> None:
        self.span: Span = read_span(period, time_zone)
        self._columns = _columns(with_people=with_people)

    def pieces(self, connection: sa.Connection) -> Iterator[bytes]:
        """An Arrow IPC stream: its schema, the batches, its end. A batch is of one day."""
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and only this needs it

        kinds = _kinds(pa)
        fields = [(column.name, kinds[column.kind]) for column in self._columns]
        count = str(self._count(connection)).encode()
        schema = pa.schema([*fields, (DAY, pa.date32())], metadata={ROWS: count})
        yield schema.serialize().to_pybytes()
        for day, rows in self._days(connection):
            arrays = [
                _array(pa, column.kind, kinds, values)
                for column, values in zip(self._columns, zip(*rows, strict=True), strict=True)
            ]
            days = pa.array([date.fromisoformat(day)] * len(rows), pa.date32())
            yield pa.record_batch([*arrays, days], schema=schema).serialize().to_pybytes()
        yield _END

    def _count(self, connection: sa.Connection) -> int:
        query = sa.select(sa.func.count()).select_from(postings).where(*_told(self.span))
        return connection.execute(query).scalar_one()

    def _days(self, connection: sa.Connection) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """The rows of each day, a few thousand at a time, in the journal's order."""
        for day in self.span.parts(1):
            query = (
                sa.select(*(column.value for column in self._columns))
                .select_from(postings)
                .outerjoin(calls, calls.c.posting_id == postings.c.id)
                .outerjoin(people, people.c.id == postings.c.person_id)
                .outerjoin(keys, keys.c.id == calls.c.key_id)
                .where(*_told(day))
                .order_by(postings.c.id)
            )
            rows = stream(connection, query)
            while batch := list(islice(rows, ROWS_AT_ONCE)):
                yield day.days[0].label, batch


def _told(span: Span) -> tuple[sa.ColumnElement[bool], ...]:
    return span.posted, postings.c.verb.in_([verb.value for verb in _TOLD])


def _kinds(pa: Any) -> dict[str, Any]:
    return {
        "text": pa.string(),
        "whole": pa.int64(),
        "time": pa.timestamp("us", "UTC"),
        "money": pa.decimal128(38, DECIMALS),
    }


def _array(pa: Any, kind: str, kinds: dict[str, Any], values: tuple[Any, ...]) -> Any:
    """The column of a batch. Nano-dollars are a decimal's digits as they are, written as 128 bits each."""
    if kind != "money":
        return pa.array(values, kinds[kind])
    bits = array("q")
    for nanos in values:
        bits.extend((nanos or 0, (nanos or 0) >> 63))
    known = pa.array([nanos is not None for nanos in values]).buffers()[1]
    return pa.Array.from_buffers(kinds[kind], len(values), [known, pa.py_buffer(bits.tobytes())])
