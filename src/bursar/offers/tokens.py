"""What a token budget is worth today.

    present value = sum over months of d(t) * M(t) * [ v(P) + s * (U - P) + c - tau * I ],  t = month / 12

in advance, with d(t) = (1 + r)^-t; M of `survival`, v of `inkind`. Granted is F_t = F0/12 in money, F0/12 * pi^-t in
tokens (pi: the factor by which prices fall in a year), times what is really delivered, times (1 + e)^(whole years)
with an escalator e, or max(1, pi^-t) with an index, which follows prices upwards only.

- Use U = min(F + carried in, need). Need is the utilisation times F; with a usage history its months over and over.
- Personal P = p * U, but never so much that its last dollar would be worth more at work, or less than its tax.
- Cash-out c is the plan's rate times the unspent credit that it takes.
- Who leaves within a month is paid for what is vested of its credit, w * (F + carried in), and was not used, where
  the terms say so: at the cash-out's rate, up to its cap, and less what the month cashes out anyway. That is counted
  where all that is needed is used; not for who keeps credit for the close of the period.
- Income I is the imputed part of F, what is cashed out (pay, unless all of F is income already), and the personal
  part where the terms tax that.

Rights are not duties: who may turn credit into cash keeps what is worth more as cash than as use, and may let a
carry-over be. The value is that of the best of these courses: use all that is needed, carry over, cash out what ends;
the same, but carry nothing over; or carry nothing over, and use only what is worth more than cash. So no right makes
a budget worth less, but for a trade: where credit is cashed out when it ends, a longer life or period of it makes the
cash wait.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import NamedTuple

import numpy as np

from bursar.offers import inkind
from bursar.offers.budget import TokenBudget
from bursar.offers.credit import Flows, Wants, keep_for_cash, life_of, play, play_at_once
from bursar.offers.parameters import own_use
from bursar.offers.person import Person
from bursar.offers.rows import Floats, Rows
from bursar.offers.survival import leaves, survival, vested_share


class Story(NamedTuple):
    """A budget month by month, (rows, months) each, and what each month is worth today."""

    granted: Floats
    flows: Flows
    personal: Floats
    imputed: Floats
    worth: Floats
    survival: Floats
    present: Floats

    @property
    def present_usd(self) -> Floats:
        """The present value for each row."""
        total: Floats = self.present.sum(axis=1)
        return total


class _Case(NamedTuple):
    """What is valued: a budget for a person, for each row of parameters."""

    budget: TokenBudget
    person: Person
    rows: Rows

    @property
    def demand_usd(self) -> Floats:
        """Own demand x of a month that the allowed models serve."""
        return self.rows["fit"] * self.rows["x"] / 12

    @property
    def personal_tax(self) -> Floats:
        """What a dollar of personal use costs in tax."""
        rate = self.person.marginal_tax_rate if self.budget.tax_character == "personal" else 0.0
        return rate * (1 - self.rows["imputed"])


def story(budget: TokenBudget, person: Person, rows: Rows) -> Story:
    """Value a budget for each row of parameters, by the best of the courses that its terms leave open."""
    case = _Case(budget, person, rows)
    months = np.arange(12 * person.horizon_years, dtype=np.float64)
    granted = granted_usd(budget, rows, months)
    left = survival(budget, rows, months)
    discount = (1 + person.discount_rate) ** (-months / 12)
    told = [
        _told(case, granted, course.flows, left, discount, on_leaving=course.on_leaving)
        for course in _courses(case, granted, discount * left)
    ]
    return reduce(_better, told)


def face_usd(budget: TokenBudget, person: Person) -> float:
    """The budget as it is advertised: F0/12 each month in advance, discounted, every dollar a dollar for sure."""
    months = np.arange(12 * person.horizon_years)
    return float(np.sum(budget.amount_usd_year / 12 * (1 + person.discount_rate) ** (-months / 12)))


def granted_usd(budget: TokenBudget, rows: Rows, months: Floats) -> Floats:
    """F for each row and month, in dollars of that month."""
    years = months / 12
    granted = budget.amount_usd_year / 12 * rows["delivered"] * (1 + budget.escalator_rate) ** np.floor(years)
    if budget.denomination != "money":
        granted = granted * rows["pi"] ** -years
    elif budget.escalator_index:
        granted = granted * np.maximum(1.0, rows["pi"] ** -years)
    return granted


def need_usd(budget: TokenBudget, person: Person, rows: Rows, granted: Floats) -> Floats:
    """What the person would use in each month if there were enough, in dollars."""
    if not person.usage_usd_months or not budget.amount_usd_year:
        return rows["u"] * rows["fit"] * granted
    history = np.array(person.usage_usd_months)
    own = own_use(budget, person)
    scale = rows["u"] / own if own else np.zeros_like(rows["u"])
    return scale * rows["fit"] * np.resize(history, granted.shape[1])


class _Course(NamedTuple):
    """What becomes of credit, and what of it is expected to be paid to who leaves within each month."""

    flows: Flows
    on_leaving: Floats


def _courses(case: _Case, granted: Floats, weights: Floats) -> list[_Course]:
    """What may be done with credit: use and carry over all that is needed, carry nothing, cash what pays."""
    budget = case.budget
    need = need_usd(budget, case.person, case.rows, granted)
    life = life_of(budget, granted)
    if not budget.cash_out_rate:
        lasts = life.lasts or life.period_months > 1
        flows = play(granted, need, life, 0.0) if lasts else play_at_once(granted, need)
        return [_Course(flows, np.zeros_like(granted))]
    cap = math.inf if budget.cash_out_cap_usd is None else budget.cash_out_cap_usd
    wants = Wants(need, _pays_usd(case, weights))
    lives = (life, life.none) if life.lasts else (life,)
    played = [play(granted, need, its, cap) for its in lives]
    return [
        *(_Course(flows, _paid_on_leaving(case, flows)) for flows in played),
        _Course(keep_for_cash(granted, wants, life.period_months, cap), np.zeros_like(granted)),
    ]


def _pays_usd(case: _Case, weights: Floats) -> Floats:
    """The use up to which a dollar of it is worth more than its cash-out, after tax and when the period closes.

    Without end where work use alone is worth more; else where p * (v'(P) - tax) + (1 - p) * s falls to the cash.
    """
    p, s = case.rows["p"], case.rows["s"]
    cash = case.budget.cash_out_rate * (1 - case.person.marginal_tax_rate * (1 - case.rows["imputed"]))
    cash = cash * _at_close(weights, case.budget.period_months or 1)
    share = np.maximum(p, inkind.TINY)
    slope = np.where(p > 0, (cash - s * (1 - p)) / share + case.personal_tax, 2.0)
    personal = inkind.amount_usd_at(slope, case.demand_usd, case.rows["eps"])
    pays: Floats = np.where(s >= cash, math.inf, personal / share)
    return pays


def _at_close(weights: Floats, period_months: int) -> Floats:
    """What a dollar at the close of each month's period weighs, for one that weighs 1 in the month."""
    closes = np.repeat(weights[:, period_months - 1 :: period_months], period_months, axis=1)
    return closes / np.maximum(weights, inkind.TINY)


def _told(case: _Case, granted: Floats, flows: Flows, left: Floats, discount: Floats, *, on_leaving: Floats) -> Story:
    """Put dollars of worth on a course."""
    budget, person, rows = case
    most = inkind.amount_usd_at(rows["s"] + case.personal_tax, case.demand_usd, rows["eps"])
    personal = np.minimum(rows["p"] * flows.used, most)
    cash = budget.cash_out_rate * flows.cashed
    imputed = rows["imputed"] * granted + (1 - rows["imputed"]) * cash
    if budget.tax_character == "personal":
        imputed = imputed + (1 - rows["imputed"]) * personal
    in_kind = inkind.worth_usd(personal, case.demand_usd, rows["eps"]) + rows["s"] * (flows.used - personal)
    worth = in_kind + cash - person.marginal_tax_rate * imputed
    present = discount * (left * worth + on_leaving)
    return Story(granted, flows, personal, imputed, worth, left, present)


def _paid_on_leaving(case: _Case, flows: Flows) -> Floats:
    """What is expected to be paid, after tax, to who leaves within each month."""
    budget, person, rows = case
    if budget.leaver_vested != "cash_out":
        return np.zeros_like(flows.left)
    months = np.arange(flows.left.shape[1], dtype=np.float64)
    vested = vested_share(budget, months)
    there = flows.used + flows.cashed + flows.expired + flows.left
    cap = math.inf if budget.cash_out_cap_usd is None else budget.cash_out_cap_usd
    credit = np.clip(vested * there - flows.used, 0.0, cap) - flows.cashed
    rate = budget.cash_out_rate * (1 - person.marginal_tax_rate * (1 - rows["imputed"]))
    paid: Floats = leaves(rows, months) * rate * np.maximum(credit, 0.0)
    return paid


def _better(one: Story, other: Story) -> Story:
    """Of two courses the better one, row by row."""
    wins = (other.present_usd > one.present_usd)[:, np.newaxis]
    flows = Flows(*(np.where(wins, its, mine) for mine, its in zip(one.flows, other.flows, strict=True)))
    return Story(
        one.granted,
        flows,
        np.where(wins, other.personal, one.personal),
        np.where(wins, other.imputed, one.imputed),
        np.where(wins, other.worth, one.worth),
        one.survival,
        np.where(wins, other.present, one.present),
    )
