"""Outlines of imports: what an import and everything that it brought was when it was sealed.

An import is sealed as a whole, by the digest of its outline. The outline has a digest of all that the rows say, by
which any change is found, and a checksum of each row and of each column, by which is told where: the cell that was
edited is where they cross. It is kept beside the seal, and believed as far as the seal's digest is its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import sqlalchemy as sa

from bursar.store.faults import FaultName
from bursar.store.reading import Row
from bursar.store.schema import REPORTS, imports, metadata

_encode = msgspec.msgpack.encode


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Of one table: the rows' names, a checksum of each, and one of each column in its order."""

    names: list[int | str]
    rows: list[int]
    columns: list[int]


class Outline(msgspec.Struct, frozen=True, array_like=True):
    """An import: a SHA-256 of all rows that it brought, its own row without NULLs, and its parts by tables."""

    content: bytes
    head: dict[str, str | int]
    parts: dict[str, Part]

    @property
    def packed(self) -> bytes:
        """As it is kept."""
        return _encode(self)


class Difference(NamedTuple):
    """Something that is not as it was sealed: the fault, where, and the problem in words."""

    name: FaultName
    where: str
    problem: str


read_outline = msgspec.msgpack.Decoder(Outline).decode


def digest_of_outline(packed: bytes) -> bytes:
    """What the seal of an import holds."""
    return hashlib.sha256(packed).digest()


def outline_of(head: Mapping[str, Any], brought: Mapping[str, Iterable[Row]]) -> Outline:
    """The outline of an import: of its row, and of the rows that it brought to each table, in any order."""
    content = hashlib.sha256()
    parts = {}
    for table in REPORTS:
        content.update(table.encode())
        part = _part(metadata.tables[table], brought[table], content)
        if part.names:
            parts[table] = part
    return Outline(content.digest(), {name: value for name, value in head.items() if value is not None}, parts)


def sealed_outline(connection: sa.Connection, key: str) -> Outline:
    """The outline of an import that is being sealed, by its key."""
    head = connection.execute(sa.select(imports).where(imports.c.id == int(key))).mappings().one()
    brought = {}
    for name in REPORTS:
        table = metadata.tables[name]
        brought[name] = map(tuple, connection.execute(sa.select(table).where(table.c.import_id == int(key))))
    return outline_of(dict(head), brought)


def name_of(table: sa.Table, row: Row) -> int | str:
    """What a row is known by among those that an import brought: its id, or what else names it there."""
    return _named(_names(table), row)


def _names(table: sa.Table) -> list[int]:
    """Where in a row its name is."""
    return [at for at, column in enumerate(table.columns) if column.primary_key and column.name != "import_id"]


def _named(at: Sequence[int], row: Row) -> int | str:
    return row[at[0]] if len(at) == 1 else " ".join(str(row[each]) for each in at)


def _part(table: sa.Table, rows: Iterable[Row], content: Any) -> Part:
    """The order is that of names here: an engine's order of texts is not the same for ever."""
    at = _names(table)
    named = sorted(((_named(at, row), row) for row in rows), key=itemgetter(0))
    told = [_encode(_without_end(row)) for _, row in named]
    content.update(b"".join(told))
    columns = [
        crc32(_encode(values)) if any(values) else 0 for values in zip(*(row for _, row in named), strict=True)
    ]
    return Part([name for name, _ in named], [crc32(each) for each in told], columns)


def _without_end(row: Row) -> Row:
    """A row without the NULLs at its end, so that a column may be added there later."""
    end = len(row)
    while end and row[end - 1] is None:
        end -= 1
    return row[:end]


# --- what was changed -----------------------------------------------------------------------------------------


def differences(was: Outline, now: Outline, since: str) -> Iterator[Difference]:
    """What is not as it was sealed, row by row; `since` names the link. There is some."""
    where = f"imports {was.head['id']}"
    told = list(_of_head(was.head, now.head, where, since))
    for table in REPORTS:
        nothing = Part([], [], [])
        told += _of_part(table, was.parts.get(table, nothing), now.parts.get(table, nothing), where, since)
    yield from told or [Difference(FaultName.PAPER_DIFFERS, where, f"what it brought is not what {since} sealed")]


def _of_head(was: Mapping[str, Any], now: Mapping[str, Any], where: str, since: str) -> Iterator[Difference]:
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            problem = f"{name} is {now.get(name)!r}; {since} sealed {was.get(name)!r}"
            yield Difference(FaultName.PAPER_DIFFERS, where, problem)


def _of_part(table: str, was: Part, now: Part, where: str, since: str) -> Iterator[Difference]:
    before, after = dict(zip(was.names, was.rows, strict=True)), dict(zip(now.names, now.rows, strict=True))
    for row in sorted(before.keys() - after.keys(), key=str):
        problem = f"it is not there; {since} sealed it with {where}"
        yield Difference(FaultName.PAPER_MISSING, f"{table} {row}", problem)
    for row in sorted(after.keys() - before.keys(), key=str):
        problem = f"it is there as one of {where}, and {since} did not seal it"
        yield Difference(FaultName.PAPER_UNSEALED, f"{table} {row}", problem)
    edited = [row for row in before if row in after and before[row] != after[row]]
    # Where rows were added or taken away every column is another, which says nothing of the rows that remain.
    names = _columns(table, was.columns, now.columns) if before.keys() == after.keys() else ()
    which = f"{', '.join(names)}: " if names else ""
    for row in edited:
        yield Difference(FaultName.PAPER_DIFFERS, f"{table} {row}", f"{which}it is not what {since} sealed")


def _columns(table: str, was: Sequence[int], now: Sequence[int]) -> Iterable[str]:
    names = metadata.tables[table].columns.keys()
    sums = (list(each) + [0] * (len(names) - len(each)) for each in (was, now))
    return [name for name, one, other in zip(names, *sums, strict=True) if one != other]
