"""The record of one provider call, as the journal keeps it beside the posting that ended its hold."""

from __future__ import annotations

import msgspec

from bursar.ledger.postings import OpenHold

TRUED_UP = "trued up"
"""The outcome of a record that tells of a call, which was charged provisionally and is recorded so, what it used."""


class CallRecord(msgspec.Struct, frozen=True, gc=False):
    """One call's facts. Tokens in disjoint buckets (see `bursar.usage`), amounts in nano-USD, times in µs UTC.

    `outcome` is how it ended for the books: settled, provisional (charged conservatively until something better is
    known; `reason` says why), released (not charged), or trued up (of a call that was charged provisionally: what it
    used, and what it cost beyond that charge, which stands in a record of its own). `provider_request` and
    `provider_message` are the provider's own names for the request and for its answer, by which what others report of
    the call is known again. The columns after `posting_id` in the table `calls` are these fields in this order.
    """

    hold_id: str
    person_id: int
    key_id: int
    wire: str
    provider: str
    model: str
    variant: str
    started_us: int
    ended_us: int
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
    provider_message: str = ""


class CallNote(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an open hold remembers of its call, so that a restart can still record it.

    A call that another gateway makes has `until_us`: it runs on while this one restarts, and is given up then.
    `catalog` is whose price of the model it is settled by.
    """

    key_id: int
    wire: str
    provider: str
    model: str
    variant: str
    price_version: str
    catalog: str = ""
    until_us: int = 0


read_note = msgspec.msgpack.Decoder(CallNote).decode


def record_of_hold(hold: OpenHold, *, ended_us: int, charged: bool, reason: str) -> CallRecord | None:
    """The record of a call of which only its hold is known; None for a hold that is no call's.

    It is charged at the bound, provisionally, or not at all.
    """
    if not hold.note:
        return None
    return unsettled_record(
        read_note(hold.note),
        hold_id=hold.id,
        person_id=hold.person_id,
        started_us=hold.held_us,
        ended_us=ended_us,
        bound_nanos=hold.amount,
        cost_nanos=hold.amount if charged else 0,
        outcome="provisional" if charged else "released",
        reason=reason,
    )


def unsettled_record(
    note: CallNote,
    *,
    hold_id: str,
    person_id: int,
    started_us: int,
    ended_us: int,
    bound_nanos: int,
    cost_nanos: int,
    outcome: str,
    reason: str,
) -> CallRecord:
    """The record of a call whose usage is not known: no tokens, and a cost that is the bound or nothing."""
    return CallRecord(
        hold_id=hold_id,
        person_id=person_id,
        key_id=note.key_id,
        wire=note.wire,
        provider=note.provider,
        model=note.model,
        variant=note.variant,
        started_us=started_us,
        ended_us=ended_us,
        input_tokens=0,
        cache_read_tokens=0,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=0,
        output_tokens=0,
        audio_input_tokens=0,
        audio_output_tokens=0,
        web_searches=0,
        reasoning_tokens=0,
        price_version=note.price_version,
        bound_nanos=bound_nanos,
        cost_nanos=cost_nanos,
        outcome=outcome,
        reason=reason,
        provider_request="",
    )
