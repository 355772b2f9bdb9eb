"""Spending: from what a call asks for to a hold, and from its usage to a settlement.

Pure calculation on what the price book and the directory say; the decision, and the balances, are the journal's.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from bursar.ledger.postings import Hold, Posting, Release, Settle
from bursar.money import people_usd
from bursar.periods import from_us, iso
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import RateCard
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.directory import Key
from bursar.store.records import CallNote, CallRecord
from bursar.store.runs import Run
from bursar.terms.plan import Terms
from bursar.usage import Usage

USEFUL_OUTPUT_TOKENS = 64
"""A clamp below this leaves an answer that is of no use; a call that asks for less may be clamped to what it asks."""
NEVER_US = 2**62

_encode = msgspec.msgpack.encode


class _Process:
    """What makes the ids of a process's calls its own."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Draw it anew, in a process that was forked off another one, too."""
        self.part = os.urandom(6).hex()
        self.count = itertools.count(int.from_bytes(os.urandom(3)))


_process = _Process()
os.register_at_fork(after_in_child=_process.begin)


class OpenLot(msgspec.Struct, frozen=True, gc=False):
    """A lot that is open now, with the terms under which it may be spent."""

    balance_id: int
    terms: Terms
    expires_us: int


class OpenLimit(msgspec.Struct, frozen=True, gc=False):
    """A limit that is in force now, and the models whose calls it counts (a pattern; "" is all).

    It counts in `opens_us <= t < expires_us`, and warns above `soft_nanos`, unless that is 0.
    """

    balance_id: int
    models: str = ""
    opens_us: int = 0
    expires_us: int = NEVER_US
    soft_nanos: int = 0

    def counts(self, model: str) -> bool:
        """Whether a call to the model counts towards it."""
        return not self.models or fnmatchcase(model, self.models)


class Means(NamedTuple):
    """What may pay for a model's calls: lots, the limits that apply, and whether `max_tokens` may be clamped.

    `soft` is empty when no limit warns, else it has for each the amount above which it does, 0 for one that does not.
    """

    lots: tuple[int, ...]
    limits: tuple[int, ...]
    may_clamp: bool
    soft: tuple[int, ...] = ()


class Spender(msgspec.Struct, gc=False):
    """Who a key lets spend, from which lots, within which limits. Facts only, no balance; good until `until_us`.

    `chain` is the key and the keys that it is a part of: all of them must be in force, and the limits of all apply.
    It is empty for a person whom another gateway names, and who has no key there.
    """

    chain: tuple[Key, ...]
    person_id: int
    email: str
    lots: tuple[OpenLot, ...]
    limits: tuple[OpenLimit, ...]
    until_us: int
    allowed: dict[str, Means] = {}
    """Memo by model."""
    killed: Run | None = None
    """The agent run by whose end a key of the chain was revoked, if it was killed."""
    paused: Refusal | None = None
    """Why nothing can be spent, when a pause of the person's budgets is the reason."""
    counted_from_us: int = 0
    counted_until_us: int = NEVER_US
    """All of the limits count in `counted_from_us <= t < counted_until_us`."""

    @property
    def key(self) -> Key:
        """The key itself."""
        return self.chain[0]

    @property
    def key_id(self) -> int:
        """The key's number; 0 for a person whom another gateway lets spend without one."""
        return self.chain[0].id if self.chain else 0

    def for_model(self, model: str) -> Means:
        """The lots whose plan allows the model, and the limits that count its calls."""
        found = self.allowed.get(model)
        if found is None:
            lots = [lot for lot in self.lots if lot.terms.allows(model)] if self._may_use(model) else []
            limits = [limit for limit in self.limits if limit.counts(model)]
            soft = tuple(limit.soft_nanos for limit in limits)
            found = Means(
                tuple(lot.balance_id for lot in lots),
                tuple(limit.balance_id for limit in limits),
                all(lot.terms.clamp for lot in lots),
                soft if any(soft) else (),
            )
            if len(self.allowed) < 1_000:
                self.allowed[model] = found
        return found

    def _may_use(self, model: str) -> bool:
        return all(key.allows(model) for key in self.chain)

    def refusal(self, now_us: int) -> Refusal | None:
        """Why this key may not be used now, if it may not."""
        return not_in_force(self.chain, self.killed, now_us)


