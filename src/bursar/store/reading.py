"""The journal read from its start, posting by posting, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from bursar.store.faults import FaultName, Findings
from bursar.store.schema import calls, postings, transfers

ROWS_AT_ONCE = 2_000
Row = tuple[Any, ...]


class Entry(NamedTuple):
    """A posting's row, its transfers' rows in their order, and the row of the call that it ended, if any."""

    posting: Row
    transfers: list[Row]
    call: Row | None


def stream(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Row]:
    """A query's rows, fetched as they are asked for (on PostgreSQL from a cursor of the server's)."""
    result = connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    for partition in result.partitions():
        yield from map(tuple, partition)


def entries(connection: sa.Connection, findings: Findings) -> Iterator[Entry]:
    """Every posting in the order of ids, joined with what belongs to it. What belongs to none is a fault."""
    moved = Beside(stream(connection, sa.select(transfers).order_by(transfers.c.posting_id, transfers.c.n)))
    ended = Beside(stream(connection, sa.select(calls).order_by(calls.c.posting_id)))
    for posting in stream(connection, sa.select(postings).order_by(postings.c.id)):
        _orphans(moved.below(posting[0]), FaultName.TRANSFER_ORPHANED, findings)
        _orphans(ended.below(posting[0]), FaultName.CALL_ORPHANED, findings)
        call = list(ended.of(posting[0]))
        yield Entry(posting, list(moved.of(posting[0])), call[0] if call else None)
    _orphans(moved.rest(), FaultName.TRANSFER_ORPHANED, findings)
    _orphans(ended.rest(), FaultName.CALL_ORPHANED, findings)


def _orphans(rows: Iterator[Row], name: FaultName, findings: Findings) -> None:
    for row in rows:
        findings.add(name, f"posting {row[0]}", "it is not there, but something that belongs to it is")


class Beside:
    """Rows that are read beside postings, or links; the first column is their id, by which they are ordered."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def below(self, posting_id: int) -> Iterator[Row]:
        """The rows of postings before this one that nobody asked for."""
        while self._next is not None and self._next[0] < posting_id:
            yield self._next
            self._next = next(self._rows, None)

    def of(self, posting_id: int) -> Iterator[Row]:
        """The rows of this posting."""
        while self._next is not None and self._next[0] == posting_id:
            yield self._next
            self._next = next(self._rows, None)

    def rest(self) -> Iterator[Row]:
        """All that is left."""
        while self._next is not None:
            yield self._next
            self._next = next(self._rows, None)
