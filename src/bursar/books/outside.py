"""Usage that did not pass the gateway: charged to the budget that was open when it happened, if the plan says so.

Somebody reports it: an importer, another gateway, an administrator. It is charged to the lots that were open then and
are not closed for good, in burn-down order. Once all of them are closed nobody's credit is touched any more: the
usage is put down as adjusted, in what is open now. What no credit covers is overrun. Limits whose period was open
then and still is count what is charged to credit; they refuse none of it, for it has happened, but later calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from bursar.books.books import Books
from bursar.books.lots import Enrolments
from bursar.books.spending import OpenLimit
from bursar.ledger.accounts import SHARED, Account, Balance, account_of
from bursar.ledger.postings import Charge, Posting
from bursar.money import MAX_NANOS, usd
from bursar.periods import iso
from bursar.refusals import Refusal, Why, field_invalid, refuse
from bursar.store import directory
from bursar.store.batch import Outcome
from bursar.store.limits import counting, limits_in_force
from bursar.store.records import CallRecord
from bursar.terms.plan import Terms
from bursar.terms.runout import closes_us
from bursar.usage import Usage, counts_of

WIRE = "reported"
"""How calls that were reported are recorded."""
REPORTED = "reported"
"""Their outcome."""


class OutsideNote(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of usage besides when it was and what it cost. `source` is who reports it, such as "copilot".

    Without a model every lot may pay, whatever models its plan allows. `ended_us` is None when it is not known.
    """

    source: str
    model: str = ""
    provider: str = ""
    variant: str = ""
    usage: Usage = Usage()
    price_version: str = ""
    ended_us: int | None = None
    provider_request: str = ""
    provider_message: str = ""
    reason: str = ""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """One usage: `op` names it, so that it is charged once. It was at `at_us` and cost `cost_nanos`."""

    op: str
    at_us: int
    cost_nanos: int
    note: OutsideNote


class How(StrEnum):
    """What became of a usage."""

    CHARGED = "charged"
    """To credit, and what that did not cover is overrun."""
    ADJUSTED = "adjusted"
    """To nobody's credit, because it was reported after the run-out."""
    MEMO = "memo"
    """Nothing: the plan does not charge for usage outside of the gateway."""


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """What a usage came to, in nano-USD: of its cost, what credit paid, what is overrun, and what is adjusted.

    `periods` are the labels of the lots that it is put down in.
    """

    op: str
    how: How
    cost_nanos: int
    credit_nanos: int = 0
    overrun_nanos: int = 0
    adjusted_nanos: int = 0
    periods: tuple[str, ...] = ()


Lots = Sequence[tuple[Balance, Terms]]


def charge_outside(books: Books, person_id: int, usage: Outside) -> Charged | Refusal:
    """Charge one usage. The same `op` with the same person and cost is the same charge, whenever it is asked for.

    Refused when nothing was open then (`no_grant`), when no open plan allows the model, and for a time to come.
    """
    return charge_all_outside(books, person_id, [usage])[0]


def charge_all_outside(books: Books, person_id: int, usages: Sequence[Outside]) -> list[Charged | Refusal]:
    """Charge many usages of one person, in the order given; the answers are in that order, too."""
    now_us = books.clock()
    with books.database.reading() as connection:
        person = directory.person_by_id(connection, person_id)
        enrolments = Enrolments.of(connection, person, books.term_prices)
    books.bring_up_these(enrolments, now_us)
    with books.database.reading() as connection:
        lots = enrolments.all_lots(connection)
        in_force = counting(limits_in_force(connection, person), ())
    asked = [_asked(usage, person_id, lots, now_us) for usage in usages]
    last_us = max((one.effective_us for one in asked if isinstance(one, Charge)), default=0)
    limits = books.open_limits([one for one in in_force if one.opening(now_us).opens_us <= last_us], now_us)
    asked = [_counted(one, limits) if isinstance(one, Charge) else one for one in asked]
    outcomes = iter(books.journal.post_all([one for one in asked if isinstance(one, Charge)]))
    labels = {lot.id: lot.label for lot, _ in lots}
    return [
        _told(usage, next(outcomes), labels) if isinstance(one, Charge) else one
        for usage, one in zip(usages, asked, strict=True)
    ]


