"""Decisions on lots beside spending: earning, adding, extending, carrying over, revoking, cashing out, late charges.

Pure, like `bursar.ledger.decide`, of which this is a part. What was held or spent is never taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bursar.ledger.accounts import DEBITED, SHARED, Account, Balance, Kind
from bursar.ledger.postings import (
    Accrue,
    Add,
    Carry,
    CashOut,
    Charge,
    Correct,
    Decision,
    Extend,
    Posting,
    Revoke,
    Transfer,
    Verb,
    give_back,
    move,
)
from bursar.money import MAX_NANOS, SOME_MONEY, usd
from bursar.refusals import Refusal, Why, refuse

Balances = Mapping[int, Balance]
Change = Accrue | Add | Carry | Revoke | CashOut | Charge | Correct | Extend


def changed(balances: Balances, command: Change) -> Decision | None:
    """Decide a command. None means that there is nothing to do."""
    match command:
        case Charge():
            return _charge(balances, command)
        case Correct():
            return _correct(balances, command)
        case Carry():
            return _carry(balances[command.balance_id], balances[command.to_id], command)
        case _:
            return _change(balances[command.balance_id], command)


def _change(lot: Balance, command: Accrue | Add | Revoke | CashOut | Extend) -> Decision | None:
    """What concerns one lot alone."""
    match command:
        case Accrue():
            return _accrue(lot, command)
        case Add():
            return _add(lot, command)
        case Revoke():
            return _revoke(lot, command)
        case CashOut():
            return _cash_out(lot, command)
        case Extend():
            return _extend(lot, command)


def _accrue(lot: Balance, command: Accrue) -> Decision | None:
    earned = lot.unearned - command.unearned
    if command.unearned < 0:
        return _wrong(command.unearned, "what is unearned", "it must be 0 or more")
    if earned <= 0:
        return None
    return Posting(
        op=command.op,
        verb=Verb.ACCRUE,
        person_id=lot.person_id,
        effective_us=command.at_us,
        amount=earned,
        transfers=(move(lot.id, Account.UNEARNED, Account.AVAILABLE, earned),),
    )


def _add(lot: Balance, command: Add) -> Decision | None:
    if _is_late(lot, command.before):
        return None
    if not 0 < command.amount < MAX_NANOS:
        return _wrong(command.amount, "the credit to add", f"it must be {SOME_MONEY}")
    if not 0 <= command.unearned <= command.amount:
        return _wrong(command.unearned, "the unearned part", "it must be from 0 to the amount")
    return Posting(
        op=command.op,
        verb=Verb.ADD,
        person_id=lot.person_id,
        effective_us=command.at_us,
        amount=command.amount,
        transfers=tuple(
            move(lot.id, Account.FUNDING, account, part)
            for account, part in (
                (Account.AVAILABLE, command.amount - command.unearned),
                (Account.UNEARNED, command.unearned),
            )
            if part
        ),
        reason=command.reason,
    )


def _carry(lot: Balance, later: Balance, command: Carry) -> Decision | None:
    """What expired already, because a call gave it back late, may still be carried over."""
    if not lot.over(command.at_us) or lot.carried_out != command.carried_before:
        return None
    if lot.person_id != later.person_id or lot.id == later.id:
        return _wrong(command.amount, "the credit to carry over", "it must go to a later lot of the same owner")
    if not 0 < command.amount <= lot.available + lot.expired:
        problem = f"{usd(lot.available + lot.expired)} is unspent"
        return _wrong(command.amount, "the credit to carry over", problem)
    return Posting(
        op=command.op,
        verb=Verb.CARRY,
        person_id=lot.person_id,
        effective_us=command.due_us or lot.expires_us,
        amount=command.amount,
        transfers=(
            *_taken(lot, (Account.AVAILABLE, Account.EXPIRED), Account.CARRIED_OUT, command.amount),
            move(later.id, Account.CARRIED_IN, Account.AVAILABLE, command.amount),
        ),
    )


def _is_late(lot: Balance, before: tuple[int, int] | None) -> bool:
    """Whether a lot is no longer what it was when something was found due."""
    return before is not None and before != (lot.granted, lot.revoked)


def _revoke(lot: Balance, command: Revoke) -> Decision | None:
    amount = min(command.amount, lot.unearned + lot.available)
    if command.amount <= 0:
        return _wrong(command.amount, "the credit to revoke", "it must be more than 0")
    if not amount or lot.over(command.at_us) or _is_late(lot, command.before):
        return None
    return Posting(
        op=command.op,
        verb=Verb.REVOKE,
        person_id=lot.person_id,
        effective_us=command.at_us,
        amount=amount,
        transfers=_taken(lot, (Account.UNEARNED, Account.AVAILABLE), Account.REVOKED, amount),
        reason=command.reason,
    )


def _cash_out(lot: Balance, command: CashOut) -> Decision | None:
    if lot.cashed_out != command.cashed_before:
        return None
    if not 0 < command.amount <= lot.available + lot.expired:
        return _wrong(command.amount, "the credit to cash out", f"{usd(lot.available + lot.expired)} is unspent")
    return Posting(
        op=command.op,
        verb=Verb.CASH_OUT,
        person_id=lot.person_id,
        effective_us=command.at_us,
        amount=command.amount,
        transfers=_taken(lot, (Account.AVAILABLE, Account.EXPIRED), Account.CASHED_OUT, command.amount),
        reason=command.reason,
    )


def _charge(balances: Balances, command: Charge) -> Decision | None:
    if not 0 <= command.cost < MAX_NANOS:
        return _wrong(command.cost, "the usage's cost", "it must be 0 or more")
    if not command.lots:
        return refuse(Why.NO_GRANT)
    if not command.cost:
        return None
    if command.adjustment:
        transfers = [move(command.lots[0], Account.ADJUSTED, Account.SPENT, command.cost)]
    else:
        transfers = _paid([balances[lot_id] for lot_id in command.lots], command.cost, command.at_us)
    for limit_id in command.limits:
        transfers += _counted(balances[limit_id], command.cost)
    return Posting(
        op=command.op,
        verb=Verb.CHARGE,
        person_id=command.person_id,
        effective_us=command.effective_us,
        amount=command.cost,
        transfers=tuple(transfers),
        reason=command.reason,
        record=command.record,
    )


def _paid(lots: Sequence[Balance], cost: int, at_us: int) -> list[Transfer]:
    """Take a cost from lots, in their order. What none of them has is overrun, of the last that is no shared one."""
    transfers: list[Transfer] = []
    for lot in lots:
        sources = (Account.AVAILABLE, Account.EXPIRED) if lot.over(at_us) else (Account.AVAILABLE,)
        part = min(cost, sum(lot.amounts[source] for source in sources))
        transfers += _taken(lot, sources, Account.SPENT, part)
        cost -= part
    if cost:
        own = [lot for lot in lots if lot.person_id != SHARED]
        transfers.append(move((own or lots)[-1].id, Account.OVERRUN, Account.SPENT, cost))
    return transfers


def _counted(limit: Balance, cost: int) -> tuple[Transfer, ...]:
    """Have a limit count a cost, which passes it where it lets no more through."""
    part = min(cost, limit.available)
    parts = ((Account.AVAILABLE, part), (Account.OVERRUN, cost - part))
    return tuple(move(limit.id, source, Account.SPENT, amount) for source, amount in parts if amount)


def _correct(balances: Balances, command: Correct) -> Decision | None:
    if not command.parts:
        return None
    transfers: list[Transfer] = []
    taken: Counter[tuple[int, Account]] = Counter()
    counted: Counter[int] = Counter()
    for balance_id, account, amount in command.parts:
        balance = balances[balance_id]
        taken[balance_id, Account.SPENT] += amount
        if amount <= 0 or taken[balance_id, Account.SPENT] > balance.spent:
            return _wrong(amount, "the correction", f"{usd(balance.spent)} is spent")
        if balance.kind is Kind.LIMIT:
            counted[balance_id] += amount
            continue
        taken[balance_id, account] += amount
        if account in DEBITED and taken[balance_id, account] > -balance.amounts[account]:
            return _wrong(amount, "the correction", f"{usd(-balance.amounts[account])} was {account.name.lower()}")
        over = account is Account.AVAILABLE and balance.over(command.at_us)
        transfers.append(move(balance_id, Account.SPENT, Account.EXPIRED if over else account, amount))
    for limit_id, amount in counted.items():
        back = Account.EXPIRED if balances[limit_id].over(command.at_us) else Account.AVAILABLE
        transfers += give_back(balances[limit_id], Account.SPENT, back, amount)
    return Posting(
        op=command.op,
        verb=Verb.CORRECT,
        person_id=command.person_id,
        effective_us=command.at_us,
        amount=sum(part.amount for part in command.parts if balances[part.balance_id].kind is Kind.LOT),
        transfers=tuple(transfers),
        reason=command.reason,
        record=command.record,
    )


def _extend(lot: Balance, command: Extend) -> Decision | None:
    ends_later = 0 < command.from_us == lot.expires_us < command.until_us
    if lot.over(command.at_us) or not ends_later:
        return None
    return Posting(
        op=command.op,
        verb=Verb.EXTEND,
        person_id=lot.person_id,
        effective_us=command.at_us,
        amount=0,
        transfers=(),
        reason=command.reason,
        extends=(lot.id, command.until_us),
    )


def _taken(lot: Balance, sources: tuple[Account, ...], target: Account, amount: int) -> tuple[Transfer, ...]:
    """Move an amount from some accounts of a lot, one after the other, to another one."""
    transfers = []
    for source in sources:
        part = min(amount, lot.amounts[source])
        if part:
            transfers.append(move(lot.id, source, target, part))
            amount -= part
    assert not amount, "the lot had less than was asked of it"
    return tuple(transfers)


def _wrong(amount: int, what: str, problem: str) -> Refusal:
    return refuse(Why.AMOUNT_INVALID, amount=usd(amount), what=what, problem=problem)
