"""The story of a token budget told again, by chance: thousands of lives with a budget, month by month.

Written from the terms' words and without the model's formulas, as a second opinion on them. In each life the job
ends, the budget is revoked and cut on days that are drawn; lots are opened, spent call by call from the oldest,
carried over, cashed out and expire; a dollar in kind is worth what the height of a demand curve says, added up in
thin slices; and what a person does with credit that they might turn into cash is found by trying.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

from bursar.offers.budget import TokenBudget
from bursar.offers.person import Person
from bursar.offers.rows import Floats
from tests.unit.offers.random_offers import Values

SLICES = np.linspace(0, 1, 8_001) ** 3
"""Amounts that are tried, as parts of the most: thin at first, where a dollar in kind is worth most."""
CALLS_A_MONTH = 30
DAYS_A_MONTH = 365.25 / 12


class Mean(NamedTuple):
    """The mean present value over many lives, and its standard error."""

    usd: float
    error_usd: float


class Month(NamedTuple):
    """What is there, as far as somebody who leaves could be paid for it; what of it is used, and cashed out."""

    there: float
    used: float
    cashed: float


def lives(budget: TokenBudget, person: Person, values: Values, count: int, rng: np.random.Generator) -> Mean:
    """Live `count` lives; the person takes the course that is best on average, as they cannot know the day."""
    months = 12 * person.horizon_years
    granted = [grant(budget, values, month) for month in range(months)]
    last_days = rng.exponential(1 / values["h_E"], count) if values["h_E"] else np.full(count, np.inf)
    weights = chances(budget, values, months, last_days, rng)
    discounts = np.array([(1 + person.discount_rate) ** -(month / 12) for month in range(months)])
    means = []
    for course in courses(budget, person, values, granted, discounts * weights.mean(axis=0)):
        flows = np.array(
            [dollars(budget, person, values, grants, month) for grants, month in zip(granted, course, strict=True)]
        )
        present = weights @ (flows * discounts)
        for month, told in enumerate(course):
            gone = (last_days > month / 12) & (last_days <= (month + 1) / 12)
            present[gone] += discounts[month] * severance(budget, person, values, month, told)
        means.append(Mean(float(present.mean()), float(present.std() / count**0.5)))
    return max(means)


def grant(budget: TokenBudget, values: Values, month: int) -> float:
    amount = budget.amount_usd_year / 12 * values["delivered"]
    for _ in range(month // 12):
        amount *= 1 + budget.escalator_rate
    price = 1.0
    for _ in range(month):
        price /= values["pi"] ** (1 / 12)
    if budget.denomination != "money":
        return amount * price
    return amount * max(price, 1.0) if budget.escalator_index else amount


def vested_part(budget: TokenBudget, month: int) -> float:
    if budget.vesting_months is None or month < budget.vesting_cliff_months:
        return 0.0
    return 1.0 if month >= budget.vesting_months else month / budget.vesting_months


def severance(budget: TokenBudget, person: Person, values: Values, month: int, told: Month) -> float:
    """What a life that leaves in a month is paid for vested credit. What was used of the credit was vested first."""
    if budget.leaver_vested != "cash_out":
        return 0.0
    part = vested_part(budget, month)
    credit = max(0.0, told.there * part - told.used)
    if budget.cash_out_cap_usd is not None:
        credit = min(credit, budget.cash_out_cap_usd)
    cash = budget.cash_out_rate * max(0.0, credit - told.cashed)
    return cash - person.marginal_tax_rate * (1 - values["imputed"]) * cash


def chances(budget: TokenBudget, values: Values, months: int, last_day: Floats, rng: np.random.Generator) -> Floats:
    """For each life and month the part of the month's budget that is left to the person."""
    count = len(last_day)

    def day_of(hazard: float) -> Floats:
        return rng.exponential(1 / hazard, count) if hazard else np.full(count, np.inf)

    revoked = day_of(0.0 if budget.revocable is False else values["h_R"]) + (budget.notice_revoke_days or 0) / 365.25
    cut = day_of(values["h_C"]) + (budget.notice_reduce_days or 0) / 365.25
    stays = {"forfeit": 0.0, "days": budget.leaver_days / DAYS_A_MONTH}.get(budget.leaver or "period_end", 1.0)
    parts = np.empty((count, months))
    for month in range(months):
        day = month / 12
        vested = vested_part(budget, month)
        exposed = np.where(revoked <= day, 0.0, np.where(cut <= day, values["kappa"], 1.0))
        of_the_month = np.where(last_day <= day, 0.0, np.minimum(1.0, (last_day - day) * 12 + stays))
        parts[:, month] = of_the_month * (vested + (1 - vested) * exposed)
    return parts


def courses(
    budget: TokenBudget, person: Person, values: Values, granted: list[float], weights: Floats
) -> list[list[Month]]:
    needs = [need(budget, person, values, grants, month) for month, grants in enumerate(granted)]
    found = [lots(budget, granted, needs, keeps=True)]
    if budget.cash_out_rate:
        found.append(lots(budget, granted, needs, keeps=False))
        found.append(frugal(budget, person, values, granted, needs, weights))
    return found


