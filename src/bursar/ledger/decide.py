"""The one decision: given the balances as they stand, what does a command post, or why is it refused?

Pure. Checks come first, in a fixed order, each with a name; a decision that is not refused is complete, and whoever
asked writes it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, DEBITED, SHARED, Account, Balance, Kind, new_balance
from bursar.ledger.changes import changed
from bursar.ledger.postings import (
    Command,
    Decision,
    Expire,
    Hold,
    Leg,
    Open,
    OpenHold,
    Posting,
    Release,
    Settle,
    Transfer,
    Verb,
    give_back,
    move,
)
from bursar.money import MAX_NANOS, SOME_MONEY, usd
from bursar.refusals import Refusal, Why, refuse

Balances = Mapping[int, Balance]
Holds = Mapping[str, OpenHold]


def decide(balances: Balances, holds: Holds, command: Command, fresh_id: int) -> Decision | None:
    """Decide a command. None means that there is nothing to do. `fresh_id` names a balance that it may open.

    `balances` must hold every balance that the command (or the hold that it ends) names; `holds` the open holds.
    """
    match command:
        case Hold():
            return _hold(balances, command)
        case Settle():
            return _settle(balances, holds, command)
        case Release():
            return _release(balances, holds, command)
        case Open():
            return _open(command, fresh_id)
        case Expire():
            return _expire(balances, command)
        case _:
            return changed(balances, command)


def apply(balances: Balances, transfers: Iterable[Transfer]) -> None:
    """Carry transfers out on balances, in place. Asserts that no account passes zero."""
    for debit, credit, amount in transfers:
        debit_id, debited = divmod(debit, ACCOUNTS_PER_BALANCE)
        credit_id, credited = divmod(credit, ACCOUNTS_PER_BALANCE)
        source, target = balances[debit_id].amounts, balances[credit_id].amounts
        source[debited] -= amount
        target[credited] += amount
        assert source[debited] >= 0 or debited in DEBITED, (
            f"{Account(debited).name} of balance {debit_id} would be {source[debited]}"
        )


def burn_down(lots: Iterable[Balance]) -> list[Balance]:
    """The order in which lots pay: a person's own before shared ones, then priority, earliest expiry, earliest
    opening (terms.md; own before shared: docs/decisions/0009); what lets calls pass the budget pays last of all.
    """
    return sorted(lots, key=_rank)


def _rank(lot: Balance) -> tuple[bool, bool, int, int, int, int]:
    return (lot.is_overrun, lot.person_id == SHARED, lot.priority, lot.expires_us, lot.opens_us, lot.id)


def _open(command: Open, fresh_id: int) -> Decision:
    if not 0 < command.amount < MAX_NANOS:
        return refuse(
            Why.AMOUNT_INVALID,
            amount=usd(command.amount),
            what=f"the {command.kind}",
            problem=f"it must be {SOME_MONEY}",
        )
    if not 0 <= command.unearned <= command.amount:
        problem = "it must be from 0 to the amount"
        return refuse(Why.AMOUNT_INVALID, amount=usd(command.unearned), what="the unearned part", problem=problem)
    balance = new_balance(
        fresh_id,
        command.person_id,
        command.kind,
        command.source,
        command.label,
        priority=command.priority,
        opens_us=command.opens_us,
        expires_us=command.expires_us,
    )
    return Posting(
        op=command.op,
        verb=Verb.OPEN,
        person_id=command.person_id,
        effective_us=command.opens_us or command.at_us,
        amount=command.amount,
        transfers=tuple(
            move(fresh_id, Account.FUNDING, account, part)
            for account, part in (
                (Account.AVAILABLE, command.amount - command.unearned),
                (Account.UNEARNED, command.unearned),
            )
            if part
        ),
        reason=command.reason,
        opens=balance,
    )


def _hold(balances: Balances, command: Hold) -> Decision:
    if command.refusal is not None:
        return command.refusal
    assert 0 < command.minimum <= command.amount < MAX_NANOS, f"a hold of {command.minimum}..{command.amount}"
    at_us = command.at_us
    lots = burn_down(lot for lot in map(balances.__getitem__, command.lots) if lot.usable(at_us))
    limits = [limit for limit in map(balances.__getitem__, command.limits) if limit.usable(at_us)]
    if not lots:
        return refuse(Why.NO_GRANT)
    left = free = sum(lot.available for lot in lots)
    if free < command.minimum:
        return _short(lots, free, command)
    for limit in limits:
        if limit.available < command.minimum:
            return _limited(limit, command)
        free = min(free, limit.available)
    amount = min(command.amount, free)
    legs = (*_draw(lots, amount), *(Leg(limit.id, amount) for limit in limits))
    return Posting(
        op=command.op,
        verb=Verb.HOLD,
        person_id=command.person_id,
        effective_us=at_us,
        amount=amount,
        transfers=tuple(move(leg.balance_id, Account.AVAILABLE, Account.HELD, leg.amount) for leg in legs),
        begins=OpenHold(command.id, command.person_id, amount, legs, command.dispatched, at_us, command.note),
        left=left - amount,
        warns=tuple(_passed(balances, command, amount)) if command.soft else (),
    )


def _passed(balances: Balances, command: Hold, amount: int) -> Iterable[str]:
    """The limits of which more than the soft amount is spent or held with this hold."""
    for limit_id, soft in zip(command.limits, command.soft, strict=True):
        limit = balances[limit_id]
        if soft and limit.usable(command.at_us) and limit.spent + limit.held + amount > soft:
            yield limit.label


def _draw(lots: list[Balance], amount: int) -> Iterable[Leg]:
    """Spread an amount over lots in their order."""
    for lot in lots:
        part = min(lot.available, amount)
        if part:
            yield Leg(lot.id, part)
            amount -= part
    assert amount == 0, "the lots had less than was asked of them"


def _short(lots: list[Balance], free: int, command: Hold) -> Refusal:
    held = sum(lot.held for lot in lots)
    return refuse(
        Why.BUDGET_HELD if free + held >= command.minimum else Why.BUDGET_EXHAUSTED,
        left_nanos=free,
        held_nanos=held,
        bound_nanos=command.amount,
        renews_us=min(lot.expires_us for lot in lots),
    )


def _limited(limit: Balance, command: Hold) -> Refusal:
    return refuse(
        Why.LIMIT_HELD if limit.available + limit.held >= command.minimum else Why.LIMIT_REACHED,
        limit=limit.label,
        left_nanos=limit.available,
        held_nanos=limit.held,
        bound_nanos=command.amount,
        renews_us=limit.expires_us,
    )


def _settle(balances: Balances, holds: Holds, command: Settle) -> Decision:
    hold = holds.get(command.hold_id)
    if hold is None:
        return refuse(Why.HOLD_UNKNOWN, hold=command.hold_id)
    cost = hold.amount if command.cost is None else command.cost
    if not 0 <= cost < MAX_NANOS:
        return refuse(Why.AMOUNT_INVALID, amount=usd(cost), what="the call's cost", problem="it must be 0 or more")
    return _end(balances, hold, command, cost, Verb.PROVISIONAL if command.provisional else Verb.SETTLE)


def _release(balances: Balances, holds: Holds, command: Release) -> Decision:
    hold = holds.get(command.hold_id)
    if hold is None:
        return refuse(Why.HOLD_UNKNOWN, hold=command.hold_id)
    return _end(balances, hold, command, 0, Verb.RELEASE)


def _end(balances: Balances, hold: OpenHold, command: Settle | Release, cost: int, verb: Verb) -> Posting:
    legs = [(balances[balance_id], amount) for balance_id, amount in hold.legs]
    transfers: list[Transfer] = []
    lots = [leg for leg in legs if leg[0].kind is Kind.LOT]
    transfers += _charge(lots, cost, command.at_us)
    for limit in legs[len(lots) :]:
        transfers += _charge([limit], cost, command.at_us)
    return Posting(
        op=command.op,
        verb=verb,
        person_id=hold.person_id,
        effective_us=command.at_us,
        amount=hold.amount if verb is Verb.RELEASE else cost,
        transfers=tuple(transfers),
        reason=command.reason,
        ends=hold.id,
        record=command.record,
    )


def _charge(legs: list[tuple[Balance, int]], cost: int, at_us: int) -> list[Transfer]:
    """Spend a cost from what legs hold, in order; give back the rest; charge what is beyond, last, as overrun.

    What goes back to a lot whose time has ended has nowhere to be spent: it expires at once.
    """
    transfers: list[Transfer] = []
    for balance, held in legs:
        part = min(held, cost)
        if part:
            transfers.append(move(balance.id, Account.HELD, Account.SPENT, part))
            cost -= part
        if held > part:
            back = Account.EXPIRED if balance.over(at_us) else Account.AVAILABLE
            transfers += give_back(balance, Account.HELD, back, held - part)
    for balance, _ in legs if cost else ():
        part = 0 if balance.over(at_us) else min(balance.available, cost)
        if part:
            transfers.append(move(balance.id, Account.AVAILABLE, Account.SPENT, part))
            cost -= part
    if cost:
        transfers.append(move(legs[-1][0].id, Account.OVERRUN, Account.SPENT, cost))
    return transfers


def _expire(balances: Balances, command: Expire) -> Decision | None:
    lot = balances[command.balance_id]
    if not lot.over(command.at_us) or not lot.available or lot.expired != command.expired_before:
        return None
    return Posting(
        op=command.op,
        verb=Verb.EXPIRE,
        person_id=lot.person_id,
        effective_us=command.due_us or lot.expires_us,
        amount=lot.available,
        transfers=(move(lot.id, Account.AVAILABLE, Account.EXPIRED, lot.available),),
    )
