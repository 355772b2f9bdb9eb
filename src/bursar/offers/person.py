"""Who is offered: over which years they look, how they discount, what they are taxed, and what they use."""

from __future__ import annotations

import msgspec

from bursar.offers.numbers import amount_usd, between, whole
from bursar.refusals import field_invalid

MAX_YEARS = 40
MAX_HISTORY = 120


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person's side of the valuation. Rates are fractions: 0.08 for 8 % a year."""

    horizon_years: int = 4
    """Over how many years the offer is looked at."""
    discount_rate: float = 0.08
    marginal_tax_rate: float = 0.35
    """What is taken of the next dollar of income."""
    own_spend_usd_year: float | None = None
    """What the person pays for such tools themselves, or would: their own demand x. None: the table's range."""
    usage_usd_months: tuple[float, ...] = ()
    """What they used in each of the last months, oldest first; with it the prior on utilisation is not needed."""
    risk_aversion: float | None = None
    """Relative (2 to 3 in Hall and Murphy 2002): options by certainty equivalent. None: Black–Scholes."""
    outside_wealth_usd: float = 500_000.0
    """Wealth besides the options; matters only with `risk_aversion`."""

    def __post_init__(self) -> None:
        whole("horizon_years", self.horizon_years, 1, MAX_YEARS, "years")
        between("discount_rate", self.discount_rate, 0.0, 1.0)
        between("marginal_tax_rate", self.marginal_tax_rate, 0.0, 0.95)
        if self.own_spend_usd_year is not None:
            amount_usd("own_spend_usd_year", self.own_spend_usd_year)
        if len(self.usage_usd_months) > MAX_HISTORY:
            raise field_invalid("usage_usd_months", f"{len(self.usage_usd_months)} months", f"at most {MAX_HISTORY}")
        for spent in self.usage_usd_months:
            amount_usd("usage_usd_months", spent)
        if self.risk_aversion is not None:
            between("risk_aversion", self.risk_aversion, 0.0, 20.0)
        amount_usd("outside_wealth_usd", self.outside_wealth_usd, least=1.0)
