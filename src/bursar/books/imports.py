"""Usage that others report, taken into the books: each call once, whoever tells of it and however often.

Two steps, each of which may be cut off and done again. First what was told is kept, in one transaction: new calls,
and calls of which more is known than before. Then it is decided what each of them comes to, and posted under the name
of the call; so whatever was begun ends the same, be it now or after a restart. Reports that are long are taken in
parts, by `books.uploads`.

A call is the first one's for whom it is told of. Who tells of it for somebody else is told so, and it is noted; an
administrator can then say that it is theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books
from bursar.books.outside import Charged, How, Outside, OutsideNote, charge_all_outside
from bursar.books.returned import Back, take_back_all, true_up
from bursar.books.told import Told, told
from bursar.importers.record import UsageRecord
from bursar.refusals import Refusal, Refused, Why
from bursar.store import decisions
from bursar.store import imports as kept
from bursar.store.decisions import ADJUSTED, CHARGED, MEMO, NOBODY, PENDING, REFUSED, UNPRICED
from bursar.store.imports import Claim, Head, Import, Record
from bursar.usage import BUCKETS, Usage, counts_of, usage_in

AT_ONCE = 250
"""So many calls are written in one transaction: those of the gateway wait for it."""
OTHERS = "others"
LOOKED_AT_AGAIN = frozenset({NOBODY, UNPRICED, REFUSED})
"""What may come to more when it is reported again: by then somebody may be known, a price, or a budget."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one source, from something with a name, reported by somebody.

    They are all a person's, or without `person_id` whose each of them says by an e-mail.
    """

    source: str
    records: Sequence[UsageRecord]
    actor: str
    name: str = ""
    person_id: int | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a report. `states` counts its calls by what they have come to; see docs/how-to/imports.md. Those
    that are another person's are "others", whatever they have come to for that one.

    `cost_nanos` is what they cost by the price book, as far as it knows their models; `compared_nanos` is the part of
    it for which the source gives a cost, too, and `source_cost_nanos` what that is. `people` and `models` are those
    that nobody knows here.
    """

    import_id: int | None
    records: int
    added: int
    grown: int
    repeated: int
    states: dict[str, int]
    cost_nanos: int
    compared_nanos: int
    source_cost_nanos: int
    people: tuple[str, ...]
    models: tuple[str, ...]


class Sorted(msgspec.Struct):
    """Records of a report: versions to add, what is claimed, and how many were new, had grown, or were known."""

    versions: list[Record]
    heads: list[Head]
    again: list[Head]
    claims: list[Claim]
    added: int = 0
    grown: int = 0
    repeated: int = 0


def take(books: Books, report: Report, *, dry_run: bool = False) -> Taken:
    """Take a report in one transaction; with `dry_run` only tell what it would add. May be repeated at will."""
    priced = price(books, report)
    if dry_run:
        with books.database.reading() as connection:
            found = _sort(connection, priced)
        return _taken(None, report, found, priced)
    taken = books.journal.write(partial(keep, report=report, priced=priced, now_us=books.clock()))
    settle_pending(books)
    return msgspec.structs.replace(taken, states=states(books, priced))


def keep(
    connection: sa.Connection, *, report: Report, priced: Sequence[Record], now_us: int, first_id: int | None = None
) -> Taken:
    """Keep what is new of a report, of which nothing is decided yet. `first_id` is the import it is a part of."""
    found = _sort(connection, priced)
    told = len(report.records)
    made = Import(
        0, report.source, report.name, report.actor, now_us, told, found.added, found.grown, found.repeated, first_id
    )
    import_id = kept.add_import(connection, made)
    keep_sorted(connection, import_id, found)
    kept.add_claims(connection, import_id, found.claims)
    return _taken(first_id or import_id, report, found, priced)


def states(books: Books, priced: Sequence[Record]) -> dict[str, int]:
    """What calls that were told of have come to, counted."""
    with books.database.reading() as connection:
        now = kept.heads(connection, [(record.source, record.key) for record in priced])
    found = [(record, now[record.source, record.key]) for record in priced]
    come_to = Counter(OTHERS if _is_anothers(head.person_id, record) else head.state for record, head in found)
    return dict(sorted(come_to.items()))


