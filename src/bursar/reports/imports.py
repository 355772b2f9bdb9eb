"""Calls that others reported, and what each of them has come to; what was brought in, and what came of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from bursar.reports.usage import MAX_PAGE, PAGE
from bursar.store.schema import imports, people, usage_claims, usage_heads, usage_records

OTHERS = "others"
"""What is asked for to see the calls that somebody else claims."""


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """What was brought in: of a source, from something with a name, by somebody.

    Of its `records`, `added` were new, `grown` told more than was known, `repeated` did not; `others` belong to
    somebody else than whom they were told of for. `states` counts the calls of which nothing told more since, by what
    they have come to by now; `cost_nanos` is what these cost by the price book, `charged_nanos` what was charged.
    """

    id: int
    source: str
    name: str
    actor: str
    at_us: int
    records: int
    added: int
    grown: int
    repeated: int
    others: int
    states: dict[str, int]
    cost_nanos: int
    charged_nanos: int


class ReportedView(msgspec.Struct, frozen=True, kw_only=True):
    """A call as a source tells of it. `id` is its version's number; give it as `after` for the page that follows.

    `cost_nanos` is what it costs by the price book of its own time, null when the model has no price there;
    `source_cost_nanos` is what the source says, null when it says nothing. `charged_nanos` is what was charged.
    `claimed_by` are others for whom it was told of, too.
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
    claimed_by: tuple[str, ...] = ()


_OF_HEAD = {"state", "why", "charged_nanos"}
_TOLD = [name for name in ReportedView.__struct_fields__ if name != "claimed_by"]
_CLAIMS = sa.and_(usage_claims.c.source == usage_heads.c.source, usage_claims.c.key == usage_heads.c.key)
_CLAIMED = sa.exists().where(_CLAIMS, usage_claims.c.person_id != usage_heads.c.person_id)
_WHOLE = sa.func.coalesce(imports.c.first_id, imports.c.id)
_SUMMED = ("records", "added", "grown", "repeated")


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
        for name in _TOLD
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
        query = query.where(_CLAIMED if state == OTHERS else usage_heads.c.state == state)
    if after is not None:
        query = query.where(usage_records.c.id < after)
    rows = [dict(zip(_TOLD, row, strict=True)) for row in connection.execute(query)]
    claimed = _claimed_by(connection, [(row["source"], row["key"]) for row in rows])
    return [ReportedView(**row, claimed_by=tuple(sorted(claimed[row["source"], row["key"]]))) for row in rows]


def _claimed_by(
    connection: sa.Connection, names: Sequence[tuple[str, str]]
) -> defaultdict[tuple[str, str], set[str]]:
    """The e-mails of those for whom calls were told of that are another's."""
    query = (
        sa.select(usage_heads.c.source, usage_heads.c.key, people.c.email)
        .join(usage_claims, _CLAIMS)
        .join(people, people.c.id == usage_claims.c.person_id)
        .where(
            usage_claims.c.key.in_({key for _, key in names}),
            usage_claims.c.source.in_({source for source, _ in names}),
            usage_claims.c.person_id != usage_heads.c.person_id,
        )
    )
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for source, key, email in connection.execute(query) if names else ():
        found[source, key].add(email)
    return found


def brought_in(
    connection: sa.Connection, actor: str | None, *, limit: int, after: int | None, brief: bool = False
) -> list[ImportView]:
    """What was brought in, newest first: by everybody, or by one. When `brief` it is not looked what came of it."""
    query = sa.select(imports).where(imports.c.first_id.is_(None)).order_by(imports.c.id.desc()).limit(limit)
    if actor is not None:
        query = query.where(imports.c.actor == actor)
    if after is not None:
        query = query.where(imports.c.id < after)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    ids = [row["id"] for row in rows]
    these = sa.or_(imports.c.id.in_(ids), imports.c.first_id.in_(ids))
    sums = _sums(connection, these)
    came = {} if brief else _came(connection, these)
    others = {} if brief else _others(connection, these)
    return [
        ImportView(
            id=row["id"],
            source=row["source"],
            name=row["name"],
            actor=row["actor"],
            at_us=row["at_us"],
            **sums[row["id"]],
            others=others.get(row["id"], 0),
            states=dict(sorted(came[row["id"]][0].items())) if row["id"] in came else {},
            cost_nanos=came[row["id"]][1] if row["id"] in came else 0,
            charged_nanos=came[row["id"]][2] if row["id"] in came else 0,
        )
        for row in rows
    ]


def _sums(connection: sa.Connection, these: sa.ColumnElement[bool]) -> dict[int, dict[str, int]]:
    """Of all parts of each import."""
    query = sa.select(_WHOLE, *(sa.func.sum(imports.c[name]) for name in _SUMMED)).where(these).group_by(_WHOLE)
    return {
        row[0]: {name: int(value) for name, value in zip(_SUMMED, row[1:], strict=True)}
        for row in connection.execute(query)
    }


def _came(connection: sa.Connection, these: sa.ColumnElement[bool]) -> dict[int, tuple[Counter[str], int, int]]:
    """How many calls of each import have come to what, what they cost, and what was charged."""
    query = (
        sa.select(
            _WHOLE,
            usage_heads.c.state,
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(usage_records.c.cost_nanos), 0),
            sa.func.sum(usage_heads.c.charged_nanos),
        )
        .join(usage_records, usage_records.c.import_id == imports.c.id)
        .join(
            usage_heads,
            sa.and_(
                usage_heads.c.source == usage_records.c.source,
                usage_heads.c.key == usage_records.c.key,
                usage_heads.c.record_id == usage_records.c.id,
            ),
        )
        .where(these)
        .group_by(_WHOLE, usage_heads.c.state)
    )
    found: dict[int, tuple[Counter[str], int, int]] = {}
    for whole, state, calls, cost, charged in connection.execute(query):
        states, cost_nanos, charged_nanos = found.get(whole, (Counter[str](), 0, 0))
        states[state] += calls
        found[whole] = states, cost_nanos + int(cost), charged_nanos + int(charged)
    return found


def _others(connection: sa.Connection, these: sa.ColumnElement[bool]) -> dict[int, int]:
    """How many calls of each import are claimed, and still another's."""
    query = (
        sa.select(_WHOLE, sa.func.count())
        .join(usage_claims, usage_claims.c.import_id == imports.c.id)
        .join(usage_heads, _CLAIMS)
        .where(these, usage_claims.c.person_id != usage_heads.c.person_id)
        .group_by(_WHOLE)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}
