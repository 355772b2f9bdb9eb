"""Charts of offers, as Altair makes them: interactive in a notebook, drawn by `drawing.svg` for pages.

`width` is that of the whole drawing in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import altair as alt

from bursar.reports.offers.drawing import (
    ACCENT,
    INK,
    KEPT,
    LIGHT,
    LINE,
    MIDDLE,
    PARTS,
    QUIET,
    TOKENS,
    WIDE,
    Chart,
    broken,
    colours,
    data,
    dollars,
    fitted,
    legend,
    money_axis,
    names,
    scale_of,
)
from bursar.reports.offers.figures import short
from bursar.reports.offers.pictures import (
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
TIGHT = 480
"""A drawing that is narrower has less room for words."""
DOT_PITCHES_PX, MOST_DOTS_PX = (17, 13, 10, 8), 150
"""Dots are as large as leaves a stack of them so high, else the smallest."""
NAMES_PX, LABEL_PX = 130, 120
"""What the names of bars take, and the words at their end."""
OVER_TIME = {
    "granted": ("face_usd", LINE),
    "still in force": ("kept_usd", KEPT),
    "used": ("used_usd", LIGHT),
    "worth": ("value_usd", TOKENS),
}
"""What is drawn of a budget's months, from back to front."""


def chart_of(picture: Picture, width: int = WIDE) -> Chart:
    """The chart of a picture."""
    return _chart(picture, width)


@singledispatch
def _chart(picture: object, width: int) -> Chart:
    raise AssertionError(f"{type(picture).__name__} is no picture")


@_chart.register
def _against_headline(picture: AgainstHeadline, width: int) -> Chart:
    (parts,) = picture
    rows = [
        part._asdict()
        | {
            "end": max(part.face_usd, part.value_usd, 0.0),
            "label": f"{short(part.value_usd)} of {short(part.face_usd)}",
        }
        for part in parts
    ]
    room = width - NAMES_PX
    most = max(max(part.face_usd, part.value_usd) for part in parts) * room / (room - LABEL_PX)
    scale = scale_of(min(0.0, *(part.value_usd for part in parts)), most)
    base = alt.Chart(data(rows)).encode(y=names("name", [part.name for part in parts], 100))
    face = base.mark_bar(color=LINE, height=22).encode(x=dollars("face_usd", scale, shown=False))
    value = base.mark_bar(height=12).encode(
        x=dollars("value_usd", scale, shown=False),
        color=alt.Color("name:N", scale=colours(PARTS), legend=None),
    )
    words = base.mark_text(align="left", dx=7, color=INK, fontSize=12.5).encode(
        x=dollars("end", scale, shown=False), text="label:N"
    )
    return fitted(alt.layer(face, value, words), width, 34 * len(parts))


@_chart.register
def _over_time(picture: OverTime, width: int) -> Chart:
    (months,) = picture
    ends = [*enumerate(months), (len(months), months[-1])]
    rows = [
        {"years": at / MONTHS, "what": what, "usd": getattr(month, field)}
        for at, month in ends
        for what, (field, _) in OVER_TIME.items()
    ]
    most = max(row["usd"] for row in rows)
    least = min(0.0, *(row["usd"] for row in rows))
    x = alt.X(
        "years:Q",
        title="years from the start",
        scale=scale_of(0, len(months) / MONTHS),
        axis=alt.Axis(
            grid=False, tickCount=5, tickMinStep=1, labelColor=QUIET, titleColor=QUIET, titleFontWeight="normal"
        ),
    )
    y = alt.Y("usd:Q", stack=None, scale=scale_of(least, most * 1.05), axis=money_axis())
    layers = [
        alt.Chart(data([row for row in rows if row["what"] == what]))
        .mark_area(interpolate="step-before" if what == "granted" else "linear", opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "what:N", scale=colours({name: hue for name, (_, hue) in OVER_TIME.items()}), legend=legend()
            ),
        )
        for what in OVER_TIME
    ]
    return fitted(alt.layer(*layers), width, 190)


