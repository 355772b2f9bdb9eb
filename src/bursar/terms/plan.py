"""A plan's terms: read from TOML, refused by the field's name when wrong, immutable once in force.

The fields and their semantics are those of the plan file as documented in docs/how-to/plans.md. Fields that this
version does not know are refused, never ignored: a promise that the software would not keep is no term.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from bursar.periods import Schedule
from bursar.refusals import Refused, Why, refuse
from bursar.terms import fields
from bursar.terms.fields import wrong
from bursar.terms.rules import contradiction
from bursar.terms.schedules import SCHEDULES, schedule_of

MONTHLY = "monthly"
MAX_DAYS = 366
MAX_MONTHS = 120
BLEND_OUTPUT_BPS = 2_500
"""One token of output to three of input: the blend in which prices of models are usually compared."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan promises to whoever is granted it. `amount_nanos` is granted once a period, or `tokens` are.

    Shares are in basis points (`bps`: 10,000 are the whole). Times of notice, grace and vesting are whole days and
    months of the calendar in `time_zone`.
    """

    name: str
    amount_nanos: int
    currency: str
    schedule: str
    time_zone: str
    unused: str
    models: tuple[str, ...] = ()
    clamp: bool = True
    priority: int = 100
    anchor: date | None = None
    """A day on which one of the periods begins."""
    availability: str = "uniform"
    """uniform: the whole amount at the period's start; accrual: earned day by day."""
    proration: str = "none"
    """daily: days before joining, after leaving or (with `on_leave` pause) of leave take their part away."""
    carry_over_cap_nanos: int | None = None
    carry_over_cap_bps: int | None = None
    """The most that a lot gives on: an amount, or a share of what it granted. Both None: all that is unspent."""
    carry_over_periods: int = 0
    """For how many further periods credit lives; 0 unless `unused` is carry_over."""
    grace_days: int = 0
    """For how many days after its period a lot can still be spent; 0 unless `unused` is grace."""
    notice_reduce_days: int = 0
    notice_revoke_days: int = 0
    """Whole days between the announcement of a change for the worse and the day on which it takes effect."""
    revocable: bool = True
    """Whether credit that was granted may be revoked without cause."""
    vesting_cliff_months: int = 0
    vesting_months: int | None = None
    """Credit vests month by month from the grant's start, none of it before the cliff; None: it never does."""
    on_leave: str = "continue"
    on_leaving: str = "period_end"
    """When a leaver's credit ends: forfeit (with the last day), period_end, or days after the last day."""
    leaving_days: int = 0
    leaving_vested: str = "keep"
    """What a leaver's vested, unspent credit becomes: keep (it stays till its lot ends), or cash_out."""
    cash_out_rate_bps: int = 0
    """What a dollar of unused credit pays when its lot closes; 0: nothing is cashed out."""
    cash_out_cap_nanos: int | None = None
    """The most credit of one lot that is cashed out."""
    run_out_days: int = 0
    """For how many days after its end a lot can still be charged for usage that is reported late."""
    outside_usage: str = "memo"
    """What usage that did not pass the gateway does to the budget: charge it, or memo: nothing."""
    overrun: str = "strict"
    """soft: calls may pass the budget, up to a ceiling that is opened beside each lot and spent last."""
    overrun_ceiling_nanos: int | None = None
    overrun_ceiling_bps: int | None = None
    """The ceiling: an amount a period, or a share of what the lot is opened with; one of them if it is soft."""
    personal_use_bps: int = 0
    """The share of a lot's amount that may be spent with personal keys in its period; 0: there are no such keys."""
    tokens: int = 0
    """Tokens granted once a period, when `amount_nanos` is 0: a lot's amount is what they are worth when it opens."""
    tokens_of: str = ""
    """The model whose tokens they are; before a slash, if there is one, the catalog of prices that has it."""
    tokens_output_bps: int = 0
    """The part of tokens that is priced as output; the others are priced as input that is not cached."""
    escalator: str = "none"
    """fixed: the amount grows with each year of the grant. price_index: it follows the price of some models."""
    escalator_rate_bps: int = 0
    """What a year adds, compounding on the anniversaries of the grant's first day; 0 unless `escalator` is fixed."""
    escalator_basket: tuple[str, ...] = ()
    """Models, named like `tokens_of`; empty unless `escalator` is price_index."""
    tax_character: str = "undecided"
    """working_condition, imputed_income or undecided: what the employer takes the credit for. No advice."""
    expectation_multiple_bps: int | None = None
    """The output that the employer expects, as a multiple of that without the budget; 20,000 is twice."""
    expectation_measure: str = ""
    """How that output is measured."""

    @property
    def denomination(self) -> str:
        """What a period gives: money or tokens."""
        return "tokens" if self.tokens else "money"

    @property
    def periods(self) -> Schedule:
        """How this plan cuts time into periods."""
        return schedule_of(self.schedule, self.time_zone, self.anchor)

    def allows(self, model: str) -> bool:
        """Whether a budget under this plan may be spent on the model. No list means every model."""
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


