"""Lots, limits, holds and papers for tests, made through the journal. Amounts in nano-USD."""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy as sa

from bursar.ledger.accounts import Kind, account_of
from bursar.ledger.postings import Hold, Open, Posting
from bursar.store.journal import Journal
from bursar.store.schema import changes, documents, exchange_rates, people, plans, price_book_uses, price_books
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


def write_papers(journal: Journal) -> None:
    """Some of every kind of paper, in six changes to the directory. The person is number 1."""
    person = {"email": "a@example.com", "name": "A", "team": "", "created_us": 1}
    told = dict.fromkeys(("reason", "actor", "approver", "told"), "")
    change = {"person_id": 1, "kind": "raise", "announced_us": 1, "effective_us": 2, "until_us": None, **told}
    given = {"person_id": 1, "period": "2026-11", "digest": b"5", "signed": "a.b.c", "made_us": 1}
    writes: list[tuple[sa.Table, list[dict[str, Any]]]] = [
        (people, [person]),
        (plans, [{"name": "p", "version": n, "terms": f'{{"n":{n}}}', "created_us": n} for n in (1, 2)]),
        (price_books, [{"version": f"pb-{n}", "content": b"{}" * n, "created_us": n} for n in (1, 2)]),
        (price_book_uses, [{"version": f"pb-{n}", "from_us": n} for n in (1, 2)]),
        (changes, [change, {**change, "until_us": 3}]),
        (documents, [{**given, "id": f"st-{n}", "n": n, "replaces": "st-1" if n > 1 else None} for n in (1, 2)]),
        (exchange_rates, [{"currency": "EUR", "from_day": f"2026-01-0{n}", "unit_nanos": n} for n in (1, 2)]),
    ]
    for table, rows in writes:
        journal.write(partial(_insert, table=table, rows=rows))


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    connection.execute(sa.insert(table), rows)
