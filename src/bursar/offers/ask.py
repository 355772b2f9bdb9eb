"""What to ask for: counter-offers that are worth a target, each valued by the model.

The target is what the whole offer should be worth a year, told as a base salary before tax: base, and so much base as
bonus, equity and tokens are worth. A counter-offer reaches it by

- more base,
- a swap of a part of the budget for base, dollar for dollar,
- better terms of the budget (`bursar.offers.better`), in sets from which no term can be left out,
- or, where no terms reach it, all of them and the base that is then still missing.

Those that cost the employer least come first. That cost is what the employer would pay more a year than for the offer
as it is, as expected by the same model: base as long as the person stays; credit as far as it survives and is used
or cashed out. It counts what is paid, before payroll taxes, and not what the work is worth that tokens are used for:
credit that is cashed out at a part of its face costs less than credit that is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from bursar.offers import tokens
from bursar.offers.better import Term, Terms, changes, menu, sets
from bursar.offers.draws import POINTS, interval, rows_of, worth_usd_year
from bursar.offers.file import OfferFile
from bursar.offers.numbers import MOST_USD, amount_usd
from bursar.offers.offer import Offer
from bursar.offers.parameters import Overrides, parameters_for
from bursar.offers.person import Person
from bursar.offers.prose import about_usd
from bursar.offers.results import Interval
from bursar.offers.rows import Rows, default_row
from bursar.offers.value import mended

Kind = Literal["base", "swap", "terms", "terms and base"]
ROUND_USD = 500
"""Amounts that are asked for are whole multiples of this, rounded up."""
MOST_TERMS = 4
"""Sets of more terms than these are not searched through, but made of all by leaving out what is not needed."""
TERM_SETS = 3
"""So many sets of terms are told, each of other terms."""


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """A counter-offer. `asks` are what differs from the offer, in words; all that is a year is dollars before tax."""

    kind: Kind
    asks: tuple[str, ...]
    offer: Offer
    worth_usd_year: float
    worth_interval: Interval
    employer_usd_year: float
    """What it costs the employer a year more than the offer as it is, as expected."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Counter-offers that are worth a target; none where the offer is worth it already."""

    target_usd_year: float
    base_usd_year: float
    """The base of the offer as it is."""
    worth_usd_year: float
    """What all of it is worth, base included."""
    worth_interval: Interval
    counters: tuple[Counter, ...]
    terms_usd_year: float
    """What the offer would be worth with the best of all terms and the same amounts."""
    tokens_usd_year: float | None
    """The budget that would be worth the target under the terms as they are; None where no amount is, or need be."""

    @property
    def gap_usd_year(self) -> float:
        """What is missing to the target; 0 or less when it is reached."""
        return self.target_usd_year - self.worth_usd_year

    @property
    def text(self) -> str:
        """The answer in plain words."""
        return " ".join(_sentences(self))


def ask(file: OfferFile, target_usd_year: float, parameters: Overrides | None = None, points: int = POINTS) -> Asked:
    """Counter-offers that are worth a target, those first that cost the employer least.

    Raises Refused(FIELD_INVALID) for a target that is no amount, and for parameters as `bursar.offers.value` does.
    """
    amount_usd("target", target_usd_year, least=1.0)
    search = _Search(file.offer, file.person, parameters or {}, target_usd_year)
    now = worth_usd_year(file.offer, file.person, rows_of(file.offer, file.person, parameters, points))
    missing = now[0] < target_usd_year
    found = list(_counters(search, points)) if missing else []
    return Asked(
        target_usd_year=target_usd_year,
        base_usd_year=file.offer.base_usd_year,
        worth_usd_year=float(now[0]),
        worth_interval=interval(now),
        counters=tuple(sorted(found, key=lambda one: one.employer_usd_year)),
        terms_usd_year=search.with_terms(search.all_terms),
        tokens_usd_year=search.tokens_needed() if missing else None,
    )


