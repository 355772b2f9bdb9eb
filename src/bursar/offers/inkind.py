"""What an amount in kind is worth to who gets it, given what they would have bought themselves.

Up to the own demand x a dollar in kind is a dollar: it saves one. Beyond, each further dollar is worth
v'(P) = (P/x)^(-1/eps), the height of a demand curve of constant elasticity eps through x. Its integral is v:

    v(P) = P                          for P <= x
         = x + x * ((P/x)^a - 1) / a  else, with a = 1 - 1/eps

eps = 1 gives x * (1 + ln(P/x)), eps = 0 caps at x, eps = infinity gives P. The shape is that of the studies of
in-kind transfers (Whitmore 2002, Waldfogel 1993), from which eps is taken.
"""

from __future__ import annotations

import numpy as np

from bursar.offers.rows import Floats

TINY = 1e-12
"""Stands for 0 where the formula divides by a demand or an elasticity."""


def worth_usd(personal_usd: Floats, demand_usd: Floats, eps: Floats) -> Floats:
    """v(P): dollars of worth of `personal_usd` in kind, with an own demand of `demand_usd`; arrays broadcast."""
    demand = np.maximum(demand_usd, TINY)
    power = 1.0 - 1.0 / np.maximum(eps, TINY)
    beyond = np.log(np.maximum(personal_usd / demand, 1.0))
    flat = np.abs(power) < 1e-9
    stretched = np.where(flat, beyond, np.expm1(power * beyond) / np.where(flat, 1.0, power))
    worth: Floats = np.minimum(personal_usd, demand) + demand * stretched
    return worth


def amount_usd_at(slope: Floats, demand_usd: Floats, eps: Floats) -> Floats:
    """The amount P beyond which another dollar in kind is worth less than `slope`: v'(P) = slope.

    None of it where `slope` is above 1; without end where it is 0, but for eps = 0, where own demand is the end.
    """
    demand = np.maximum(demand_usd, TINY)
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(slope > 1.0, 0.0, demand * np.power(np.maximum(slope, 0.0), -eps))