def read_plan(text: str) -> Terms:
    """Read a plan file. Raises Refused(PLAN_INVALID) naming the first field that is wrong."""
    try:
        written: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise Refused(refuse(Why.PLAN_INVALID, field="(file)", problem=f"it is not TOML: {problem}")) from None
    for name in written:
        if name not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise wrong(name, f"there is no such field; the fields are {known}")
    for name in ("name",) if written.get("denomination") == "tokens" else ("name", "amount"):
        if name not in written:
            raise wrong(name, "it is missing")
    read = {name: check(name, written[name]) for name, check in _FIELDS.items() if name in written}
    broken = contradiction(read)
    if broken is not None:
        raise wrong(*broken)
    return _terms(read)


def _terms(read: dict[str, Any]) -> Terms:
    """Terms from checked fields that do not contradict each other."""
    cap = read.pop("carry_over_cap", fields.Cap(None, None))
    if read.get("unused") == "carry_over":
        read.setdefault("carry_over_periods", 1)
    ceiling = read.pop("overrun_ceiling", fields.Cap(None, None))
    if read.pop("denomination", "money") == "tokens":
        read.setdefault("tokens_output", BLEND_OUTPUT_BPS)
    renamed = {_RENAMED.get(name, name): value for name, value in read.items()}
    defaults: dict[str, Any] = {
        "amount_nanos": 0,
        "currency": "USD",
        "schedule": MONTHLY,
        "time_zone": "UTC",
        "unused": "expire",
    }
    return Terms(
        carry_over_cap_nanos=cap.nanos,
        carry_over_cap_bps=cap.share_bps,
        overrun_ceiling_nanos=ceiling.nanos,
        overrun_ceiling_bps=ceiling.share_bps,
        **(defaults | renamed),
    )


_RENAMED = {
    "amount": "amount_nanos",
    "cash_out_rate": "cash_out_rate_bps",
    "cash_out_cap": "cash_out_cap_nanos",
    "personal_use": "personal_use_bps",
    "tokens_output": "tokens_output_bps",
    "escalator_rate": "escalator_rate_bps",
    "expectation_multiple": "expectation_multiple_bps",
}
"""What a field of the file is called as a term, where its unit is a part of the name."""

_FIELDS: dict[str, Callable[[str, object], Any]] = {
    "name": fields.plan_name,
    "amount": fields.amount,
    "currency": fields.one_of("USD"),
    "schedule": fields.one_of(*SCHEDULES),
    "anchor": fields.day,
    "time_zone": fields.time_zone,
    "availability": fields.one_of("uniform", "accrual"),
    "proration": fields.one_of("none", "daily"),
    "unused": fields.one_of("expire", "carry_over", "grace"),
    "carry_over_cap": fields.cap,
    "carry_over_periods": fields.whole(1, 60, " (periods)"),
    "grace_days": fields.whole(1, MAX_DAYS, " (days)"),
    "models": fields.models,
    "clamp": fields.flag,
    "priority": fields.whole(0, 255, "; lower is spent first"),
    "notice_reduce_days": fields.whole(0, MAX_DAYS, " (days)"),
    "notice_revoke_days": fields.whole(0, MAX_DAYS, " (days)"),
    "revocable": fields.flag,
    "vesting_cliff_months": fields.whole(0, MAX_MONTHS, " (months)"),
    "vesting_months": fields.whole(1, MAX_MONTHS, " (months)"),
    "on_leave": fields.one_of("pause", "continue"),
    "on_leaving": fields.one_of("forfeit", "period_end", "days"),
    "leaving_days": fields.whole(1, MAX_DAYS, " (days)"),
    "leaving_vested": fields.one_of("keep", "cash_out"),
    "cash_out_rate": fields.share,
    "cash_out_cap": fields.amount,
    "run_out_days": fields.whole(0, MAX_DAYS, " (days)"),
    "outside_usage": fields.one_of("memo", "charge"),
    "overrun": fields.one_of("strict", "soft"),
    "overrun_ceiling": fields.cap,
    "personal_use": fields.share,
    "denomination": fields.one_of("money", "tokens"),
    "tokens": fields.tokens,
    "tokens_of": fields.model,
    "tokens_output": fields.share_or_none,
    "escalator": fields.one_of("none", "fixed", "price_index"),
    "escalator_rate": fields.share,
    "escalator_basket": fields.basket,
    "tax_character": fields.one_of("undecided", "working_condition", "imputed_income"),
    "expectation_multiple": fields.multiple,
    "expectation_measure": fields.text,
}
