"""Holds that another gateway asks for, which makes its calls itself and says afterwards what came of them.

The money is set aside as for the gateway's own calls: by the same lots, limits and pauses, in the same transaction.
What differs is that nobody here sees the call's end. So a hold has a time by which it must be settled or released;
one that is not by then is charged at its bound, provisionally, because the call may have been billed. What came of it
may still be said for a week: then it is trued up, by a posting of its own.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from bursar.books.books import Books, posted
from bursar.books.returned import less_for_call, more_for_call
from bursar.books.spending import Admission, Ask, Spender, admit, no_lots
from bursar.ledger.decide import decide
from bursar.ledger.postings import Charge, Correct, Hold, OpenHold, Posting, Release, Settle
from bursar.money import people_usd
from bursar.periods import US_PER_SECOND
from bursar.pricing.rates import RateCard
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.holds import Afterwards, EndedHold, afterwards, balances_by_id, find_hold, holds_between
from bursar.store.records import TRUED_UP, CallNote, CallRecord, read_note, record_of_hold, unsettled_record
from bursar.usage import Usage, counts_of, usage_in

WIRE = "outside"
"""How calls that another gateway makes are recorded, with its name: "outside:litellm"."""
MARK, AFTER_MARK = "x", "y"
"""What the ids of these holds begin with, and no hexadecimal digit is; and what lies after all of them."""
LATE_US = 7 * 86_400 * US_PER_SECOND
"""For how long after a hold was charged because its time was over its gateway may still say what came of the call."""
GIVEN_UP = "the gateway that has the call did not say in time how it ended"
SETTLED, PROVISIONAL, RELEASED, HELD = "settled", "provisional", "released", "held"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A hold to have. `id` is its own; `asked` is all that was asked for, by which the same request is known again.

    With `ask` its amount is what the call can cost at most, else it is `amount_nanos`. It must have ended by
    `until_us`. `gateway` is what calls itself so, `catalog` whose model it is, by the price book's name, or empty.
    """

    id: str
    asked: str
    gateway: str
    until_us: int
    model: str
    catalog: str = ""
    amount_nanos: int = 0
    ask: Ask | None = None

    @property
    def wire(self) -> str:
        """How the call is recorded."""
        return f"{WIRE}:{self.gateway}"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it stands. `state` is held, settled, provisional or released; `until_us` is 0 when it has ended."""

    id: str
    state: str
    person_id: int
    key_id: int
    gateway: str
    model: str
    variant: str
    amount_nanos: int
    cost_nanos: int
    held_us: int
    until_us: int
    reason: str
    usage: Usage
    provider_request: str


def id_of(asker: str, name: str) -> str:
    """The id of the hold that somebody calls by a name of their own."""
    return MARK + hashlib.sha256(f"{asker}\0{name}".encode()).hexdigest()[:31]


def hold(books: Books, spender: Spender, wanted: Wanted) -> Posting:
    """Set money aside. Raises Refused; asked again for the same, it is the same hold, or refused again."""
    now_us = books.clock()
    refusal = spender.refusal(now_us)
    asked = refusal or (_of_amount if wanted.ask is None else _of_ask)(books, spender, wanted, now_us)
    if isinstance(asked, Refusal):
        asked = Hold(
            wanted.id, spender.person_id, (), (), 1, 1, now_us, asked=wanted.asked, refusal=asked
        )  # the journal may know the hold from before, whatever speaks against it now
    return posted(books.journal.post(asked))


def _of_ask(books: Books, spender: Spender, wanted: Wanted, now_us: int) -> Hold | Refusal:
    ask = wanted.ask
    assert ask is not None, "asked for by its tokens"
    admission = admit(spender, ask, books.prices, now_us)
    if not isinstance(admission, Admission):
        return admission
    note = msgspec.structs.replace(admission.note, catalog=ask.catalog, until_us=wanted.until_us)
    return msgspec.structs.replace(
        admission.hold,
        id=wanted.id,
        minimum=admission.hold.amount,
        note=msgspec.msgpack.encode(note),
        fresh=False,
        asked=wanted.asked,
    )


def _of_amount(_books: Books, spender: Spender, wanted: Wanted, now_us: int) -> Hold | Refusal:
    lots, limits, _, soft = spender.for_model(wanted.model)
    if not lots:
        return no_lots(spender, wanted.model)
    provider = wanted.catalog or wanted.gateway
    note = CallNote(spender.key_id, wanted.wire, provider, wanted.model, "standard", "", until_us=wanted.until_us)
    return Hold(
        wanted.id,
        spender.person_id,
        lots,
        limits,
        wanted.amount_nanos,
        wanted.amount_nanos,
        now_us,
        note=msgspec.msgpack.encode(note),
        soft=soft,
        asked=wanted.asked,
    )


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended, as its gateway says: by what it used, or by what it cost."""

    usage: Usage | None = None
    cost_nanos: int = 0
    variant: str | None = None
    provider_request: str = ""


