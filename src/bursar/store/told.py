"""Proves what calls that others told of have come to: their heads, held against records and postings.

Records are sealed, and so are postings; a head says which record counts and what was charged for it, and has to be
what both of them say. It is looked at what a head claims, not at what would be decided today: a call that the gateway
billed later than somebody told of it stays charged until it is told of again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from bursar.importers.trust import SUMS
from bursar.store import decisions
from bursar.store import imports as kept
from bursar.store.faults import FaultName, Findings
from bursar.store.imports import Head, Record
from bursar.store.reading import Row, stream
from bursar.store.schema import calls, imports, postings, usage_heads, usage_records

AT_ONCE = 500
DAY_US = 86_400_000_000
IMPORT = re.compile("import [0-9]{1,18}")
CHARGES_AT_ONCE = 8
Name = tuple[str, str]
REPORTED_WIRE = "reported"
"""How calls that were reported are recorded: not the gateway's own."""
PAID = (decisions.CHARGED, decisions.ADJUSTED)
SAME = ("request_id", "message_id", "person_id", "at_us")
"""What a head has from its record."""


class _Case(NamedTuple):
    """A head, the record that counts, and the last version that there is of it."""

    head: Head
    record: Record | None
    last: int | None

    @property
    def where(self) -> str:
        return f"usage_heads {self.head.source} {self.head.key}"


def prove_heads(connection: sa.Connection, findings: Findings) -> int:
    """Compare all heads; returns how many there are. Memory does not grow with them."""
    _without_head(connection, findings)
    count = 0
    cases = _cases(connection)
    while chunk := list(islice(cases, AT_ONCE)):
        count += len(chunk)
        posted = _posted(connection, [case.head for case in chunk])
        proof = _Proof(connection, chunk)
        for case in chunk:
            problems = [*_of_record(case), *(() if case.record is None else proof.of(case.head, case.record))]
            for problem in problems:
                findings.add(FaultName.HEAD_DIFFERS, case.where, problem)
            for problem in _of_charges(case, posted[case.head.name]):
                findings.add(FaultName.CHARGED_DIFFERS, case.where, problem)
    return count


def _without_head(connection: sa.Connection, findings: Findings) -> None:
    is_head = sa.and_(usage_heads.c.source == usage_records.c.source, usage_heads.c.key == usage_records.c.key)
    of_none = sa.select(usage_records.c.id).where(~sa.exists().where(is_head)).order_by(usage_records.c.id)
    for (record_id,) in stream(connection, of_none):
        findings.add(FaultName.HEAD_MISSING, f"usage_records {record_id}", "there is no head of the call it tells of")


def _cases(connection: sa.Connection) -> Iterator[_Case]:
    """All heads with their records, by person and time: so only a few of the gateway's calls are near at once."""
    of_head = [usage_heads.c[name] for name in Head.__struct_fields__]
    of_record = [usage_records.c[name] for name in Record.__struct_fields__]
    others = usage_records.alias("others")
    last = (
        sa.select(sa.func.max(others.c.version))
        .where(others.c.source == usage_heads.c.source, others.c.key == usage_heads.c.key)
        .scalar_subquery()
    )
    query = (
        sa.select(last, *of_head, *of_record)
        .join_from(usage_heads, usage_records, usage_records.c.id == usage_heads.c.record_id, isouter=True)
        .order_by(usage_heads.c.person_id, usage_heads.c.at_us)
    )
    for row in stream(connection, query):
        head, record = row[1 : 1 + len(of_head)], row[1 + len(of_head) :]
        yield _Case(Head(*head), None if record[0] is None else Record(*record), row[0])


# --- which record counts --------------------------------------------------------------------------------------


def _of_record(case: _Case) -> Iterator[str]:
    head, record = case.head, case.record
    if record is None:
        yield f"its record {head.record_id} is not there"
    elif (record.source, record.key) != head.name:
        yield f"its record {head.record_id} tells of another call"
    else:
        if record.version != case.last:
            yield f"its record {head.record_id} is not the last that tells of it"
        for name in SAME:
            if getattr(head, name) != getattr(record, name):
                yield f"{name} is {getattr(head, name)!r}; its record has {getattr(record, name)!r}"


# --- what was charged -----------------------------------------------------------------------------------------


class _Posted(NamedTuple):
    """What was posted for a call: by number of the posting's name, as charged or, below zero, as taken back."""

    amounts: dict[int, int]
    doubled: bool


def _posted(connection: sa.Connection, heads: Sequence[Head]) -> dict[tuple[str, str], _Posted]:
    """What was posted for calls, under the numbers that they have, until one is missing, and under the next."""
    found: dict[tuple[str, str], list[Row]] = {head.name: [] for head in heads}
    looking, first = list(heads), 0
    while looking:
        ops = {
            op: (head.name, n, sign)
            for head in looking
            for n in range(first, min(first + CHARGES_AT_ONCE, head.charges + 1))
            for op, sign in ((head.charge_op(n), 1), (head.correct_op(n), -1))
        }
        for op, amount in kept.posted(connection, list(ops)).items():
            name, n, sign = ops[op]
            found[name].append((n, sign * amount))
        first += CHARGES_AT_ONCE
        looking = [
            head
            for head in looking
            if head.charges >= first and len({n for n, _ in found[head.name]}) >= first  # there is no gap yet
        ]
    return {name: _Posted(dict(rows), len(dict(rows)) < len(rows)) for name, rows in found.items()}


