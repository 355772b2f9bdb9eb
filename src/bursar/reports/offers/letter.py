"""A letter about an offer: what text, HTML and PDF show alike, in words and numbers that are ready to be set."""

from __future__ import annotations

from typing import NamedTuple

from bursar.reports.offers.pictures import Picture

NUMBER = ">"
"""What the heading of a column of numbers begins with."""


class Figure(NamedTuple):
    """One of the few numbers that matter: what it is, how much, and its interval or another remark."""

    name: str
    amount: str
    remark: str = ""


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