def settle(books: Books, hold_id: str, ending: Ending) -> Known:
    """Replace a hold by what the call cost. Raises Refused; said again, it has the same answer."""
    found = _found(books, hold_id)
    if isinstance(found, EndedHold):
        now = known(books, hold_id)
        if now.state != PROVISIONAL or books.clock() >= found.record.ended_us + LATE_US:
            return _settled_before(now, ending)
        _settle_late(books, found, now, ending)
        return known(books, hold_id)
    note, now_us = read_note(found.note), books.clock()
    asked = _Priced(note.catalog, note.model, found.held_us, ending.variant or note.variant)
    card, cost = _cost(books, asked, ending)
    reason = f"cost more than its bound of {people_usd(found.amount)}" if cost > found.amount else ""
    record = _record(found, note, ending, card, cost=cost, now_us=now_us, reason=reason)
    posted(books.journal.post(Settle(hold_id, cost, now_us, reason=reason, record=record)))
    return known(books, hold_id)


def release(books: Books, hold_id: str, reason: str) -> Known:
    """Give a hold back: nothing was billed for the call. Raises Refused; said again, it has the same answer.

    Of one that was charged because its time was over, all is taken back: it is settled at nothing.
    """
    found = _found(books, hold_id)
    if isinstance(found, OpenHold):
        now_us = books.clock()
        record = record_of_hold(found, ended_us=now_us, charged=False, reason=reason)
        posted(books.journal.post(Release(hold_id, now_us, reason, record)))
    elif found.record.outcome == PROVISIONAL:
        return settle(books, hold_id, Ending())
    elif found.record.outcome != RELEASED:
        raise _ended(hold_id)
    return known(books, hold_id)


def give_up(books: Books) -> int:
    """Charge the holds whose time is over at their bounds, provisionally; returns how many there were."""
    now_us = books.clock()
    with books.database.reading() as connection:
        found = holds_between(connection, MARK, AFTER_MARK)
    late = [each for each in found if read_note(each.note).until_us <= now_us]
    commands = [
        Settle(
            each.id,
            None,
            now_us,
            provisional=True,
            reason=GIVEN_UP,
            record=record_of_hold(each, ended_us=now_us, charged=True, reason=GIVEN_UP),
        )
        for each in late
    ]
    return sum(isinstance(outcome, Posting) for outcome in books.journal.post_all(commands))


def left_for(books: Books, spender: Spender, model: str | None) -> int:
    """What is left for the next call to a model, or to any, in nano-USD. Raises Refused when nothing can be held."""
    now_us = books.clock()
    refusal = spender.refusal(now_us)
    if refusal is not None:
        raise Refused(refusal)
    if model is None:
        lots = tuple(lot.balance_id for lot in spender.lots)
        limits = tuple(limit.balance_id for limit in spender.limits if not limit.models)
    else:
        lots, limits, _, _ = spender.for_model(model)
    if not lots:
        raise Refused(no_lots(spender, model or ""))
    with books.database.reading() as connection:
        found = balances_by_id(connection, (*lots, *limits))
    outcome = decide(found, {}, Hold("", spender.person_id, lots, limits, 1, 1, now_us), 0)
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    assert outcome is not None, "a hold is posted or refused"
    free = sum(found[lot].available for lot in lots if found[lot].usable(now_us))
    return min([free, *(found[limit].available for limit in limits if found[limit].usable(now_us))])


def known(books: Books, hold_id: str) -> Known:
    """A hold as it stands. Refused when there is none that another gateway asked for."""
    found = _found(books, hold_id)
    if isinstance(found, OpenHold):
        note = read_note(found.note)
        zero = record_of_hold(found, ended_us=found.held_us, charged=False, reason="")
        assert zero is not None, "it has a note"
        return _known(zero, HELD, note.until_us)
    with books.database.reading() as connection:
        later = afterwards(connection, found.posting_id)
    record = found.record if later is None else _trued_up(found.record, later)
    return _known(record, record.outcome, 0)


