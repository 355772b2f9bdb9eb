"""The writing side of a database: the driver's own cursor, ids, and the head of the chain that this writer extends.

There is one writer in a process, used by the journal's thread alone.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from bursar.store.chain import GENESIS, link_hash
from bursar.store.database import Database
from bursar.store.seals import Seal, take_unsealed
from bursar.store.statements import Statements

Rows = list[Any]
MAX_CHAINS = 1024
"""How many processes may write to one PostgreSQL database at once."""
MOST_ROWS_AT_ONCE = 64
CHAIN_LOCKS = 0x6275_7273
"""First half of the advisory lock by which a process owns its chain ("burs")."""


class Writer(ABC):
    """What the two engines share: the same statements, in the same order, on a DBAPI cursor."""

    chain: int

    def __init__(self, database: Database) -> None:
        self.connection = database.writer_connection()
        raw = self.connection.connection.dbapi_connection
        assert raw is not None
        self._raw: Any = raw
        self._sql = Statements(is_sqlite=database.is_sqlite)
        self._head: tuple[int, bytes] = (0, GENESIS)
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _set_up(self) -> None:
        """Find the chain, its head and the ids in use, on the connection that was just made."""

    @classmethod
    def open(cls, database: Database) -> Writer:
        """A writer for the database's engine."""
        return SqliteWriter(database) if database.is_sqlite else PostgresWriter(database)

    # --- transactions -----------------------------------------------------------------------------------------

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction whose reads stay true until it ends."""

    @abstractmethod
    def commit(self) -> None:
        """Commit durably: when this returns, a power cut loses nothing."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo the transaction."""

    @abstractmethod
    def listed(self, values: Sequence[Any]) -> Any:
        """A list as the one parameter that the engine's "is among" takes."""

    @abstractmethod
    def new_ids(self, count: int) -> tuple[int, Sequence[int]]:
        """A link's id, and as many posting ids in rising order."""

    @abstractmethod
    def next_link_id(self) -> int:
        """An id that no link has."""

    @abstractmethod
    def next_balance_id(self) -> int:
        """An id that no balance has."""

    def close(self) -> None:
        """Close the connection; PostgreSQL then lets another process have this chain."""
        self.connection.close()
        self.connection.engine.dispose()

    # --- reading ----------------------------------------------------------------------------------------------

    def known_ops(self, ops: Sequence[str]) -> Rows:
        """(op, digest, posting id) of the operations that the journal has."""
        return self._fetch(self._sql.known_ops, ops)

    def refused_ops(self, ops: Sequence[str]) -> Rows:
        """(op, digest, why, facts) of the operations that were refused."""
        return self._fetch(self._sql.refused_ops, ops)

    def holds(self, hold_ids: Sequence[str]) -> Rows:
        """Rows of open holds, locked for this transaction."""
        return self._fetch(self._sql.holds, hold_ids)

    def balances(self, balance_ids: Sequence[int]) -> Rows:
        """Rows of balances, locked for this transaction in the order of their ids."""
        return self._fetch(self._sql.balances, balance_ids)

    def posting(self, posting_id: int) -> tuple[Sequence[Any], Rows]:
        """A posting's row, and its transfers as (debit, credit, amount)."""
        row = self._raw.execute(self._sql.posting, (posting_id,)).fetchone()
        return row, self._raw.execute(self._sql.posting_transfers, (posting_id,)).fetchall()

    def _fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        return self._raw.execute(sql, (self.listed(values),)).fetchall()  # type: ignore[no-any-return]

    # --- writing ----------------------------------------------------------------------------------------------

    def add_refusals(self, rows: Rows) -> None:
        """Remember refusals, so that a refused operation stays refused."""
        self._insert(self._sql.add_refusal, rows)

    def add_balances(self, rows: Rows) -> None:
        """Insert balances that were opened."""
        self._insert(self._sql.add_balance, rows)

    def set_balances(self, rows: Rows) -> None:
        """Update balances: the money columns in the table's order, and the id."""
        self._many(self._sql.set_balance, rows)

    def set_ends(self, ends: Iterable[tuple[int, int]]) -> None:
        """Give balances, by their ids, another end."""
        self._many(self._sql.set_end, [(until_us, balance_id) for balance_id, until_us in ends])

    def add_holds(self, rows: Rows) -> None:
        """Insert holds that are open after this batch."""
        self._insert(self._sql.add_hold, rows)

    def end_holds(self, hold_ids: Iterable[str]) -> None:
        """Delete holds that ended."""
        ended = list(hold_ids)
        if ended:
            self._raw.execute(self._sql.end_holds, (self.listed(ended),))

    def add_journal(self, postings: Rows, transfers: Rows, calls: Rows) -> None:
        """Append to the journal."""
        self._insert(self._sql.add_posting, postings)
        self._insert(self._sql.add_transfer, transfers)
        self._insert(self._sql.add_call, calls)

    def add_link(
        self,
        link_id: int,
        recorded_us: int,
        postings: Rows,
        transfers: Rows,
        calls: Rows,
        *,
        seals: Sequence[Seal] = (),
    ) -> tuple[int, bytes]:
        """Append the link for what was just appended. Returns the new head, for `advance` after the commit."""
        n, previous = self._head[0] + 1, self._head[1]
        digest = link_hash(
            previous,
            link_id=link_id,
            chain=self.chain,
            n=n,
            recorded_us=recorded_us,
            postings=postings,
            transfers=transfers,
            calls=calls,
            seals=seals,
        )
        self._many(self._sql.add_link, [(link_id, self.chain, n, len(postings), recorded_us, previous, digest)])
        return n, digest

    def seal(self, recorded_us: int) -> tuple[int, bytes] | None:
        """Seal the papers that this transaction made, if it made any. Returns the new head then."""
        seals = take_unsealed(self.connection, self.next_link_id)
        if not seals:
            return None
        self._insert(self._sql.add_seal, seals)
        return self.add_link(seals[0].link_id, recorded_us, [], [], [], seals=seals)

    def advance(self, head: tuple[int, bytes]) -> None:
        """The link was committed: it is what the next one follows."""
        self._head = head

    def _read_head(self) -> None:
        mark = "?" if isinstance(self, SqliteWriter) else "%s"
        row = self._raw.execute(
            f"SELECT n, hash FROM links WHERE chain = {mark} ORDER BY n DESC LIMIT 1",  # noqa: S608
            (self.chain,),
        ).fetchone()
        self._head = (0, GENESIS) if row is None else (row[0], bytes(row[1]))

    def _insert(self, sql: str, rows: Rows) -> None:
        """Insert rows, if there are any."""
        self._many(sql, rows)

    @abstractmethod
    def _many(self, sql: str, rows: Rows) -> None:
        """Run a statement for each row, if there are any."""