def _is_anothers(person_id: int | None, record: Record) -> bool:
    """Whether what a record tells of is a person's, and the record says that it is somebody else's."""
    return person_id is not None and record.person_id is not None and person_id != record.person_id


def once(records: Iterable[UsageRecord]) -> list[UsageRecord]:
    """One record for each call: the one that tells most."""
    found: dict[str, UsageRecord] = {}
    for record in records:
        known = found.get(record.key)
        if known is None or _rank(_bare(record)) > _rank(_bare(known)):
            found[record.key] = record
    return list(found.values())


def _bare(record: UsageRecord) -> Record:
    """A record as it is kept, of which neither person nor price are known yet."""
    used = record.usage
    return Record(
        source=record.source,
        key=record.key,
        version=1,
        person_id=None,
        person=record.person or "",
        at_us=record.at_us,
        catalog=record.catalog,
        model=record.model,
        variant=record.variant,
        **counts_of(used),
        request_id=record.request_id or None,
        message_id=record.message_id or None,
        sidechain=int(record.sidechain),
        price_version="",
        cost_nanos=None,
        source_cost_nanos=record.cost_nanos,
    )


def _rank(record: Record) -> tuple[bool, int, int, bytes]:
    """Of what is told of a call the highest counts, in whatever order it is told: see `importers.record.better`."""
    told = msgspec.structs.replace(record, version=0, person_id=None, person="", price_version="", cost_nanos=None)
    return not record.sidechain, usage_in(record).total_tokens, -record.at_us, msgspec.msgpack.encode(told)


def price(books: Books, report: Report) -> list[Record]:
    """A report's calls, once each, with what they cost at their own time, and whose they are, where that is known."""
    counted = once(report.records)
    if report.person_id is None:
        emails = [(record.person or "").strip().lower() for record in counted]
        with books.database.reading() as connection:
            by_email = kept.people_named(connection, set(emails))
        whose = [by_email.get(email) for email in emails]
    else:
        whose = [report.person_id] * len(counted)
    return [_price(books, _bare(record), owner) for record, owner in zip(counted, whose, strict=True)]


def _price(books: Books, record: Record, person_id: int | None) -> Record:
    card = books.prices.card_at(record.catalog, record.model, record.at_us, record.variant)
    cost = None
    if not isinstance(card, Refusal):
        try:
            cost = card.cost(usage_in(record))
        except Refused:
            cost = None  # it counts something that has no price, and nothing is ever priced at zero
    version = books.prices.version if cost is not None else ""
    return msgspec.structs.replace(record, person_id=person_id, price_version=version, cost_nanos=cost)


def _sort(connection: sa.Connection, priced: Sequence[Record]) -> Sorted:
    """Compare what is told with what is known."""
    known = kept.heads(connection, [(record.source, record.key) for record in priced])
    before = kept.records(connection, (head.record_id for head in known.values()))
    found = Sorted([], [], [], [])
    for record in priced:
        head = known.get((record.source, record.key))
        if head is None:
            found.added += 1
            found.versions.append(record)
            found.heads.append(_head(record))
        else:
            _compare(found, head, before[head.record_id], record)
    return found


def _compare(found: Sorted, head: Head, old: Record, new: Record) -> None:
    person_id = old.person_id if old.person_id is not None else new.person_id
    grown = _rank(new) > _rank(old)
    best = msgspec.structs.replace(new if grown else old, person_id=person_id, version=old.version + 1)
    if not grown and old.cost_nanos is None and _rank(new) == _rank(old):
        best = msgspec.structs.replace(best, cost_nanos=new.cost_nanos, price_version=new.price_version)
    found.grown += grown
    found.repeated += not grown
    if _is_anothers(old.person_id, new):
        assert new.person_id is not None, "it is somebody else's"
        found.claims.append(Claim(new.source, new.key, new.person_id))
    if grown or (best.person_id, best.cost_nanos) != (old.person_id, old.cost_nanos):
        found.versions.append(best)
        found.heads.append(
            msgspec.structs.replace(
                head, request_id=best.request_id, message_id=best.message_id, person_id=person_id, at_us=best.at_us
            )
        )
    elif head.state in LOOKED_AT_AGAIN:
        found.again.append(head)