def _of_charges(case: _Case, posted: _Posted) -> Iterator[str]:
    head = case.head
    counted = {n: amount for n, amount in posted.amounts.items() if n < head.charges}
    if posted.doubled:
        yield "a posting charges it, and another of the same number takes it back"
    if len(counted) != head.charges:
        yield f"it has been posted {head.charges} times; there are {len(counted)} postings of it"
    elif sum(counted.values()) != head.charged_nanos:
        yield f"{head.charged_nanos} nano-USD are charged for it; its postings come to {sum(counted.values())}"
    elif len(posted.amounts) > len(counted) and head.state != decisions.PENDING:
        yield f"it has been posted {head.charges} times; there is one posting more"
    if not head.charges and head.charged_record is not None:
        yield "nothing was posted for it, and a record of it was charged"


# --- what it is said to have come to --------------------------------------------------------------------------


class _Proof:
    """What is claimed of some heads, and what has to be known to say whether it is so."""

    def __init__(self, connection: sa.Connection, cases: Sequence[_Case]) -> None:
        self._connection = connection
        heads = [case.head for case in cases]
        self._charged = kept.records(connection, {h.charged_record for h in heads if h.charged_record is not None})
        self._imports = _imports_there(connection, [head for head in heads if head.state == decisions.PENDING])
        self._adjusted = _adjusted(connection, [head for head in heads if head.state in PAID])
        told = [head for head in heads if head.state == decisions.TOLD]
        self._rivals = kept.also_named(
            connection,
            {head.request_id for head in told if head.request_id},
            {head.message_id for head in told if head.message_id},
        )
        self._billed = _billed(connection, [head for head in heads if head.state == decisions.BILLED])

    def of(self, head: Head, record: Record) -> Iterator[str]:
        """What is wrong with what a head says of itself."""
        if head.charged_record is not None:
            charged = self._charged.get(head.charged_record)
            if charged is None or (charged.source, charged.key) != head.name or charged.version > record.version:
                yield f"the record {head.charged_record} that was charged is none of the call"
                return
        claim = CLAIMS.get(head.state)
        if claim is None:
            yield f"{head.state!r} is nothing that a call can have come to"
        elif problem := claim(self, head, record):
            yield f"it is {head.state} because {head.why!r}, but {problem}"

    # --- claims: None when it is so ---------------------------------------------------------------------------

    def pending(self, head: Head, _record: Record) -> str | None:
        """It is to be decided, because of an import."""
        return None if head.why in self._imports else "there is no such import"

    def charged(self, head: Head, record: Record) -> str | None:
        """It is charged to credit, or overrun."""
        return "it is adjusted" if head.name in self._adjusted else self._is_charged(head, record)

    def adjusted(self, head: Head, record: Record) -> str | None:
        """It is charged, and nobody's credit paid what was charged last."""
        return self._is_charged(head, record) if head.name in self._adjusted else "no posting adjusts it"

    def _is_charged(self, head: Head, record: Record) -> str | None:
        """All of it, as the last of its versions that was charged says."""
        if head.why or head.person_id is None:
            return "what is charged is somebody's, and needs no reason"
        if record.cost_nanos is None or head.charged_nanos != record.cost_nanos:
            return f"{head.charged_nanos} nano-USD are charged; its record costs {record.cost_nanos}"
        if head.charged_nanos:
            before = None if head.charged_record is None else self._charged[head.charged_record]
            if before is None or before.cost_nanos != head.charged_nanos:
                return "the record that was charged costs something else"
        return None

    def memo(self, head: Head, record: Record) -> str | None:
        """It is somebody's, and is not charged: it is a sum, or the plan says so."""
        if record.source in SUMS:
            return self._is_free(head, head.why == decisions.WHY_SUM)
        return self._is_open(head, record, head.why == decisions.WHY_MEMO)

    def refused(self, head: Head, record: Record) -> str | None:
        """It is somebody's, and there was nothing to charge it to."""
        return self._is_open(head, record, bool(head.why) and head.why != decisions.WHY_MEMO)

    def billed(self, head: Head, _record: Record) -> str | None:
        """A call of the person's that went through the gateway has one of its names."""
        near = any((head.person_id, name) in self._billed for name in _names(head))
        if not near and not _billed_ever(self._connection, head):
            return "no call of the gateway's has its names"
        return self._is_free(head, head.why == decisions.WHY_BILLED)

    def told(self, head: Head, _record: Record) -> str | None:
        """Another call has one of its names, and is the one that counts."""
        names = _names(head)
        sources = {rival.source for rival in self._rivals if rival.name != head.name and _names(rival) & names}
        if head.why not in map(decisions.why_told, sources or _told_ever(self._connection, head)):
            return "nobody such does"
        return self._is_free(head, is_why=True)

    def nobody(self, head: Head, record: Record) -> str | None:
        """It is nobody's that is known here."""
        return self._is_free(head, head.person_id is None and head.why == decisions.why_nobody(record.person))

    def unpriced(self, head: Head, record: Record) -> str | None:
        """It has no price."""
        is_why = head.why == decisions.why_unpriced(record.model, record.catalog)
        return self._is_free(head, is_why and record.cost_nanos is None)

    def _is_free(self, head: Head, is_why: bool) -> str | None:
        if not is_why:
            return "that is not so"
        return f"{head.charged_nanos} nano-USD are charged" if head.charged_nanos else None

    def _is_open(self, head: Head, record: Record, is_why: bool) -> str | None:
        """It might be charged, and is not: at most a part of it, from before it had grown."""
        if not is_why or head.person_id is None or record.cost_nanos is None:
            return "that is not so"
        return "all of it is charged" if head.charged_nanos >= record.cost_nanos else None


