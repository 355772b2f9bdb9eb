"""Value an offer: present value by component, break-even base, interval, tornado, months, assumptions.

    worth = exact_value(offer, person)      # one pass, no sampling
    valuation = value(offer, person)        # with interval, tornado and months
    comparison = compare([one, other], person)

All three take `parameters`: a mapping of a parameter's name to a number, which is then certain, or to a Parameter
with a range of its own. They are pure: the same arguments give the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from bursar.offers import cash, equity, tokens
from bursar.offers.equity import grant_value_usd
from bursar.offers.expectation import pressure
from bursar.offers.numbers import whole
from bursar.offers.offer import Offer
from bursar.offers.parameters import Overrides, Parameters, parameters_for
from bursar.offers.person import Person
from bursar.offers.points import KEPT_SEED
from bursar.offers.results import LEVEL, Bar, Comparison, Headline, Interval, Month, Pressure, Valuation, Worth
from bursar.offers.rows import Floats, Rows, all_rows, default_row, uncertain
from bursar.refusals import field_invalid

POINTS = 1024
SEED = KEPT_SEED
OUTCOMES = np.arange(2.5, 100, 5)
"""The percentiles of twenty outcomes that are equally likely."""
NOBODY_IN_PARTICULAR = Person()


class _Columns(NamedTuple):
    """Present values for each row of parameters."""

    base: Floats
    bonus: Floats
    equity: Floats
    tokens: Floats
    break_even: Floats
    as_base: Floats
    """All of the offer as the yearly base that would be worth as much."""
    story: tokens.Story | None

    @property
    def total(self) -> Floats:
        return self.base + self.bonus + self.equity + self.tokens


def exact_value(offer: Offer, person: Person = NOBODY_IN_PARTICULAR, parameters: Overrides | None = None) -> Worth:
    """What an offer is worth with every parameter at its value. Raises Refused for a parameter that is none."""
    found = parameters_for(offer.tokens, person, parameters)
    return _worth(offer, person, _columns(offer, person, default_row(found)))


def value(
    offer: Offer,
    person: Person = NOBODY_IN_PARTICULAR,
    parameters: Overrides | None = None,
    *,
    points: int = POINTS,
    seed: int = SEED,
) -> Valuation:
    """What an offer is worth, how sure that is, and what it hangs on.

    `points` is how many times the parameters are drawn for the intervals (a power of two), `seed` makes the draws the
    same again. Raises Refused for a parameter that is none, or out of its bounds.
    """
    return _valued(offer, person, parameters, points, seed)[0]


def compare(
    offers: Sequence[Offer],
    person: Person = NOBODY_IN_PARTICULAR,
    parameters: Overrides | None = None,
    *,
    points: int = POINTS,
    seed: int = SEED,
) -> Comparison:
    """Value offers over the same draws and put the one worth most first; of equals the one given first."""
    if not offers:
        raise field_invalid("offers", "none", "one or more")
    valued = [_valued(offer, person, parameters, points, seed) for offer in offers]
    ranked = sorted(valued, key=lambda one: -one[0].worth.total_usd)
    _, best, best_as_base = ranked[0]
    return Comparison(
        valuations=tuple(valuation for valuation, _, _ in ranked),
        behind=tuple(_interval(best - totals) for _, totals, _ in ranked),
        behind_usd_year=tuple(_interval(best_as_base - as_base) for _, _, as_base in ranked),
    )


def headline(offer: Offer, person: Person = NOBODY_IN_PARTICULAR) -> Headline:
    """The offer as it is advertised: a year's base, bonus and tokens at their face, and what vests in a year."""
    yearly = (grant_value_usd(grant, person) * 12 / max(12, grant.vesting_months) for grant in offer.equity)
    return Headline(
        base_usd_year=offer.base_usd_year,
        bonus_usd_year=offer.bonus_usd_year,
        equity_usd_year=sum(yearly),
        tokens_usd_year=offer.tokens.amount_usd_year if offer.tokens else 0.0,
    )