@_chart.register
def _tornado(picture: Tornado, width: int) -> Chart:
    swings, value_usd = picture
    tight = width < TIGHT
    order = [broken(swing.name, 17 if tight else 38) for swing in swings]
    rows = [
        {"name": name, "usd": usd, "at": value_usd, "label": label, "side": "more" if usd > value_usd else "less"}
        for name, swing in zip(order, swings, strict=True)
        for usd, label in ((swing.low_usd, swing.low_label), (swing.high_usd, swing.high_label))
    ]
    ends = [value_usd, *(swing.low_usd for swing in swings), *(swing.high_usd for swing in swings)]
    margin = ((max(ends) - min(ends)) or 1.0) * (0.22 if tight else 0.12)
    scale = scale_of(min(ends) - margin, max(ends) + margin)
    base = alt.Chart(data(rows)).encode(y=names("name", order, 270))
    bars = base.mark_bar(height=13).encode(
        x=dollars("usd", scale),
        x2="at:Q",
        color=alt.Color("side:N", scale=colours({"less": LIGHT, "more": ACCENT}), legend=None),
    )
    labels = base.encode(x=dollars("usd", scale), text="label:N")
    more = labels.transform_filter("datum.side == 'more'").mark_text(align="left", dx=5, color=QUIET, fontSize=11)
    less = labels.transform_filter("datum.side == 'less'").mark_text(align="right", dx=-5, color=QUIET, fontSize=11)
    line = alt.Chart(data([{"at": value_usd}])).mark_rule(color=INK).encode(x=dollars("at", scale))
    return fitted(alt.layer(bars, more, less, line), width, (35 if tight else 25) * len(swings))


