"""What a provider billed beyond what is known of single calls, put down in the books under a name of its own.

It is nobody's: the employer bears it. Whenever something is put down it is a lot that belongs to nobody, opened with
the amount and spent at once, named after the provider ("residual:anthropic") and the period ("2026-11/1"). Where the
provider billed less than is known it is "residual-less:anthropic"; the residual is the difference of the two.
"""

from __future__ import annotations

import msgspec

from bursar.books.books import Books, posted
from bursar.ledger.accounts import SHARED, Kind
from bursar.ledger.postings import Charge, Open
from bursar.money import MAX_NANOS, usd
from bursar.periods import Period
from bursar.refusals import field_invalid
from bursar.store.residuals import LESS, MORE, ResidualLot, residual_lots


class PutDown(msgspec.Struct, frozen=True, kw_only=True):
    """What was put down now: the account and its label, empty when nothing was left to; and what stands there in all.

    Amounts are below 0 where the provider billed less than is known.
    """

    account: str
    label: str
    amount_nanos: int
    residual_nanos: int


def put_down(books: Books, provider: str, period: Period, residual_nanos: int) -> PutDown:
    """See to it that what stands there for a provider and a period is this residual. May be repeated at will."""
    if not -MAX_NANOS < residual_nanos < MAX_NANOS:
        raise field_invalid("residual", usd(residual_nanos), "an amount of dollars")
    with books.database.reading() as connection:
        lots = residual_lots(connection, provider, period.label)
    for lot in lots:
        _spend(books, lot, period)
    left_nanos = residual_nanos - sum(lot.nanos for lot in lots)
    if not left_nanos:
        return PutDown(account="", label="", amount_nanos=0, residual_nanos=residual_nanos)
    source = (MORE if left_nanos > 0 else LESS) + provider
    label = f"{period.label}/{len(lots) + 1}"
    reason = f"{provider} billed {'more' if left_nanos > 0 else 'less'} than is known of calls in {period.label}"
    command = Open(
        SHARED,
        Kind.LOT,
        source,
        label,
        abs(left_nanos),
        books.clock(),
        opens_us=period.start_us,
        reason=reason,
    )
    opened = posted(books.journal.post(command)).opens
    if opened is not None:
        _spend(books, ResidualLot(opened.id, source, label, abs(left_nanos), 0), period)
    return PutDown(account=source, label=label, amount_nanos=left_nanos, residual_nanos=residual_nanos)


def _spend(books: Books, lot: ResidualLot, period: Period) -> None:
    """Spend what a lot has; one that was opened and not spent, because that was cut off, is finished later."""
    if lot.available:
        now_us = books.clock()
        effective_us = min(now_us, period.end_us - 1)
        name, reason = f"{lot.source}:{lot.label}", "the residual that it was opened for"
        posted(books.journal.post(Charge(name, SHARED, (lot.id,), lot.available, now_us, effective_us, reason)))