class _Search(NamedTuple):
    """An offer to a person, and what it should be worth."""

    offer: Offer
    person: Person
    parameters: Overrides
    target_usd_year: float

    def rows(self, offer: Offer) -> Rows:
        return default_row(parameters_for(offer.tokens, self.person, self.parameters))

    def worth(self, offer: Offer) -> float:
        return float(worth_usd_year(offer, self.person, self.rows(offer))[0])

    def reaches(self, offer: Offer) -> bool:
        return self.worth(offer) >= self.target_usd_year

    @property
    def menu(self) -> dict[str, Terms]:
        return {} if self.offer.tokens is None else menu(self.offer.tokens)

    @property
    def all_terms(self) -> Terms:
        """The best of each slot."""
        return tuple(terms[-1] for terms in self.menu.values())

    def better(self, terms: Terms) -> Offer:
        return mended(self.offer, **changes(terms)) if terms else self.offer

    def with_terms(self, terms: Terms) -> float:
        return self.worth(self.better(terms))

    def employer_usd_year(self, offer: Offer) -> float:
        """What an offer's base and tokens cost the employer a year, as expected, undiscounted."""
        rows, years = self.rows(offer), np.arange(self.person.horizon_years)
        paid = np.exp(-rows["h_E"] * years) * (1 + rows["g"]) ** years
        cost = offer.base_usd_year * float(paid.mean())
        if offer.tokens is None:
            return cost
        told = tokens.story(offer.tokens, self.person, rows)
        spent = told.survival * (told.flows.used + offer.tokens.cash_out_rate * told.flows.cashed)
        return cost + float(spent.sum()) / self.person.horizon_years

    def tokens_needed(self) -> float | None:
        """The smallest budget under the same terms that reaches the target, rounded up; None where none does.

        Looked for by doubling, because more is not always worth more: a budget that is taxed in full is not.
        """
        budget = self.offer.tokens
        if budget is None:
            return None

        def reaches(usd: float) -> bool:
            return self.reaches(replace(self.offer, tokens=replace(budget, amount_usd_year=usd)))

        most = budget.amount_usd_year or ROUND_USD
        while most <= MOST_USD and not reaches(most):
            most *= 2
        return _least(reaches, most) if most <= MOST_USD else None


def _counters(search: _Search, points: int) -> Iterator[Counter]:
    offer = search.offer
    more = math.ceil((search.target_usd_year - search.worth(offer)) / ROUND_USD) * ROUND_USD
    yield _counter(search, "base", _raised(offer, more), (_base_words(offer, more),), points)
    swapped = _swapped(search)
    if swapped is not None:
        asked = f"${swapped:,.0f} of the token budget paid as base: {_base_words(offer, swapped)}"
        yield _counter(search, "swap", _swap(offer, swapped), (asked,), points)
    for terms in _term_sets(search):
        yield _counter(search, "terms", search.better(terms), tuple(term.words for term in terms), points)
    best = _that_matter(search)
    if best and not search.reaches(search.better(search.all_terms)):
        better = search.better(best)
        rest = math.ceil((search.target_usd_year - search.worth(better)) / ROUND_USD) * ROUND_USD
        words = (*(term.words for term in best), _base_words(offer, rest))
        yield _counter(search, "terms and base", _raised(better, rest), words, points)


def _counter(search: _Search, kind: Kind, offer: Offer, asks: tuple[str, ...], points: int) -> Counter:
    worth = worth_usd_year(offer, search.person, rows_of(offer, search.person, search.parameters, points))
    return Counter(
        kind=kind,
        asks=asks,
        offer=offer,
        worth_usd_year=float(worth[0]),
        worth_interval=interval(worth),
        employer_usd_year=search.employer_usd_year(offer) - search.employer_usd_year(search.offer),
    )