def not_in_force(chain: Iterable[Key], killed: Run | None, now_us: int) -> Refusal | None:
    """Why a key and those that it is a part of may not be used now, if they may not. `killed` is a run of theirs."""
    for key in chain:
        if key.revoked_us is not None:
            if killed is not None:
                run = killed.name or killed.token
                return refuse(Why.RUN_KILLED, run=run, killed=iso(killed.ended_us or key.revoked_us))
            return refuse(Why.KEY_REVOKED, key=key.name or key.shown)
        if key.expires_us is not None and key.expires_us <= now_us:
            return refuse(Why.KEY_EXPIRED, key=key.name or key.shown, expired=iso(key.expires_us))
    return None


class Ask(msgspec.Struct, frozen=True, gc=False):
    """What a call asks for, as far as the money is concerned. Token counts are upper bounds.

    `unbounded` names a field that brings input whose size the request does not show: the model's context window is
    the bound then. `output_tokens` None: the client set no bound. The provider may read the input `input_reads`
    times, and write `output_copies` answers, each with `output_allowance` tokens beyond its maximum.
    """

    wire: str
    provider: str
    catalog: str
    model: str
    variant: str
    input_tokens: int
    unbounded: str | None
    output_tokens: int | None
    output_copies: int
    output_allowance: int
    least_output: int
    input_reads: int
    cache_writes: bool
    web_searches: int
    audio: bool


