"""The charts of a letter in a terminal: lines of bars, in shares of their width."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

from bursar.offers.prose import about_share
from bursar.reports.offers.figures import short
from bursar.reports.offers.pictures import (
    BASE,
    AgainstHeadline,
    Costs,
    Dots,
    Options,
    OverTime,
    OverYears,
    Picture,
    SideBySide,
    Tornado,
)

MONTHS = 12
_LEGENDS: dict[type, str] = {
    AgainstHeadline: "Pale is what the headline counts a year, solid what it is worth as base salary a year.",
    SideBySide: "Pale is what the headline counts a year, solid what the offer is worth as base salary a year.",
    OverTime: "What is expected of a month's budget: leaving, cuts and revocation are in it.",
    Tornado: "Each alone from one end of its range to the other, all others as they stand.",
    Dots: "As base salary a year.",
    Costs: "Base salary a year.",
    Options: "Dollars a year more than for the offer as it is, as expected.",
    OverYears: "Solid is base salary, pale all of the pay.",
}


class Bar(NamedTuple):
    """A line of a chart: what is filled and what is pale behind it from there on, and the words at its end."""

    name: str
    begins: float
    filled: float
    pale: float
    label: str


def bars_of(picture: Picture) -> list[Bar]:
    """The lines of a chart, in shares of the width from 0 to 1."""
    return _bars(picture)


def legend_of(picture: Picture) -> str:
    """What the bars mean."""
    return _LEGENDS[type(picture)]


@singledispatch
def _bars(picture: object) -> list[Bar]:
    raise AssertionError(f"{type(picture).__name__} is no picture")


@_bars.register
def _against_headline(picture: AgainstHeadline) -> list[Bar]:
    most = max(max(part.face_usd, part.value_usd) for part in picture.parts) or 1.0
    return [
        Bar(
            part.name,
            0.0,
            max(0.0, part.value_usd / most),
            part.face_usd / most,
            f"{short(part.value_usd)} of {short(part.face_usd)}",
        )
        for part in picture.parts
    ]


@_bars.register
def _over_time(picture: OverTime) -> list[Bar]:
    """The last month of every year."""
    return [
        Bar(
            f"after {'a year' if at == MONTHS else f'{at // MONTHS} years'}",
            0.0,
            month.kept_usd / month.face_usd,
            1.0,
            f"{about_share(month.kept_usd / month.face_usd)} in force, "
            f"{about_share(month.used_usd / month.face_usd)} used",
        )
        for at, month in enumerate(picture.months, 1)
        if at % MONTHS == 0 and month.face_usd
    ]


@_bars.register
def _tornado(picture: Tornado) -> list[Bar]:
    ends = [usd for swing in picture.swings for usd in (swing.low_usd, swing.high_usd)]
    least, room = min(ends), (max(ends) - min(ends)) or 1.0
    return [
        Bar(
            swing.name,
            (min(swing.low_usd, swing.high_usd) - least) / room,
            abs(swing.high_usd - swing.low_usd) / room,
            0.0,
            f"{short(swing.low_usd)} at {swing.low_label}, {short(swing.high_usd)} at {swing.high_label}",
        )
        for swing in picture.swings
    ]


@_bars.register
def _dots(picture: Dots) -> list[Bar]:
    low, high = picture.low_usd, picture.high_usd
    least, most = min(0.0, low), max(high, picture.face_usd, picture.value_usd)
    room = (most - least) or 1.0
    return [
        Bar("worth", (low - least) / room, (high - low) / room, 0.0, f"{short(low)} to {short(high)}"),
        Bar("on paper", -least / room, picture.face_usd / room, 0.0, short(picture.face_usd)),
    ]


@_bars.register
def _side_by_side(picture: SideBySide) -> list[Bar]:
    most = max(max(one.headline_usd, one.high_usd) for one in picture.offers) or 1.0
    return [
        Bar(
            one.offer,
            0.0,
            max(0.0, sum(one.parts_usd.values()) / most),
            one.headline_usd / most,
            f"{short(sum(one.parts_usd.values()))} of {short(one.headline_usd)}",
        )
        for one in picture.offers
    ]


@_bars.register
def _costs(picture: Costs) -> list[Bar]:
    most = max(cost.cost_usd for cost in picture.costs) or 1.0
    return [Bar(cost.name, 0.0, max(0.0, cost.cost_usd / most), 0.0, short(cost.cost_usd)) for cost in picture.costs]


@_bars.register
def _options(picture: Options) -> list[Bar]:
    least = min(0.0, *(option.cost_usd for option in picture.options))
    room = (max(0.0, *(option.cost_usd for option in picture.options)) - least) or 1.0
    return [
        Bar(
            option.name,
            (min(0.0, option.cost_usd) - least) / room,
            abs(option.cost_usd) / room,
            0.0,
            short(option.cost_usd),
        )
        for option in picture.options
    ]


@_bars.register
def _over_years(picture: OverYears) -> list[Bar]:
    most = max(sum(year.parts_usd.values()) for year in picture.years) or 1.0
    return [
        Bar(
            str(year.year),
            0.0,
            year.parts_usd[BASE] / most,
            sum(year.parts_usd.values()) / most,
            f"{short(year.parts_usd[BASE])} base of {short(sum(year.parts_usd.values()))}",
        )
        for year in picture.years
    ]