def _known(record: CallRecord, state: str, until_us: int) -> Known:
    return Known(
        id=record.hold_id,
        state=state,
        person_id=record.person_id,
        key_id=record.key_id,
        gateway=record.wire.partition(":")[2] or record.provider,
        model=record.model,
        variant=record.variant,
        amount_nanos=record.bound_nanos,
        cost_nanos=record.cost_nanos,
        held_us=record.started_us,
        until_us=until_us,
        reason=record.reason,
        usage=usage_in(record),
        provider_request=record.provider_request,
    )


def _found(books: Books, hold_id: str) -> OpenHold | EndedHold:
    found = None
    if hold_id.startswith(MARK):
        with books.database.reading() as connection:
            found = find_hold(connection, hold_id)
    if found is None:
        raise Refused(refuse(Why.HOLD_UNKNOWN, hold=hold_id))
    return found


def _trued_up(record: CallRecord, later: Afterwards) -> CallRecord:
    """The record of a call that was charged provisionally, with what became known of it later."""
    cost = record.cost_nanos + later.nanos
    if later.record is None:  # a log or a report told of it
        return msgspec.structs.replace(record, cost_nanos=cost)
    return msgspec.structs.replace(later.record, cost_nanos=cost, outcome=SETTLED)


def _settle_late(books: Books, found: EndedHold, now: Known, ending: Ending) -> None:
    """True up what was charged because its time was over. What cost just that leaves nothing to be posted."""
    record = found.record
    catalog = record.provider if record.price_version else ""
    card, cost = _cost(
        books, _Priced(catalog, record.model, record.started_us, ending.variant or record.variant), ending
    )
    if now.cost_nanos not in {record.cost_nanos, cost}:
        raise _ended(record.hold_id)  # somebody else told of the call before, and otherwise
    more = cost - record.cost_nanos
    reason = f"charged provisionally; its gateway told later what it cost, {people_usd(cost)}"
    used = _with_ending(record, ending, card)
    told = msgspec.structs.replace(used, outcome=TRUED_UP, cost_nanos=max(0, more), reason=reason)
    command: Charge | Correct | None = None
    if more > 0:
        command = more_for_call(books, found.posting_id, record.person_id, more, reason)
    elif more < 0:
        command = less_for_call(books, found.posting_id, record.person_id, -more, reason)
    outcome = books.journal.post(msgspec.structs.replace(command, record=told)) if command else None
    if isinstance(outcome, Refusal):
        raise _ended(record.hold_id) if outcome.why is Why.OPERATION_CONFLICT else Refused(outcome)


def _settled_before(now: Known, ending: Ending) -> Known:
    """What was answered when the same was said before. Refused when something else was."""
    same = (
        now.usage == ending.usage and ending.variant in {None, now.variant}
        if ending.usage is not None
        else (now.usage, now.cost_nanos) == (Usage(), ending.cost_nanos)
    )
    if now.state != SETTLED or not same:
        raise _ended(now.id)
    return now


def _ended(hold_id: str) -> Refused:
    return Refused(refuse(Why.HOLD_ENDED, hold=hold_id))


class _Priced(NamedTuple):
    """Whose price of which model counts, as it was when the call began; no catalog when it was held by amount."""

    catalog: str
    model: str
    at_us: int
    variant: str


def _cost(books: Books, asked: _Priced, ending: Ending) -> tuple[RateCard | None, int]:
    """What a call cost, with the prices of it when it is told what was used. Refused when they are not known."""
    if ending.usage is None:
        return None, ending.cost_nanos
    if not asked.catalog:
        raise Refused(refuse(Why.FIELD_MISSING, field="cost", right="what the call cost, for it was held by amount"))
    card = books.prices.card_at(*asked)
    if isinstance(card, Refusal):
        raise Refused(card)
    return card, card.cost(ending.usage)


def _record(
    found: OpenHold, note: CallNote, ending: Ending, card: RateCard | None, *, cost: int, now_us: int, reason: str
) -> CallRecord:
    bare = unsettled_record(
        note,
        hold_id=found.id,
        person_id=found.person_id,
        started_us=found.held_us,
        ended_us=now_us,
        bound_nanos=found.amount,
        cost_nanos=cost,
        outcome=SETTLED,
        reason=reason,
    )
    return _with_ending(bare, ending, card)


def _with_ending(record: CallRecord, ending: Ending, card: RateCard | None) -> CallRecord:
    return msgspec.structs.replace(
        record,
        variant=ending.variant or record.variant,
        **counts_of(ending.usage or Usage()),
        price_version="" if card is None else card.version,
        provider_request=ending.provider_request,
    )