@_chart.register
def _dots(picture: Dots, width: int) -> Chart:
    outcomes_usd, _, _, value_usd, face_usd = picture
    least, most = min(*outcomes_usd, value_usd, 0.0), max(*outcomes_usd, value_usd, face_usd)
    for pitch_px in DOT_PITCHES_PX:
        size_usd = ((most - least) or 1.0) / ((width - 40) // pitch_px - 1)
        rows = _stacked(outcomes_usd, least, size_usd)
        tall = max(height for _, height in rows) + 0.5
        if tall * pitch_px <= MOST_DOTS_PX:
            break
    tall += 36 / pitch_px  # the words above the dots
    scale = scale_of(least - size_usd / 2, most + size_usd / 2)
    points = (
        alt.Chart(data([{"usd": usd, "height": height} for usd, height in rows]))
        .mark_circle(size=(pitch_px - 3) ** 2, color=TOKENS, opacity=1)
        .encode(x=dollars("usd", scale), y=alt.Y("height:Q", axis=None, scale=scale_of(0, tall)))
    )
    middle = (least + most) / 2
    flags = [
        _flag(usd, f"{name} {short(usd)}", scale, leftwards=usd > middle)
        for name, usd in (("central", value_usd), ("on paper", face_usd))
    ]
    return fitted(alt.layer(points, *flags), width, pitch_px * tall)


def _stacked(outcomes_usd: Sequence[float], least_usd: float, size_usd: float) -> list[tuple[float, float]]:
    """Where dots go that stand on each other: the middle of the slot, and the height in dots."""
    stacks: dict[int, int] = {}
    placed = []
    for usd in sorted(outcomes_usd):
        slot = round((usd - least_usd) / size_usd)
        stacks[slot] = stacks.get(slot, 0) + 1
        placed.append((least_usd + slot * size_usd, stacks[slot] - 0.5))
    return placed


def _flag(usd: float, label: str, scale: alt.Scale, *, leftwards: bool) -> Chart:
    """A line from top to bottom, and words beside its top."""
    base = alt.Chart(data([{"usd": usd, "label": label}])).encode(x=dollars("usd", scale))
    words = base.mark_text(
        align="right" if leftwards else "left", dx=-5 if leftwards else 5, baseline="top", color=INK, fontSize=12.5
    )
    return alt.layer(base.mark_rule(color=INK, strokeDash=[3, 3]), words.encode(text="label:N", y=alt.value(1)))


@_chart.register
def _side_by_side(picture: SideBySide, width: int) -> Chart:
    (offers,) = picture
    order = [broken(offer.offer, 12 if width < TIGHT else 30) for offer in offers]
    used = {part: colour for part, colour in PARTS.items() if any(offer.parts_usd.get(part) for offer in offers)}
    rows = [
        {"offer": name, "part": part, "usd": offer.parts_usd.get(part, 0.0), "rank": rank}
        for name, offer in zip(order, offers, strict=True)
        for rank, part in enumerate(used)
    ]
    most = max(max(offer.headline_usd, offer.high_usd) for offer in offers)
    least = min(0.0, *(offer.parts_usd[part] for offer in offers for part in offer.parts_usd))
    scale = scale_of(least, most * 1.02)
    y = names("offer", order, 190)
    bars = (
        alt.Chart(data(rows))
        .mark_bar(height=20)
        .encode(
            y=y,
            x=alt.X("usd:Q", scale=scale, axis=money_axis()),
            color=alt.Color("part:N", scale=colours(used), legend=legend()),
            order=alt.Order("rank:O"),
        )
    )
    ends = [
        {"offer": name, "low": offer.low_usd, "high": offer.high_usd, "head": offer.headline_usd}
        for name, offer in zip(order, offers, strict=True)
    ]
    over = alt.Chart(data(ends)).encode(y=y)
    whisker = over.mark_rule(color=INK, strokeWidth=1.5).encode(x=dollars("low", scale), x2="high:Q")
    headline = over.mark_tick(color=INK, thickness=2.5, height=32).encode(x=dollars("head", scale))
    return fitted(alt.layer(bars, whisker, headline), width, 46 * len(offers))


@_chart.register
def _costs(picture: Costs, width: int) -> Chart:
    (costs,) = picture
    order = [broken(cost.name, 17 if width < TIGHT else 38) for cost in costs]
    rows = [cost._asdict() | {"name": name} for name, cost in zip(order, costs, strict=True)]
    scale = scale_of(min(0.0, *(cost.low_usd for cost in costs)), max(max(cost[1:]) for cost in costs))
    base = alt.Chart(data(rows)).encode(y=names("name", order, 270))
    bars = base.mark_bar(height=13, color=TOKENS).encode(x=dollars("cost_usd", scale))
    whiskers = base.mark_rule(color=INK).encode(x=dollars("low_usd", scale), x2="high_usd:Q")
    return fitted(alt.layer(bars, whiskers), width, (35 if width < TIGHT else 27) * len(costs))


@_chart.register
def _options(picture: Options, width: int) -> Chart:
    (options,) = picture
    order = [broken(option.name, 17 if width < TIGHT else 38) for option in options]
    rows = [
        {"name": name, "cost_usd": option.cost_usd, "end": max(0.0, option.cost_usd), "label": short(option.cost_usd)}
        for name, option in zip(order, options, strict=True)
    ]
    least, most = (pick(0.0, *(option.cost_usd for option in options)) for pick in (min, max))
    scale = scale_of(least, most + (most - least) * (0.3 if width < TIGHT else 0.15))
    base = alt.Chart(data(rows)).encode(y=names("name", order, 270))
    bars = base.mark_bar(height=13, color=MIDDLE).encode(x=dollars("cost_usd", scale, shown=False))
    words = base.mark_text(align="left", dx=6, color=INK, fontSize=12.5).encode(
        x=dollars("end", scale, shown=False), text="label:N"
    )
    return fitted(alt.layer(bars, words), width, (35 if width < TIGHT else 27) * len(options))


@_chart.register
def _over_years(picture: OverYears, width: int) -> Chart:
    (years,) = picture
    used = {part: colour for part, colour in PARTS.items() if any(year.parts_usd.get(part) for year in years)}
    rows = [
        {"year": str(year.year), "part": part, "usd": year.parts_usd.get(part, 0.0), "rank": rank}
        for year in years
        for rank, part in enumerate(used)
    ]
    x = alt.X("year:O", axis=alt.Axis(title=None, labelAngle=0, domain=False, ticks=False, labelColor=INK))
    bars = (
        alt.Chart(data(rows))
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("usd:Q", axis=money_axis()),
            color=alt.Color("part:N", scale=colours(used), legend=legend()),
            order=alt.Order("rank:O"),
        )
    )
    market = (
        alt.Chart(data([{"year": str(year.year), "usd": year.market_base_usd} for year in years]))
        .mark_line(color=INK, strokeDash=[4, 3], point=alt.OverlayMarkDef(color=INK, size=20))
        .encode(x=x, y="usd:Q")
    )
    return fitted(alt.layer(bars, market), width, 220)
