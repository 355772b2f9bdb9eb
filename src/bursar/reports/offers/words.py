"""Words that letters about offers have in common: an offer in base salary, numbers of the model, small print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from bursar.offers.parameters import Parameter
from bursar.offers.person import Person
from bursar.offers.prose import about, about_share, about_usd
from bursar.offers.results import LEVEL, Interval, Valuation
from bursar.reports.offers.figures import whole
from bursar.reports.offers.letter import Section, Table
from bursar.reports.offers.pictures import BASE, BONUS, EQUITY, TOKENS

LEVEL_WORDS = f"{about_share(LEVEL)} of the cases within the assumptions' ranges"
"""How much an interval covers."""
SMALL_PRINT = (
    "This is an estimate by a model, with its assumptions written down; it is no forecast, no promise of anybody, "
    "and no advice on tax or law. Numbers in sentences have two significant figures, because nobody knows more. “As "
    "base salary” is the yearly base, before tax, that would have the same present value to you.",
)


def per_base_usd(valuation: Valuation) -> float:
    """What a dollar of yearly base is worth today, after tax, over the person's horizon."""
    worth, base_usd_year = valuation.worth, valuation.offer.base_usd_year
    if base_usd_year:
        return worth.base_usd / base_usd_year
    return worth.tokens_usd / worth.break_even_base_usd_year if worth.break_even_base_usd_year else 1.0


def as_base(valuation: Valuation) -> dict[str, float]:
    """The parts of an offer, each as the yearly base before tax that is worth the same."""
    worth, each = valuation.worth, per_base_usd(valuation)
    return {
        BASE: valuation.offer.base_usd_year,
        BONUS: worth.bonus_usd / each,
        EQUITY: worth.equity_usd / each,
        TOKENS: worth.break_even_base_usd_year,
    }


def on_paper(valuation: Valuation) -> dict[str, float]:
    """The same parts as the headline counts them, in the first year."""
    told = valuation.headline
    return {
        BASE: told.base_usd_year,
        BONUS: told.bonus_usd_year,
        EQUITY: told.equity_usd_year,
        TOKENS: told.tokens_usd_year,
    }


def parts_of(valuation: Valuation) -> list[str]:
    """The parts that the offer has."""
    worth = as_base(valuation)
    return [part for part, usd in on_paper(valuation).items() if usd or worth[part]]


def told_of_tokens(valuation: Valuation) -> bool:
    """Whether the offer has a token budget that has an amount."""
    return valuation.headline.tokens_usd_year > 0


def span(interval: Interval) -> str:
    """An interval in a sentence: "$4,300 to $48,000"."""
    low, high = about_usd(interval.low), about_usd(interval.high)
    return low if low == high else f"{low} to {high}"


def years(number: int) -> str:
    """So many years: "a year", "4 years"."""
    return "a year" if number == 1 else f"{number} years"


def cents(ratio: float) -> str:
    """What a dollar is worth: "about 17 cents"."""
    return f"about {about(ratio * 100)} cents"


Row = tuple[str, str, str, str]
"""An assumption: what it is, its value, its range, where it comes from."""


def assumptions(rows: Iterable[Row]) -> Section:
    """Every number that went in, with its range and where it comes from."""
    headings = ("Assumption", ">Value", ">Range", "Where it comes from")
    return Section(
        "What went in",
        prose=("Any of these can be set, such as with --set u=0.8. The ranges are what interval and tornado cover.",),
        table=Table(headings, tuple(rows)),
    )


YOURS = "yours to say, under [you] in the offer's file"


def of_person(person: Person) -> Iterator[Row]:
    """What the person says of themselves."""
    yield "years that are looked at", str(person.horizon_years), "–", YOURS
    yield "discount rate, a year", f"{person.discount_rate * 100:.3g}%", "–", YOURS
    yield "tax on the next dollar", f"{person.marginal_tax_rate * 100:.3g}%", "–", YOURS


def of_parameter(parameter: Parameter, offer: str = "") -> Row:
    """A parameter of the model, of one offer where it is not the same for all."""
    ends = "–" if parameter.certain else f"{amount(parameter, parameter.low)}–{amount(parameter, parameter.high)}"
    label = f"{parameter.label} ({parameter.name})" + (f", {offer}" if offer else "")
    return label, amount(parameter, parameter.value), ends, parameter.basis


def amount(parameter: Parameter, value: float) -> str:
    """A value of a parameter in its unit."""
    if math.isinf(value):
        return "∞"
    if parameter.unit == "share":
        return f"{value * 100:.3g}%"
    if parameter.unit.startswith("$"):
        return whole(value)
    return f"{value:.3g}"
