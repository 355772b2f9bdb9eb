"""The lots that residuals of providers' bills were put down in, read through a connection."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import SHARED
from bursar.ledger.postings import Verb
from bursar.store.schema import balances, postings

MORE, LESS = "residual:", "residual-less:"
"""How such lots are named: for what a provider billed beyond what was charged, and for what it billed short."""


TAKEN_OUT = "residual-"
"""How the names begin of what takes out again of the latter."""
NOTED = sa.and_(postings.c.verb == Verb.OPEN.value, postings.c.op.startswith(f"open:{LESS}"))
"""The postings that put down what a provider billed short."""
TAKEN = sa.and_(postings.c.verb == Verb.REVOKE.value, postings.c.op.startswith(f"revoke:{TAKEN_OUT}"))
"""The postings that take out of it again."""


class ResidualLot(msgspec.Struct, frozen=True):
    """A lot that a residual was put down in. Amounts in nano-USD.

    Of one for more it is what is spent; what was taken back of it is available again. Of one for less it is what is
    available, for nothing was spent; what no longer holds of it was revoked.
    """

    id: int
    source: str
    label: str
    granted: int
    available: int
    spent: int
    revoked: int

    @property
    def is_more(self) -> bool:
        """Whether it is for what was billed beyond what was charged."""
        return self.source.startswith(MORE)

    @property
    def nanos(self) -> int:
        """What stands there of the residual; below 0 where the provider billed less than is known."""
        return self.spent if self.is_more else -self.available


def residual_lots(connection: sa.Connection, provider: str, period: str) -> list[ResidualLot]:
    """Those of a provider and a period, in the order in which they were opened."""
    columns = [balances.c[name] for name in ResidualLot.__struct_fields__]
    query = (
        sa.select(*columns)
        .where(
            balances.c.person_id == SHARED,
            balances.c.source.in_((MORE + provider, LESS + provider)),
            balances.c.label.startswith(f"{period}/", autoescape=True),
        )
        .order_by(balances.c.id)
    )
    return [ResidualLot(*row) for row in connection.execute(query)]
