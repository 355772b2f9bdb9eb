"""What a provider billed beyond what the books have charged, or short of it, put down under a name of its own.

It is nobody's: the employer bears it, or has it. What is put down is a lot that belongs to nobody, opened with the
amount and spent at once, named after the provider ("residual:anthropic") and the period ("2026-11/1"), so that it is
an expense like calls are. When less is left over later, that is taken back by a correction.

Where a provider billed less than was charged, the difference stands as credit in "residual-less:anthropic", where
nobody can spend it: people's lots stay as they are, for a budget is spent at the price book's prices, and the
employer's expense is less by it.

So what is charged, and what stands here, come to the provider's report, to the nano-dollar.
"""

from __future__ import annotations

import msgspec

from bursar.books.books import Books, posted
from bursar.ledger.accounts import SHARED, Account, Kind
from bursar.ledger.postings import Charge, Correct, Open, Returned, Revoke
from bursar.money import MAX_NANOS, usd
from bursar.periods import Period
from bursar.refusals import field_invalid
from bursar.store.residuals import LESS, MORE, TAKEN_OUT, ResidualLot, residual_lots

Lots = list[ResidualLot]


class PutDown(msgspec.Struct, frozen=True, kw_only=True):
    """What was put down now, in which account (empty for nothing), and what stands there of the residual in all.

    Amounts are below 0 where less is left over than before, or the provider billed less than was charged.
    """

    account: str
    amount_nanos: int
    residual_nanos: int


def put_down(books: Books, provider: str, period: Period, residual_nanos: int) -> PutDown:
    """See to it that what stands there for a provider and a period is this residual. May be repeated at will."""
    if not -MAX_NANOS < residual_nanos < MAX_NANOS:
        raise field_invalid("residual", usd(residual_nanos), "an amount of dollars")
    lots = _finished(books, provider, period)
    left_nanos = residual_nanos - sum(lot.nanos for lot in lots)
    account = ""
    if left_nanos > 0:
        rest = _revoke(books, lots, left_nanos)
        account = (MORE if rest else LESS) + provider
        if rest:
            _open(books, account, period, len(lots), rest)
            _finished(books, provider, period)
    elif left_nanos < 0:
        rest = _take_back(books, lots, -left_nanos)
        account = (LESS if rest else MORE) + provider
        if rest:
            _open(books, account, period, len(lots), rest)
    return PutDown(account=account, amount_nanos=left_nanos, residual_nanos=residual_nanos)


def _finished(books: Books, provider: str, period: Period) -> Lots:
    """The lots as they stand. What was opened and not spent, because that was cut off, is spent now."""
    lots = _lots(books, provider, period)
    for lot in lots:
        if lot.is_more and not lot.spent:
            now_us = books.clock()
            name, effective_us = f"{lot.source}:{lot.label}", min(now_us, period.end_us - 1)
            reason = f"{provider} billed more than is charged for {period.label}"
            # Of one that was taken back as a whole this was posted before, and its operation is done once.
            posted(books.journal.post(Charge(name, SHARED, (lot.id,), lot.granted, now_us, effective_us, reason)))
    return _lots(books, provider, period)


def _lots(books: Books, provider: str, period: Period) -> Lots:
    with books.database.reading() as connection:
        return residual_lots(connection, provider, period.label)


def _open(books: Books, source: str, period: Period, before: int, nanos: int) -> None:
    label, opens_us = f"{period.label}/{before + 1}", period.start_us
    posted(books.journal.post(Open(SHARED, Kind.LOT, source, label, nanos, books.clock(), opens_us=opens_us)))


def _take_back(books: Books, lots: Lots, nanos: int) -> int:
    """Take back of what was put down, the last first; returns what is more than that."""
    parts = []
    for lot in reversed([lot for lot in lots if lot.is_more and lot.spent]):
        part = min(nanos, lot.spent)
        if part:
            parts.append(Returned(lot.id, Account.AVAILABLE, part))
            nanos -= part
    if parts:
        before = sum(lot.granted - lot.spent for lot in lots if lot.is_more)
        name = f"{lots[0].source}:{lots[0].label}:{before}"
        reason = "less is left over than was put down"
        posted(books.journal.post(Correct(name, SHARED, tuple(parts), books.clock(), reason)))
    return nanos


def _revoke(books: Books, lots: Lots, nanos: int) -> int:
    """What a provider billed short is less than was noted: take that out; returns what is more than that."""
    for lot in lots:
        part = min(nanos, lot.available) if not lot.is_more else 0
        if part:
            name, reason = f"{TAKEN_OUT}{lot.revoked}", "the provider billed more than before"
            posted(books.journal.post(Revoke(lot.id, part, name, books.clock(), reason)))
            nanos -= part
    return nanos
