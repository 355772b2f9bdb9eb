"""Plans for tests."""

from __future__ import annotations

from bursar.refusals import Refused, Why, refuse
from bursar.terms.plan import Terms, read_plan
from bursar.terms.worth import ModelPrice

USD = 1_000_000_000


class Listed:
    """Prices in a table: of each model, from which instants on its million tokens of input and output cost what."""

    def __init__(self, table: dict[str, list[tuple[int, int, int | None]]]) -> None:
        self._table = table

    def of(self, model: str, at_us: int) -> ModelPrice:
        found = [price for price in self._table.get(model, []) if price[0] <= at_us]
        if not found:
            raise Refused(refuse(Why.MODEL_NOT_PRICED, field="model", model=model, version="pb-table"))
        return ModelPrice(f"maker/{model}", "pb-table", *found[-1][1:])


NO_PRICES = Listed({})
"""For plans that name no model."""


def plan(more: str = "", amount: str = "1000.00") -> Terms:
    """A plan of an amount, with further lines."""
    return read_plan(f'name = "engineers"\namount = "{amount}"\n{more}')


def tokens(count: str = "50M", more: str = "", model: str = "sonnet") -> Terms:
    """A plan of so many tokens of a model, with further lines."""
    return read_plan(
        f'name = "engineers"\ndenomination = "tokens"\ntokens = "{count}"\ntokens_of = "{model}"\n{more}'
    )


def carry_over(periods: int = 1, cap: str = "", more: str = "") -> Terms:
    """A plan whose credit is carried over, with further lines."""
    capped = f'carry_over_cap = "{cap}"\n' if cap else ""
    return plan(f'unused = "carry_over"\ncarry_over_periods = {periods}\n{capped}{more}')
