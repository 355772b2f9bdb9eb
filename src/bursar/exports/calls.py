"""Single calls as a stream of Arrow record batches, day after day: what Parquet files are made of.

Amounts are decimals of 38 digits, 9 of them after the point; times are microseconds UTC. No more than a few thousand
rows are in memory at once, however many calls there are. `day` is the last column, of which whoever writes Parquet
makes folders.

The index by person and time finds which stretches of the journal a day is in; they are then read in the journal's own
order, which needs no sorting and reads each page once. The database itself puts the values of a stretch together, a
JSON array for each column: one row with some 30 long texts instead of thousands of short rows, which takes half the
time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.exports.span import Span, read_span
from bursar.ledger.postings import Verb
from bursar.money import DECIMALS
from bursar.periods import Period
from bursar.store.residuals import NOTED, TAKEN
from bursar.store.schema import calls, keys, people, postings

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
ROWS = b"bursar.rows"
"""The key under which the schema's metadata says how many rows will come."""
DAY = "day"
POSTINGS_AT_ONCE = 4_096
"""How long a stretch of the journal is at most, in ids of postings."""
_TOLD = (Verb.SETTLE, Verb.PROVISIONAL, Verb.RELEASE, Verb.CHARGE, Verb.CORRECT)
_WHOLE = (*(column.name for column in calls.c if column.name.endswith("_tokens")), "web_searches")
_WORDS = ("wire", "provider", "model", "variant", "price_version")
_TEXTS = ("provider_request", "provider_message")
_NUMBERS = msgspec.json.Decoder(list[int | None])
_STRINGS = msgspec.json.Decoder(list[str | None])
_GATHERED = {"sqlite": sa.func.json_group_array, "postgresql": sa.func.json_agg}
"""What makes a JSON array of a column's values. Those of one query have the same order."""
_IN_STRETCH = (
    postings.c.id.between(sa.bindparam("first"), sa.bindparam("last")),
    postings.c.effective_us >= sa.bindparam("start_us"),
    postings.c.effective_us < sa.bindparam("end_us"),
    sa.or_(postings.c.verb.in_([verb.value for verb in _TOLD]), NOTED, TAKEN),
)
"""The conditions that a posting of a stretch is a call's, or is of what a provider billed beyond calls or short."""


class _Column(NamedTuple):
    """A column of the file: its name, its kind, and what is selected for it.

    A "word" is one of few, and is sent as a dictionary's. With `named`, what is selected is an id, and `named`
    selects the ids and the words that they stand for.
    """

    name: str
    kind: str
    value: sa.ColumnElement[Any]
    named: sa.Select[int, str] | None = None


class _Stretch(NamedTuple):
    """Where postings of a day are in the journal: from this id to that one, among others of other days."""

    day: Period | Span
    first: int
    last: int

    def bounds(self) -> dict[str, int]:
        """For the parameters of a query."""
        return {"first": self.first, "last": self.last, "start_us": self.day.start_us, "end_us": self.day.end_us}


def _columns(*, with_people: bool) -> list[_Column]:
    verb, amount = postings.c.verb, postings.c.amount_nanos
    less = verb.in_([Verb.CORRECT.value, Verb.OPEN.value])
    cost = sa.case((less, -amount), (verb == Verb.RELEASE.value, 0), else_=amount)
    shown = sa.func.coalesce(sa.func.nullif(keys.c.name, ""), keys.c.shown)
    person = [
        _Column("person", "word", postings.c.person_id, sa.select(people.c.id, people.c.email)),
        _Column("key", "word", calls.c.key_id, sa.select(keys.c.id, shown)),
    ]
    return [
        _Column("posting", "whole", postings.c.id),
        _Column("call", "text", sa.func.coalesce(calls.c.hold_id, postings.c.op)),
        *(person if with_people else []),
        _Column("team", "word", postings.c.person_id, sa.select(people.c.id, people.c.team)),
        *(_Column(name, "word", calls.c[name]) for name in _WORDS),
        *(_Column(name, "text", calls.c[name]) for name in _TEXTS),
        _Column("started", "time", calls.c.started_us),
        _Column("ended", "time", calls.c.ended_us),
        _Column("charged", "time", postings.c.effective_us),
        *(_Column(name, "whole", calls.c[name]) for name in _WHOLE),
        _Column("bound", "money", calls.c.bound_nanos),
        _Column("cost", "money", cost),
        _Column("outcome", "word", sa.func.coalesce(calls.c.outcome, verb)),
        _Column("reason", "word", postings.c.reason),
    ]