CLAIMS: dict[str, Callable[[_Proof, Head, Record], str | None]] = {
    decisions.PENDING: _Proof.pending,
    decisions.CHARGED: _Proof.charged,
    decisions.ADJUSTED: _Proof.adjusted,
    decisions.MEMO: _Proof.memo,
    decisions.REFUSED: _Proof.refused,
    decisions.BILLED: _Proof.billed,
    decisions.TOLD: _Proof.told,
    decisions.NOBODY: _Proof.nobody,
    decisions.UNPRICED: _Proof.unpriced,
}
"""What is true of a call, by the state of its head."""


# --- who else tells of it -------------------------------------------------------------------------------------


def _names(head: Head) -> set[Name]:
    named = (("request", head.request_id), ("message", head.message_id))
    return {(kind, name) for kind, name in named if name}


def _imports_there(connection: sa.Connection, heads: Sequence[Head]) -> set[str]:
    """Why heads may be pending: of the imports that there are, those that they name."""
    whys = {head.why for head in heads}
    numbers = sorted({int(why.rpartition(" ")[2]) for why in whys if IMPORT.fullmatch(why)})
    there = connection.execute(sa.select(imports.c.id).where(imports.c.id.in_(numbers))).scalars()
    return {decisions.why_pending(number) for number in there}


def _adjusted(connection: sa.Connection, heads: Sequence[Head]) -> set[tuple[str, str]]:
    """Of calls, those for which nobody's credit was charged, when something was charged for them last."""
    ops = {head.charge_op(head.charges - 1): head.name for head in heads if head.charges > 0}
    return {ops[op] for op in kept.adjusted(connection, list(ops))}


def _billed(connection: sa.Connection, heads: Sequence[Head]) -> set[tuple[int, Name]]:
    """The names that the gateway's calls have, with the people who made them, around the times of some heads."""
    found: set[tuple[int, Name]] = set()
    spans: dict[int, tuple[int, int]] = {}
    for head in heads:
        if head.person_id is not None:
            first, last = spans.get(head.person_id, (head.at_us, head.at_us))
            spans[head.person_id] = min(first, head.at_us), max(last, head.at_us)
    for person_id, (first, last) in spans.items():
        near = postings.c.effective_us.between(first - DAY_US, last + DAY_US)
        for row in connection.execute(_calls_of(person_id).where(near)):
            found |= {(person_id, ("request", row[0])), (person_id, ("message", row[1]))}
    return found


def _billed_ever(connection: sa.Connection, head: Head) -> bool:
    """Whether a call of the gateway's has a name of a head's, at any time: it may have been looked for far away."""
    if head.person_id is None:
        return False
    columns = {"request": calls.c.provider_request, "message": calls.c.provider_message}
    its = sa.or_(sa.false(), *(columns[kind] == name for kind, name in _names(head)))
    return connection.execute(_calls_of(head.person_id).where(its).limit(1)).first() is not None


def _calls_of(person_id: int) -> sa.Select[Any]:
    """The provider's names for the calls that the gateway made for somebody."""
    return (
        sa.select(calls.c.provider_request, calls.c.provider_message)
        .join(postings, postings.c.id == calls.c.posting_id)
        .where(postings.c.person_id == person_id, calls.c.wire != REPORTED_WIRE, calls.c.outcome != "released")
    )


def _told_ever(connection: sa.Connection, head: Head) -> set[str]:
    """Who told of a call at any time, when nobody does today by the same names."""
    columns = {"request": usage_records.c.request_id, "message": usage_records.c.message_id}
    its = sa.or_(sa.false(), *(columns[kind] == name for kind, name in _names(head)))
    another = sa.tuple_(usage_records.c.source, usage_records.c.key) != sa.tuple_(*head.name)
    return set(connection.execute(sa.select(usage_records.c.source).where(its, another).distinct()).scalars())
