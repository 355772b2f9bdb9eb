"""Seals: the hash chains vouch for the papers as well, those append-only tables that are not the journal itself.

A paper is a row of `schema.PAPERS`: a plan's terms, a price book, a change, a document, an exchange rate, an import
with all that it brought. A trigger notes each new one as unsealed; before the transaction ends, the writer turns the
notes into seals, which hold the paper's digest, under a link of its chain. So an edited, deleted or exchanged paper
is found as a posting is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.store.faults import FaultName, Findings
from bursar.store.outlines import (
    Outline,
    differences,
    digest_of_outline,
    name_of,
    outline_of,
    read_outline,
    sealed_outline,
)
from bursar.store.reading import Beside, Row, stream
from bursar.store.schema import PAPERS, REPORTS, imports, metadata, outlines, unsealed

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
            part = keys[start : start + AT_ONCE]
            digests = _outlined(connection, part) if table is imports else _digests(connection, table, part)
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


def _outlined(connection: sa.Connection, keys: Sequence[str]) -> dict[str, bytes]:
    """The digests of imports by their keys. Their outlines are kept."""
    packed = {key: sealed_outline(connection, key).packed for key in keys}
    rows = [{"import_id": int(key), "outline": outline} for key, outline in packed.items()]
    connection.execute(sa.insert(outlines), rows)
    return {key: digest_of_outline(outline) for key, outline in packed.items()}


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
            rows = stream(connection, sa.select(table).order_by(*table.primary_key.columns))
            papers = (dict(zip(names, values, strict=True)) for values in rows)
            if table is imports:
                self._imports(connection, papers)
            else:
                for row in papers:
                    self._compare(f"{paper} {key_of(table, row)}", self._taken(paper, key_of(table, row)), row)
        for paper, key in self._sealed:
            self._findings.add(FaultName.PAPER_MISSING, f"{paper} {key}", "it was sealed and is not there")

    def _taken(self, paper: str, key: str) -> Seal | None:
        """The seal of a paper that is there."""
        self.count += 1
        seal = self._sealed.pop((paper, key), None)
        if seal is None:
            self._findings.add(FaultName.PAPER_UNSEALED, f"{paper} {key}", "it is there, and no link seals it")
        return seal

    def _compare(self, where: str, seal: Seal | None, row: Mapping[str, Any]) -> None:
        if seal is not None and seal.digest != digest_of(row):
            self._findings.add(FaultName.PAPER_DIFFERS, where, f"it is not what link {seal.link_id} sealed")

    # --- imports ----------------------------------------------------------------------------------------------

    def _imports(self, connection: sa.Connection, heads: Iterable[Mapping[str, Any]]) -> None:
        """Compare imports and what they brought. What belongs to none is a fault."""
        brought = {name: Beside(_by_import(connection, metadata.tables[name])) for name in REPORTS}
        kept = Beside(stream(connection, sa.select(outlines).order_by(outlines.c.import_id)))
        for head in heads:
            number = head["id"]
            for name, rows in brought.items():
                self._stray(name, rows.below(number))
            self._stray("outlines", kept.below(number))
            now = outline_of(head, {name: (row[1:] for row in rows.of(number)) for name, rows in brought.items()})
            self._compare_import(number, [row[1] for row in kept.of(number)], now)
        for name, rows in brought.items():
            self._stray(name, rows.rest())
        self._stray("outlines", kept.rest())

    def _stray(self, table: str, rows: Iterable[Row]) -> None:
        for row in rows:
            where = f"{table} {row[0] if table == 'outlines' else name_of(metadata.tables[table], row[1:])}"
            self._findings.add(FaultName.PAPER_UNSEALED, where, f"there is no import {row[0]}")

    def _compare_import(self, number: int, kept: Sequence[bytes], now: Outline) -> None:
        seal = self._taken("imports", str(number))
        if seal is None:
            return
        since, is_same = f"link {seal.link_id}", seal.digest == digest_of_outline(now.packed)
        if not kept:
            self._findings.add(FaultName.PAPER_MISSING, f"outlines {number}", f"it is not there; {since} sealed it")
        elif digest_of_outline(kept[0]) != seal.digest:
            self._findings.add(FaultName.PAPER_DIFFERS, f"outlines {number}", f"it is not what {since} sealed")
        elif not is_same:
            for difference in differences(read_outline(kept[0]), now, since):
                self._findings.add(*difference)
            return
        if not is_same:
            problem = f"it and what it brought are not what {since} sealed"
            self._findings.add(FaultName.PAPER_DIFFERS, f"imports {number}", problem)


def _by_import(connection: sa.Connection, table: sa.Table) -> Iterator[Row]:
    """The rows of a table that imports brought, with the import's number before each, in its order."""
    return stream(connection, sa.select(table.c.import_id, *table.columns).order_by(table.c.import_id))
