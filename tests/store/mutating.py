"""Changes a journal behind Bursar's back, in one of many ways each time, and takes the change back again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from bursar.ledger.postings import Command
from bursar.store.batch import Outcome
from bursar.store.chain import GENESIS, link_hash
from bursar.store.database import Database
from bursar.store.journal import Journal
from bursar.store.outlines import digest_of_outline, sealed_outline
from bursar.store.schema import (
    APPEND_ONLY,
    JOURNAL,
    PAPERS,
    REPORTS,
    balances,
    calls,
    changes,
    documents,
    exchange_rates,
    holds,
    imports,
    links,
    metadata,
    outlines,
    plans,
    postings,
    price_book_uses,
    price_books,
    seals,
    transfers,
    usage_heads,
    usage_records,
    usage_totals,
)
from bursar.store.seals import digest_of, key_of

TABLES = tuple(metadata.tables[name] for name in (*JOURNAL, *PAPERS, *REPORTS, "outlines", "usage_heads"))
KEPT = (balances, holds, usage_heads)
"""What is kept beside the journal and the reports, and follows from them."""
FREE = (
    *((calls, "output_tokens"), (calls, "started_us"), (calls, "model"), (links, "recorded_us")),
    *((plans, "terms"), (price_books, "content"), (changes, "effective_us"), (changes, "reason")),
    (price_book_uses, "from_us"),
    *((documents, "signed"), (documents, "digest"), (exchange_rates, "unit_nanos")),
    *((imports, "at_us"), (imports, "repeated"), (usage_records, "output_tokens"), (usage_records, "variant")),
    *((usage_totals, "item"), (usage_totals, "output_tokens")),
)
"""What nothing but the chain vouches for: not the sums, not the balances, no other row."""
T = TypeVar("T")
Rows = list[dict[str, Any]]


class Watched(Journal):
    """A journal that remembers after each link what the balances, open holds and heads were."""

    states: list[tuple[Rows, ...]]

    def begin(self, database: Database) -> None:
        self._seen = database
        self.states = [([], [], [])]

    def post(self, command: Command) -> Outcome:
        outcome = super().post(command)
        self._remember()
        return outcome

    def write(self, change: Callable[[sa.Connection], T]) -> T:
        result = super().write(change)
        self._remember()
        return result

    def _remember(self) -> None:
        with self._seen.reading() as connection:
            if len(_rows(connection, links)) == len(self.states):
                self.states.append(tuple(_rows(connection, table) for table in KEPT))


class Mutations:
    """Mutations of a journal of one chain whose every link is of one posting or change, one at a time, by a seed."""

    def __init__(self, connection: sa.Connection, states: list[tuple[Rows, ...]], seed: int) -> None:
        """`connection` begins transactions only by hand; `states` are the tables of KEPT by number of links."""
        self._connection = connection
        self._states = states
        self._chance = random.Random(seed)
        self._journal = {table: _rows(connection, table) for table in TABLES}
        self._ways: tuple[Callable[[], str], ...] = (
            *(self._edit, self._delete, self._copy, self._swap),
            *(self._cut_off, self._seal_anew),
        )

    @contextmanager
    def one(self) -> Iterator[str]:
        """One mutation that the database takes, while it is there; tells what it is."""
        while True:
            self._connection.exec_driver_sql("BEGIN")
            try:
                told = self._chance.choice(self._ways)()
            except sa.exc.IntegrityError:
                self._connection.exec_driver_sql("ROLLBACK")
                continue
            break
        try:
            yield told
        finally:
            self._connection.exec_driver_sql("ROLLBACK")

    # --- clumsy ones: what is left does not fit together ------------------------------------------------------

    def _edit(self) -> str:
        table, row = self._any()
        column = self._chance.choice(list(table.c))
        value = self._other(row[column.name], [each[column.name] for each in self._journal[table]])
        self._update(table, row, {column.name: value})
        return f"edit {column} of {_key(table, row)}: {row[column.name]!r} -> {value!r}"

    def _delete(self) -> str:
        table, row = self._any()
        self._connection.execute(sa.delete(table).where(_is(table, row)))
        return f"delete {table} {_key(table, row)}"

    def _copy(self) -> str:
        table, row = self._any()
        new = {name: _aside(max(each[name] for each in self._journal[table])) for name in _key(table, row)}
        if table is postings:
            new["op"] = row["op"] + "-again"
        elif table in {links, documents}:
            new["n"] = row["n"] + len(self._journal[table])
        elif table in {plans, usage_records, usage_totals}:
            new["version"] = row["version"] + len(self._journal[table])
        elif table is seals:
            new["key"] = row["key"] + "9"
        self._connection.execute(sa.insert(table).values({**row, **new}))
        return f"copy {table} {_key(table, row)} to {new}"

    def _swap(self) -> str:
        while True:
            table, row = self._any()
            other = self._chance.choice(self._journal[table])
            key = _key(table, row)
            if {**row, **key} != {**other, **key}:
                break
        aside = {name: _aside(value) for name, value in key.items()}
        self._update(table, row, aside)
        self._update(table, other, key)
        self._update(table, aside, _key(table, other))
        return f"swap {table} {key} and {_key(table, other)}"

    # --- skilful ones: everything fits together, and nothing but a checkpoint shows it ------------------------

    def _cut_off(self) -> str:
        kept = self._chance.randrange(len(self._journal[links]))
        last = self._journal[links][kept]["id"]
        gone = {row["id"] for row in self._journal[postings] if row["link_id"] >= last}
        for table, column in ((postings, "id"), (transfers, "posting_id"), (calls, "posting_id")):
            self._connection.execute(sa.delete(table).where(table.c[column].in_(gone)))
        for row in self._journal[seals]:
            if row["link_id"] >= last:
                paper = metadata.tables[row["paper"]]
                keys = [_key(paper, each) for each in self._journal[paper] if key_of(paper, each) == row["key"]]
                self._connection.execute(sa.delete(paper).where(_is(paper, keys[0])))
                if paper is imports:
                    for table in (*(metadata.tables[name] for name in REPORTS), outlines):
                        self._connection.execute(sa.delete(table).where(table.c.import_id == keys[0]["id"]))
        self._connection.execute(sa.delete(seals).where(seals.c.link_id >= last))
        self._connection.execute(sa.delete(links).where(links.c.id >= last))
        for table, rows in zip(KEPT, self._states[kept], strict=True):
            self._connection.execute(sa.delete(table))
            if rows:
                self._connection.execute(sa.insert(table), rows)
        return f"cut off after link {kept}"

    def _seal_anew(self) -> str:
        table, name = self._chance.choice(FREE)
        row = self._chance.choice(self._journal[table])
        value = self._other(row[name], [])
        self._update(table, row, {name: value})
        if table is imports or table.name in REPORTS:
            self._outline_anew(row["id" if table is imports else "import_id"])
        elif table.name in PAPERS:
            self._seal_paper_anew(table.name, key_of(table, row), digest_of({**row, name: value}))
        previous = GENESIS
        for link in _rows(self._connection, links):
            ids = [each["id"] for each in self._journal[postings] if each["link_id"] == link["id"]]
            parts = {
                part: [tuple(each.values()) for each in _rows(self._connection, part, column, among)]
                for part, column, among in (
                    (postings, "id", ids),
                    (transfers, "posting_id", ids),
                    (calls, "posting_id", ids),
                    (seals, "link_id", [link["id"]]),
                )
            }
            new = link_hash(
                previous,
                link_id=link["id"],
                chain=link["chain"],
                n=link["n"],
                recorded_us=link["recorded_us"],
                postings=parts[postings],
                transfers=parts[transfers],
                calls=parts[calls],
                seals=parts[seals],
            )
            self._update(links, link, {"previous": previous, "hash": new})
            previous = new
        return f"edit {table.c[name]} of {_key(table, row)}, and seal all anew"

    def _outline_anew(self, import_id: int) -> None:
        outline = sealed_outline(self._connection, str(import_id)).packed
        self._update(outlines, {"import_id": import_id}, {"outline": outline})
        self._seal_paper_anew("imports", str(import_id), digest_of_outline(outline))

    def _seal_paper_anew(self, paper: str, key: str, digest: bytes) -> None:
        is_its = sa.and_(seals.c.paper == paper, seals.c.key == key)
        self._connection.execute(sa.update(seals).where(is_its).values(digest=digest))

    # ----------------------------------------------------------------------------------------------------------

    def _any(self) -> tuple[sa.Table, dict[str, Any]]:
        table = self._chance.choice(TABLES)
        return table, self._chance.choice(self._journal[table])

    def _update(self, table: sa.Table, row: dict[str, Any], values: dict[str, Any]) -> None:
        self._connection.execute(sa.update(table).where(_is(table, row)).values(values))

    def _other(self, value: Any, others: list[Any]) -> Any:
        """Another value of the same kind: one that is elsewhere in the column, or one near by."""
        elsewhere = [other for other in others if other != value]
        if elsewhere and self._chance.random() < 0.5:
            return self._chance.choice(elsewhere)
        if isinstance(value, bytes):
            at = self._chance.randrange(len(value))
            return value[:at] + bytes([value[at] ^ (1 << self._chance.randrange(8))]) + value[at + 1 :]
        if isinstance(value, str):
            return value + self._chance.choice("x .0")
        if value is None:
            return 7
        assert isinstance(value, int), value
        return value + self._chance.choice((1, -1, 7, 1_000, 2**40))


def _rows(connection: sa.Connection, table: sa.Table, column: str = "", among: Sequence[int] = ()) -> Rows:
    """A table's rows in the order of their primary keys; all, or those with certain numbers in a column."""
    query = sa.select(table).order_by(*table.primary_key.columns)
    if column:
        query = query.where(table.c[column].in_(among))
    return [dict(row) for row in connection.execute(query).mappings()]


def _aside(value: Any) -> Any:
    """A value that is nowhere in its column."""
    return value + "-aside" if isinstance(value, str) else value + 1_000_000


def _key(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.primary_key.columns}


def _is(table: sa.Table, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == value for name, value in _key(table, row).items()))


@contextmanager
def unguarded(database: Database) -> Iterator[sa.Connection]:
    """A connection to a database whose journal may be changed, its transactions begun by hand."""
    connection = database.writer_connection()
    try:
        for table in APPEND_ONLY:
            if database.is_sqlite:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_update")
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            else:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_append_only ON {table}")
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        yield connection
    finally:
        connection.close()