class Calls:
    """Which calls: those that were charged or given back in a period. Refused when something is not right."""

    def __init__(self, period: str, *, time_zone: str, with_people: bool) -> None:
        self.span: Span = read_span(period, time_zone)
        self._columns = _columns(with_people=with_people)

    def pieces(self, connection: sa.Connection) -> Iterator[bytes]:
        """An Arrow IPC stream: its schema, the batches, its end. A batch is of one day."""
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and only this needs it
        import pyarrow.compute  # type: ignore[import-untyped]  # noqa: PLC0415

        stretches = list(self._stretches(connection))
        kinds = _kinds(pa)
        fields = [(column.name, kinds[column.kind]) for column in self._columns]
        count = str(self._count(connection, stretches)).encode()
        schema = pa.schema([*fields, (DAY, pa.date32())], metadata={ROWS: count})
        named = [_named(pa, connection, column.named) for column in self._columns]
        query = self._query(_GATHERED[connection.dialect.name])
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, schema) as writer:
            for stretch in stretches:
                found = self._values(connection.execute(query, stretch.bounds()).one())
                arrays = [
                    _array(pa, column.kind, kinds, values, names)
                    for column, names, values in zip(self._columns, named, found, strict=True)
                ]
                if count_here := len(arrays[0]):
                    day = pa.scalar(date.fromisoformat(stretch.day.label), pa.date32())
                    batch = pa.record_batch([*arrays, pa.repeat(day, count_here)], schema=schema)
                    writer.write_batch(batch.sort_by("posting"))
                    yield _taken(sink)
        yield _taken(sink)

    def _stretches(self, connection: sa.Connection) -> Iterator[_Stretch]:
        """Where each day's postings are, in the order of days and, of a day, of the journal."""
        part_of_journal = sa.cast(postings.c.id, sa.BigInteger).op("/")(POSTINGS_AT_ONCE)
        for part in self.span.parts():
            query = sa.select(part.day_column(), part_of_journal).where(part.posted).distinct()
            for n, place in sorted(map(tuple, connection.execute(query))):
                first = place * POSTINGS_AT_ONCE
                yield _Stretch(part.days[n], first, first + POSTINGS_AT_ONCE - 1)

    def _count(self, connection: sa.Connection, stretches: list[_Stretch]) -> int:
        if not stretches:
            return 0
        all_of_them = _Stretch(self.span, min(one.first for one in stretches), max(one.last for one in stretches))
        return connection.execute(sa.select(sa.func.count()).where(*_IN_STRETCH), all_of_them.bounds()).scalar_one()

    def _query(
        self, gathered: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]
    ) -> sa.Select[*tuple[Any, ...]]:
        """What selects the values of a stretch, in whatever order the database comes upon them."""
        return (
            sa.select(*(sa.cast(gathered(column.value), sa.Text) for column in self._columns))
            .select_from(postings)
            .outerjoin(calls, calls.c.posting_id == postings.c.id)
            .where(*_IN_STRETCH)
        )

    def _values(self, texts: Sequence[str | None]) -> list[list[Any]]:
        """The values of each column."""
        return [
            (_STRINGS if column.kind in {"text", "word"} and column.named is None else _NUMBERS).decode(text or "[]")
            for column, text in zip(self._columns, texts, strict=True)
        ]


def _taken(sink: io.BytesIO) -> bytes:
    """What was written since the last time."""
    written = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return written


def _kinds(pa: Any) -> dict[str, Any]:
    return {
        "text": pa.string(),
        "word": pa.dictionary(pa.int32(), pa.string()),
        "whole": pa.int64(),
        "time": pa.timestamp("us", "UTC"),
        "money": pa.decimal128(38, DECIMALS),
    }


def _named(pa: Any, connection: sa.Connection, query: sa.Select[int, str] | None) -> tuple[Any, Any] | None:
    """Ids, and the words that they stand for."""
    if query is None:
        return None
    rows = connection.execute(query).all()
    return pa.array([row[0] for row in rows], pa.int64()), pa.array([row[1] for row in rows], pa.string())


def _array(pa: Any, kind: str, kinds: dict[str, Any], values: list[Any], named: tuple[Any, Any] | None) -> Any:
    """The column of a batch. Nano-dollars are a decimal's digits as they are."""
    if named is not None:
        ids, words = named
        places = pa.compute.index_in(pa.array(values, pa.int64()), value_set=ids)
        return words.take(places).dictionary_encode()
    if kind == "word":
        return pa.array(values, pa.string()).dictionary_encode()
    if kind == "money":
        digits = pa.array(values, pa.int64()).cast(pa.decimal128(38, 0))
        return pa.Array.from_buffers(kinds[kind], len(digits), digits.buffers())
    return pa.array(values, kinds[kind])
