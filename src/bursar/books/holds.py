"""Holds that another gateway asks for, which makes its calls itself and says afterwards what came of them.

The money is set aside as for the gateway's own calls: by the same lots, limits and pauses, in the same transaction.
What differs is that nobody here sees the call's end. So a hold has a time by which it must be settled or released;
one that is not by then is charged at its bound, provisionally, because the call may have been billed.
"""

from __future__ import annotations

import hashlib

import msgspec

from bursar.books.books import Books, posted
from bursar.books.spending import Admission, Ask, Spender, admit, no_lots
from bursar.ledger.decide import decide
from bursar.ledger.postings import Hold, OpenHold, Posting, Release, Settle
from bursar.money import people_usd
from bursar.pricing.rates import RateCard
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.holds import EndedHold, balances_by_id, find_hold, holds_between
from bursar.store.records import CallNote, CallRecord, read_note, record_of_hold, unsettled_record
from bursar.usage import Usage, counts_of, usage_in

WIRE = "outside"
"""How calls that another gateway makes are recorded."""
MARK, AFTER_MARK = "x", "y"
"""What the ids of these holds begin with, and no hexadecimal digit is; and what lies after all of them."""
GIVEN_UP = "the gateway that has the call did not say in time how it ended"
SETTLED, PROVISIONAL, RELEASED, HELD = "settled", "provisional", "released", "held"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A hold to have. `id` is its own; `asked` is all that was asked for, by which the same request is known again.

    With `ask` its amount is what the call can cost at most, else it is `amount_nanos`. It must have ended by
    `until_us`. `gateway` is what calls itself so.
    """

    id: str
    asked: str
    gateway: str
    until_us: int
    model: str
    amount_nanos: int = 0
    ask: Ask | None = None


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
    note = CallNote(spender.key_id, WIRE, wanted.gateway, wanted.model, "standard", "", until_us=wanted.until_us)
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
        return _settled_before(found, ending)
    note, now_us = read_note(found.note), books.clock()
    card = None if ending.usage is None else _card(books, found, note, ending.variant)
    cost = ending.cost_nanos if card is None or ending.usage is None else card.cost(ending.usage)
    reason = f"cost more than its bound of {people_usd(found.amount)}" if cost > found.amount else ""
    record = _record(found, note, ending, card, cost=cost, now_us=now_us, reason=reason)
    posted(books.journal.post(Settle(hold_id, cost, now_us, reason=reason, record=record)))
    return known(books, hold_id)


def release(books: Books, hold_id: str, reason: str) -> Known:
    """Give a hold back: nothing was billed for the call. Raises Refused; said again, it has the same answer."""
    found = _found(books, hold_id)
    if isinstance(found, OpenHold):
        now_us = books.clock()
        record = record_of_hold(found, ended_us=now_us, charged=False, reason=reason)
        posted(books.journal.post(Release(hold_id, now_us, reason, record)))
    elif found.record.outcome != RELEASED:
        raise _ended(found)
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
    return _known(found.record, found.record.outcome, 0)


def _known(record: CallRecord, state: str, until_us: int) -> Known:
    return Known(
        id=record.hold_id,
        state=state,
        person_id=record.person_id,
        key_id=record.key_id,
        gateway=record.provider,
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


def _settled_before(found: EndedHold, ending: Ending) -> Known:
    """What was answered when the same was said before. Refused when something else was."""
    record = found.record
    same = (
        usage_in(record) == ending.usage and ending.variant in {None, record.variant}
        if ending.usage is not None
        else (usage_in(record), record.cost_nanos) == (Usage(), ending.cost_nanos)
    )
    if record.outcome != SETTLED or not same:
        raise _ended(found)
    return _known(record, SETTLED, 0)


def _ended(found: EndedHold) -> Refused:
    return Refused(refuse(Why.HOLD_ENDED, hold=found.record.hold_id))


def _card(books: Books, found: OpenHold, note: CallNote, variant: str | None) -> RateCard:
    """The prices of a call, as they were when it began. Refused when they are not known."""
    if not note.catalog:
        raise Refused(refuse(Why.FIELD_MISSING, field="cost", right="what the call cost, for it was held by amount"))
    card = books.prices.card_at(note.catalog, note.model, found.held_us, variant or note.variant)
    if isinstance(card, Refusal):
        raise Refused(card)
    return card


def _record(
    found: OpenHold, note: CallNote, ending: Ending, card: RateCard | None, *, cost: int, now_us: int, reason: str
) -> CallRecord:
    usage = ending.usage or Usage()
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
    return msgspec.structs.replace(
        bare,
        variant=ending.variant or note.variant,
        **counts_of(usage),
        price_version="" if card is None else card.version,
        provider_request=ending.provider_request,
    )