class Admission(msgspec.Struct, gc=False):
    """A call that may be asked of the journal: its hold, and what is needed to clamp and to settle it."""

    hold: Hold
    ask: Ask
    card: RateCard
    input_tokens: int
    output_tokens: int
    note: CallNote
    set_output: bool
    """Whether the provider must be told `output_tokens`, because the client said nothing or something larger."""

    def output_for(self, held_nanos: int) -> int | None:
        """The `max_tokens` to send, given what could be held; None when the client's own may stand."""
        if held_nanos >= self.hold.amount:
            return self.output_tokens if self.set_output else None
        bought = self.card.output_bought(
            held_nanos,
            self.input_tokens,
            cache_writes=self.ask.cache_writes,
            web_searches=self.ask.web_searches,
            audio=self.ask.audio,
        )
        return min(bought // self.ask.output_copies - self.ask.output_allowance, self.output_tokens)


def new_call_id(now_us: int) -> str:
    """A call's id, 32 hex digits: its time in ms, so that ids of one moment lie together, this process, a count.

    The process's part is random (48 bits), so ids are unique without asking anybody. They are names, not secrets.
    """
    return f"{now_us // 1000:012x}{_process.part}{next(_process.count) & 0xFFFFFFFF:08x}"


def admit(spender: Spender, ask: Ask, book: PriceBook, now_us: int) -> Admission | Refusal:
    """Bound a call under the price book and make its hold. Refused when it cannot be priced, paid or bounded."""
    card = book.card_at(ask.catalog, ask.model, now_us, ask.variant)
    if isinstance(card, Refusal):
        return card
    lots, limits, may_clamp, soft = spender.for_model(ask.model)
    if not lots:
        return no_lots(spender, ask.model)
    bounded = _bounded(ask, card)
    if isinstance(bounded, Refusal):
        return bounded
    input_tokens, output_tokens, set_output = bounded
    least = min(max(ask.least_output, USEFUL_OUTPUT_TOKENS), output_tokens)
    try:
        amount = _bound(ask, card, input_tokens, output_tokens)
        minimum = _bound(ask, card, input_tokens, least) if may_clamp else amount
    except Refused as unpriced:
        return unpriced.refusal
    note = CallNote(spender.key_id, ask.wire, ask.provider, card.model, ask.variant, card.version)
    if not spender.counted_from_us <= now_us < spender.counted_until_us:
        # Its body came after the end of a limit's day, or the clock was set back: it counts in that day all the same.
        now_us = min(max(now_us, spender.counted_from_us), spender.counted_until_us - 1)
    hold = Hold(
        new_call_id(now_us),
        spender.person_id,
        lots,
        limits,
        amount,
        minimum,
        now_us,
        dispatched=True,
        note=_encode(note),
        fresh=True,
        soft=soft,
    )
    return Admission(hold, ask, card, input_tokens, output_tokens, note, set_output)


def no_lots(spender: Spender, model: str) -> Refusal:
    """Why no lot of a spender's may pay for a model's calls."""
    if not spender.lots:
        return spender.paused or refuse(Why.NO_GRANT)
    for key in spender.chain:
        if not key.allows(model):
            return refuse(Why.MODEL_NOT_FOR_KEY, field="model", model=model, allowed=", ".join(key.models or ()))
    allowed = sorted({pattern for lot in spender.lots for pattern in lot.terms.models})
    return refuse(Why.MODEL_NOT_ALLOWED, field="model", model=model, allowed=", ".join(allowed))


def _bounded(ask: Ask, card: RateCard) -> tuple[int, int, bool] | Refusal:
    """Bounds of input and output tokens, and whether the output's must be sent."""
    input_tokens = ask.input_tokens * ask.input_reads
    if ask.unbounded is not None:
        if card.context_tokens is None:
            return refuse(Why.INPUT_NOT_BOUNDED, field=ask.unbounded, model=ask.model)
        input_tokens = max(ask.input_tokens, card.context_tokens) * ask.input_reads
    most = card.max_output_tokens or card.context_tokens
    asked = ask.output_tokens
    if asked is None and most is None:
        return refuse(
            Why.FIELD_MISSING,
            field="max_tokens",
            right=f"a whole number of tokens, because the longest answer of {ask.model} is not known",
        )
    if asked is None or (most is not None and asked > most):
        assert most is not None
        return input_tokens, max(most, ask.least_output), True
    return input_tokens, asked, False


def _bound(ask: Ask, card: RateCard, input_tokens: int, output_tokens: int) -> int:
    """The call's bound in nano-USD; at least 1, for a hold of nothing is none."""
    return max(
        1,
        card.bound(
            input_tokens,
            (output_tokens + ask.output_allowance) * ask.output_copies,
            cache_writes=ask.cache_writes,
            web_searches=ask.web_searches,
            audio=ask.audio,
        ),
    )


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How a call that was dispatched ended, as the gateway saw it.

    `usage` None: not known, so the whole hold is charged, provisionally, for `reason`. `variant` and `model` are what
    the provider says it delivered.
    """

    usage: Usage | None
    variant: str
    reason: str = ""
    provider_request: str = ""
    provider_message: str = ""


def settle(admission: Admission, held: Posting, ending: Ending, book: PriceBook, now_us: int) -> Settle:
    """The command that ends a dispatched call's hold: its cost if that is known, else the whole hold."""
    usage, reason, card = ending.usage, ending.reason, admission.card
    if usage is not None and ending.variant != admission.ask.variant:
        delivered = book.card(admission.ask.catalog, admission.ask.model, from_us(held.effective_us), ending.variant)
        if isinstance(delivered, Refusal):
            reason = f"delivered as {ending.variant}, which has no price"
            usage = None
        else:
            card = delivered
    cost = held.amount
    provisional = usage is None
    if usage is not None:
        try:
            cost = card.cost(usage)
        except Refused as unpriced:
            reason, provisional = unpriced.refusal.text, True
    if cost > held.amount:
        reason = f"cost more than its bound of {people_usd(held.amount)}"
    outcome = "provisional" if provisional else "settled"
    record = _record(
        admission, held, ending, usage=usage or Usage(), now_us=now_us, cost=cost, outcome=outcome, reason=reason
    )
    return Settle(admission.hold.id, cost, now_us, provisional=provisional, reason=reason, record=record)


def release(admission: Admission, held: Posting, reason: str, provider_request: str, now_us: int) -> Release:
    """The command that gives back the hold of a call that was not, and cannot have been, billed."""
    ending = Ending(None, admission.ask.variant, reason, provider_request)
    record = _record(admission, held, ending, usage=Usage(), now_us=now_us, cost=0, outcome="released", reason=reason)
    return Release(admission.hold.id, now_us, reason, record)


def _record(
    admission: Admission,
    held: Posting,
    ending: Ending,
    *,
    usage: Usage,
    now_us: int,
    cost: int,
    outcome: str,
    reason: str,
) -> CallRecord:
    note = admission.note
    return CallRecord(
        admission.hold.id,
        admission.hold.person_id,
        note.key_id,
        note.wire,
        note.provider,
        note.model,
        ending.variant,
        held.effective_us,
        now_us,
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        usage.audio_input,
        usage.audio_output,
        usage.web_searches,
        usage.reasoning,
        note.price_version,
        held.amount,
        cost,
        outcome,
        reason,
        ending.provider_request,
        ending.provider_message,
    )