def need(budget: TokenBudget, person: Person, values: Values, grants: float, month: int) -> float:
    history = person.usage_usd_months
    if not history:
        return grants * values["u"] * values["fit"]
    ordinary = min(budget.amount_usd_year, 12 * sum(history) / len(history)) / budget.amount_usd_year
    return history[month % len(history)] * values["fit"] * values["u"] / ordinary


def lots(budget: TokenBudget, granted: list[float], needs: list[float], *, keeps: bool) -> list[Month]:
    """Open a lot each month, spend the oldest first, and close what has reached its last day."""
    period = budget.period_months or 1
    open_lots: deque[list[float]] = deque()  # of [the month after which it ends, what is left]
    told = []
    for month, grants in enumerate(granted):
        ends = month - month % period + period - 1
        open_lots.append([float(ends + life_months(budget, period) if keeps else ends), grants])
        there = sum(lot[1] for lot in open_lots)
        used = sum(call(open_lots, needs[month] / CALLS_A_MONTH) for _ in range(CALLS_A_MONTH))
        after = needs[month + 1] if month + 1 < len(needs) else 0.0
        over = sum(close(open_lots, budget, month, after) if keeps else close(open_lots, None, month, after))
        if keeps and month == ends and budget.carry_over_cap_usd is not None:
            over += call(open_lots, max(0.0, sum(lot[1] for lot in open_lots) - budget.carry_over_cap_usd))
        if month == len(granted) - 1:
            over += sum(lot[1] for lot in open_lots)
        cap = np.inf if budget.cash_out_cap_usd is None else budget.cash_out_cap_usd
        told.append(Month(there, used, min(cap, over) if budget.cash_out_rate else 0.0))
    return told


def life_months(budget: TokenBudget, period: int) -> float:
    if budget.unused == "keep":
        return np.inf
    if budget.unused == "grace":
        return budget.grace_days / DAYS_A_MONTH
    return budget.carry_over_periods * period


def call(open_lots: deque[list[float]], costs: float) -> float:
    """Take what something costs from the oldest lots, as far as they go."""
    paid = 0.0
    while open_lots and paid < costs:
        taken = min(open_lots[0][1], costs - paid)
        open_lots[0][1] -= taken
        paid += taken
        if open_lots[0][1] <= 0:
            open_lots.popleft()
    return paid


def close(open_lots: deque[list[float]], budget: TokenBudget | None, month: int, next_need: float) -> list[float]:
    """What ends with a month. Of a lot whose grace ends within the next one stays what is used before that day."""
    ended = []
    room = None
    for lot in list(open_lots):
        part = lot[0] - month
        if part <= 0 or (budget is None and part < 1):
            ended.append(lot[1])
            lot[1] = 0.0
        elif part < 1:
            room = part * next_need if room is None else room
            stays = min(room, lot[1])
            room -= stays
            ended.append(lot[1] - stays)
            lot[1] = stays
    while open_lots and open_lots[0][1] <= 0:
        open_lots.popleft()
    return ended


def frugal(  # noqa: PLR0917 - all of the story so far
    budget: TokenBudget, person: Person, values: Values, granted: list[float], needs: list[float], weights: Floats
) -> list[Month]:
    """Try how much of each month's credit is best used, if what is kept is cashed out when the period closes."""
    period = budget.period_months or 1
    taxed = person.marginal_tax_rate * (1 - values["imputed"])
    cap = (np.inf if budget.cash_out_cap_usd is None else budget.cash_out_cap_usd) / period
    told = []
    kept = 0.0
    for month, (grants, wants) in enumerate(zip(granted, needs, strict=True)):
        closes = month - month % period + period - 1
        rate = budget.cash_out_rate * (1 - taxed) * (weights[closes] / weights[month] if weights[month] else 0.0)
        tried = min(grants, wants) * SLICES
        earns = in_kind(budget, person, values, tried) + rate * np.minimum(cap, grants - tried)
        used = float(tried[int(np.argmax(earns))])
        kept += min(cap, grants - used)
        told.append(Month(used, used, kept if month == closes else 0.0))
        kept = 0.0 if month == closes else kept
    return told


def in_kind(budget: TokenBudget, person: Person, values: Values, used: Floats) -> Floats:
    """What use is worth after its tax, for rising amounts of it from 0: their slices are added up.

    Of each dollar at most p is personal, and none of it that would be worth more at work.
    """
    steps = np.diff(used)
    middles = (used[:-1] + steps / 2) * values["p"]
    demand = values["x"] / 12 * values["fit"]
    with np.errstate(divide="ignore", over="ignore"):
        height = (middles / demand) ** (-1 / values["eps"]) if values["eps"] else np.where(middles > demand, 0.0, 1.0)
    taxed = person.marginal_tax_rate * (1 - values["imputed"]) if budget.tax_character == "personal" else 0.0
    personal = np.minimum(1.0, height) - taxed
    best = values["p"] * np.maximum(personal, values["s"]) + (1 - values["p"]) * values["s"]
    return np.concatenate(([0.0], np.cumsum(best * steps)))


def dollars(budget: TokenBudget, person: Person, values: Values, granted: float, month: Month) -> float:
    """What a month was worth to the person."""
    worth = float(in_kind(budget, person, values, month.used * SLICES)[-1])
    cash = budget.cash_out_rate * month.cashed
    share = values["imputed"]
    return worth + cash - person.marginal_tax_rate * (share * granted + (1 - share) * cash)
