"""What of a person's period concerns payroll: what it pays for credit, and what is income though nobody pays it.

By the rules of the payroll export, of which this is one person's part: no line counts what another one does. It has
the period's lots, whenever they were cashed out, where the export has what was posted in a month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from bursar.ledger.accounts import Account
from bursar.reports.lots import PlanLot, terms_of
from bursar.reports.movements import Movements
from bursar.reports.statement_calls import personal_nanos
from bursar.reports.statement_shape import ForPayroll
from bursar.store import directory
from bursar.terms.plan import Terms
from bursar.terms.unused import pays_nanos

IMPUTED = "imputed_income"


def for_payroll(
    connection: sa.Connection, person_id: int, lots: Sequence[PlanLot], *, is_personal: bool
) -> tuple[ForPayroll, ...]:
    """The lines of a period's own lots; `is_personal` says that calls were made with personal keys."""
    granted = {f"grant:{grant.id}": terms_of(plan) for grant, plan in directory.grants_of(connection, person_id)}
    return tuple(
        line
        for lot in lots
        if lot.balance.source in granted
        for line in _of_lot(connection, person_id, lot, granted[lot.balance.source], is_personal=is_personal)
    )


def _of_lot(
    connection: sa.Connection, person_id: int, lot: PlanLot, terms: Terms, *, is_personal: bool
) -> Iterator[ForPayroll]:
    movements = Movements(connection, person_id, [lot.balance])
    cashed_out = movements.cashed_out()
    if cashed_out:
        pays = sum(pays_nanos(terms, nanos) for nanos in cashed_out)
        yield ForPayroll(kind="cash_out", plan=lot.plan, credit_nanos=sum(cashed_out), amount_nanos=pays)
    spent = movements.sums().net[Account.SPENT]
    if terms.tax_character == IMPUTED and spent:
        yield ForPayroll(kind="plan", plan=lot.plan, credit_nanos=spent, amount_nanos=spent)
    elif terms.tax_character != IMPUTED and is_personal:
        personal = personal_nanos(connection, person_id, movements.ended())
        if personal:
            yield ForPayroll(kind="personal", plan=lot.plan, credit_nanos=personal, amount_nanos=personal)
