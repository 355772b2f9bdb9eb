"""An offer: pay for a year, equity over several, and a token budget with the terms that decide its worth.

Amounts are dollars as floats: this is valuation, and nothing of it comes near the ledger. A term that the offer does
not state is None, which is not the same as a term that it denies; what the model takes for it is said at the field.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from bursar.offers.budget import TokenBudget
from bursar.offers.numbers import amount_usd, between, one_of, share, whole
from bursar.refusals import field_invalid

EquityKind = Literal["rsu", "options"]
MAX_GRANTS = 20
MAX_VESTING_MONTHS = 120


class EquityGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Shares or options that vest evenly with the months worked, nothing before the cliff.

    An `rsu` grant states `value_usd`, what all of its shares are worth today. An `options` grant states `shares`,
    `spot_usd` and `strike_usd` (both for one share) and `volatility` (a year, 0.6 for 60 %); it is valued by
    Black and Scholes, or by a certainty equivalent where the person states their aversion to risk.
    """

    name: str = "equity"
    kind: EquityKind = "rsu"
    value_usd: float | None = None
    vesting_months: int = 48
    cliff_months: int = 12
    every_months: int = 1
    """Vested by the month (1), by the quarter (3) or by the year (12)."""
    illiquidity: float = 0.0
    """The share of its worth that is lost because it cannot be sold: 0 for shares on an exchange."""
    shares: float | None = None
    spot_usd: float | None = None
    strike_usd: float | None = None
    volatility: float = 0.6
    term_years: float = 10.0
    """From today to the options' last day."""

    def __post_init__(self) -> None:
        one_of("equity.kind", self.kind, get_args(EquityKind))
        if self.kind == "rsu":
            amount_usd("equity.value_usd", self.value_usd)
        else:
            between("equity.shares", self.shares, 0, 1e12)
            amount_usd("equity.spot_usd", self.spot_usd, least=1e-6)
            amount_usd("equity.strike_usd", self.strike_usd)
        whole("equity.vesting_months", self.vesting_months, 1, MAX_VESTING_MONTHS, "months")
        whole("equity.cliff_months", self.cliff_months, 0, MAX_VESTING_MONTHS, "months")
        if self.cliff_months > self.vesting_months:
            raise field_invalid(
                "equity.cliff_months", self.cliff_months, f"at most the {self.vesting_months} months of vesting"
            )
        whole("equity.every_months", self.every_months, 1, 12, "months")
        share("equity.illiquidity", self.illiquidity)
        between("equity.volatility", self.volatility, 0.01, 5.0)
        between("equity.term_years", self.term_years, 0.1, 30.0)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What an employer offers. `base_usd_year` and `bonus_usd_year` are before tax, the bonus as expected."""

    name: str
    base_usd_year: float
    bonus_usd_year: float = 0.0
    equity: tuple[EquityGrant, ...] = ()
    tokens: TokenBudget | None = None
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 200:
            raise field_invalid("name", repr(self.name[:40]), "a text of 1 to 200 characters")
        amount_usd("base_usd_year", self.base_usd_year)
        amount_usd("bonus_usd_year", self.bonus_usd_year)
        if self.currency != "USD":
            raise field_invalid("currency", repr(self.currency), "USD; convert other amounts first, all at one rate")
        if len(self.equity) > MAX_GRANTS:
            raise field_invalid("equity", f"{len(self.equity)} grants", f"at most {MAX_GRANTS}")
