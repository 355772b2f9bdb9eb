"""The lots that residuals of providers' bills were put down in, read through a connection."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import SHARED
from bursar.store.schema import balances

MORE, LESS = "residual:", "residual-less:"
"""How such lots are named: for what a provider billed beyond what is known of calls, and for what it billed short."""


class ResidualLot(msgspec.Struct, frozen=True):
    """One residual that was put down, in nano-USD. What is `available` is not spent yet: that was cut off."""

    id: int
    source: str
    label: str
    available: int
    spent: int

    @property
    def nanos(self) -> int:
        """The amount; below 0 where the provider billed less than is known."""
        amount = self.available + self.spent
        return amount if self.source.startswith(MORE) else -amount


def residual_lots(connection: sa.Connection, provider: str, period: str) -> list[ResidualLot]:
    """Those of a provider and a period, in the order in which they were put down."""
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
