"""Sums over calls that providers report, read and written through a connection.

Append-only: a total that is told again, and says something else, is another version of it. The last version counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from bursar.store.schema import usage_totals

AT_ONCE = 500


class Total(msgspec.Struct, frozen=True, gc=False):
    """One version of a total; see `bursar.importers.totals.UsageTotal`. The cost is the source's own, in nano-USD."""

    source: str
    key: str
    version: int
    catalog: str
    starts_us: int
    ends_us: int
    model: str
    variant: str
    item: str
    person: str
    api_key: str
    project: str
    grouping: str
    requests: int | None
    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    web_searches: int
    cost_nanos: int | None

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return sum(getattr(self, name) for name in TOKENS)


TOKENS = (
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
    *("audio_input_tokens", "audio_output_tokens"),
)
"""The fields that count tokens; `Total`, a call's record and a reported call have them alike."""
_COLUMNS = [usage_totals.c[name] for name in Total.__struct_fields__]
_later = usage_totals.alias("later")
_COUNTS = ~sa.exists().where(
    _later.c.source == usage_totals.c.source,
    _later.c.key == usage_totals.c.key,
    _later.c.version > usage_totals.c.version,
)
"""Of each total the last version."""


def known(connection: sa.Connection, source: str, keys: Sequence[str]) -> dict[str, Total]:
    """What counts of a source's totals with these keys."""
    found = {}
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        query = sa.select(*_COLUMNS).where(usage_totals.c.source == source, usage_totals.c.key.in_(part), _COUNTS)
        for row in connection.execute(query):
            total = Total(*row)
            found[total.key] = total
    return found


def add(connection: sa.Connection, import_id: int, totals: Iterable[Total]) -> None:
    """Add versions."""
    values = [msgspec.structs.asdict(total) | {"import_id": import_id} for total in totals]
    if values:
        connection.execute(sa.insert(usage_totals), values)


def between(connection: sa.Connection, since_us: int, until_us: int) -> list[Total]:
    """What counts of all totals whose time begins in `since_us <= t < until_us`, the earliest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(usage_totals.c.starts_us >= since_us, usage_totals.c.starts_us < until_us, _COUNTS)
        .order_by(usage_totals.c.starts_us, usage_totals.c.source, usage_totals.c.key)
    )
    return [Total(*row) for row in connection.execute(query)]


def listed(connection: sa.Connection, source: str | None, limit: int, after: int | None) -> list[tuple[int, Total]]:
    """What counts of totals with their numbers, those that were told last first; of one source, or of all."""
    query = sa.select(usage_totals.c.id, *_COLUMNS).where(_COUNTS).order_by(usage_totals.c.id.desc()).limit(limit)
    if source is not None:
        query = query.where(usage_totals.c.source == source)
    if after is not None:
        query = query.where(usage_totals.c.id < after)
    return [(int(row[0]), Total(*tuple(row)[1:])) for row in connection.execute(query)]