def _valued(
    offer: Offer, person: Person, overrides: Overrides | None, points: int, seed: int
) -> tuple[Valuation, Floats, Floats]:
    """The valuation, and of its draws the totals and what all of the offer is worth as base."""
    whole("points", points, 2, 2**16, "points, a power of two")
    if points & (points - 1):
        raise field_invalid("points", points, "a power of two, such as 1024")
    found = parameters_for(offer.tokens, person, overrides)
    columns = _columns(offer, person, all_rows(found, points, seed))
    advertised = headline(offer, person)
    valuation = Valuation(
        offer=offer,
        person=person,
        worth=_worth(offer, person, columns),
        headline=advertised,
        tokens_interval=_interval(columns.tokens[-points:]),
        total_interval=_interval(columns.total[-points:]),
        break_even_interval=_interval(columns.break_even[-points:]),
        break_even_outcomes_usd_year=tuple(np.percentile(columns.break_even[-points:], OUTCOMES).tolist()),
        as_base_interval=_interval(columns.as_base[-points:]),
        tornado=_tornado(found, columns.break_even),
        months=() if columns.story is None else _months(columns.story),
        pressure=_pressure(offer, found),
        assumptions=tuple(found.values()),
    )
    return valuation, columns.total[-points:], columns.as_base[-points:]


def _columns(offer: Offer, person: Person, rows: Rows) -> _Columns:
    unit = cash.base_usd_of_one(person, rows)
    nothing = np.zeros_like(unit)
    told = None if offer.tokens is None else tokens.story(offer.tokens, person, rows)
    present = nothing if told is None else told.present_usd
    bonus = offer.bonus_usd_year * cash.bonus_usd_of_one(person, rows)
    grants = sum((equity.present_usd(grant, person, rows) for grant in offer.equity), start=nothing)
    return _Columns(
        base=offer.base_usd_year * unit,
        bonus=bonus,
        equity=grants,
        tokens=present,
        break_even=present / unit,
        as_base=offer.base_usd_year + (bonus + grants + present) / unit,
        story=told,
    )


def _worth(offer: Offer, person: Person, columns: _Columns) -> Worth:
    """The first row, which has every parameter at its value."""
    return Worth(
        base_usd=float(columns.base[0]),
        bonus_usd=float(columns.bonus[0]),
        equity_usd=float(columns.equity[0]),
        tokens_usd=float(columns.tokens[0]),
        tokens_face_usd=tokens.face_usd(offer.tokens, person) if offer.tokens else 0.0,
        break_even_base_usd_year=float(columns.break_even[0]),
    )


def _interval(drawn: Floats) -> Interval:
    tail = 50 * (1 - LEVEL)
    low, median, high = np.percentile(drawn, (tail, 50, 100 - tail))
    return Interval(float(low), float(median), float(high))


def _tornado(parameters: Parameters, break_even: Floats) -> tuple[Bar, ...]:
    """One bar for each uncertain parameter that moves the break-even base at all; the largest first."""
    bars = [
        Bar(
            parameter=parameter.name,
            label=parameter.label,
            low=parameter.low,
            high=parameter.high,
            at_low_usd_year=float(break_even[1 + 2 * at]),
            at_high_usd_year=float(break_even[2 + 2 * at]),
        )
        for at, parameter in enumerate(uncertain(parameters))
    ]
    return tuple(sorted((bar for bar in bars if bar.swing_usd_year > 0), key=lambda bar: -bar.swing_usd_year))


def _months(told: tokens.Story) -> tuple[Month, ...]:
    """The first row's story."""
    columns = (
        told.survival, told.granted, told.flows.used, told.personal, told.flows.cashed, told.flows.expired,
        told.flows.left, told.imputed, told.worth, told.present,
    )  # fmt: skip
    names = Month.__struct_fields__[1:]
    lists = [column[0].tolist() for column in columns]
    return tuple(
        Month(month=month, **dict(zip(names, numbers, strict=True)))
        for month, numbers in enumerate(zip(*lists, strict=True))
    )


def _pressure(offer: Offer, parameters: Parameters) -> Pressure | None:
    """What is expected against the cash that is paid: a budget is no raise, so the pay multiple is 1."""
    expected = offer.tokens.expectation if offer.tokens else None
    if expected is None:
        return None
    return pressure(expected.output_multiple, 1.0, parameters["a"].value)


def mended(offer: Offer, **terms: object) -> Offer:
    """The same offer with other terms of its token budget. Raises Refused when they are wrong."""
    if offer.tokens is None:
        raise field_invalid("tokens", "missing", "a token budget, to have terms")
    return msgspec.structs.replace(offer, tokens=msgspec.structs.replace(offer.tokens, **terms))
