"""The letter about several offers: which is worth most to a person, by how much, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator

from bursar.offers.prose import about_share, about_usd
from bursar.offers.results import Comparison, Interval, Valuation
from bursar.reports.offers.figures import thousands, whole
from bursar.reports.offers.letter import Figure, Letter, Section, Table
from bursar.reports.offers.pictures import TOKENS, SideBySide, Worth
from bursar.reports.offers.terms import terms_of
from bursar.reports.offers.words import (
    LEVEL_WORDS,
    SMALL_PRINT,
    Row,
    as_base,
    assumptions,
    of_parameter,
    of_person,
    per_base_usd,
    span,
)


def comparison_letter(comparison: Comparison) -> Letter:
    """Offers next to each other, the one worth most first."""
    return Letter(
        title="Offers compared",
        about=" · ".join(valuation.offer.name for valuation in comparison.valuations),
        figures=tuple(
            Figure(
                one.offer.name,
                thousands(sum(as_base(one).values())),
                f"on paper {whole(one.headline.total_usd_year)}",
            )
            for one in comparison.valuations
        ),
        summary=tuple(_summary(comparison)),
        sections=(
            _side_by_side(comparison),
            *_terms(comparison),
            assumptions(_assumed(comparison)),
        ),
        small_print=SMALL_PRINT,
    )


def _summary(comparison: Comparison) -> Iterator[str]:
    first, *others = comparison.valuations
    yield (
        f"{first.offer.name} is worth most to you: as much as a base salary of {_together(first)} a year and nothing "
        "else."
    )
    for other, ends in zip(others, comparison.behind_usd_year[1:], strict=True):
        gap = (first.worth.total_usd - other.worth.total_usd) / per_base_usd(first)
        paper = other.headline.total_usd_year - first.headline.total_usd_year
        looks = f", though on paper it is {whole(paper)} ahead" if paper > 0 else ""
        yield (
            f"{other.offer.name} is behind by {about_usd(gap)} of base salary a year{looks}. In {LEVEL_WORDS} it is "
            f"{_behind_words(ends)}."
        )


def _together(valuation: Valuation) -> str:
    """All of an offer as base salary a year."""
    return thousands(sum(as_base(valuation).values()))


def _behind_words(ends: Interval) -> str:
    if ends.low >= 0:
        return f"behind by {span(ends)}, so the order is sure as far as the model goes"
    return (
        f"from {about_usd(-ends.low)} ahead to {about_usd(ends.high)} behind, so the order depends on what the "
        "assumptions say of you"
    )


def _side_by_side(comparison: Comparison) -> Section:
    worths = []
    for one in comparison.valuations:
        parts, ends = as_base(one), one.as_base_interval
        worths.append(Worth(one.offer.name, parts, ends.low, ends.high, one.headline.total_usd_year))
    rows = tuple(
        (
            one.offer.name,
            whole(one.headline.total_usd_year),
            about_share(one.headline.tokens_share),
            whole(sum(parts.values())),
            "–" if round(low) == round(high) else f"{thousands(low)}–{thousands(high)}",
            about_usd(parts[TOKENS]),
        )
        for one, (_, parts, low, high, _) in zip(comparison.valuations, worths, strict=True)
    )
    return Section(
        "On paper, and what they are worth",
        picture=SideBySide(tuple(worths)),
        caption=(
            "What each is worth as base salary a year. The upright mark is what it says on paper, the thin line the "
            "interval that the assumptions leave open."
        ),
        table=Table(("Offer", ">On paper", ">Tokens", ">As base, a year", ">Interval", ">Tokens as base"), rows),
    )


def _terms(comparison: Comparison) -> Iterator[Section]:
    """The terms of the budgets next to each other, if there is a budget at all."""
    columns = {
        one.offer.name: dict(terms_of(one.offer.tokens))
        for one in comparison.valuations
        if one.offer.tokens is not None
    }
    if columns:
        first, *_ = columns.values()
        rows = tuple((term, *(column[term] for column in columns.values())) for term in first)
        yield Section("What the terms of the budgets say", table=Table(("Term", *columns), rows))


def _assumed(comparison: Comparison) -> Iterator[Row]:
    """What went in: once where it is the same for all offers with a token budget, else for each of them."""
    first, *_ = comparison.valuations
    yield from of_person(first.person)
    budgets = [one for one in comparison.valuations if one.offer.tokens is not None] or [first]
    for together in zip(*(one.assumptions for one in budgets), strict=True):
        if len(set(together)) == 1:
            yield of_parameter(together[0])
        else:
            yield from (of_parameter(one, budget.offer.name) for one, budget in zip(together, budgets, strict=True))
