"""What was charged and turns out not to be due goes back to where it was taken from, by a posting of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from bursar.books.books import Books, posted
from bursar.ledger.accounts import Account, Kind, account_of
from bursar.ledger.postings import Charge, Correct, Returned
from bursar.refusals import Refusal, Refused, Why
from bursar.store import imports as kept
from bursar.store.imports import Billed, Head, Record

FIRST = (Account.OVERRUN, Account.ADJUSTED)
"""What nobody's credit paid goes back first."""
Taken = Counter[tuple[int, Account]]


class Back(NamedTuple):
    """What is to go back of what a person was charged for a call that somebody told of, and why."""

    head: Head
    person_id: int
    nanos: int
    reason: str


def take_back_all(books: Books, wanted: Sequence[Back]) -> list[int]:
    """Take back parts of what was charged; returns how much of each."""
    if not wanted:
        return []
    with books.database.reading() as connection:
        commands = [_correction(connection, back, books.clock()) for back in wanted]
    outcomes = iter(books.journal.post_all([command for command in commands if command is not None]))
    return [0 if command is None else posted(next(outcomes)).amount for command in commands]


def _correction(connection: sa.Connection, back: Back, now_us: int) -> Correct | None:
    """The command that takes it back; None when nothing was charged."""
    name, charges = f"{back.head.source}:{back.head.key}", back.head.charges
    ops = [f"{verb}:{name}:{n}" for n in range(charges) for verb in ("charge", "correct")]
    parts = _all_parts(connection, kept.moved_by(connection, ops), back.nanos)
    return Correct(f"{name}:{charges}", back.person_id, tuple(parts), now_us, back.reason) if parts else None


def true_up(books: Books, call: Billed, record: Record) -> None:
    """A call was charged at its bound, because nobody knew what it cost; now somebody does, and it is less."""
    if call.outcome != "provisional" or record.cost_nanos is None or record.cost_nanos >= call.cost_nanos:
        return
    assert record.person_id is not None, "it was found among somebody's calls"
    reason = f"charged provisionally; {record.source} tells what was used"
    nanos = call.cost_nanos - record.cost_nanos
    outcome = books.journal.post(less_for_call(books, call.posting_id, record.person_id, nanos, reason))
    if isinstance(outcome, Refusal) and outcome.why is not Why.OPERATION_CONFLICT:
        raise Refused(outcome)  # a conflict: another source told of it before, and otherwise


def less_for_call(books: Books, posting_id: int, person_id: int, nanos: int, reason: str) -> Correct:
    """Takes back a part of what the call of a posting was charged provisionally. Is done once for each call."""
    with books.database.reading() as connection:
        parts = _all_parts(connection, kept.moved_by_posting(connection, posting_id), nanos)
    return Correct(f"call:{posting_id}", person_id, tuple(parts), books.clock(), reason)


def more_for_call(books: Books, posting_id: int, person_id: int, nanos: int, reason: str) -> Charge:
    """Charges what such a call cost beyond that: to the lots that paid for it, and in the limits that count it."""
    with books.database.reading() as connection:
        moved = kept.moved_by_posting(connection, posting_id)
        ids = dict.fromkeys(account_of(credit)[0] for _, credit, _ in moved)
        kinds = kept.kinds(connection, ids)
    lots = tuple(each for each in ids if kinds[each] == Kind.LOT)
    limits = tuple(each for each in ids if kinds[each] != Kind.LOT)
    now_us = books.clock()
    return Charge(f"call:{posting_id}", person_id, lots, nanos, now_us, now_us, reason, limits=limits)


def _all_parts(connection: sa.Connection, moved: Sequence[tuple[int, int, int]], nanos: int) -> list[Returned]:
    """So much of what was charged: of all lots together, and of each limit that counted it."""
    taken = _taken(moved)
    kinds = kept.kinds(connection, {balance_id for balance_id, _ in taken})
    parts = _parts(Counter({name: amount for name, amount in taken.items() if kinds[name[0]] == Kind.LOT}), nanos)
    for limit in sorted({balance_id for balance_id, _ in taken if kinds[balance_id] != Kind.LOT}):
        counted = sum(amount for name, amount in taken.items() if name[0] == limit)
        if counted > 0:
            parts.append(Returned(limit, Account.AVAILABLE, min(nanos, counted)))
    return parts


def _taken(moved: Sequence[tuple[int, int, int]]) -> Taken:
    """How much postings charged, by balance and by the account that it came from; what was held was available."""
    taken: Taken = Counter()
    for debit, credit, amount in moved:
        (balance_id, source), target = account_of(debit), account_of(credit)[1]
        if target is Account.SPENT:
            taken[balance_id, _home(source)] += amount
        elif source is Account.SPENT:
            taken[balance_id, _home(target)] -= amount
    return taken


def _home(account: Account) -> Account:
    return account if account in FIRST else Account.AVAILABLE


def _parts(taken: Taken, nanos: int) -> list[Returned]:
    """So much of what was taken: overrun and adjusted amounts first, then of the lot that was charged last."""
    order = sorted(taken, key=lambda name: (name[1] not in FIRST, -name[0], name[1]))
    parts = []
    for balance_id, account in order:
        part = min(nanos, taken[balance_id, account])
        if part > 0:
            parts.append(Returned(balance_id, account, part))
            nanos -= part
    return parts