def _head(record: Record) -> Head:
    return Head(
        source=record.source,
        key=record.key,
        record_id=0,
        request_id=record.request_id,
        message_id=record.message_id,
        person_id=record.person_id,
        at_us=record.at_us,
        state=PENDING,
        why="",
        charged_nanos=0,
        charged_record=None,
        charges=0,
    )


def keep_sorted(connection: sa.Connection, import_id: int, found: Sorted) -> None:
    """Write what is new, and have it decided; of all others that tell of the same calls, too."""
    numbers = kept.add_records(connection, import_id, found.versions)
    why = decisions.why_pending(import_id)
    heads = [
        msgspec.structs.replace(head, record_id=numbers[head.name], state=PENDING, why=why) for head in found.heads
    ]
    new = {version.key for version in found.versions if version.version == 1}
    kept.put_heads(connection, [head for head in heads if head.key in new], new=True)
    kept.put_heads(connection, [head for head in heads if head.key not in new], new=False)
    rivals = kept.also_named(
        connection,
        {head.request_id for head in heads if head.request_id},
        {head.message_id for head in heads if head.message_id},
    )
    own = {head.name for head in heads}
    again = [*found.again, *(head for head in rivals if head.name not in own and head.state != PENDING)]
    once = {head.name: msgspec.structs.replace(head, state=PENDING, why=why) for head in again}
    kept.put_heads(connection, list(once.values()), new=False)


# --- what each call comes to ----------------------------------------------------------------------------------


def settle_pending(books: Books) -> int:
    """Decide what becomes of all that was reported and is not decided; returns how many. May be done at any time."""
    done = 0
    while True:
        with books.database.reading() as connection:
            found = kept.pending(connection, AT_ONCE)
            if not found:
                return done
            all_told = told(connection, found)
        decided = _settle(books, all_told)
        books.journal.write(partial(kept.decide_heads, before=found, after=decided))
        done += len(decided)


def _settle(books: Books, all_told: Sequence[Told]) -> list[Head]:
    """Post what calls come to beyond, or short of, what was posted for them before."""
    decided = _begun(books, all_told)
    due: dict[int, list[tuple[Told, Outside]]] = {}
    back: list[tuple[Told, Back]] = []
    for one in all_told:
        if one.head.name in decided:
            continue
        if one.billed is not None and one.state == decisions.BILLED:
            true_up(books, one.billed, one.record)
        if one.due_nanos < 0:
            back.append((one, _back(one)))
        elif one.due_nanos > 0:
            assert one.head.person_id is not None, "what nobody is known for is not charged"
            due.setdefault(one.head.person_id, []).append((one, _outside(one, one.due_nanos)))
        else:
            decided[one.head.name] = _stays(books, one)
    for (one, _), returned in zip(back, take_back_all(books, [each for _, each in back]), strict=True):
        decided[one.head.name] = _returned(one, returned)
    for person_id, wanted in due.items():
        answers = charge_all_outside(books, person_id, [outside for _, outside in wanted])
        for (one, outside), answer in zip(wanted, answers, strict=True):
            decided[one.head.name] = _answered(books, one, outside, answer)
    return list(decided.values())


def _begun(books: Books, all_told: Sequence[Told]) -> dict[tuple[str, str], Head]:
    """Calls for which something was posted before this was cut off, and for which something else is due by now.

    They are looked at again with it. Where the same is due as then it is posted again, under the same name.
    """
    perhaps = {one.head.name: one for one in all_told if one.head.charges or one.due_nanos <= 0}
    ops = {
        name: (one.head.charge_op(one.head.charges), one.head.correct_op(one.head.charges))
        for name, one in perhaps.items()
    }
    with books.database.reading() as connection:
        posted = kept.posted(connection, [op for both in ops.values() for op in both])
    begun = {name: posted.get(charge, 0) - posted.get(correct, 0) for name, (charge, correct) in ops.items()}
    return {
        name: _with_posted(one.head, begun[name])
        for name, one in perhaps.items()
        if begun[name] not in {0, one.due_nanos}
    }


def _with_posted(head: Head, nanos: int) -> Head:
    """What was posted before this was cut off is taken as it is; since then more is known, so look again."""
    return msgspec.structs.replace(
        head, charged_nanos=head.charged_nanos + nanos, charges=head.charges + 1, state=PENDING
    )


