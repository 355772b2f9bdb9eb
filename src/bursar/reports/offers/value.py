"""The letter about one offer: what it is worth, how sure that is, what moves it, and every assumption."""

from __future__ import annotations

from collections.abc import Iterator

from bursar.offers.fineprint import FinePrint
from bursar.offers.prose import about_share, about_usd
from bursar.offers.results import Month, Valuation
from bursar.reports.offers.figures import thousands, whole
from bursar.reports.offers.letter import Figure, Letter, Section, Table
from bursar.reports.offers.pictures import AgainstHeadline, Dots, OverTime, Part, Swing, Tornado
from bursar.reports.offers.pictures import Month as Drawn
from bursar.reports.offers.summary import summary_of
from bursar.reports.offers.words import (
    LEVEL_WORDS,
    SMALL_PRINT,
    amount,
    as_base,
    assumptions,
    of_parameter,
    of_person,
    on_paper,
    parts_of,
    span,
    told_of_tokens,
    years,
)

MONTHS = 12
MOST_SWINGS = 8
"""The tornado shows so many assumptions; the others move less than each of these."""
LEAST_SWING_USD_YEAR = 50.0
MOST_ASKS = 4


def value_letter(valuation: Valuation, market: str | None = None, fine_print: FinePrint | None = None) -> Letter:
    """What an offer is worth. `market` is a sentence on where its base stands, with its source.

    With its fine print the letter tells which terms to ask for first.
    """
    return Letter(
        title="What this offer is worth",
        about=valuation.offer.name,
        figures=tuple(_figures(valuation)),
        summary=tuple(summary_of(valuation, market)),
        sections=tuple(_sections(valuation, fine_print)),
        small_print=SMALL_PRINT,
    )


def _figures(valuation: Valuation) -> Iterator[Figure]:
    told, tokens = valuation.headline, valuation.worth.break_even_base_usd_year
    share = f"{about_share(told.tokens_share)} of it is tokens" if told.tokens_share else "without tokens"
    yield Figure("On paper, first year", whole(told.total_usd_year), share)
    if told_of_tokens(valuation):
        yield Figure("The tokens, as base salary", about_usd(tokens), span(valuation.break_even_interval))
    ends = valuation.as_base_interval
    remark = "" if round(ends.low) == round(ends.high) else f"{thousands(ends.low)} to {thousands(ends.high)}"
    yield Figure("The offer, as base salary", thousands(sum(as_base(valuation).values())), remark)


def _sections(valuation: Valuation, fine_print: FinePrint | None) -> Iterator[Section]:
    yield _against_headline(valuation)
    if fine_print is not None:
        yield from _to_ask_for(fine_print)
    if told_of_tokens(valuation):
        yield _how_sure(valuation)
        yield _what_becomes_of_it(valuation)
        yield from _what_moves_it(valuation)
    yield assumptions([*of_person(valuation.person), *map(of_parameter, valuation.assumptions)])


def _against_headline(valuation: Valuation) -> Section:
    paper, worth, parts = on_paper(valuation), as_base(valuation), parts_of(valuation)
    told = valuation.worth
    today = dict(zip(paper, (told.base_usd, told.bonus_usd, told.equity_usd, told.tokens_usd), strict=True))
    columns = (paper, worth, today)
    rows = [(part, *(whole(column[part]) for column in columns)) for part in parts]
    rows.append(("Together", *(whole(sum(column.values())) for column in columns)))
    horizon = years(valuation.person.horizon_years)
    return Section(
        "On paper, and what it is worth",
        picture=AgainstHeadline(tuple(Part(part, paper[part], worth[part]) for part in parts)),
        caption="Pale is what the headline counts a year, solid what it is worth as base salary a year.",
        table=Table(
            ("Part", ">On paper, a year", ">As base, a year", f">Today, after tax, {horizon}"),
            tuple(rows),
            summed=True,
        ),
    )


