"""What providers report of hours and days."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.store import totals


class TotalView(msgspec.Struct, frozen=True, kw_only=True):
    """A total. `id` is its version's number; give it as `after` for the page that follows.

    What the report was not grouped by is empty; `requests` and `cost_nanos` are null where it says nothing.
    """

    id: int
    source: str
    catalog: str
    starts_us: int
    ends_us: int
    model: str
    variant: str
    item: str
    person: str
    api_key: str
    project: str
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


def provider_totals(connection: sa.Connection, source: str | None, limit: int, after: int | None) -> list[TotalView]:
    """At most `limit` totals of a source, or of all, those that were told last first."""
    names = [name for name in TotalView.__struct_fields__ if name != "id"]
    return [
        TotalView(id=number, **{name: getattr(total, name) for name in names})
        for number, total in totals.listed(connection, source, limit, after)
    ]
