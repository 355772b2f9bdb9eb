"""Calls that others reported, and what each of them has come to."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.reports.usage import MAX_PAGE, PAGE
from bursar.store.schema import people, usage_heads, usage_records


class ReportedView(msgspec.Struct, frozen=True, kw_only=True):
    """A call as a source tells of it. `id` is its version's number; give it as `after` for the page that follows.

    `cost_nanos` is what it costs by the price book of its own time, null when the model has no price there;
    `source_cost_nanos` is what the source says, null when it says nothing. `charged_nanos` is what was charged.
    """

    id: int
    source: str
    key: str
    person: str
    at_us: int
    catalog: str
    model: str
    variant: str
    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    web_searches: int
    reasoning_tokens: int
    request_id: str | None
    message_id: str | None
    price_version: str
    cost_nanos: int | None
    source_cost_nanos: int | None
    state: str
    why: str
    charged_nanos: int


_OF_HEAD = {"state", "why", "charged_nanos"}


def reported(
    connection: sa.Connection,
    person_id: int | None = None,
    *,
    source: str | None = None,
    since_us: int | None = None,
    state: str | None = None,
    limit: int = PAGE,
    after: int | None = None,
) -> list[ReportedView]:
    """At most `limit` calls (1,000 at most) that others reported, those of which was told last first."""
    columns = [
        sa.func.coalesce(people.c.email, usage_records.c.person)
        if name == "person"
        else (usage_heads.c if name in _OF_HEAD else usage_records.c)[name]
        for name in ReportedView.__struct_fields__
    ]
    query = (
        sa.select(*columns)
        .join(usage_heads, usage_heads.c.record_id == usage_records.c.id)
        .outerjoin(people, people.c.id == usage_records.c.person_id)
        .order_by(usage_records.c.id.desc())
        .limit(min(limit, MAX_PAGE))
    )
    if person_id is not None:
        query = query.where(usage_heads.c.person_id == person_id)
    if source is not None:
        query = query.where(usage_heads.c.source == source)
    if since_us is not None:
        query = query.where(usage_heads.c.at_us >= since_us)
    if state is not None:
        query = query.where(usage_heads.c.state == state)
    if after is not None:
        query = query.where(usage_records.c.id < after)
    names = ReportedView.__struct_fields__
    return [ReportedView(**dict(zip(names, row, strict=True))) for row in connection.execute(query)]
