"""What is left of a budget after t years, as expected: the job, no revocation, no cut.

    M(t) = exp(-h_E t) * (w + (1 - w) * exp(-h_R t_R) * (kappa + (1 - kappa) * exp(-h_C t_C)))

h_E ends the job, h_R revokes the budget, h_C cuts it to the fraction kappa; each is a constant hazard a year. The
vested share w is outside h_R and h_C, so with everything vested they do not matter. Notice delays them: what is
announced at T takes effect at T plus the notice n, so t_R = max(0, t - n_R) and t_C = max(0, t - n_C). A budget that
is not revocable has h_R = 0. (The model's table gives the ranges of the hazards.)

M weights all that a month of the budget is to the person: a cut takes the same part of its use, of its personal part,
of what is cashed out and of what is taxed. That is careful: the part that one would keep is the part worth most.
"""

from __future__ import annotations

import numpy as np

from bursar.offers.budget import TokenBudget
from bursar.offers.rows import Floats, Rows

DAYS_A_YEAR = 365.25
DAYS_A_MONTH = DAYS_A_YEAR / 12


def survival(budget: TokenBudget, rows: Rows, months: Floats) -> Floats:
    """M at the beginning of each month (0 is the first), for each row; from 0 to 1."""
    years = months / 12
    revoked_years = np.maximum(0.0, years - (budget.notice_revoke_days or 0) / DAYS_A_YEAR)
    cut_years = np.maximum(0.0, years - (budget.notice_reduce_days or 0) / DAYS_A_YEAR)
    kappa = rows["kappa"]
    exposed = kappa + (1 - kappa) * np.exp(-rows["h_C"] * cut_years)
    if budget.revocable is not False:
        exposed = exposed * np.exp(-rows["h_R"] * revoked_years)
    vested = vested_share(budget, months)
    at_work = np.exp(-rows["h_E"] * years) * _last_month(budget, rows["h_E"])
    left: Floats = at_work * (vested + (1 - vested) * exposed)
    return left


def leaves(rows: Rows, months: Floats) -> Floats:
    """The chance that the job ends within a month, for each row and month."""
    chance: Floats = np.exp(-rows["h_E"] * months / 12) * -np.expm1(-rows["h_E"] / 12)
    return chance


def vested_share(budget: TokenBudget, months: Floats) -> Floats:
    """w: the vested share of a month's budget. After m of n months m/n, nothing before the cliff; 0 of 0 is all."""
    if budget.vesting_months is None:
        return np.zeros_like(months)
    if budget.vesting_months == 0:
        return np.ones_like(months)
    share = np.minimum(1.0, months / budget.vesting_months)
    return np.where(months < budget.vesting_cliff_months, 0.0, share)


def _last_month(budget: TokenBudget, leaving: Floats) -> Floats:
    """Which part of a month's budget a leaver still gets to use, over all who might leave within it.

    All of it where credit stays till the period's end. Where it ends n months after the last day (0 if forfeited) and
    use is even over the month: n + (1 - exp(-h (1 - n))) / h, with h = h_E / 12.
    """
    if budget.leaver not in ("forfeit", "days"):
        return np.ones_like(leaving)
    kept = min(1.0, budget.leaver_days / DAYS_A_MONTH)
    hazard = np.maximum(leaving / 12, 1e-12)
    share: Floats = kept - np.expm1(-hazard * (1 - kept)) / hazard
    return share