class SqliteWriter(Writer):
    """SQLite: one process writes the file (the data folder's lock sees to it), so ids are counted here."""

    chain = 0

    def _set_up(self) -> None:
        self._raw.isolation_level = None
        self._read_head()
        self._last_posting, self._last_link, self._last_balance = self._raw.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM postings), (SELECT coalesce(max(id), 0) FROM links),"
            " (SELECT coalesce(max(id), 0) FROM balances)"
        ).fetchone()

    def begin(self) -> None:
        """Take the file's write lock at once, so that nothing read in this transaction can change."""
        self._raw.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit: written to the WAL and fsynced."""
        self._raw.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if the engine has not done so itself (it does when the disk is full)."""
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def listed(self, values: Sequence[Any]) -> str:
        """A JSON array, for json_each."""
        return msgspec.json.encode(values).decode()

    def new_ids(self, count: int) -> tuple[int, Sequence[int]]:
        """Count on. An id whose transaction fails is not used again."""
        first = self._last_posting + 1
        self._last_posting += count
        self._last_link += 1
        return self._last_link, range(first, first + count)

    def next_link_id(self) -> int:
        """Count on."""
        self._last_link += 1
        return int(self._last_link)

    def next_balance_id(self) -> int:
        """Count on."""
        self._last_balance += 1
        return int(self._last_balance)

    def _many(self, sql: str, rows: Rows) -> None:
        if rows:
            self._raw.executemany(sql, rows)

    def _insert(self, sql: str, rows: Rows) -> None:
        """Insert many rows with few statements of 1, 2, 4 … rows each.

        The driver lets go of the interpreter once for each step of a statement, and must win it back from the
        gateway's thread each time: a statement of 32 rows is one step, `executemany` would be 32.
        """
        start = 0
        while start < len(rows):
            size = min(1 << (len(rows) - start).bit_length() - 1, MOST_ROWS_AT_ONCE)
            part = rows[start : start + size]
            self._raw.execute(_of_rows(sql, size), tuple(itertools.chain.from_iterable(part)))
            start += size


@cache
def _of_rows(sql: str, size: int) -> str:
    """An INSERT of one row as one of several rows."""
    head, row = sql.split(" VALUES ")
    return f"{head} VALUES {', '.join([row] * size)}"


class PostgresWriter(Writer):
    """PostgreSQL: any number of processes write; each owns a chain for as long as it holds the chain's lock."""

    def _set_up(self) -> None:
        self._raw.autocommit = True
        self.chain = self._own_chain()
        self._read_head()

    def _own_chain(self) -> int:
        for chain in range(MAX_CHAINS):
            owned = self._raw.execute("SELECT pg_try_advisory_lock(%s, %s)", (CHAIN_LOCKS, chain)).fetchone()[0]
            if owned:
                return chain
        raise RuntimeError(f"{MAX_CHAINS} processes already write to this database")

    def begin(self) -> None:
        """Begin; rows are locked as they are read."""
        self._raw.execute("BEGIN")

    def commit(self) -> None:
        """Commit: the WAL record is on disk."""
        self._raw.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction; the connection may already be gone, which has undone it too."""
        if not self._raw.closed:
            self._raw.execute("ROLLBACK")

    def listed(self, values: Sequence[Any]) -> list[Any]:
        """An array."""
        return list(values)

    def new_ids(self, count: int) -> tuple[int, Sequence[int]]:
        """Draw from the sequences that all writers share."""
        rows = self._raw.execute(
            "SELECT nextval('posting_ids'), CASE WHEN n = 1 THEN nextval('link_ids') END"
            " FROM generate_series(1, %s) AS n",
            (count,),
        ).fetchall()
        return rows[0][1], sorted(row[0] for row in rows)

    def next_link_id(self) -> int:
        """Draw from the sequence that all writers share."""
        link_id: int = self._raw.execute("SELECT nextval('link_ids')").fetchone()[0]
        return link_id

    def next_balance_id(self) -> int:
        """Draw from the sequence that all writers share."""
        balance_id: int = self._raw.execute("SELECT nextval('balance_ids')").fetchone()[0]
        return balance_id

    def _many(self, sql: str, rows: Rows) -> None:
        if rows:
            with self._raw.cursor() as cursor:
                cursor.executemany(sql, rows)
