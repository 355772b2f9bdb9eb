"""Seals: the hash chains vouch for the papers as well, those append-only tables that are not the journal itself.

A paper is a row of `schema.PAPERS`: a plan's terms, a price book, a change, a document, an exchange rate. A trigger
notes each new one as unsealed; before the transaction ends, the writer turns the notes into seals, which hold the
paper's digest, under a link of its chain. So an edited, deleted or exchanged paper is found as a posting is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.store.faults import FaultName, Findings
from bursar.store.reading import stream
from bursar.store.schema import PAPERS, metadata, unsealed

AT_ONCE = 200


class Seal(NamedTuple):
    """A row of the table of seals: the `n`th of its link, what table and row it is of, and that row's digest."""

    link_id: int
    n: int
    paper: str
    key: str
    digest: bytes


def digest_of(row: Mapping[str, Any]) -> bytes:
    """SHA-256 over a paper's columns by name. One that is NULL does not count, so a column may be added later."""
    told = sorted((str(name), value) for name, value in row.items() if value is not None)
    return hashlib.sha256(msgspec.msgpack.encode(told)).digest()


def key_of(table: sa.Table, row: Mapping[str, Any]) -> str:
    """The values of the primary key, with blanks between them, as the triggers note them."""
    return " ".join(str(row[column.name]) for column in table.primary_key.columns)


def take_unsealed(connection: sa.Connection, next_link_id: Callable[[], int]) -> list[Seal]:
    """Seals of all papers that have none, in the order of tables and keys; the notes of them are taken away.

    They are of one link, whose id is asked for when there are any.
    """
    noted = connection.execute(sa.delete(unsealed).returning(unsealed.c.paper, unsealed.c.key)).all()
    if not noted:
        return []
    link_id, seals = next_link_id(), list[Seal]()
    for paper in sorted({paper for paper, _ in noted}):
        table = metadata.tables[paper]
        keys = sorted(key for of, key in noted if of == paper)
        for start in range(0, len(keys), AT_ONCE):
            digests = _digests(connection, table, keys[start : start + AT_ONCE])
            for key in sorted(digests):
                seals.append(Seal(link_id, len(seals), paper, key, digests[key]))
    return seals


def _digests(connection: sa.Connection, table: sa.Table, keys: Sequence[str]) -> dict[str, bytes]:
    """The digests of a table's rows by their keys."""
    columns = table.primary_key.columns
    wanted = [
        sa.and_(
            *(column == column.type.python_type(part) for column, part in zip(columns, key.split(" "), strict=True))
        )
        for key in keys
    ]
    found = connection.execute(sa.select(table).where(sa.or_(*wanted)))
    rows = [dict(zip(table.columns.keys(), row, strict=True)) for row in found]
    return {key_of(table, row): digest_of(row) for row in rows}


class Papers:
    """What is compared: the seals as the chains are walked, then every paper with its own."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._sealed: dict[tuple[str, str], Seal] = {}
        self.count = 0

    def add(self, seal: Seal) -> None:
        """Take a seal of a link."""
        self._sealed[seal.paper, seal.key] = seal

    def finish(self, connection: sa.Connection) -> None:
        """All seals have come by: compare."""
        for paper in PAPERS:
            table = metadata.tables[paper]
            names = table.columns.keys()
            for values in stream(connection, sa.select(table).order_by(*table.primary_key.columns)):
                row = dict(zip(names, values, strict=True))
                self._compare(paper, key_of(table, row), row)
        for paper, key in self._sealed:
            self._findings.add(FaultName.PAPER_MISSING, f"{paper} {key}", "it was sealed and is not there")

    def _compare(self, paper: str, key: str, row: Mapping[str, Any]) -> None:
        self.count += 1
        where = f"{paper} {key}"
        seal = self._sealed.pop((paper, key), None)
        if seal is None:
            self._findings.add(FaultName.PAPER_UNSEALED, where, "it is there, and no link seals it")
        elif seal.digest != digest_of(row):
            self._findings.add(FaultName.PAPER_DIFFERS, where, f"it is not what link {seal.link_id} sealed")
