"""The model's parameters: a default, a range and a basis each.

What the offer's terms or the person's own numbers say takes the place of a default; what is set by hand is certain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from bursar.offers.budget import TokenBudget
from bursar.offers.numbers import between
from bursar.offers.person import Person
from bursar.refusals import Refused, Why, field_invalid, refuse

JUDGEMENT = "judgement"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One number of the model. `low` and `high` are its range for interval and tornado; equal: it is certain."""

    name: str
    label: str
    value: float
    low: float
    high: float
    unit: str
    basis: str
    """Where the number comes from."""

    @property
    def certain(self) -> bool:
        """Whether there is no range."""
        return self.low == self.high


Parameters = dict[str, Parameter]
Overrides = Mapping[str, float | Parameter]


class _Row(NamedTuple):
    """A parameter as the table has it, with what it may be set to at all."""

    label: str
    unit: str
    value: float
    low: float
    high: float
    least: float
    most: float
    basis: str


TABLE: dict[str, _Row] = {
    "h_E": _Row("leaving the job", "a year", 0.178, 0.1, 0.25, 0, 10, "BLS, median tenure 3.9 years: ln 2 / 3.9"),
    "h_C": _Row("the budget is cut", "a year", 0.5, 0.1, 1.5, 0, 10, "the 2026 wave of caps"),
    "kappa": _Row("what a cut leaves", "share", 0.3, 0.1, 0.7, 0, 1, "judgement, after the 2026 wave of caps"),
    "h_R": _Row("the budget is revoked", "a year", 0.1, 0.0, 0.3, 0, 10, JUDGEMENT),
    "u": _Row("use of the budget", "share", 0.5, 0.02, 0.9, 0, 1, "average users would use 2–3 % of $100k"),
    "p": _Row("personal part of the use", "share", 0.0, 0.0, 0.3, 0, 1, JUDGEMENT),
    "x": _Row("own demand", "$ a year", 960.0, 240.0, 2400.0, 0, 1e9, "judgement: people pay $20–200 a month"),
    "eps": _Row(
        "how own demand stretches", "elasticity", 0.7, 0.5, 1.0, 0, math.inf,
        "in-kind transfers: distorted recipients value them at about 80 % of face (Whitmore 2002); "
        "gifts lose 10–33 % (Waldfogel 1993)",
    ),
    "s": _Row("career gain per dollar of work use", "share", 0.05, 0.0, 0.15, 0, 1, "judgement; not measured yet"),
    "pi": _Row("prices fall by, a year", "factor", 1.0, 1.0, 1.0, 0.1, 1000, ""),
    "imputed": _Row("part of the budget taxed as income", "share", 0.0, 0.0, 0.0, 0, 1, ""),
    "delivered": _Row("what is really granted", "share", 1.0, 1.0, 1.0, 0, 1, "the offer states an amount"),
    "fit": _Row("use that the allowed models serve", "share", 1.0, 1.0, 1.0, 0, 1, "all models are allowed"),
    "g": _Row("raises of the base", "a year", 0.035, 0.03, 0.04, -0.5, 0.5, "2026 salary-budget surveys"),
    "phi": _Row(
        "base that the next employer matches", "share", 0.5, 0.0, 1.0, 0, 1,
        "judgement; lower where asking for salary history is banned (EU 2023/970)",
    ),
    "a": _Row(
        "realised uplift", "multiple", 1.35, 1.0, 1.8, 0.1, 100,
        "METR 2025: 19 % slower; Jellyfish: +77 % merged changes; the default is between",
    ),
}  # fmt: skip
"""The model's table. `pi`, `imputed`, `delivered`, `fit` and `p` depend on the terms: see `parameters_for`."""


def parameters_for(budget: TokenBudget | None, person: Person, overrides: Overrides | None = None) -> Parameters:
    """All parameters by name: the table's, the terms' and the person's own where they say more, then what is set.

    A number in `overrides` is certain; a Parameter brings a range of its own. Raises Refused (UNKNOWN for a name that
    is none, FIELD_INVALID out of bounds).
    """
    found = {name: _plain(name) for name in TABLE}
    if budget is not None:
        found |= _by_terms(budget) | _by_person(budget, person)
    for name, given in (overrides or {}).items():
        found[name] = _given(name, given)
    return found


