"""The journal's few hot statements, written once in SQLAlchemy Core and compiled once for each engine.

Measured (docs/decisions/0002): run on the driver's own cursor they cost a third of what they cost through
SQLAlchemy's execution, so Core is used for what it is best at, saying the same thing to two engines.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

from bursar.store.schema import balances, calls, holds, links, postings, refusals, seals, transfers

MONEY_COLUMNS = (
    "granted",
    "available",
    "held",
    "spent",
    "expired",
    "overrun",
    "unearned",
    "revoked",
    "carried_out",
    "cashed_out",
    "carried_in",
    "adjusted",
)


class Statements:
    """SQL texts with positional parameters for one engine's driver."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self._sqlite = is_sqlite
        self._dialect: Dialect = (
            pysqlite.dialect(paramstyle="qmark") if is_sqlite else psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
        )
        lock = not is_sqlite
        self.known_ops = self._among(sa.select(postings.c.op, postings.c.digest, postings.c.id), postings.c.op)
        self.refused_ops = self._among(
            sa.select(refusals.c.op, refusals.c.digest, refusals.c.why, refusals.c.facts), refusals.c.op
        )
        self.holds = self._among(sa.select(holds), holds.c.id, lock=lock)
        self.balances = self._among(sa.select(balances), balances.c.id, lock=lock)
        self.posting = self._text(sa.select(postings).where(postings.c.id == sa.bindparam("id")))
        self.posting_transfers = self._text(
            sa.select(transfers.c.debit, transfers.c.credit, transfers.c.amount_nanos)
            .where(transfers.c.posting_id == sa.bindparam("id"))
            .order_by(transfers.c.n)
        )
        self.add_posting = self._insert(postings)
        self.add_transfer = self._insert(transfers)
        self.add_call = self._insert(calls)
        self.add_hold = self._insert(holds)
        self.add_balance = self._insert(balances)
        self.add_link = self._insert(links)
        self.add_seal = self._insert(seals)
        self.add_refusal = self._insert(refusals)
        self.end_holds = self._text(sa.delete(holds).where(self._is_listed(holds.c.id)))
        self.set_balance = self._text(
            sa.update(balances)
            .values({name: sa.bindparam(f"new_{name}") for name in MONEY_COLUMNS})
            .where(balances.c.id == sa.bindparam("which"))
        )
        self.set_end = self._text(
            sa.update(balances)
            .values(expires_us=sa.bindparam("new_expires_us"))
            .where(balances.c.id == sa.bindparam("which"))
        )

    def _text(self, statement: sa.sql.ClauseElement) -> str:
        return str(statement.compile(dialect=self._dialect))

    def _insert(self, table: sa.Table) -> str:
        """An INSERT of all columns in the table's order."""
        return self._text(sa.insert(table).values({c.name: sa.bindparam(c.name) for c in table.columns}))

    def _among(self, query: sa.Select[Any], column: sa.Column[Any], *, lock: bool = False) -> str:
        """A query for the rows whose column is among a list given as one parameter; locked in the column's order."""
        query = query.where(self._is_listed(column))
        if lock:
            query = query.order_by(column).with_for_update()
        return self._text(query)

    def _is_listed(self, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        """Whether a column is in the list that is the statement's one parameter."""
        if self._sqlite:
            values = sa.func.json_each(sa.bindparam("listed")).table_valued("value")
            return column.in_(sa.select(values.c.value))
        return column == sa.any_(sa.bindparam("listed", type_=postgresql.ARRAY(column.type)))
