"""Single calls and single postings, newest first, a page at a time."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import account_of
from bursar.money import people_usd
from bursar.refusals import Refused, Why, refuse
from bursar.reports.lots import known_person
from bursar.store import schema
from bursar.store.schema import balances, keys, people, transfers

_posted, _called = schema.postings, schema.calls
PAGE = 50
MAX_PAGE = 1_000


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One provider call. `id` is the posting that ended it; give it as `after` for the page that follows.

    `outcome` is settled, provisional (charged at its bound for `reason`) or released (not charged). The token
    buckets are disjoint, but `reasoning_tokens` are part of `output_tokens`.
    """

    id: int
    call: str
    person: str
    key: str
    wire: str
    provider: str
    model: str
    variant: str
    started_us: int
    ended_us: int
    duration_ms: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    web_searches: int
    reasoning_tokens: int
    price_version: str
    bound_nanos: int
    cost_nanos: int
    outcome: str
    reason: str
    provider_request: str
    provider_message: str


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """One movement within a lot or a limit; `text` says it in a line."""

    balance_id: int
    kind: str
    label: str
    source: str
    target: str
    amount_nanos: int
    text: str


class PostingView(msgspec.Struct, frozen=True, kw_only=True):
    """One posting of the journal, with what it moved."""

    id: int
    at_us: int
    verb: str
    person: str
    amount_nanos: int
    reason: str
    operation: str
    transfers: tuple[TransferView, ...]


_COPIED = [name for name in CallView.__struct_fields__ if name in _called.c]


def calls(
    connection: sa.Connection,
    person_id: int | None = None,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    limit: int = PAGE,
    after: int | None = None,
) -> list[CallView]:
    """At most `limit` calls (1,000 at most), of one person or of everybody, that ended in `since_us <= t < until_us`.

    `after` is the id of the last call of the page before. Refused when there is no such person.
    """
    page = _page(connection, person_id, since_us, until_us, after)
    query = (
        page.add_columns(
            _called.c.hold_id,
            sa.func.coalesce(people.c.email, ""),
            sa.func.coalesce(sa.func.nullif(keys.c.name, ""), keys.c.shown, ""),
            *(_called.c[name] for name in _COPIED),
        )
        .join(_called, _called.c.posting_id == _posted.c.id)
        .outerjoin(people, people.c.id == _called.c.person_id)
        .outerjoin(keys, keys.c.id == _called.c.key_id)
        .limit(min(limit, MAX_PAGE))
    )
    return [_call(*row) for row in connection.execute(query)]


def _call(posting_id: int, call: str, person: str, key: str, *copied: Any) -> CallView:
    fields = dict(zip(_COPIED, copied, strict=True))
    duration_ms = (fields["ended_us"] - fields["started_us"]) // 1_000
    return CallView(id=posting_id, call=call, person=person, key=key, duration_ms=duration_ms, **fields)


def postings(
    connection: sa.Connection,
    person_id: int | None = None,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    limit: int = PAGE,
    after: int | None = None,
) -> list[PostingView]:
    """At most `limit` postings (1,000 at most), of one person or of everybody, of `since_us <= t < until_us`.

    `after` is the id of the last posting of the page before. Refused when there is no such person.
    """
    page = _page(connection, person_id, since_us, until_us, after)
    query = (
        page.add_columns(
            _posted.c.effective_us,
            _posted.c.verb,
            sa.func.coalesce(people.c.email, ""),
            _posted.c.amount_nanos,
            _posted.c.reason,
            _posted.c.op,
        )
        .outerjoin(people, people.c.id == _posted.c.person_id)
        .limit(min(limit, MAX_PAGE))
    )
    rows = connection.execute(query).all()
    moved = _transfers(connection, [row[0] for row in rows])
    return [
        PostingView(
            id=posting_id,
            at_us=at_us,
            verb=verb,
            person=email,
            amount_nanos=amount,
            reason=reason,
            operation=op,
            transfers=tuple(moved.get(posting_id, ())),
        )
        for posting_id, at_us, verb, email, amount, reason, op in rows
    ]


def _page(
    connection: sa.Connection, person_id: int | None, since_us: int | None, until_us: int | None, after: int | None
) -> sa.Select[Any]:
    """Ids of postings, newest first.

    For one person that is by the time at which they count, which their index gives; for everybody it is the order in
    which the journal was written.
    """
    query = sa.select(_posted.c.id)
    if since_us is not None:
        query = query.where(_posted.c.effective_us >= since_us)
    if until_us is not None:
        query = query.where(_posted.c.effective_us < until_us)
    if person_id is None:
        if after is not None:
            query = query.where(_posted.c.id < after)
        return query.order_by(_posted.c.id.desc())
    known_person(connection, person_id)
    query = query.where(_posted.c.person_id == person_id)
    if after is not None:
        last_us = connection.execute(sa.select(_posted.c.effective_us).where(_posted.c.id == after)).scalar()
        if last_us is None:
            raise Refused(refuse(Why.UNKNOWN, what="posting", name=after))
        query = query.where(sa.tuple_(_posted.c.effective_us, _posted.c.id) < sa.tuple_(last_us, after))
    return query.order_by(_posted.c.effective_us.desc(), _posted.c.id.desc())


def _transfers(connection: sa.Connection, posting_ids: list[int]) -> dict[int, list[TransferView]]:
    rows = connection.execute(
        sa.select(transfers)
        .where(transfers.c.posting_id.in_(posting_ids))
        .order_by(transfers.c.posting_id, transfers.c.n)
    ).all()
    named = {account_of(row.debit)[0] for row in rows}
    query = sa.select(balances.c.id, balances.c.kind, balances.c.label).where(balances.c.id.in_(sorted(named)))
    known = {balance_id: (kind, label) for balance_id, kind, label in connection.execute(query)}
    moved: dict[int, list[TransferView]] = {}
    for row in rows:
        balance_id, source = account_of(row.debit)
        kind, label = known[balance_id]
        target = account_of(row.credit)[1]
        moved.setdefault(row.posting_id, []).append(
            TransferView(
                balance_id=balance_id,
                kind=kind,
                label=label,
                source=source.name.lower(),
                target=target.name.lower(),
                amount_nanos=row.amount_nanos,
                text=(f"{kind} {label} {source.name.lower()} → {target.name.lower()} {people_usd(row.amount_nanos)}"),
            )
        )
    return moved
