"""Plans for tests."""

from __future__ import annotations

from bursar.terms.plan import Terms, read_plan

USD = 1_000_000_000


def plan(more: str = "", amount: str = "1000.00") -> Terms:
    """A plan of an amount, with further lines."""
    return read_plan(f'name = "engineers"\namount = "{amount}"\n{more}')


def carry_over(periods: int = 1, cap: str = "") -> Terms:
    """A plan whose credit is carried over."""
    capped = f'carry_over_cap = "{cap}"\n' if cap else ""
    return plan(f'unused = "carry_over"\ncarry_over_periods = {periods}\n{capped}')
