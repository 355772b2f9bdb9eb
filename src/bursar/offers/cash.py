"""What base salary and bonus are worth today.

A yearly difference D in base pay, paid at each year's end and growing by g, is worth

    sum over years t of (1 - tau) * D * (1 + g)^(t-1) * (1 + r)^-t * [ S_t + phi * (1 - S_t) ]

S_t = exp(-h_E (t - 1)) is being still in the job; phi is the part of the difference that the next employer matches,
because pay is set by pay. Tokens have phi = 0, and so has a bonus: nobody need match it. A bonus grows with the base,
of which it is a share.
"""

from __future__ import annotations

import numpy as np

from bursar.offers.person import Person
from bursar.offers.rows import Floats, Rows


def base_usd_of_one(person: Person, rows: Rows) -> Floats:
    """The present value of one dollar a year of base, after tax, for each row."""
    return _annuity(person, rows, rows["phi"])


def bonus_usd_of_one(person: Person, rows: Rows) -> Floats:
    """The present value of one dollar a year of bonus, after tax, for each row."""
    return _annuity(person, rows, np.zeros_like(rows["phi"]))


def _annuity(person: Person, rows: Rows, matched: Floats) -> Floats:
    years = np.arange(1, person.horizon_years + 1)
    stays = np.exp(-rows["h_E"] * (years - 1))
    paid = (1 + rows["g"]) ** (years - 1) * (1 + person.discount_rate) ** -years.astype(np.float64)
    worth: Floats = (1 - person.marginal_tax_rate) * np.sum(paid * (stays + matched * (1 - stays)), axis=1)
    return worth
