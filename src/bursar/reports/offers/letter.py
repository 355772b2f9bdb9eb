"""A letter about an offer: what text, HTML and PDF show alike, in words and numbers that are ready to be set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bursar.reports.offers.drawing import Chart

NUMBER = ">"
"""What the heading of a column of numbers begins with."""


class Figure(NamedTuple):
    """One of the few numbers that matter: what it is, how much, and its interval or another remark."""

    name: str
    amount: str
    remark: str = ""


class Bar(NamedTuple):
    """A line of a chart in a terminal. Shares of its width: what is filled, what is pale, and where it begins."""

    name: str
    filled: float
    pale: float
    label: str
    begins: float = 0.0


class Picture(NamedTuple):
    """A chart: how it is drawn at a width in pixels, and what it shows in words for who cannot see it."""

    draw: Callable[[int], Chart]
    words: str


class Table(NamedTuple):
    """Headings and rows of cells. With `summed`, the last row is what the others come to."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summed: bool = False


class Section(NamedTuple):
    """A part of a letter under its heading; `aside` is an amount that stands beside it."""

    title: str
    prose: tuple[str, ...] = ()
    aside: str = ""
    picture: Picture | None = None
    bars: tuple[Bar, ...] = ()
    caption: str = ""
    table: Table | None = None
    closing: tuple[str, ...] = ()


class Letter(NamedTuple):
    """A whole letter. `summary` says in plain words what the figures mean; `small_print` what they do not."""

    title: str
    about: str
    figures: tuple[Figure, ...]
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    small_print: tuple[str, ...]
