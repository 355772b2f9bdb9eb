"""The letter about pay over the years: whether the base stood still while compute grew."""

from __future__ import annotations

from collections.abc import Iterator

from bursar.offers.history import History
from bursar.offers.prose import about_share, about_usd, rounded
from bursar.reports.offers.figures import whole
from bursar.reports.offers.letter import Figure, Letter, Section, Table
from bursar.reports.offers.pictures import BASE, BONUS, EQUITY, TOKENS, OverYears, Year

SMALL_PRINT = (
    "This is arithmetic over what was paid, at face value. It is no forecast, it tells nobody's reasons, and it is "
    "no advice on tax or law. The market's raise is what the file says, else 3.5% a year, as salary-budget surveys "
    "of 2026 have it.",
)


def history_letter(found: History) -> Letter:
    """What pay over the years shows."""
    first, last = found.years[0], found.years[-1]
    return Letter(
        title="Pay over the years",
        about=f"{first.year} to {last.year}",
        figures=tuple(_figures(found)),
        summary=(found.text,),
        sections=(_year_by_year(found), _raises(found)),
        small_print=SMALL_PRINT,
    )


def _figures(found: History) -> Iterator[Figure]:
    market = f"the market {about_share(found.market_growth)}"
    yield Figure("The base grew, a year", about_share(found.base_growth), market)
    yield Figure("Raise forgone, a year now", about_usd(max(0.0, found.forgone_usd)), "against the market")
    compute = "–" if found.substitution is None else f"${rounded(found.substitution):,.2f}"
    yield Figure("Compute for each dollar of it", compute, "the substitution ratio")


def _year_by_year(found: History) -> Section:
    market = [found.years[0].base_usd, *(step.market_base_usd for step in found.steps)]
    years = tuple(
        Year(
            year.year,
            {BASE: year.base_usd, BONUS: year.bonus_usd, EQUITY: year.equity_usd, TOKENS: year.tokens_usd},
            market_usd,
        )
        for year, market_usd in zip(found.years, market, strict=True)
    )
    rows = tuple(
        (
            str(year.year),
            *(whole(usd) for usd in year.parts_usd.values()),
            whole(sum(year.parts_usd.values())),
            whole(year.market_base_usd),
        )
        for year in years
    )
    return Section(
        "Year by year",
        picture=OverYears(years),
        caption="The line is the first year's base, had it grown with the market.",
        table=Table(("Year", ">Base", ">Bonus", ">Equity", ">Tokens", ">Together", ">Base with the market"), rows),
    )


def _raises(found: History) -> Section:
    rows = tuple(
        (
            str(step.year),
            about_share(step.raised),
            about_share(step.market_growth),
            whole(step.tokens_change_usd),
            whole(step.forgone_usd),
            "flat" if step.flat else "",
        )
        for step in found.steps
    )
    return Section(
        "Raises",
        prose=("A year is flat when compute grew and the base rose by less than half of the market's raise.",),
        table=Table(("Year", ">Raise", ">Market", ">Compute", ">Base behind the market", "Finding"), rows),
    )