def _asked(usage: Outside, person_id: int, lots: Lots, now_us: int) -> Charge | Charged | Refusal:
    """The command that charges a usage, given a person's lots in burn-down order; or why nothing is charged."""
    if usage.at_us > now_us:
        return field_invalid("at", iso(usage.at_us), f"no later than now, {iso(now_us)}").refusal
    if not 0 <= usage.cost_nanos < MAX_NANOS:
        return refuse(
            Why.AMOUNT_INVALID, amount=usd(usage.cost_nanos), what="the usage's cost", problem="it must be 0 or more"
        )
    then = [(lot, terms) for lot, terms in lots if lot.usable(usage.at_us)]
    if not then:
        return refuse(Why.NO_GRANT)
    model = usage.note.model
    allowing = [(lot, terms) for lot, terms in then if not model or terms.allows(model)]
    if not allowing:
        allowed = sorted({pattern for _, terms in then for pattern in terms.models})
        return refuse(Why.MODEL_NOT_ALLOWED, field="model", model=model, allowed=", ".join(allowed))
    charging = _charging(allowing)
    if not charging or not usage.cost_nanos:
        return Charged(op=usage.op, how=How.CHARGED if charging else How.MEMO, cost_nanos=usage.cost_nanos)
    paying = [lot for lot, terms in charging if now_us < closes_us(terms, lot.expires_us)]
    late = not paying
    if late:
        now = [lot for lot, _ in _charging(lots) if lot.usable(now_us)]
        paying = [_present([lot for lot, _ in charging], now)]
    return Charge(
        usage.op,
        person_id,
        tuple(lot.id for lot in paying),
        usage.cost_nanos,
        now_us,
        now_us if late else usage.at_us,
        reason=_reason(usage, late=late),
        record=_record(usage, person_id, late=late),
        adjustment=late,
    )


def _counted(charge: Charge, limits: Sequence[OpenLimit]) -> Charge:
    """A charge with the limits that count it: those of its model whose period was open then and still is."""
    if charge.adjustment:
        return charge
    at_us, model = charge.effective_us, charge.record.model
    found = [limit for limit in limits if limit.opens_us <= at_us < limit.expires_us and limit.counts(model)]
    return msgspec.structs.replace(charge, limits=tuple(limit.balance_id for limit in found))


def _charging(lots: Lots) -> list[tuple[Balance, Terms]]:
    return [(lot, terms) for lot, terms in lots if terms.outside_usage == "charge"]


def _present(then: Sequence[Balance], now: Sequence[Balance]) -> Balance:
    """Where something is put down that came too late for the lots of its time: in a lot of today, or in the last."""
    own = [lot for lot in now if lot.person_id != SHARED and not lot.is_overrun]
    return own[0] if own else max(then, key=lambda lot: (not lot.is_overrun, lot.expires_us, -lot.id))


def _reason(usage: Outside, *, late: bool) -> str:
    said = f"reported by {usage.note.source}"
    if late:
        said += f" after the run-out, for {iso(usage.at_us)[:10]}"
    return f"{said}: {usage.note.reason}" if usage.note.reason else said


def _record(usage: Outside, person_id: int, *, late: bool) -> CallRecord:
    note, used = usage.note, usage.note.usage
    return CallRecord(
        hold_id=usage.op,
        person_id=person_id,
        key_id=0,
        wire=WIRE,
        provider=note.provider or note.source,
        model=note.model,
        variant=note.variant,
        started_us=usage.at_us,
        ended_us=usage.at_us if note.ended_us is None else note.ended_us,
        **counts_of(used),
        price_version=note.price_version,
        bound_nanos=usage.cost_nanos,
        cost_nanos=usage.cost_nanos,
        outcome=REPORTED,
        reason=_reason(usage, late=late),
        provider_request=note.provider_request,
        provider_message=note.provider_message,
    )


def _told(usage: Outside, outcome: Outcome, labels: dict[int, str]) -> Charged | Refusal:
    """What a posting says, be it made now or before."""
    if isinstance(outcome, Refusal):
        return outcome
    assert isinstance(outcome, Posting), "a cost above 0 is posted"
    sums = dict.fromkeys(Account, 0)
    ids: dict[int, None] = {}
    before = 0
    for debit, _, amount in outcome.transfers:
        if before == outcome.amount:
            break  # what lots paid comes first, and is the whole; what follows is the same cost in each limit
        before += amount
        sums[account_of(debit)[1]] += amount
        ids[account_of(debit)[0]] = None
    return Charged(
        op=usage.op,
        how=How.ADJUSTED if sums[Account.ADJUSTED] else How.CHARGED,
        cost_nanos=outcome.amount,
        credit_nanos=sums[Account.AVAILABLE] + sums[Account.EXPIRED],
        overrun_nanos=sums[Account.OVERRUN],
        adjusted_nanos=sums[Account.ADJUSTED],
        periods=tuple(dict.fromkeys(labels[balance_id] for balance_id in ids if balance_id in labels)),
    )
