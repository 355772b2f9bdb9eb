"""Where a base salary stands in the market: wages by occupation and area, from open data that comes with the package.

The data is the newest edition of the Occupational Employment and Wage Statistics of the US Bureau of Labor Statistics
that the package has (`data/wages-*.toml` says which, and where from). It is dated and in the public domain. It tells
percentiles of all who work in an occupation, whatever their experience, so it places a salary; it does not judge it.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from bursar.refusals import field_invalid

EDITION = "wages-2025-05"
PERCENTILES = (10, 25, 50, 75, 90)
OCCUPATION, AREA = "software-developers", "us"
"""What a base is compared with when nothing else is said."""
_ORDINAL = {10: "10th percentile", 25: "25th percentile", 50: "median", 75: "75th percentile", 90: "90th percentile"}


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """What the data is. `occupations` and `areas` have by their official code a short name and the official title."""

    edition: str
    as_of: date
    published: date
    retrieved: date
    source: str
    url: str
    file: str
    file_sha256: str
    licence: str
    covers: str
    occupations: dict[str, tuple[str, str]]
    areas: dict[str, tuple[str, str]]


class Wages(msgspec.Struct, frozen=True, kw_only=True):
    """Yearly wages of an occupation in an area, USD: at the percentiles in `PERCENTILES`, in their order."""

    occupation: str
    area: str
    percentiles_usd: tuple[int, ...]
    source: str
    as_of: date

    @property
    def low_usd(self) -> int:
        """The lower end of the market band, the 25th percentile."""
        return self.percentiles_usd[1]

    @property
    def high_usd(self) -> int:
        """The upper end of the market band, the 75th percentile."""
        return self.percentiles_usd[3]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a yearly base stands. `above` and `below` are the percentiles next to it; None beyond the outermost."""

    base_usd: float
    above: int | None
    below: int | None
    wages: Wages

    @property
    def text(self) -> str:
        """The standing as a sentence that names its source."""
        where = f"of {self.wages.occupation} in {self.wages.area} ({self.wages.source})"
        return f"A base of ${self.base_usd:,.0f} is {self._place} {where}."

    @property
    def _place(self) -> str:
        at = dict(zip(PERCENTILES, self.wages.percentiles_usd, strict=True))
        if self.above is None:
            assert self.below is not None
            return f"below the {_ORDINAL[self.below]}, ${at[self.below]:,},"
        if self.below is None:
            return f"at or above the {_ORDINAL[self.above]}, ${at[self.above]:,},"
        low, high = f"${at[self.above]:,}", f"${at[self.below]:,}"
        return f"between the {_ORDINAL[self.above]}, {low}, and the {_ORDINAL[self.below]}, {high},"


@cache
def edition() -> Edition:
    """What the data that comes with the package is."""
    return msgspec.toml.decode((files("bursar.offers") / f"data/{EDITION}.toml").read_bytes(), type=Edition)


def wages(occupation: str = OCCUPATION, area: str = AREA) -> Wages:
    """Wages of an occupation in an area, each by its short name or its official code.

    Raises Refused(FIELD_INVALID) for a name that is not known, and where the area has no figure for the occupation.
    """
    told = edition()
    code, title = _known("occupation", occupation, told.occupations)
    place, place_title = _known("area", area, told.areas)
    found = _table().get((place, code))
    if found is None:
        names = [name for other, (name, _) in told.areas.items() if (other, code) in _table()]
        right = f"where the {told.edition} edition has figures for {title}: {', '.join(names)}"
        raise field_invalid("area", repr(area), right)
    return Wages(
        occupation=title,
        area=f"the {place_title}" if place == "US" else place_title,
        percentiles_usd=found,
        source=told.source,
        as_of=told.as_of,
    )


def standing(base_usd: float, market: Wages) -> Standing:
    """Where a yearly base stands among the wages of a market."""
    above = below = None
    for percentile, usd in zip(PERCENTILES, market.percentiles_usd, strict=True):
        if base_usd >= usd:
            above = percentile
        elif below is None:
            below = percentile
    return Standing(base_usd=base_usd, above=above, below=below, wages=market)


def _known(field: str, name: str, entries: dict[str, tuple[str, str]]) -> tuple[str, str]:
    for code, (short, title) in entries.items():
        if name in (code, short):
            return code, title
    raise field_invalid(field, repr(name), f"one of {', '.join(sorted(short for short, _ in entries.values()))}")


@cache
def _table() -> dict[tuple[str, str], tuple[int, ...]]:
    text = (files("bursar.offers") / f"data/{EDITION}.csv").read_text("utf-8")
    return {
        (row["area"], row["occupation"]): tuple(int(row[f"p{percentile}_usd"]) for percentile in PERCENTILES)
        for row in csv.DictReader(text.splitlines())
    }