def _to_ask_for(fine_print: FinePrint) -> Iterator[Section]:
    """The terms whose mending is worth most, if there are some."""
    found = [
        one for one in fine_print.findings if one.basis == "terms" and one.cost_usd_year >= LEAST_SWING_USD_YEAR
    ][:MOST_ASKS]
    if found:
        yield Section(
            "What would make the budget worth more",
            table=Table(
                ("Ask for", ">Worth a year", ">Interval"),
                tuple((one.ask, about_usd(one.cost_usd_year), span(one.cost_interval)) for one in found),
            ),
            closing=(
                "As base salary, each by itself. With all that the fine print would mend, the budget is worth "
                f"{about_usd(fine_print.mended_usd_year)} of base a year: see bursar offer check, bursar offer ask.",
            ),
        )


def _how_sure(valuation: Valuation) -> Section:
    interval, central = valuation.break_even_interval, valuation.worth.break_even_base_usd_year
    outcomes = valuation.break_even_outcomes_usd_year
    return Section(
        "How sure that is",
        prose=(
            f"As base salary a year the budget is worth {about_usd(central)} if every assumption holds as it stands. "
            f"Let all of them vary over their ranges at once, and it is {span(interval)} in {LEVEL_WORDS}, "
            f"half of the time below {about_usd(interval.median)}.",
        ),
        picture=Dots(outcomes, interval.low, interval.high, central, valuation.headline.tokens_usd_year),
        caption=f"{len(outcomes)} outcomes, each as likely as any other, as base salary a year.",
    )


def _what_becomes_of_it(valuation: Valuation) -> Section:
    months = _by_period(valuation)
    spans = [valuation.months[at : at + MONTHS] for at in range(0, len(months), MONTHS)]
    return Section(
        "What becomes of the budget",
        picture=OverTime(tuple(months)),
        caption="As expected: leaving, cuts and revocation are in it. Worth is what it replaces of your own money.",
        table=Table(
            ("Year", ">Granted", ">Still in force", ">Used", ">Expired", ">Cashed out", ">Worth"),
            tuple((str(at), *_year(months)) for at, months in enumerate(spans, 1)),
        ),
    )


def _by_period(valuation: Valuation) -> list[Drawn]:
    """The months as expected. Within a period each is its mean, as a budget is used and paid out when it suits."""
    assert valuation.offer.tokens is not None
    length = valuation.offer.tokens.period_months or 1
    drawn = []
    for month in valuation.months:
        begins = month.month // length * length
        period = valuation.months[begins : begins + length]
        expected = [
            sum(getattr(one, part) * one.survival for one in period) / len(period)
            for part in ("used_usd", "worth_usd")
        ]
        drawn.append(Drawn(month.month, month.granted_usd, month.granted_usd * month.survival, *expected))
    return drawn


def _year(months: tuple[Month, ...]) -> tuple[str, ...]:
    """A year's months as cells: what is granted if nothing happens, then all of it as expected."""
    parts = ("granted_usd", "used_usd", "expired_usd", "cashed_out_usd", "worth_usd")
    expected = [sum(getattr(month, part) * month.survival for month in months) for part in parts]
    return tuple(whole(usd) for usd in (sum(month.granted_usd for month in months), *expected))


def _what_moves_it(valuation: Valuation) -> Iterator[Section]:
    by_name = {parameter.name: parameter for parameter in valuation.assumptions}
    swings = tuple(
        Swing(
            bar.label,
            bar.at_low_usd_year,
            bar.at_high_usd_year,
            amount(by_name[bar.parameter], bar.low),
            amount(by_name[bar.parameter], bar.high),
        )
        for bar in valuation.tornado[:MOST_SWINGS]
        if bar.swing_usd_year >= LEAST_SWING_USD_YEAR
    )
    if not swings:
        return
    first = swings[0]
    yield Section(
        "What moves it most",
        prose=(
            f"Most depends on one number: {first.name}. At {first.low_label} the budget is worth "
            f"{about_usd(first.low_usd)} of base salary a year, at {first.high_label} {about_usd(first.high_usd)}.",
        ),
        picture=Tornado(swings, valuation.worth.break_even_base_usd_year),
        caption="Each alone from one end of its range to the other, all others as they stand.",
    )
