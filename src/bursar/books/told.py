"""Who tells of a call, and whose word counts: the gateway's, then telemetry's, then the provider's, then a log's.

What the gateway billed nets to zero, matched by the provider's name for the request, else by that for its answer. Of
others that tell of the same call the most trusted counts, and a side chain only when nothing else tells of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from bursar.books.outside import WIRE
from bursar.importers.trust import GATEWAYS, SUMS, TELEMETRY
from bursar.periods import US_PER_SECOND
from bursar.store import decisions
from bursar.store import imports as kept
from bursar.store.decisions import PENDING
from bursar.store.imports import Billed, Head, Record

DAY_US = 86_400 * US_PER_SECOND
"""By how much the clock of whoever reports may differ from ours, and a call may take."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A call that somebody tells of, and what it comes to: `state`, and what is to be charged for it in all.

    `state` is PENDING for one that is to be charged. `charged` is the version that was charged before.
    """

    head: Head
    record: Record
    charged: Record | None
    state: str
    why: str
    target_nanos: int
    billed: Billed | None = None

    @property
    def due_nanos(self) -> int:
        """What is to be posted: what is still to be charged or, below zero, goes back: all, if it was another's."""
        return (0 if self.was_anothers else self.target_nanos) - self.head.charged_nanos

    @property
    def was_anothers(self) -> bool:
        """Whether somebody was charged for it, and an administrator has said since that it is somebody else's."""
        return self.head.charged_nanos > 0 and self.charged_person_id not in {None, self.head.person_id}

    @property
    def charged_person_id(self) -> int | None:
        """Who was charged; None when nobody was."""
        return None if self.charged is None else self.charged.person_id


def told(connection: sa.Connection, found: Sequence[Head]) -> list[Told]:
    """What calls come to, of which it is to be decided."""
    rivals = kept.also_named(
        connection,
        {head.request_id for head in found if head.request_id},
        {head.message_id for head in found if head.message_id},
    )
    wanted = {head.record_id for head in (*found, *rivals)}
    wanted |= {head.charged_record for head in found if head.charged_record is not None}
    records = kept.records(connection, wanted)
    by_name = _by_provider_name(rivals)
    billed = _billed(connection, found)
    decided = []
    for head in found:
        record = records[head.record_id]
        others = {
            other.name: (other, records[other.record_id])
            for name in _names(head.request_id, head.message_id)
            for other in by_name.get(name, ())
            if other.name != head.name
        }
        call = _match(billed.get(head.person_id or 0, {}), record)
        state, why = _state(head, record, list(others.values()), call)
        target = record.cost_nanos or 0 if state == PENDING else 0
        before = None if head.charged_record is None else records[head.charged_record]
        decided.append(
            Told(head=head, record=record, charged=before, state=state, why=why, target_nanos=target, billed=call)
        )
    return decided


def _state(head: Head, record: Record, others: Sequence[tuple[Head, Record]], call: Billed | None) -> tuple[str, str]:
    mine = _trust(head, record)
    for other, its_record in others:
        if _same_call(record, its_record) and _trust(other, its_record) > mine:
            return decisions.TOLD, decisions.why_told(other.source)
    if head.person_id is None:
        return decisions.NOBODY, decisions.why_nobody(record.person)
    if call is not None:
        return decisions.BILLED, decisions.WHY_BILLED
    if record.source in SUMS:
        return decisions.MEMO, decisions.WHY_SUM
    if record.cost_nanos is None:
        return decisions.UNPRICED, decisions.why_unpriced(record.model, record.catalog)
    return PENDING, ""


def _same_call(record: Record, other: Record) -> bool:
    """Whether two records that share a name tell of one call. Within a source only a side chain repeats another."""
    if record.source != other.source:
        return True
    same_message = record.message_id is not None and record.message_id == other.message_id
    return same_message and bool(record.sidechain or other.sidechain)


def _trust(head: Head, record: Record) -> tuple[bool, int, bool, int, int, str, str]:
    if record.source in GATEWAYS:
        rank = 3
    elif record.source in TELEMETRY:
        rank = 2
    else:
        rank = 0 if record.source in SUMS else 1
    tokens = record.input_tokens + record.cache_read_tokens + record.output_tokens
    known = head.person_id is not None
    return known, rank, not record.sidechain, tokens, -record.at_us, record.source, record.key


def _names(request_id: str | None, message_id: str | None) -> list[tuple[str, str]]:
    named = (("request", request_id), ("message", message_id))
    return [(kind, name) for kind, name in named if name]


def _by_provider_name(heads: Sequence[Head]) -> dict[tuple[str, str], list[Head]]:
    found: dict[tuple[str, str], list[Head]] = {}
    for head in heads:
        for name in _names(head.request_id, head.message_id):
            found.setdefault(name, []).append(head)
    return found


def _billed(connection: sa.Connection, found: Sequence[Head]) -> dict[int, dict[tuple[str, str], Billed]]:
    """The gateway's calls of people around the times of what is told of them, by the provider's names."""
    spans: dict[int, tuple[int, int]] = {}
    for head in found:
        if head.person_id is not None and (head.request_id or head.message_id):
            first, last = spans.get(head.person_id, (head.at_us, head.at_us))
            spans[head.person_id] = min(first, head.at_us), max(last, head.at_us)
    return {
        person_id: {
            name: call
            for call in kept.billed(connection, person_id, first - DAY_US, last + DAY_US, without_wire=WIRE)
            for name in _names(call.request_id, call.message_id)
        }
        for person_id, (first, last) in spans.items()
    }


def _match(calls: dict[tuple[str, str], Billed], record: Record) -> Billed | None:
    for name in _names(record.request_id, record.message_id):
        if name in calls:
            return calls[name]
    return None
