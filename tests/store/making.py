"""Lots, limits and holds for tests, made through the journal. Amounts in nano-USD."""

from __future__ import annotations

from bursar.ledger.accounts import Kind, account_of
from bursar.ledger.postings import Hold, Open, Posting
from bursar.store.journal import Journal
from tests.support.clock import NOVEMBER_US

NEXT_YEAR_US = NOVEMBER_US + 365 * 86_400_000_000


def open_lot(journal: Journal, amount: int, label: str = "2026-11", person_id: int = 1) -> int:
    """Open a lot; returns its id."""
    return _open(journal, Kind.LOT, amount, label, person_id)


def open_limit(journal: Journal, amount: int, label: str = "limit", person_id: int = 1) -> int:
    """Open a limit without an end; returns its id."""
    return _open(journal, Kind.LIMIT, amount, label, person_id)


def _open(journal: Journal, kind: Kind, amount: int, label: str, person_id: int) -> int:
    expires_us = NEXT_YEAR_US if kind is Kind.LOT else 0
    posting = journal.post(
        Open(person_id, kind, f"test:{person_id}", label, amount, NOVEMBER_US, expires_us=expires_us)
    )
    assert isinstance(posting, Posting)
    return account_of(posting.transfers[0].debit)[0]


def hold(hold_id: str, lot_id: int, amount: int, minimum: int = 0, *limits: int) -> Hold:
    """A hold on one lot, now; of exactly the amount unless there is a minimum."""
    return Hold(hold_id, 1, (lot_id,), limits, amount, minimum or amount, NOVEMBER_US)
