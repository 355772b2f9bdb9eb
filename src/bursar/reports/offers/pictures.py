"""What the charts of a letter show: rows of plain numbers in US dollars, for `charts` to draw and `bars` to write.

`words` tells the same to whoever cannot see it.
"""

from __future__ import annotations

from typing import NamedTuple

from bursar.offers.prose import about_usd
from bursar.reports.offers.figures import whole

BASE, BONUS, EQUITY, TOKENS = "Base salary", "Bonus", "Equity", "Token budget"


class Part(NamedTuple):
    """A part of the pay: what the headline says a year, and what it is worth a year."""

    name: str
    face_usd: float
    value_usd: float


class AgainstHeadline(NamedTuple):
    """What each part is worth, inside what the headline says."""

    parts: tuple[Part, ...]

    @property
    def words(self) -> str:
        """Each part with both amounts."""
        return "; ".join(f"{part.name}: {whole(part.value_usd)} of {whole(part.face_usd)}" for part in self.parts)


class Month(NamedTuple):
    """A month of a token budget: granted, expected to be still in force and to be used, and what that is worth."""

    month: int
    face_usd: float
    kept_usd: float
    used_usd: float
    value_usd: float


class OverTime(NamedTuple):
    """The budget month by month; the first month is number 0."""

    months: tuple[Month, ...]

    @property
    def words(self) -> str:
        """The first month and the last."""
        return "; ".join(
            f"month {month.month + 1}: {whole(month.face_usd)} granted, {whole(month.kept_usd)} still in force, "
            f"{whole(month.used_usd)} used, {whole(month.value_usd)} worth"
            for month in (self.months[0], self.months[-1])
        )


class Swing(NamedTuple):
    """What one assumption does to a value at each end of its range, and what the assumption is there."""

    name: str
    low_usd: float
    high_usd: float
    low_label: str
    high_label: str


class Tornado(NamedTuple):
    """Which assumption moves a value by how much, the most first."""

    swings: tuple[Swing, ...]
    value_usd: float

    @property
    def words(self) -> str:
        """Each assumption with the values at its ends."""
        return "; ".join(
            f"{swing.name}: {about_usd(swing.low_usd)} at {swing.low_label}, "
            f"{about_usd(swing.high_usd)} at {swing.high_label}"
            for swing in self.swings
        )


class Dots(NamedTuple):
    """Outcomes, each as likely as any other, with their interval, the central value and what it says on paper."""

    outcomes_usd: tuple[float, ...]
    low_usd: float
    high_usd: float
    value_usd: float
    face_usd: float

    @property
    def words(self) -> str:
        """The ends, the centre and the face."""
        return (
            f"outcomes, most of them from {about_usd(self.low_usd)} to {about_usd(self.high_usd)}; "
            f"central {about_usd(self.value_usd)}; on paper {whole(self.face_usd)}"
        )


class Worth(NamedTuple):
    """An offer: what its parts are worth a year, the interval of their sum, and what its headline says."""

    offer: str
    parts_usd: dict[str, float]
    low_usd: float
    high_usd: float
    headline_usd: float


class SideBySide(NamedTuple):
    """Offers below each other."""

    offers: tuple[Worth, ...]

    @property
    def words(self) -> str:
        """Each offer with its worth, interval and headline."""
        return "; ".join(
            f"{one.offer}: {whole(sum(one.parts_usd.values()))} ({whole(one.low_usd)} to {whole(one.high_usd)}), "
            f"on paper {whole(one.headline_usd)}"
            for one in self.offers
        )


class Cost(NamedTuple):
    """What something costs, with its interval."""

    name: str
    cost_usd: float
    low_usd: float
    high_usd: float


class Costs(NamedTuple):
    """What costs how much, the most first."""

    costs: tuple[Cost, ...]

    @property
    def words(self) -> str:
        """Each with its cost."""
        return "; ".join(f"{cost.name}: {about_usd(cost.cost_usd)}" for cost in self.costs)


class Option(NamedTuple):
    """One of several ways, and what it costs a year."""

    name: str
    cost_usd: float


class Options(NamedTuple):
    """Several ways to the same end, and what each costs."""

    options: tuple[Option, ...]

    @property
    def words(self) -> str:
        """Each with its cost."""
        return "; ".join(f"{option.name}: {about_usd(option.cost_usd)}" for option in self.options)


class Year(NamedTuple):
    """A year of pay as it was, and what the base would be had it grown with the market."""

    year: int
    parts_usd: dict[str, float]
    market_base_usd: float


class OverYears(NamedTuple):
    """Pay year by year."""

    years: tuple[Year, ...]

    @property
    def words(self) -> str:
        """Each year's sum and base."""
        return "; ".join(
            f"{year.year}: {whole(sum(year.parts_usd.values()))}, base {whole(year.parts_usd[BASE])}, "
            f"with the market {whole(year.market_base_usd)}"
            for year in self.years
        )


Picture = AgainstHeadline | OverTime | Tornado | Dots | SideBySide | Costs | Options | OverYears
