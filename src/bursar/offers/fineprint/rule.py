"""What a rule about the fine print is, what it is asked about, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from bursar.offers.budget import TokenBudget
from bursar.offers.draws import break_even_usd_year, rows_of
from bursar.offers.file import OfferFile
from bursar.offers.parameters import Overrides
from bursar.offers.results import Interval
from bursar.offers.rows import Floats, Rows
from bursar.offers.value import mended

Basis = Literal["terms", "headline", "effort", "market", "raise"]
"""What a cost is: the worth of the mended term; of the claim; of the effort; the gap to the market or to a raise."""
Terms = Mapping[str, Any]
"""Fields of a token budget, by their names in the record."""


class Case(NamedTuple):
    """An offer with a token budget that is looked at, over rows of parameters; the first row has the defaults."""

    file: OfferFile
    parameters: Overrides
    rows: Rows
    break_even_usd_year: Floats

    @property
    def budget(self) -> TokenBudget:
        """The token budget."""
        assert self.file.offer.tokens is not None, "there is no fine print without a budget"
        return self.file.offer.tokens

    @property
    def base_usd_year(self) -> float:
        """The yearly base that is offered."""
        return self.file.offer.base_usd_year

    def with_terms_usd_year(self, terms: Terms) -> Floats:
        """The break-even base with other terms, at the same draws of what both leave open."""
        better = mended(self.file.offer, **terms)
        rows = rows_of(better, self.file.person, self.parameters, len(self.break_even_usd_year) - 1)
        return break_even_usd_year(better, self.file.person, rows)

    def constant(self, usd_year: float) -> Floats:
        """An amount that no parameter moves."""
        return np.full_like(self.break_even_usd_year, usd_year)


Mend = Callable[[TokenBudget], Terms]
Price = Callable[[Case], Floats]


class Rule(NamedTuple):
    """One thing to find in an offer.

    `fields` are the offer file's names. `finds` says whether it is there, `says` in plain words what the offer says,
    `why` why that matters and `ask` what to ask for instead. `price` is what it costs, dollars a year of base, for
    each row; `mend` the terms that the ask would give, None where terms do not mend it.
    """

    name: str
    title: str
    fields: tuple[str, ...]
    finds: Callable[[Case], bool]
    says: Callable[[Case], str]
    why: str
    ask: str
    price: Price
    basis: Basis = "terms"
    mend: Mend | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule found. `cost_usd_year` is base before tax: so much more of it would make up for the finding."""

    rule: str
    title: str
    fields: tuple[str, ...]
    says: str
    why: str
    ask: str
    basis: Basis
    cost_usd_year: float
    cost_interval: Interval


def term(
    name: str,
    title: str,
    fields: tuple[str, ...],
    *,
    finds: Callable[[TokenBudget], bool],
    says: Callable[[TokenBudget], str],
    why: str,
    ask: str,
    mend: Mend,
) -> Rule:
    """A rule about a term, whose cost is what the mended term would add to the break-even base."""
    return Rule(
        name,
        title,
        fields,
        lambda case: finds(case.budget),
        lambda case: says(case.budget),
        why,
        ask,
        lambda case: case.with_terms_usd_year(mend(case.budget)) - case.break_even_usd_year,
        mend=mend,
    )
