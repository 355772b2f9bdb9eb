"""Differences between offers, with intervals: each number at the defaults and at the same draws of the parameters.

Two terms that are compared see the same futures, so their difference is not blurred by what neither of them decides.
"""

from __future__ import annotations

import numpy as np

from bursar.offers import tokens
from bursar.offers.cash import base_usd_of_one, bonus_usd_of_one
from bursar.offers.equity import present_usd
from bursar.offers.offer import Offer
from bursar.offers.parameters import Overrides, parameters_for
from bursar.offers.person import Person
from bursar.offers.results import LEVEL, Interval
from bursar.offers.rows import Floats, Rows, all_rows
from bursar.offers.value import SEED

POINTS = 256
"""Enough for two significant figures of a difference, and quick for twenty of them."""


def rows_of(offer: Offer, person: Person, parameters: Overrides | None = None, points: int = POINTS) -> Rows:
    """The parameters at their values, then drawn: columns of `points` + 1 rows."""
    rows = all_rows(parameters_for(offer.tokens, person, parameters), points, SEED)
    return {name: np.concatenate((column[:1], column[-points:])) for name, column in rows.items()}


def break_even_usd_year(offer: Offer, person: Person, rows: Rows) -> Floats:
    """The break-even base B* of an offer's tokens for each row, dollars a year; 0 without a budget."""
    unit = base_usd_of_one(person, rows)
    if offer.tokens is None:
        return np.zeros_like(unit)
    return tokens.story(offer.tokens, person, rows).present_usd / unit


def interval(numbers: Floats) -> Interval:
    """The interval of what was drawn: all but the first number, which is that of the defaults."""
    tail = 50 * (1 - LEVEL)
    low, median, high = np.percentile(numbers[1:], (tail, 50, 100 - tail))
    return Interval(float(low), float(median), float(high))


def worth_usd_year(offer: Offer, person: Person, rows: Rows) -> Floats:
    """What a whole offer is worth for each row, as a yearly base before tax that would be worth as much."""
    unit = base_usd_of_one(person, rows)
    other = offer.bonus_usd_year * bonus_usd_of_one(person, rows)
    other = other + sum((present_usd(grant, person, rows) for grant in offer.equity), start=np.zeros_like(unit))
    return offer.base_usd_year + other / unit + break_even_usd_year(offer, person, rows)
