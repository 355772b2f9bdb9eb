"""Providers' totals, taken into the books to compare them with: nothing is charged, whatever they say.

A total that is told again is the same total. A report that is made again while its day grows says more; an older one
may be brought in after a newer one. So of what is told of a total the larger counts, in whatever order it is told;
a provider that corrects itself downwards is believed when whoever brings the report in says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.importers.totals import UsageTotal
from bursar.store import imports, totals
from bursar.store.imports import Import
from bursar.store.totals import Total


class TotalsTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a report: how many of its totals were new, had changed, or were known.

    `smaller` say less than what is known of them, and do not count. `cost_nanos` is what the report says in all.
    """

    import_id: int | None
    records: int
    added: int
    grown: int
    repeated: int
    smaller: int
    cost_nanos: int


class _Sorted(msgspec.Struct):
    versions: list[Total]
    added: int = 0
    grown: int = 0
    repeated: int = 0
    smaller: int = 0


def take_totals(
    books: Books,
    source: str,
    told: Sequence[UsageTotal],
    *,
    actor: str,
    name: str = "",
    corrects: bool = False,
    dry_run: bool = False,
) -> TotalsTaken:
    """Take a report of one source in one transaction; with `dry_run` only tell what it would add.

    With `corrects` totals count that say less than what is known of them. May be repeated at will.
    """
    wanted = {total.key: _version(total) for total in told}

    def write(connection: sa.Connection) -> TotalsTaken:
        found = _sort(totals.known(connection, source, list(wanted)), wanted.values(), corrects=corrects)
        if dry_run:
            return _taken(None, told, found)
        made = Import(
            0, source, name, actor, books.clock(), len(told), found.added, found.grown, found.repeated + found.smaller
        )
        import_id = imports.add_import(connection, made)
        totals.add(connection, import_id, found.versions)
        return _taken(import_id, told, found)

    if dry_run:
        with books.database.reading() as connection:
            return write(connection)
    return books.journal.write(write)


def _version(total: UsageTotal) -> Total:
    used = total.usage
    return Total(
        source=total.source,
        key=total.key,
        version=1,
        catalog=total.catalog,
        starts_us=total.starts_us,
        ends_us=total.ends_us,
        model=total.model,
        variant=total.variant,
        item=total.item,
        person=total.person,
        api_key=total.api_key,
        project=total.project,
        grouping=total.grouping,
        requests=total.requests,
        input_tokens=used.input,
        cache_read_tokens=used.cache_read,
        cache_write_5m_tokens=used.cache_write_5m,
        cache_write_1h_tokens=used.cache_write_1h,
        output_tokens=used.output,
        audio_input_tokens=used.audio_input,
        audio_output_tokens=used.audio_output,
        web_searches=used.web_searches,
        cost_nanos=total.cost_nanos,
    )


def _sort(known: dict[str, Total], wanted: Iterable[Total], *, corrects: bool) -> _Sorted:
    found = _Sorted([])
    for total in wanted:
        old = known.get(total.key)
        if old is None:
            found.added += 1
            found.versions.append(total)
            continue
        new = msgspec.structs.replace(total, version=old.version + 1)
        if _rank(total) == _rank(old):
            found.repeated += 1
        elif _rank(total) > _rank(old) or corrects:
            found.grown += 1
            found.versions.append(new)
        else:
            found.smaller += 1
    return found


def _rank(total: Total) -> tuple[int, int, int, bool, int, bytes]:
    """Of two that are told of a total the higher counts: the one with more tokens, then calls, searches, cost."""
    cost = total.cost_nanos
    bare = msgspec.msgpack.encode(msgspec.structs.replace(total, version=0))
    return total.tokens, total.requests or 0, total.web_searches, cost is not None, cost or 0, bare


def _taken(import_id: int | None, told: Sequence[UsageTotal], found: _Sorted) -> TotalsTaken:
    return TotalsTaken(
        import_id=import_id,
        records=len(told),
        added=found.added,
        grown=found.grown,
        repeated=found.repeated,
        smaller=found.smaller,
        cost_nanos=sum(total.cost_nanos or 0 for total in told),
    )