def _plain(name: str) -> Parameter:
    row = TABLE[name]
    return Parameter(
        name=name, label=row.label, value=row.value, low=row.low, high=row.high, unit=row.unit, basis=row.basis
    )


def _like(name: str, value: float, low: float, high: float, basis: str) -> Parameter:
    return msgspec.structs.replace(_plain(name), value=value, low=low, high=high, basis=basis)


def _by_terms(budget: TokenBudget) -> Parameters:
    """What the terms decide: personal use, prices, tax, and how firm and how wide the offer is."""
    found = []
    if budget.personal_use_share is not None:
        share = budget.personal_use_share
        found.append(_like("p", share, 0.0, share, "the terms: the most that may be personal"))
    if budget.denomination == "frontier_tokens":
        found.append(_like("pi", 1.0, 1.0, 3.0, "tokens of the same frontier model (Epoch)"))
    elif budget.denomination == "commodity_tokens":
        found.append(_like("pi", 10.0, 9.0, 900.0, "a capability's price (Epoch; a16z “LLMflation”)"))
    elif budget.escalator_index:
        found.append(_like("pi", 1.0, 1.0, 3.0, "the basket's prices; the index follows them upwards only (Epoch)"))
    else:
        found.append(_like("pi", 1.0, 1.0, 1.0, "the amount is money"))
    found.append(_imputed(budget))
    if not budget.firm:
        found.append(_like("delivered", 0.75, 0.3, 1.0, "judgement: the offer says “up to”"))
    if budget.models:
        found.append(_like("fit", 0.8, 0.5, 1.0, "judgement: the terms narrow models or tools"))
    return {parameter.name: parameter for parameter in found}


def _imputed(budget: TokenBudget) -> Parameter:
    if budget.tax_character is None:
        return _like("imputed", 0.0, 0.0, 0.2, "judgement: the terms leave open what counts as income")
    if budget.tax_character == "imputed":
        return _like("imputed", 1.0, 1.0, 1.0, "the terms: all of the amount counts as income")
    return _like("imputed", 0.0, 0.0, 0.0, f"the terms: {budget.tax_character}")


def _by_person(budget: TokenBudget, person: Person) -> Parameters:
    """What the person's own numbers replace: their demand, and with a history their use."""
    found = {}
    if person.own_spend_usd_year is not None:
        spend = person.own_spend_usd_year
        found["x"] = _like("x", spend, spend / 2, spend * 2, "your own spend; half to twice of it")
    if person.usage_usd_months and budget.amount_usd_year:
        used = own_use(budget, person)
        count = len(person.usage_usd_months)
        mean = sum(person.usage_usd_months) / count
        basis = f"your own use, ${mean:,.0f} a month over {count}; half to one and a half times of it"
        found["u"] = _like("u", used, used / 2, min(1.0, used * 1.5), basis)
    return found


def own_use(budget: TokenBudget, person: Person) -> float:
    """The utilisation that a person's own months make of a budget: their mean over the monthly amount, at most 1."""
    mean = sum(person.usage_usd_months) / len(person.usage_usd_months)
    return min(1.0, 12 * mean / budget.amount_usd_year)


def _given(name: str, given: float | Parameter) -> Parameter:
    if name not in TABLE:
        raise Refused(refuse(Why.UNKNOWN, what=f"parameter (they are {', '.join(TABLE)})", name=name))
    row = TABLE[name]
    if not isinstance(given, Parameter):
        value = between(name, given, row.least, row.most)
        return _like(name, value, value, value, "set by you")
    for end in (given.low, given.value, given.high):
        between(name, end, row.least, row.most)
    if not given.low <= given.value <= given.high:
        raise field_invalid(name, f"{given.value:g}", f"between its ends {given.low:g} and {given.high:g}")
    return given
