"""What a database shows: its balances, the chain, and whether the journal adds up to them."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa

from bursar.ledger.accounts import CREDITED, Account, Balance, account_of, problems
from bursar.store import schema
from bursar.store.batch import read_balance
from bursar.store.database import Database


def balances(database: Database) -> dict[int, Balance]:
    """All balances as they stand."""
    with database.reading() as connection:
        rows = connection.execute(sa.select(schema.balances)).all()
    return {row[0]: read_balance(row) for row in rows}


def count(database: Database, table: sa.Table) -> int:
    """How many rows a table has."""
    with database.reading() as connection:
        found: int = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return found


def assert_sound(database: Database) -> None:
    """Replay the journal: no account passes zero at any prefix, the sums are the balances, the chains have no gap.

    Posting ids are drawn under the locks of the balances that are touched, so within a balance they stand in the
    order of commits, however many writers there are.
    """
    with database.reading() as connection:
        transfers = connection.execute(
            sa.select(schema.transfers).order_by(schema.transfers.c.posting_id, schema.transfers.c.n)
        ).all()
        links = connection.execute(sa.select(schema.links).order_by(schema.links.c.chain, schema.links.c.n)).all()
        linked = connection.execute(
            sa.select(schema.postings.c.link_id, sa.func.count()).group_by(schema.postings.c.link_id)
        ).all()
        held = connection.execute(
            sa.select(sa.func.coalesce(sa.func.sum(schema.holds.c.amount_nanos), 0))
        ).scalar_one()
    sums: dict[int, list[int]] = defaultdict(lambda: [0] * len(Account))
    for posting_id, _, debit, credit, amount in transfers:
        (balance_id, source), (target_id, target) = account_of(debit), account_of(credit)
        assert balance_id == target_id
        sums[balance_id][source] -= amount
        sums[balance_id][target] += amount
        assert all(sums[balance_id][account] >= 0 for account in CREDITED), f"balance {balance_id} at {posting_id}"
    stored = balances(database)
    assert {balance_id: balance.amounts for balance_id, balance in stored.items()} == dict(sums)
    assert [problem for balance in stored.values() for problem in problems(balance)] == []
    assert sum(balance.held for balance in stored.values() if balance.kind == "lot") == held
    assert {link.id: link.postings for link in links} == dict(linked)
    numbers: dict[int, list[int]] = defaultdict(list)
    for link in links:
        numbers[link.chain].append(link.n)
    for chain, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), f"chain {chain} has gaps: {found}"
