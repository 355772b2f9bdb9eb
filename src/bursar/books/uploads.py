"""Reports of any length, each taken whole or not at all, while the gateway's calls go on.

One transaction for a long report would keep everybody else's waiting. So it is put together in parts, which are no
part of the books. In one short transaction it is then whole, and from that moment it is in the books by promise: part
by part is kept and decided, and if a process ends meanwhile, whichever comes next goes on. Each step may be done
again, by several at once.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.imports import AT_ONCE, Report, Taken, keep, once, price, settle_pending, states, take
from bursar.importers.record import UsageRecord
from bursar.periods import US_PER_SECOND
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.store import uploads as waiting
from bursar.store.imports import Record
from bursar.store.uploads import Part, Upload

KEPT_US = 86_400 * US_PER_SECOND
"""How long a report may take to become whole, and how long it is known what came of it."""
MOST_PARTS = 20_000
PARTS_FORGOTTEN = 100
"""How many go in one transaction: the journal waits for it."""
SQUEEZE = 1
"""zlib's level: records of a part are much alike."""
_encode = msgspec.msgpack.encode
_records = msgspec.msgpack.Decoder(list[UsageRecord]).decode
_came = msgspec.msgpack.Decoder(Taken).decode
NOTHING = Taken(
    import_id=None,
    records=0,
    added=0,
    grown=0,
    repeated=0,
    states={},
    cost_nanos=0,
    compared_nanos=0,
    source_cost_nanos=0,
    people=(),
    models=(),
)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a whole report is: how many of its parts are done with, and what came of them."""

    parts: int
    done: int
    taken: Taken


def take_whole(books: Books, report: Report, *, dry_run: bool = False) -> Taken:
    """Take a report, however long it is, or nothing of it; with `dry_run` only tell what it would add."""
    if dry_run or len(report.records) <= AT_ONCE:
        return take(books, report, dry_run=dry_run)
    records = sorted(once(report.records), key=lambda record: record.at_us)
    parts = [_packed(records[start : start + AT_ONCE]) for start in range(0, len(records), AT_ONCE)]

    def write(connection: sa.Connection) -> int:
        upload_id = waiting.open_upload(connection, _opened(books, report))
        for n, part in enumerate(parts):
            waiting.put_part(connection, upload_id, n, part)
        waiting.change_upload(connection, upload_id, parts=len(parts))
        return upload_id

    return advance(books, books.journal.write(write)).taken


def open_upload(books: Books, report: Report) -> int:
    """Begin a report whose records come in parts; returns its number. Those in it are not looked at."""
    return books.journal.write(partial(waiting.open_upload, made=_opened(books, report)))


def put_part(books: Books, upload_id: int, actor: str, n: int, records: Sequence[UsageRecord]) -> None:
    """Put the `n`th part of a report, from 0 on, in its place; the same again does no harm. At most AT_ONCE."""
    packed = _packed(records)

    def write(connection: sa.Connection) -> None:
        if _find(connection, upload_id, actor).parts is not None:
            raise field_invalid("n", n, "nothing: the report is whole")
        waiting.put_part(connection, upload_id, n, packed)

    books.journal.write(write)


def make_whole(books: Books, upload_id: int, actor: str, parts: int) -> None:
    """Say how many parts a report has. From then on it is in the books, and cannot be changed; once is enough."""

    def write(connection: sa.Connection) -> None:
        known = _find(connection, upload_id, actor).parts
        there = waiting.part_numbers(connection, upload_id)
        if known is None and there == set(range(parts)):
            waiting.change_upload(connection, upload_id, parts=parts)
        elif known != parts:
            has = f"{known} parts" if known is not None else f"parts {_some(there)}"
            raise field_invalid("parts", parts, f"as many as there are, from 0 on; this report has {has}")

    books.journal.write(write)


def advance(books: Books, upload_id: int, seconds: float | None = None) -> Progress:
    """Take a report that is whole, for so long or to its end; tells how far it is."""
    until_s = None if seconds is None else time.monotonic() + seconds
    while True:
        with books.taking:  # of two who do the same part, one does it in vain
            with books.database.reading() as connection:
                upload = waiting.find_upload(connection, upload_id)
                assert upload is not None, "it is kept for a day after it is done with"
                part = waiting.next_part(connection, upload_id)
            assert upload.parts is not None, "it is whole"
            if part is None or (until_s is not None and time.monotonic() >= until_s):
                done = upload.parts if part is None else part.n
                return Progress(parts=upload.parts, done=done, taken=_came(upload.taken))
            _take_part(books, upload, part)


def finish_uploads(books: Books) -> int:
    """Take whatever is whole and was not taken because a process ended; returns how many reports that were."""
    with books.database.reading() as connection:
        found = waiting.whole_uploads(connection)
    for upload_id in found:
        advance(books, upload_id)
    return len(found)


def forget_uploads(books: Books) -> int:
    """Forget reports that never became whole, and what came of others, a day after they were begun."""
    before_us, forgotten = books.clock() - KEPT_US, 0
    forget = partial(waiting.forget_uploads, before_us=before_us, most_parts=PARTS_FORGOTTEN)
    while some := books.journal.write(forget):
        forgotten += some
    return forgotten


def _take_part(books: Books, upload: Upload, part: Part) -> None:
    """Keep a part's records, have them decided, and be done with it; any of which somebody may have done before."""
    told = _records(zlib.decompress(part.records))
    records = [msgspec.structs.replace(record, source=upload.source) for record in told]
    report = Report(
        source=upload.source, records=records, actor=upload.actor, name=upload.name, person_id=upload.person_id
    )
    priced = price(books, report)
    if part.taken is None:
        books.journal.write(partial(_keep_part, upload=upload, part=part, report=report, priced=priced))
    settle_pending(books)
    come_to = states(books, priced)
    books.journal.write(partial(_done_with, upload=upload, part=part, come_to=come_to))


