"""The letter about an offer's fine print: what was found, what it costs, and what to ask for instead."""

from __future__ import annotations

from collections.abc import Iterator

from bursar.offers.file import OfferFile
from bursar.offers.fineprint import Finding, FinePrint
from bursar.offers.prose import about_usd
from bursar.reports.offers.letter import Figure, Letter, Section
from bursar.reports.offers.pictures import Cost, Costs
from bursar.reports.offers.words import LEVEL_WORDS, SMALL_PRINT, span
from bursar.reports.words import count

BASIS = {
    "terms": "what the budget would be worth more with the term mended",
    "headline": "what the headline counts and the budget is not worth",
    "effort": "what the effort that is left for you would be paid",
    "market": "what the base lacks of the market's lower end",
    "raise": "what the base lacks of a raise with the market",
}
"""What a cost is the difference of."""
LEAST_COST_USD_YEAR = 50.0
"""What costs less is not drawn."""


def check_letter(read: OfferFile, found: FinePrint, market: str | None = None) -> Letter:
    """What the fine print says. `market` is a sentence on where the base stands."""
    return Letter(
        title="The fine print",
        about=read.offer.name,
        figures=tuple(_figures(found)),
        summary=tuple(_summary(read, found, market)),
        sections=tuple(_sections(found)),
        small_print=SMALL_PRINT,
    )


def _figures(found: FinePrint) -> Iterator[Figure]:
    yield Figure("Found", count(len(found.findings), "thing"))
    yield Figure(
        "The budget now, as base salary", about_usd(found.break_even_usd_year), span(found.break_even_interval)
    )
    if found.mended_usd_year != found.break_even_usd_year:
        yield Figure("With every term mended", about_usd(found.mended_usd_year), span(found.mended_interval))


def _summary(read: OfferFile, found: FinePrint, market: str | None) -> Iterator[str]:
    if not found.findings:
        nothing = "and nothing in its terms" if read.offer.tokens else "as it has no token budget,"
        yield f"This offer was read for its fine print, {nothing} was found that would cost you anything."
    else:
        first = found.findings[0]
        yield (
            f"{count(len(found.findings), 'thing')} stood out, the dearest first. The first is “{first.title}”: "
            f"about {about_usd(first.cost_usd_year)} of base salary a year."
        )
        now, mended = about_usd(found.break_even_usd_year), about_usd(found.mended_usd_year)
        if now != mended:
            yield (
                f"With every term mended as proposed, the budget would be worth {mended} of base salary a year, "
                f"instead of {now}."
            )
        yield (
            "Each cost is that of one finding by itself, as base salary a year before tax. They do not add up, "
            f"because terms work together. A range is for {LEVEL_WORDS}."
        )
    if market is not None:
        yield market


def _sections(found: FinePrint) -> Iterator[Section]:
    costs = tuple(
        Cost(one.title, one.cost_usd_year, one.cost_interval.low, one.cost_interval.high)
        for one in found.findings
        if max(one.cost_usd_year, one.cost_interval.high) >= LEAST_COST_USD_YEAR
    )
    if costs:
        yield Section(
            "What each costs",
            picture=Costs(costs),
            caption="Base salary a year. The thin line is the interval that the assumptions leave open.",
        )
    for number, one in enumerate(found.findings, 1):
        yield _finding(number, one)


def _finding(number: int, one: Finding) -> Section:
    interval = f" ({span(one.cost_interval)})" if one.cost_interval.high - one.cost_interval.low > 1 else ""
    return Section(
        f"{number}. {one.title}",
        aside=f"{about_usd(one.cost_usd_year)} a year{interval}",
        prose=(f"{one.says} {one.why}", f"Ask for: {one.ask}"),
        closing=(f"The cost is {BASIS[one.basis]}. Rule {one.rule}, {', '.join(one.fields)}.",),
    )
