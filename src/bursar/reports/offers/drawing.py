"""How charts of offers look: a few colours, quiet axes, dollars; and how a chart becomes a drawing on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import altair as alt
import vl_convert

from bursar.reports.offers import pictures

INK, QUIET, LINE, ACCENT, MIDDLE, LIGHT = "#1c2430", "#5d6778", "#d9dee7", "#1f6f5c", "#5aa38f", "#9cc9bb"
TOKENS, KEPT = "#c8832b", "#b9c2d0"
PARTS = {pictures.BASE: ACCENT, pictures.BONUS: MIDDLE, pictures.EQUITY: LIGHT, pictures.TOKENS: TOKENS}
"""The parts of pay, each with its colour."""
SCREEN_FONT, PRINT_FONT = "system-ui, sans-serif", "Libertinus Serif"
MEASURED_FONT = "sans-serif"
WIDE, NARROW = 640, 340
"""The width of a drawing in pixels: for a page, and for a phone."""

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
LINE_END = "|"
_DOLLARS = "(datum.value < 0 ? '−' : '') + '$' + format(abs(datum.value), '~s')"


def svg(chart: Chart, font: str = SCREEN_FONT) -> str:
    """A chart as an SVG drawing, without a ground of its own, its letters in a font.

    They are measured in another font, which comes with the drawing program and is the same everywhere; margins leave
    room for letters that are wider.
    """
    drawn = vl_convert.vegalite_to_svg(chart.properties(background="transparent").to_dict(validate=False))
    return drawn.replace(f'font-family="{MEASURED_FONT}"', f'font-family="{font}"')


def data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])


def fitted(chart: Chart, width: int, height: float) -> Chart:
    """A chart in its look and size: so wide with all its labels, its bars or areas so high."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    dressed: Chart = chart.properties(width=width, height=height, autosize=fit).configure(
        font=MEASURED_FONT, padding={"left": 12, "right": 14, "top": 2, "bottom": 2}, view=alt.ViewConfig(stroke=None)
    )
    return dressed


def names(field: str, order: Sequence[str], room: int) -> alt.Y:
    """The names of bars below each other, in their order, cut off where they need more room."""
    axis = alt.Axis(
        title=None,
        domain=False,
        ticks=False,
        labelFontSize=13,
        labelLimit=room,
        labelColor=INK,
        labelPadding=8,
        labelExpr=f"split(datum.value, '{LINE_END}')",
    )
    return alt.Y(f"{field}:N", sort=list(order), axis=axis)


def broken(name: str, letters: int) -> str:
    """A name in at most two lines of so many letters, for the axis of `names`."""
    return LINE_END.join(wrap(name, letters, max_lines=2, placeholder="…"))


def scale_of(least: float, most: float) -> alt.Scale:
    """A scale that ends where it is told."""
    return alt.Scale(domain=[least, most], nice=False)


def dollars(field: str, scale: alt.Scale, *, shown: bool = True) -> alt.X:
    """A field in dollars from left to right, with a quiet axis or none."""
    return alt.X(f"{field}:Q", scale=scale, stack=None, axis=money_axis() if shown else None)


def money_axis() -> alt.Axis:
    """An axis with a few amounts, such as "$50k"."""
    return alt.Axis(
        title=None, domain=False, ticks=False, tickCount=5, gridColor=LINE, labelColor=QUIET, labelExpr=_DOLLARS
    )


def colours(by_name: Mapping[str, str]) -> alt.Scale:
    """Which name has which colour."""
    return alt.Scale(domain=list(by_name), range=list(by_name.values()))


def legend() -> alt.Legend:
    """A legend above the chart, in one row."""
    return alt.Legend(
        title=None,
        orient="top",
        symbolType="square",
        labelLimit=0,
        labelColor=QUIET,
        labelFontSize=12,
        columnPadding=22,
    )