def _term_sets(search: _Search) -> list[Terms]:
    """Sets of terms that reach the target, none of which can be left out, the cheapest for the employer first."""
    found: list[Terms] = []
    if not search.reaches(search.better(search.all_terms)):
        return found
    for size in range(1, min(MOST_TERMS, len(search.menu)) + 1):
        found += [
            terms
            for terms in sets(search.menu, size)
            if not any(all(term in terms for term in smaller) for smaller in found)
            and search.reaches(search.better(terms))
        ]
    found = found or [_needed(search)]
    found.sort(key=lambda terms: (search.employer_usd_year(search.better(terms)), len(terms)))
    told: dict[frozenset[str], Terms] = {}
    for terms in found:
        told.setdefault(frozenset(term.slot for term in terms), terms)
    return list(told.values())[:TERM_SETS]


def _needed(search: _Search) -> Terms:
    """Of all terms those that are needed: the dearest for the employer are left out first, as long as it holds."""

    def cost(term: Term) -> float:
        return search.employer_usd_year(search.better((term,)))

    kept = search.all_terms
    for term in sorted(kept, key=cost, reverse=True):
        fewer = tuple(other for other in kept if other is not term)
        kept = fewer if search.reaches(search.better(fewer)) else kept
    return kept


def _that_matter(search: _Search) -> Terms:
    """Of all terms those without which the offer would be worth less by more than what amounts are rounded to."""
    kept = search.all_terms
    for term in kept:
        fewer = tuple(other for other in kept if other is not term)
        kept = fewer if search.with_terms(kept) - search.with_terms(fewer) < ROUND_USD else kept
    return kept


def _swapped(search: _Search) -> float | None:
    """How much of the budget has to become base; None where all of it is too little."""
    budget = search.offer.tokens
    if budget is None or not search.reaches(_swap(search.offer, budget.amount_usd_year)):
        return None
    found = _least(lambda usd: search.reaches(_swap(search.offer, usd)), budget.amount_usd_year)
    return min(found, budget.amount_usd_year)


def _swap(offer: Offer, usd_year: float) -> Offer:
    """The same offer with so much of its tokens as base."""
    assert offer.tokens is not None
    left = max(0.0, offer.tokens.amount_usd_year - usd_year)
    budget = replace(offer.tokens, amount_usd_year=left) if left else None
    return replace(_raised(offer, usd_year), tokens=budget)


def _raised(offer: Offer, usd_year: float) -> Offer:
    return replace(offer, base_usd_year=offer.base_usd_year + usd_year)


def _least(reaches: Callable[[float], bool], most: float) -> float:
    """The least multiple of ROUND_USD that reaches, given that `most` does, and all between it and the least one."""
    low, high = 0, math.ceil(most / ROUND_USD)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle * ROUND_USD) else (middle, high)
    return float(high * ROUND_USD)


def _base_words(offer: Offer, more_usd: float) -> str:
    return f"a base of ${offer.base_usd_year + more_usd:,.0f} instead of ${offer.base_usd_year:,.0f}"


def _sentences(asked: Asked) -> Iterator[str]:
    base_usd_year, target = asked.base_usd_year, f"${asked.target_usd_year:,.0f}"
    rest = about_usd(asked.worth_usd_year - base_usd_year)
    worth = f"Besides its base of ${base_usd_year:,.0f} the offer is worth about {rest} of base a year"
    if asked.gap_usd_year <= 0:
        yield f"{worth}, so it reaches {target} already."
        return
    yield f"{worth}; {about_usd(asked.gap_usd_year)} a year are missing to {target}."
    kinds = {counter.kind for counter in asked.counters}
    if "terms" in kinds:
        yield "Better terms alone can reach it."
    elif "terms and base" in kinds:
        best = about_usd(asked.terms_usd_year - base_usd_year)
        yield f"Better terms alone cannot: with the best of all of them it would be about {best} besides the base."
    if asked.tokens_usd_year is not None:
        yield f"Under the terms as they are it would take a budget of {about_usd(asked.tokens_usd_year)} a year."
