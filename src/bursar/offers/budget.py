"""A token budget as an offer promises it: an amount a year, and the terms that decide what it is worth.

The terms are those of `bursar.terms`, in the words of an offer. None means that the offer does not say.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from bursar.offers.numbers import amount_usd, between, one_of, share, whole
from bursar.refusals import field_invalid

Denomination = Literal["money", "frontier_tokens", "commodity_tokens"]
Unused = Literal["expire", "carry_over", "grace", "keep"]
Leaver = Literal["forfeit", "period_end", "days"]
LeaverVested = Literal["keep", "cash_out"]
TaxCharacter = Literal["tool", "imputed", "personal"]
PERIODS_MONTHS = (1, 3, 6, 12)
MAX_MONTHS = 120
MAX_DAYS = 366


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What the employer expects for the budget: `output_multiple` of today's output, and how it is measured."""

    output_multiple: float
    measure: str | None = None

    def __post_init__(self) -> None:
        between("tokens.expectation.output_multiple", self.output_multiple, 0.1, 100.0)


class TokenBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A token budget. Shares and rates are fractions: 0.25 for 25 %."""

    amount_usd_year: float
    firm: bool = True
    """False where the offer says "up to": the amount is then a ceiling and not a promise."""
    period_months: int | None = 1
    """Credit is granted month by month and stays usable till its period ends. None (not said) counts as 1."""
    denomination: Denomination = "money"
    """Tokens of one frontier model, or as many tokens as buy a level of capability, lose dollars as prices fall."""
    unused: Unused | None = None
    """What becomes of unspent credit when its period ends. None (not said) counts as expire; keep: it never ends."""
    carry_over_periods: int = 0
    """For how many further periods credit lives; at least 1 where `unused` is carry_over."""
    carry_over_cap_usd: float | None = None
    carry_over_cap_share: float | None = None
    """The most that one period gives on to the next: dollars, or a share of what it granted. Both None: all."""
    grace_days: int = 0
    vesting_months: int | None = None
    """After m of n months m/n of each period's credit is vested: it can no longer be revoked or cut. 0: at once."""
    vesting_cliff_months: int = 0
    revocable: bool | None = None
    """None (not said) counts as revocable."""
    notice_reduce_days: int | None = None
    notice_revoke_days: int | None = None
    """Days between a change for the worse and the day on which it takes effect. None (not said) counts as 0."""
    personal_use_share: float | None = None
    """The most of the use that may be personal. None (not said) counts as none, with a doubt in the interval."""
    cash_out_rate: float = 0.0
    """What a dollar of unspent credit pays, before tax."""
    cash_out_cap_usd: float | None = None
    """The most credit of one period that is cashed out; None: all."""
    escalator_rate: float = 0.0
    """By how much the amount grows each year: 0.05 for 5 %."""
    escalator_index: bool = False
    """The amount follows the prices of a basket of models upwards, never downwards."""
    models: tuple[str, ...] | None = None
    """The models or tools that it may be spent on; () is all of them, None (not said) counts as all."""
    leaver: Leaver | None = None
    """When a leaver's credit ends; None (not said) counts as period_end. What was carried over ends too."""
    leaver_days: int = 0
    leaver_vested: LeaverVested | None = None
    """cash_out: a leaver is paid for the vested credit that is left, at the rate and up to the cap of the cash-out.
    None (not said) and keep count as nothing: the work that it would be used at has ended.
    """
    tax_character: TaxCharacter | None = None
    """tool: nothing is income; personal: the personal part is; imputed: all of the amount is. None: undecided."""
    expectation: Expectation | None = None
    in_headline: bool | None = None
    """Whether the offer counts it towards "total compensation"."""

    def __post_init__(self) -> None:
        amount_usd("tokens.amount_usd_year", self.amount_usd_year)
        if self.period_months is not None and self.period_months not in PERIODS_MONTHS:
            raise field_invalid("tokens.period_months", self.period_months, "1, 3, 6 or 12 months")
        one_of("tokens.denomination", self.denomination, get_args(Denomination))
        for name, words in (("unused", Unused), ("leaver", Leaver), ("tax_character", TaxCharacter)):
            if getattr(self, name) is not None:
                one_of(f"tokens.{name}", getattr(self, name), get_args(words))
        self._check_unused()
        self._check_vesting()
        for name in ("notice_reduce_days", "notice_revoke_days"):
            if getattr(self, name) is not None:
                whole(f"tokens.{name}", getattr(self, name), 0, MAX_DAYS, "days")
        if self.personal_use_share is not None:
            share("tokens.personal_use_share", self.personal_use_share)
        share("tokens.cash_out_rate", self.cash_out_rate)
        if self.cash_out_cap_usd is not None:
            amount_usd("tokens.cash_out_cap_usd", self.cash_out_cap_usd)
            if self.cash_out_rate == 0:
                raise field_invalid(
                    "tokens.cash_out_cap_usd", self.cash_out_cap_usd, "left out, as cash_out_rate is 0"
                )
        between("tokens.escalator_rate", self.escalator_rate, 0.0, 1.0)
        if self.escalator_index and self.denomination != "money":
            raise field_invalid(
                "tokens.escalator_index", "true", "false, as an amount of tokens follows prices already"
            )
        self._check_leaver()

    def _check_unused(self) -> None:
        carries = self.unused == "carry_over"
        whole("tokens.carry_over_periods", self.carry_over_periods, 1 if carries else 0, MAX_MONTHS, "periods")
        if not carries and self.carry_over_periods:
            raise field_invalid(
                "tokens.carry_over_periods", self.carry_over_periods, 'left out, as unused is not "carry_over"'
            )
        for name in ("carry_over_cap_usd", "carry_over_cap_share"):
            if getattr(self, name) is not None and not carries:
                raise field_invalid(f"tokens.{name}", getattr(self, name), 'left out, as unused is not "carry_over"')
        if self.carry_over_cap_usd is not None:
            amount_usd("tokens.carry_over_cap_usd", self.carry_over_cap_usd)
            if self.carry_over_cap_share is not None:
                raise field_invalid(
                    "tokens.carry_over_cap_share", self.carry_over_cap_share, "left out, as there is a cap in dollars"
                )
        if self.carry_over_cap_share is not None:
            between("tokens.carry_over_cap_share", self.carry_over_cap_share, 0.0, 100.0)
        whole("tokens.grace_days", self.grace_days, 1 if self.unused == "grace" else 0, MAX_DAYS, "days")
        if self.unused != "grace" and self.grace_days:
            raise field_invalid("tokens.grace_days", self.grace_days, 'left out, as unused is not "grace"')

    def _check_vesting(self) -> None:
        if self.vesting_months is not None:
            whole("tokens.vesting_months", self.vesting_months, 0, MAX_MONTHS, "months")
        whole("tokens.vesting_cliff_months", self.vesting_cliff_months, 0, MAX_MONTHS, "months")
        if self.vesting_cliff_months > (self.vesting_months or 0):
            right = (
                "0, as nothing vests"
                if self.vesting_months is None
                else f"at most the {self.vesting_months} months of vesting"
            )
            raise field_invalid("tokens.vesting_cliff_months", self.vesting_cliff_months, right)
        if self.revocable is False and self.notice_revoke_days:
            raise field_invalid(
                "tokens.notice_revoke_days", self.notice_revoke_days, "left out, as the credit is not revocable"
            )

    def _check_leaver(self) -> None:
        if self.leaver_vested is not None:
            one_of("tokens.leaver_vested", self.leaver_vested, get_args(LeaverVested))
            if self.vesting_months is None:
                raise field_invalid("tokens.leaver_vested", self.leaver_vested, "left out, as nothing vests")
            if self.leaver_vested == "cash_out" and not self.cash_out_rate:
                raise field_invalid("tokens.leaver_vested", self.leaver_vested, '"keep", as cash_out_rate is 0')
        whole("tokens.leaver_days", self.leaver_days, 1 if self.leaver == "days" else 0, MAX_DAYS, "days")
        if self.leaver != "days" and self.leaver_days:
            raise field_invalid("tokens.leaver_days", self.leaver_days, 'left out, as leaver is not "days"')
