"""Usage that others report, read and written through a connection.

What was reported is append-only: a record that grows, or whose person becomes known, is another version of it. What
each call has come to so far stands in its head: which version counts, and what of it was charged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, Account
from bursar.store.decisions import PENDING
from bursar.store.schema import (
    balances,
    calls,
    imports,
    people,
    postings,
    transfers,
    usage_claims,
    usage_heads,
    usage_records,
)

AT_ONCE = 500


class Import(msgspec.Struct, frozen=True):
    """One report: of what, by whom, when, and how many of its records were new, had grown, or were known.

    `first_id` is the number of the whole, in every part but the first of a report that was taken in parts.
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
    first_id: int | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """One version of what a source tells of a call. Costs in nano-USD: the price book's, and the source's own."""

    source: str
    key: str
    version: int
    person_id: int | None
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
    sidechain: int
    price_version: str
    cost_nanos: int | None
    source_cost_nanos: int | None


class Head(msgspec.Struct, frozen=True, gc=False):
    """What a call that a source tells of has come to. `charges` counts what was posted for it."""

    source: str
    key: str
    record_id: int
    request_id: str | None
    message_id: str | None
    person_id: int | None
    at_us: int
    state: str
    why: str
    charged_nanos: int
    charged_record: int | None
    charges: int

    @property
    def name(self) -> tuple[str, str]:
        """By what it is known."""
        return self.source, self.key

    def charge_op(self, n: int) -> str:
        """The operation that charges for it as the `n`th that is posted for it, from 0."""
        return f"charge:{self.source}:{self.key}:{n}"

    def correct_op(self, n: int) -> str:
        """The one that takes back."""
        return f"correct:{self.source}:{self.key}:{n}"


class Claim(NamedTuple):
    """A call that was told of for a person when it was another's."""

    source: str
    key: str
    person_id: int


class Billed(NamedTuple):
    """A call that the gateway made, by the provider's names for it."""

    posting_id: int
    request_id: str
    message_id: str
    outcome: str
    cost_nanos: int


_RECORD = [usage_records.c[name] for name in Record.__struct_fields__]
_HEAD = [usage_heads.c[name] for name in Head.__struct_fields__]
_CHANGED = [name for name in Head.__struct_fields__ if name not in {"source", "key"}]
_MOVED = sa.select(transfers.c.debit, transfers.c.credit, transfers.c.amount_nanos)


def add_import(connection: sa.Connection, made: Import) -> int:
    """Add a report; returns its number. The number in it is not looked at."""
    row = msgspec.structs.asdict(made)
    del row["id"]
    return int(connection.execute(sa.insert(imports).values(row).returning(imports.c.id)).scalar_one())


def heads(connection: sa.Connection, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Head]:
    """The heads that there are of some calls, by source and key."""
    keys: dict[str, list[str]] = {}
    for source, key in names:
        keys.setdefault(source, []).append(key)
    found: dict[tuple[str, str], Head] = {}
    for source, wanted in keys.items():
        for part in _parts(wanted):
            # SQLite looks at every row for a list of pairs, and uses the index for this.
            query = sa.select(*_HEAD).where(usage_heads.c.source == source, usage_heads.c.key.in_(part))
            found |= {(row[0], row[1]): Head(*row) for row in connection.execute(query)}
    return found


def pending(connection: sa.Connection, limit: int) -> list[Head]:
    """Heads of which it is not decided what comes of them, the earliest first."""
    query = (
        sa.select(*_HEAD)
        .where(usage_heads.c.state == PENDING)
        .order_by(usage_heads.c.at_us, usage_heads.c.source, usage_heads.c.key)
        .limit(limit)
    )
    return [Head(*row) for row in connection.execute(query)]


