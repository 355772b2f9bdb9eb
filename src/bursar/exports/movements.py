"""What moved in the lots, summed up by day, cost centre and account; and what was cashed out, one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from bursar.exports.centres import Centre, Opener, Openers
from bursar.exports.span import Span
from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, Account, Kind
from bursar.ledger.postings import Verb
from bursar.store.residuals import LESS
from bursar.store.schema import balances, postings, transfers
from bursar.terms.unused import pays_nanos

Nets = dict[Account, int]


class Moved(NamedTuple):
    """What a day's movements in the lots of a centre come to: credits less debits by account, in nano-USD."""

    day: str
    centre: Centre
    net: Nets

    @property
    def cost_nanos(self) -> int:
        """What calls cost, and what providers billed beyond that; below 0 where they billed less than calls cost."""
        billed_less = self.net.get(Account.AVAILABLE, 0) if self.centre.plan.startswith(LESS) else 0
        return self.net.get(Account.SPENT, 0) - billed_less


class CashOut(NamedTuple):
    """Credit that was turned into pay on a day, and what payroll pays for it, in nano-USD."""

    day: str
    period: str
    opener: Opener
    credit_nanos: int
    pays_nanos: int


LOT = transfers.c.debit // ACCOUNTS_PER_BALANCE == balances.c.id
"""Which balance a transfer is of."""


def movements(connection: sa.Connection, span: Span, known: Openers) -> Iterator[Moved]:
    """Each day's movements, by day, team and plan. Limits are left out: they hold no credit."""
    for part in span.parts():
        nets: defaultdict[tuple[int, Centre], Nets] = defaultdict(lambda: defaultdict(int))
        query = (
            sa.select(
                part.day_column(),
                balances.c.source,
                (transfers.c.debit % ACCOUNTS_PER_BALANCE).label("debited"),
                (transfers.c.credit % ACCOUNTS_PER_BALANCE).label("credited"),
                sa.func.sum(transfers.c.amount_nanos),
            )
            .select_from(postings)
            .join(transfers, transfers.c.posting_id == postings.c.id)
            .join(balances, LOT)
            .where(part.posted, balances.c.kind == Kind.LOT.value)
            .group_by("its_day", balances.c.source, "debited", "credited")
        )
        for n, source, debited, credited, amount in connection.execute(query):
            net = nets[n, known.of(source).centre]
            net[Account(debited)] -= int(amount)
            net[Account(credited)] += int(amount)
        for n, centre in sorted(nets):
            yield Moved(part.days[n].label, centre, dict(nets[n, centre]))


def cash_outs(connection: sa.Connection, span: Span, known: Openers) -> Iterator[CashOut]:
    """What was cashed out, in the journal's order of days. What payroll pays is rounded down, once for each."""
    for part in span.parts():
        query = (
            sa.select(part.day_column(), balances.c.source, balances.c.label, sa.func.sum(transfers.c.amount_nanos))
            .select_from(postings)
            .join(transfers, transfers.c.posting_id == postings.c.id)
            .join(balances, LOT)
            .where(part.posted, postings.c.verb == Verb.CASH_OUT.value)
            .group_by("its_day", postings.c.id, balances.c.source, balances.c.label)
            .order_by("its_day", postings.c.id)
        )
        for n, source, label, amount in connection.execute(query):
            opener, credit = known.of(source), int(amount)
            pays = credit if opener.terms is None else pays_nanos(opener.terms, credit)
            yield CashOut(part.days[n].label, label, opener, credit, pays)