def _stays(books: Books, one: Told) -> Head:
    """Nothing is to be posted: it came to this before, or it comes to nothing."""
    head, state, charged = one.head, _settled(one.state), one.head.charged_record
    if head.charged_nanos:
        charged = head.record_id if charged is None else charged
        with books.database.reading() as connection:
            state = ADJUSTED if kept.adjusted(connection, [head.charge_op(head.charges - 1)]) else state
    return msgspec.structs.replace(head, state=state, why=one.why, charged_record=charged)


def _settled(state: str) -> str:
    """What a call has come to of which nothing more is to be charged."""
    return CHARGED if state == PENDING else state


def _back(one: Told) -> Back:
    """What goes back of what was charged: all of it, if it was another's."""
    head = one.head
    if one.was_anothers:
        charged_to, why = one.charged_person_id, "it is another person's"
    else:
        charged_to, why = head.person_id, one.why or "it was less"
    assert charged_to is not None, "it was charged to somebody"
    return Back(head, charged_to, -one.due_nanos, f"reported by {head.source}: {why}")


def _returned(one: Told, nanos: int) -> Head:
    """So much went back. What was another's is looked at again, as if it had never been charged."""
    head, again = one.head, one.was_anothers
    return msgspec.structs.replace(
        head,
        state=PENDING if again else _settled(one.state),
        why=head.why if again else one.why,
        charged_nanos=head.charged_nanos - nanos,
        charged_record=None if again else head.record_id,
        charges=head.charges + 1,
    )


def _outside(one: Told, nanos: int) -> Outside:
    record, before = one.record, one.charged
    used = usage_in(record)
    if before is not None:
        was = usage_in(before)
        counts = {name: max(0, getattr(used, name) - getattr(was, name)) for name in (*BUCKETS, "reasoning")}
        used = Usage(**counts)
    return Outside(
        op=f"{record.source}:{record.key}:{one.head.charges}",
        at_us=record.at_us,
        cost_nanos=nanos,
        note=OutsideNote(
            source=record.source,
            model=record.model,
            provider=record.catalog,
            variant=record.variant,
            usage=used,
            price_version=record.price_version,
            provider_request=record.request_id or "",
            provider_message=record.message_id or "",
            reason="more than was reported before" if one.head.charges else "",
        ),
    )


def _answered(books: Books, one: Told, outside: Outside, answer: Charged | Refusal) -> Head:
    head = one.head
    if isinstance(answer, Refusal):
        if answer.why is Why.OPERATION_CONFLICT:
            with books.database.reading() as connection:
                posted = kept.posted(connection, [head.charge_op(head.charges)])
            return _with_posted(head, sum(posted.values()))
        if answer.retryable:
            raise Refused(answer)
        return msgspec.structs.replace(head, state=REFUSED, why=answer.text)
    if answer.how is How.MEMO:
        return msgspec.structs.replace(head, state=MEMO, why=decisions.WHY_MEMO)
    return msgspec.structs.replace(
        head,
        state=ADJUSTED if answer.how is How.ADJUSTED else CHARGED,
        why="",
        charged_nanos=head.charged_nanos + outside.cost_nanos,
        charged_record=head.record_id,
        charges=head.charges + 1,
    )


def _taken(import_id: int | None, report: Report, found: Sorted, priced: Sequence[Record]) -> Taken:
    """What came of a report, as far as it is known before anything of it is decided."""
    compared = [record for record in priced if record.cost_nanos is not None and record.source_cost_nanos is not None]
    return Taken(
        import_id=import_id,
        records=len(report.records),
        added=found.added,
        grown=found.grown,
        repeated=found.repeated,
        states={OTHERS: len(found.claims)} if found.claims else {},
        cost_nanos=sum(record.cost_nanos or 0 for record in priced),
        compared_nanos=sum(record.cost_nanos or 0 for record in compared),
        source_cost_nanos=sum(record.source_cost_nanos or 0 for record in compared),
        people=tuple(sorted({record.person for record in priced if record.person_id is None})),
        models=tuple(sorted({record.model for record in priced if record.cost_nanos is None})),
    )