def also_named(connection: sa.Connection, requests: Collection[str], messages: Collection[str]) -> list[Head]:
    """The heads of calls with one of these provider's names for its request, or for its answer."""
    found: dict[tuple[str, str], Head] = {}
    for column, wanted in ((usage_heads.c.request_id, requests), (usage_heads.c.message_id, messages)):
        for part in _parts(sorted(wanted)):
            for row in connection.execute(sa.select(*_HEAD).where(column.in_(part))):
                found[row[0], row[1]] = Head(*row)
    return list(found.values())


def records(connection: sa.Connection, record_ids: Iterable[int]) -> dict[int, Record]:
    """Versions of records by their numbers."""
    found = {}
    for part in _parts(sorted(set(record_ids))):
        for row in connection.execute(sa.select(usage_records.c.id, *_RECORD).where(usage_records.c.id.in_(part))):
            found[row[0]] = Record(*row[1:])
    return found


def add_records(connection: sa.Connection, import_id: int, rows: Sequence[Record]) -> dict[tuple[str, str], int]:
    """Add versions of records; returns their numbers by source and key, which occur once each."""
    numbers = {}
    for part in _parts(rows):
        values = [msgspec.structs.asdict(record) | {"import_id": import_id} for record in part]
        returned = (usage_records.c.source, usage_records.c.key, usage_records.c.id)
        for source, key, number in connection.execute(sa.insert(usage_records).returning(*returned), values):
            numbers[source, key] = int(number)
    return numbers


def add_claims(connection: sa.Connection, import_id: int, claims: Sequence[Claim]) -> None:
    """Note whose an import says that calls are, which are somebody else's."""
    if claims:
        connection.execute(sa.insert(usage_claims), [{"import_id": import_id, **claim._asdict()} for claim in claims])


def open_claims(connection: sa.Connection, import_id: int, limit: int) -> list[Claim]:
    """Some of the calls that an import, with all its parts, claims and that are another's to this day."""
    claimant = sa.func.min(usage_claims.c.person_id)
    query = (
        sa.select(usage_claims.c.source, usage_claims.c.key, claimant)
        .join(
            usage_heads,
            sa.and_(usage_heads.c.source == usage_claims.c.source, usage_heads.c.key == usage_claims.c.key),
        )
        .where(usage_claims.c.import_id.in_(parts_of(import_id)))
        .group_by(usage_claims.c.source, usage_claims.c.key, usage_heads.c.person_id)
        .having(claimant != usage_heads.c.person_id)
        .order_by(usage_claims.c.source, usage_claims.c.key)
        .limit(limit)
    )
    return [Claim(*row) for row in connection.execute(query)]


def parts_of(import_id: int) -> sa.Select[tuple[int]]:
    """The numbers of an import and its further parts."""
    return sa.select(imports.c.id).where(sa.or_(imports.c.id == import_id, imports.c.first_id == import_id))


def find_import(connection: sa.Connection, import_id: int) -> Import | None:
    """An import by its number."""
    columns = [imports.c[name] for name in Import.__struct_fields__]
    row = connection.execute(sa.select(*columns).where(imports.c.id == import_id)).first()
    return None if row is None else Import(*row)


def people_named(connection: sa.Connection, emails: Collection[str]) -> dict[str, int]:
    """The ids of people with these e-mails."""
    found: dict[str, int] = {}
    for part in _parts(sorted(emails)):
        query = sa.select(people.c.email, people.c.id).where(people.c.email.in_(part))
        found |= {row[0]: int(row[1]) for row in connection.execute(query)}
    return found


def put_heads(connection: sa.Connection, wanted: Sequence[Head], *, new: bool) -> None:
    """Write heads that are `new`, or change those that are there."""
    if not wanted:
        return
    rows = [msgspec.structs.asdict(head) for head in wanted]
    if new:
        connection.execute(sa.insert(usage_heads), rows)
    else:
        connection.execute(_change(), [_changed(head) for head in wanted])