def _keep_part(
    connection: sa.Connection, *, upload: Upload, part: Part, report: Report, priced: list[Record]
) -> None:
    now = waiting.find_upload(connection, upload.id, lock=True)
    if now is None or waiting.is_kept(connection, upload.id, part.n):
        return
    taken = keep(connection, report=report, priced=priced, now_us=upload.opened_us, first_id=now.import_id)
    if now.import_id is None:
        waiting.change_upload(connection, upload.id, import_id=taken.import_id)
    waiting.note_kept(connection, upload.id, part.n, _encode(taken))


def _done_with(connection: sa.Connection, *, upload: Upload, part: Part, come_to: dict[str, int]) -> None:
    now = waiting.find_upload(connection, upload.id, lock=True)
    kept = waiting.drop_part(connection, upload.id, part.n)
    if now is not None and kept is not None:
        taken = msgspec.structs.replace(_came(kept), states=come_to)
        waiting.change_upload(connection, upload.id, taken=_encode(_plus(_came(now.taken), taken)))


def _plus(one: Taken, other: Taken) -> Taken:
    """What came of both."""
    sums = ("records", "added", "grown", "repeated", "cost_nanos", "compared_nanos", "source_cost_nanos")
    return Taken(
        import_id=other.import_id if one.import_id is None else one.import_id,
        **{name: getattr(one, name) + getattr(other, name) for name in sums},
        states=dict(sorted((Counter(one.states) + Counter(other.states)).items())),
        people=tuple(sorted({*one.people, *other.people})),
        models=tuple(sorted({*one.models, *other.models})),
    )


def _opened(books: Books, report: Report) -> Upload:
    return Upload(
        0, report.source, report.name, report.actor, report.person_id, books.clock(), None, None, _encode(NOTHING)
    )


def _packed(records: Sequence[UsageRecord]) -> bytes:
    return zlib.compress(_encode(records), SQUEEZE)


def _find(connection: sa.Connection, upload_id: int, actor: str) -> Upload:
    """An upload that this actor began."""
    upload = waiting.find_upload(connection, upload_id, lock=True)
    if upload is None or upload.actor != actor:
        raise Refused(refuse(Why.UNKNOWN, what="upload", name=upload_id))
    return upload


def _some(numbers: set[int]) -> str:
    shown = ", ".join(str(number) for number in sorted(numbers)[:5])
    return f"{shown or 'none'}{' …' if len(numbers) > 5 else ''} ({len(numbers)} in all)"
