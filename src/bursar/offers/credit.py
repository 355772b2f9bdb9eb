"""The story of a budget's credit, month by month: granted, used, carried over, cashed out, expired.

Spending takes the oldest credit first, as the ledger does. So two running sums say everything: G_k, what was granted
up to month k, and O_k, what has left by then in whatever way. What is there is G_k - O_k; credit of the months up to
e is gone just when O >= G_e. Arrays have the shape (rows, months).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bursar.offers.budget import TokenBudget
from bursar.offers.rows import Floats
from bursar.offers.survival import DAYS_A_MONTH


class Flows(NamedTuple):
    """What becomes of credit in each month, in dollars: (rows, months) each. Left: what goes on to the next month."""

    used: Floats
    cashed: Floats
    expired: Floats
    left: Floats


class Wants(NamedTuple):
    """What the person would use: at most `need`, and not above `pays` where the rest is worth more as cash."""

    need: Floats
    pays: Floats


class Life(NamedTuple):
    """How long credit lives beyond its period: whole months and a part of one more. `caps`: the most that is kept."""

    period_months: int
    months: float
    part: float
    caps: Floats | None

    @property
    def lasts(self) -> bool:
        """Whether credit lives beyond its period."""
        return self.months > 0 or self.part > 0

    @property
    def none(self) -> Life:
        """No life beyond the period."""
        return Life(self.period_months, 0.0, 0.0, None)


def life_of(budget: TokenBudget, granted: Floats) -> Life:
    """How long the terms let unused credit live. `granted`: (rows, months), for a cap that is a share of it."""
    period = budget.period_months or 1
    if budget.unused == "keep":
        return Life(period, math.inf, 0.0, None)
    if budget.unused == "grace":
        whole = math.floor(budget.grace_days / DAYS_A_MONTH)
        return Life(period, whole, budget.grace_days / DAYS_A_MONTH - whole, None)
    if budget.unused != "carry_over":
        return Life(period, 0.0, 0.0, None)
    caps = None
    if budget.carry_over_cap_usd is not None:
        caps = np.full_like(granted, budget.carry_over_cap_usd)
    elif budget.carry_over_cap_share is not None:
        caps = budget.carry_over_cap_share * granted * period
    return Life(period, budget.carry_over_periods * period, 0.0, caps)


def play(granted: Floats, need: Floats, life: Life, cash_cap_usd: float) -> Flows:
    """Use all that is needed, carry over what may be, and cash out what ends: at most `cash_cap_usd` of it at once.

    In the last month all that is left may be cashed out, as the horizon ends; what may not stays `left`.
    """
    count = granted.shape[1]
    total = np.cumsum(granted, axis=1)
    used, cashed, expired, left = (np.empty_like(total) for _ in range(4))
    out = np.zeros_like(total[:, 0])
    for month in range(count):
        there = total[:, month] - out
        use = np.minimum(there, need[:, month])
        out = out + use
        ends = _ends(total, out, need, life, month)
        leaves = there - use if month == count - 1 and cash_cap_usd else ends
        cash = np.minimum(leaves, cash_cap_usd)
        gone = np.maximum(ends - cash, 0.0)
        out = out + cash + gone
        used[:, month], cashed[:, month], expired[:, month] = use, cash, gone
        left[:, month] = np.maximum(total[:, month] - out, 0.0)
    return Flows(used, cashed, expired, left)


def play_at_once(granted: Floats, need: Floats) -> Flows:
    """The same where credit lives for its month and is not cashed out: each month is a story of its own."""
    used = np.minimum(granted, need)
    return Flows(used, np.zeros_like(granted), granted - used, np.zeros_like(granted))


def keep_for_cash(granted: Floats, wants: Wants, period_months: int, cash_cap_usd: float) -> Flows:
    """Use in each month only what is worth more than cash, keep the rest for the close of the period, carry nothing.

    A month's part of the cap is what it may keep; what is above is used where there is need, or expires.
    """
    cap = cash_cap_usd / period_months
    used = np.clip(np.maximum(wants.pays, granted - cap), 0.0, np.minimum(granted, wants.need))
    kept = np.minimum(granted - used, cap)
    periods = kept.reshape(len(kept), -1, period_months).cumsum(axis=2)
    cashed, left = np.zeros_like(periods), periods.copy()
    cashed[:, :, -1], left[:, :, -1] = periods[:, :, -1], 0.0
    return Flows(used, cashed.reshape(kept.shape), granted - used - kept, left.reshape(kept.shape))


def _ends(total: Floats, out: Floats, need: Floats, life: Life, month: int) -> Floats:
    """What has reached its end, or is above the cap, when a month is over. The oldest goes first."""
    ends = np.zeros_like(out)
    period = life.period_months
    if math.isfinite(life.months):
        last = month - int(life.months)
        closed = last - (last + 1) % period
        if closed >= 0:
            kept = life.part * need[:, month + 1] if closed == last and month + 1 < need.shape[1] else 0.0
            ends = np.maximum(ends, total[:, closed] - kept - out)
    if life.caps is not None and (month + 1) % period == 0:
        ends = np.maximum(ends, total[:, month] - life.caps[:, month] - out)
    return ends
