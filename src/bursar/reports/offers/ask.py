"""The letter about counter-offers: what to ask for so that the offer is worth a target."""

from __future__ import annotations

from collections.abc import Iterator

from bursar.offers.ask import Asked, Counter, Kind
from bursar.offers.file import OfferFile
from bursar.offers.prose import about_share, about_usd
from bursar.offers.results import LEVEL
from bursar.reports.offers.figures import thousands, whole
from bursar.reports.offers.letter import Figure, Letter, Section
from bursar.reports.offers.pictures import Option, Options
from bursar.reports.offers.words import SMALL_PRINT

TITLES: dict[Kind, str] = {
    "base": "More base",
    "swap": "Base in place of tokens",
    "terms": "Better terms",
    "terms and base": "Better terms, and the base that is still missing",
}
COST_WORDS = (
    "What a counter-offer costs the employer is what it would pay more a year than for the offer as it is, as "
    "expected by the same model, before payroll taxes; what work is worth that tokens are used for is not in it.",
)


def ask_letter(read: OfferFile, asked: Asked) -> Letter:
    """Counter-offers, those first that cost the employer least."""
    return Letter(
        title="What to ask for",
        about=read.offer.name,
        figures=tuple(_figures(asked)),
        summary=(asked.text,),
        sections=tuple(_sections(asked)),
        small_print=(*(COST_WORDS if asked.counters else ()), *SMALL_PRINT),
    )


def _figures(asked: Asked) -> Iterator[Figure]:
    yield Figure("The target, as base salary", whole(asked.target_usd_year))
    low, high = thousands(asked.worth_interval.low), thousands(asked.worth_interval.high)
    yield Figure("The offer as it is", thousands(asked.worth_usd_year), f"{low} to {high}")
    if asked.gap_usd_year > 0:
        yield Figure("Missing", about_usd(asked.gap_usd_year), "a year")


def _sections(asked: Asked) -> Iterator[Section]:
    if not asked.counters:
        return
    titles = [f"{number}. {TITLES[counter.kind]}" for number, counter in enumerate(asked.counters, 1)]
    options = tuple(
        Option(title, counter.employer_usd_year) for title, counter in zip(titles, asked.counters, strict=True)
    )
    yield Section(
        "What each costs the employer",
        picture=Options(options),
        caption="Dollars a year more than for the offer as it is, as expected.",
    )
    for title, counter in zip(titles, asked.counters, strict=True):
        yield _counter(title, counter)


def _counter(title: str, counter: Counter) -> Section:
    low, high = thousands(counter.worth_interval.low), thousands(counter.worth_interval.high)
    return Section(
        title,
        aside=f"{_more(counter.employer_usd_year)} a year",
        prose=tuple(f"– {words[0].upper()}{words[1:]}." for words in counter.asks),
        closing=(
            f"Worth a base of {thousands(counter.worth_usd_year)} a year to you; {low} to {high} in "
            f"{about_share(LEVEL)} of the cases.",
        ),
    )


def _more(usd: float) -> str:
    return f"saves the employer {about_usd(-usd)}" if usd <= -0.5 else f"costs the employer {about_usd(usd)}"
