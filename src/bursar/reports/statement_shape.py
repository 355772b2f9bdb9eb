"""What a statement says: its parts and the sums between them, in nano-USD and microseconds UTC."""

from __future__ import annotations

from typing import Any

import msgspec

from bursar.reports.lots import NO_PLAN_ZONE
from bursar.reports.plain import to_json


class PlanPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that gave credit in the period, when that credit could be spent, and the plan's terms in force.

    `version` is that of the terms, 0 for credit of no plan. `terms` has what was set when the plan was added,
    by the names of the plan file. `note` says how the amount came about, where tokens or an escalator made it.
    """

    name: str
    version: int
    time_zone: str
    opens_us: int
    expires_us: int
    terms: dict[str, Any]
    note: str = ""


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the person's terms that was announced in the period, or took effect in it.

    `told` is what the person was told. `approver` is empty when the change needed none.
    """

    kind: str
    amount_nanos: int | None
    announced_us: int
    effective_us: int
    until_us: int
    reason: str
    actor: str
    approver: str
    told: str


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one day to one model came to. Tokens of both directions include cached and audio ones."""

    day: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_nanos: int


class RunSpend(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one agent run, without the runs within it, came to in the period."""

    run: str
    name: str
    calls: int
    cost_nanos: int


class YearlyPay(msgspec.Struct, frozen=True, kw_only=True):
    """Total compensation a year as it is on the period's last day: base + bonus + equity + tokens = total.

    `tokens_nanos` is what the plans promise a year; `tokens_share_bps` is its part of the total in basis points.
    """

    day: str
    base_nanos: int
    bonus_nanos: int
    equity_nanos: int
    tokens_nanos: int
    total_nanos: int
    tokens_share_bps: int


class Provisional(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that stands until something better is known, and why it is one."""

    call: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    reason: str


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A call of which too much was charged: what was taken back, and why. `cost_nanos` is what it costs without."""

    call: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    taken_back_nanos: int
    reason: str


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """Usage that did not pass the gateway and was reported; who reported it, and why it is told here.

    `day` is that of the usage. What was adjusted was reported too late to be charged to the budget. The `calls` that
    somebody reported of one day and one model stand together, under the first one's `id`.
    """

    id: str
    at_us: int
    day: str
    model: str
    cost_nanos: int
    adjusted_nanos: int
    reason: str
    calls: int = 1


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has not ended, and what is held for it."""

    call: str
    since_us: int
    day: str
    held_nanos: int


class FromPool(msgspec.Struct, frozen=True, kw_only=True):
    """What calls of this person drew from a pool of the team's in the period: a memo, not a part of the sums.

    Of what was spent, `beyond` passed the pool and `adjusted` was reported too late for it; the employer bears both.
    What was `taken_back` is no part of it any more, because it was not due.
    """

    team: str
    plan: str
    calls: int
    spent_nanos: int
    held_nanos: int
    beyond_nanos: int = 0
    adjusted_nanos: int = 0
    taken_back_nanos: int = 0


class ForPayroll(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns payroll: of the kind cash_out, what it pays for so much credit; of plan and personal, what was
    spent and is income though nobody pays it, because of the plan's tax character or as personal use.
    """

    kind: str
    plan: str
    credit_nanos: int
    amount_nanos: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One person, one period. Amounts in nano-USD, times in microseconds UTC, days as the plan's time zone has them.

    opening + granted + added + carried_in + overrun + adjusted
        - spent - expired - revoked - carried_out - cashed_out = closing = available + unearned + held.

    `added` is credit given after the opening, `unearned` what accrual has yet to make available. `overrun` is what
    calls cost beyond the budget, and `adjusted` usage that was reported too late for it; the employer bears both.
    Up to `overrun_ceiling` calls may pass the budget. `personal` is the part of what was spent that was made with
    personal keys. `used_share` is the part of what was given that was spent
    within the budget, with four decimals. `released_calls` were not charged. `runs` is a part of `spending`, told
    again by agent run. `compensation` is there when it was asked for and pay is known. Whoever has no budget of their
    own, and drew on a pool, has a statement without plans. `payroll` tells parts of the sums again, as payroll has
    them.
    """

    person: str
    name: str
    period: str
    currency: str
    plans: tuple[PlanPeriod, ...]
    opening_nanos: int
    granted_nanos: int
    added_nanos: int
    carried_in_nanos: int
    overrun_nanos: int
    adjusted_nanos: int
    spent_nanos: int
    expired_nanos: int
    revoked_nanos: int
    carried_out_nanos: int
    cashed_out_nanos: int
    closing_nanos: int
    available_nanos: int
    unearned_nanos: int
    held_nanos: int
    overrun_ceiling_nanos: int
    personal_nanos: int
    used_share: str
    spending: tuple[Spend, ...]
    runs: tuple[RunSpend, ...]
    provisional: tuple[Provisional, ...]
    reported: tuple[Reported, ...]
    corrected: tuple[Corrected, ...]
    running: tuple[Running, ...]
    released_calls: int
    from_pools: tuple[FromPool, ...]
    payroll: tuple[ForPayroll, ...]
    changes: tuple[Announced, ...]
    compensation: YearlyPay | None

    @property
    def given_nanos(self) -> int:
        """What could be spent: granted, added and carried in, less what was revoked."""
        return self.granted_nanos + self.added_nanos + self.carried_in_nanos - self.revoked_nanos

    @property
    def opens_us(self) -> int:
        """When the period's first credit opens; 0 when the person has none."""
        return min((plan.opens_us for plan in self.plans), default=0)

    @property
    def time_zone(self) -> str:
        """Where the statement's days are days: the zone of the plan that pays first."""
        return self.plans[0].time_zone if self.plans else NO_PLAN_ZONE

    def to_json(self) -> bytes:
        """The statement as JSON, exact to the nano-dollar. The same journal gives the same bytes."""
        return to_json(self)
