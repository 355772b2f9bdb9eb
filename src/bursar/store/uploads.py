"""Long reports while they are put together and taken, read and written through a connection.

A report waits in parts, which are no part of the books. Once it is known how many there are it is whole, and will be
taken whatever happens: part by part, and what was taken goes. What of it stays for a while is what came of it, so
that whoever asks again is told the same.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.store.schema import upload_parts, uploads


class Upload(msgspec.Struct, frozen=True):
    """A long report: of which source, from what, by whom, whose. `parts` is None while more may come.

    `import_id` is the number of the import that it has become, once its first part was taken; `taken` is what came
    of the parts so far, as the books have written it.
    """

    id: int
    source: str
    name: str
    actor: str
    person_id: int | None
    opened_us: int
    parts: int | None
    import_id: int | None
    taken: bytes


class Part(msgspec.Struct, frozen=True):
    """A part: its records; and what came of them, once they are kept and while it is being decided what they cost."""

    n: int
    records: bytes
    taken: bytes | None


_UPLOAD = [uploads.c[name] for name in Upload.__struct_fields__]
_PART = [upload_parts.c[name] for name in Part.__struct_fields__]


def open_upload(connection: sa.Connection, made: Upload) -> int:
    """Add an upload; returns its number. The number in it is not looked at."""
    row = msgspec.structs.asdict(made)
    del row["id"]
    return int(connection.execute(sa.insert(uploads).values(row).returning(uploads.c.id)).scalar_one())


def find_upload(connection: sa.Connection, upload_id: int, *, lock: bool = False) -> Upload | None:
    """An upload by its number; `lock` keeps others from changing it until the transaction ends."""
    query = sa.select(*_UPLOAD).where(uploads.c.id == upload_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Upload(*row)


def change_upload(connection: sa.Connection, upload_id: int, **values: Any) -> None:
    """Write what has changed of an upload."""
    connection.execute(sa.update(uploads).where(uploads.c.id == upload_id).values(values))


def put_part(connection: sa.Connection, upload_id: int, n: int, records: bytes) -> None:
    """Put a part in its place, where it may have been put before."""
    connection.execute(sa.delete(upload_parts).where(*_is(upload_id, n)))
    connection.execute(sa.insert(upload_parts).values(upload_id=upload_id, n=n, records=records, taken=None))


def part_numbers(connection: sa.Connection, upload_id: int) -> set[int]:
    """Which parts are there."""
    query = sa.select(upload_parts.c.n).where(upload_parts.c.upload_id == upload_id)
    return set(connection.execute(query).scalars())


def next_part(connection: sa.Connection, upload_id: int) -> Part | None:
    """The first part that is not yet done with."""
    query = sa.select(*_PART).where(upload_parts.c.upload_id == upload_id).order_by(upload_parts.c.n).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Part(*row)


def is_kept(connection: sa.Connection, upload_id: int, n: int) -> bool:
    """Whether a part's records are kept already, or the part is even done with."""
    query = sa.select(upload_parts.c.taken).where(*_is(upload_id, n))
    row = connection.execute(query).first()
    return row is None or row[0] is not None


def note_kept(connection: sa.Connection, upload_id: int, n: int, taken: bytes) -> None:
    """A part's records are kept."""
    connection.execute(sa.update(upload_parts).where(*_is(upload_id, n)).values(taken=taken))


def drop_part(connection: sa.Connection, upload_id: int, n: int) -> bytes | None:
    """A part is done with; returns what came of it, None when it was gone, or never kept."""
    query = sa.delete(upload_parts).where(*_is(upload_id, n)).returning(upload_parts.c.taken)
    row = connection.execute(query).first()
    return None if row is None else row[0]


def whole_uploads(connection: sa.Connection) -> list[int]:
    """The uploads that are to be taken and are not done with, the earliest first."""
    query = (
        sa.select(uploads.c.id)
        .where(uploads.c.parts.is_not(None), sa.exists().where(upload_parts.c.upload_id == uploads.c.id))
        .order_by(uploads.c.id)
    )
    return list(connection.execute(query).scalars())


def forget_uploads(connection: sa.Connection, before_us: int, most_parts: int) -> int:
    """Forget some of what was opened before an instant and is not being taken; returns how much there was of it."""
    waiting = sa.exists().where(upload_parts.c.upload_id == uploads.c.id)
    old = sa.select(uploads.c.id).where(uploads.c.opened_us < before_us, sa.or_(uploads.c.parts.is_(None), ~waiting))
    found = list(connection.execute(old.order_by(uploads.c.id)).scalars())
    parts = sa.select(upload_parts.c.upload_id, upload_parts.c.n).where(upload_parts.c.upload_id.in_(found))
    dropped = connection.execute(parts.limit(most_parts)).all()
    for upload_id, n in dropped:
        drop_part(connection, upload_id, n)
    if len(dropped) < most_parts:
        connection.execute(sa.delete(uploads).where(uploads.c.id.in_(found)))
    return len(dropped) + len(found)


def _is(upload_id: int, n: int) -> tuple[sa.ColumnElement[bool], ...]:
    return upload_parts.c.upload_id == upload_id, upload_parts.c.n == n