def decide_heads(connection: sa.Connection, before: Sequence[Head], after: Sequence[Head]) -> None:
    """Write what heads have come to, unless more was told of them, or somebody else decided, since they were read."""
    was = {head.name: head for head in before}
    same = [usage_heads.c[name] == sa.bindparam(f"was_{name}") for name in ("record_id", "charges", "why")]
    rows = [
        _changed(head) | {f"was_{name}": getattr(was[head.name], name) for name in ("record_id", "charges", "why")}
        for head in after
    ]
    if rows:
        connection.execute(_change(*same), rows)


def _change(*conditions: sa.ColumnElement[bool]) -> sa.Update:
    """A change of one head, by its source and key."""
    these = (usage_heads.c.source == sa.bindparam("of_source"), usage_heads.c.key == sa.bindparam("of_key"))
    changed: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"new_{name}") for name in _CHANGED}
    return sa.update(usage_heads).where(*these, *conditions).values(changed)


def _changed(head: Head) -> dict[str, Any]:
    values = {f"new_{name}": getattr(head, name) for name in _CHANGED}
    return values | {"of_source": head.source, "of_key": head.key}


def billed(
    connection: sa.Connection, person_id: int, since_us: int, until_us: int, *, without_wire: str
) -> list[Billed]:
    """The calls that the gateway made for a person and that ended in `since_us <= t < until_us`, where the provider
    named them. Calls on one wire, as which what others report is recorded, are left out.
    """
    query = (
        sa.select(
            calls.c.posting_id,
            calls.c.provider_request,
            calls.c.provider_message,
            calls.c.outcome,
            calls.c.cost_nanos,
        )
        .join(postings, postings.c.id == calls.c.posting_id)
        .where(
            postings.c.person_id == person_id,
            postings.c.effective_us >= since_us,
            postings.c.effective_us < until_us,
            calls.c.wire != without_wire,
            calls.c.outcome != "released",
            (calls.c.provider_request != "") | (calls.c.provider_message != ""),
        )
    )
    return [Billed(*row) for row in connection.execute(query)]


def _parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def posted(connection: sa.Connection, ops: Sequence[str]) -> dict[str, int]:
    """What operations posted, in nano-USD: those of them that posted something."""
    found: dict[str, int] = {}
    for part in _parts(ops):
        query = sa.select(postings.c.op, postings.c.amount_nanos).where(postings.c.op.in_(part))
        found |= {row[0]: int(row[1]) for row in connection.execute(query)}
    return found


def adjusted(connection: sa.Connection, ops: Sequence[str]) -> set[str]:
    """Of operations that charge, those that charged nobody's credit, because they came late."""
    takes = transfers.c.debit % ACCOUNTS_PER_BALANCE == Account.ADJUSTED.value
    query = sa.select(postings.c.op).join(transfers, transfers.c.posting_id == postings.c.id).where(takes)
    return {row[0] for part in _parts(ops) for row in connection.execute(query.where(postings.c.op.in_(part)))}


def moved_by(connection: sa.Connection, ops: Sequence[str]) -> list[tuple[int, int, int]]:
    """The transfers of some operations, as (debit, credit, amount)."""
    moved: list[tuple[int, int, int]] = []
    for part in _parts(ops):
        query = _MOVED.join(postings, postings.c.id == transfers.c.posting_id).where(postings.c.op.in_(part))
        moved += [tuple(row) for row in connection.execute(query)]
    return moved


def moved_by_posting(connection: sa.Connection, posting_id: int) -> list[tuple[int, int, int]]:
    """The transfers of a posting, as (debit, credit, amount)."""
    return [tuple(row) for row in connection.execute(_MOVED.where(transfers.c.posting_id == posting_id))]


def kinds(connection: sa.Connection, balance_ids: Collection[int]) -> dict[int, str]:
    """What balances are, by their numbers: lots or limits."""
    query = sa.select(balances.c.id, balances.c.kind).where(balances.c.id.in_(sorted(balance_ids)))
    return {row[0]: row[1] for row in connection.execute(query)}
