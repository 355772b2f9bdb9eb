"""What a valuation says: worth by component, months, interval, tornado, assumptions. Records only.

Present values are dollars of today after tax; what is a year's pay before tax says `_usd_year`.
"""

from __future__ import annotations

import msgspec

from bursar.offers.offer import Offer
from bursar.offers.parameters import Parameter
from bursar.offers.person import Person
from bursar.offers.table import dollars, html_table

LEVEL = 0.9
"""How much of the parameters' ranges an interval covers: from the 5th to the 95th percentile."""


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """Present values of an offer's components, after tax; their sum is the total."""

    base_usd: float
    bonus_usd: float
    equity_usd: float
    tokens_usd: float
    tokens_face_usd: float
    """What the tokens would be worth at their face: every dollar granted for sure, and as good as cash."""
    break_even_base_usd_year: float
    """The yearly base, before tax, that is worth as much as the tokens: B*."""

    @property
    def total_usd(self) -> float:
        """The sum of the components."""
        return self.base_usd + self.bonus_usd + self.equity_usd + self.tokens_usd

    @property
    def tokens_share_of_face(self) -> float:
        """What a dollar of the budget is worth; 0 without a budget."""
        return self.tokens_usd / self.tokens_face_usd if self.tokens_face_usd else 0.0


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """What the offer's first year looks like as it is advertised, every dollar counted as a dollar."""

    base_usd_year: float
    bonus_usd_year: float
    equity_usd_year: float
    tokens_usd_year: float

    @property
    def total_usd_year(self) -> float:
        """All four."""
        return self.base_usd_year + self.bonus_usd_year + self.equity_usd_year + self.tokens_usd_year

    @property
    def tokens_share(self) -> float:
        """The tokens' share of the whole, from 0 to 1."""
        return self.tokens_usd_year / self.total_usd_year if self.total_usd_year else 0.0


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """One month of the budget, in its dollars, as it is if nothing happens; times `survival`: as expected."""

    month: int
    """0 is the first."""
    survival: float
    """Which part of the month's budget is still there, as expected: the job, no revocation, no cut. M(t)."""
    granted_usd: float
    used_usd: float
    personal_usd: float
    cashed_out_usd: float
    """Credit that is cashed out, before the plan's rate."""
    expired_usd: float
    """Breakage."""
    left_usd: float
    """Credit that goes on to the next month."""
    imputed_usd: float
    """What counts as the person's income."""
    worth_usd: float
    """What the month is worth to the person, if nothing happens; neither discounted nor weighted by survival."""
    present_usd: float
    """The same discounted and weighted: the months' sum is the tokens' present value."""


class Interval(msgspec.Struct, frozen=True):
    """From the 5th to the 95th percentile over the parameters' ranges, and the middle."""

    low: float
    median: float
    high: float


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of the tornado: the break-even base with one parameter at its low and at its high end."""

    parameter: str
    label: str
    low: float
    high: float
    at_low_usd_year: float
    at_high_usd_year: float

    @property
    def swing_usd_year(self) -> float:
        """How much the parameter moves the break-even base."""
        return abs(self.at_high_usd_year - self.at_low_usd_year)


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """What the employer expects against what is paid. See `bursar.offers.expectation`."""

    output_multiple: float
    pay_multiple: float
    expectation: float
    """Pi: the output multiple over the pay multiple; above 1 more is asked than paid."""
    residual_effort: float
    """What the tools' realised uplift leaves for the person to add, as a share of today's effort."""


class Valuation(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said of one offer to one person."""

    offer: Offer
    person: Person
    worth: Worth
    headline: Headline
    tokens_interval: Interval
    total_interval: Interval
    break_even_interval: Interval
    break_even_outcomes_usd_year: tuple[float, ...]
    """Twenty outcomes of the break-even base, each as likely as any other, ascending."""
    as_base_interval: Interval
    """All of the offer as the yearly base, before tax, that would be worth as much."""
    tornado: tuple[Bar, ...]
    """The largest swing first."""
    months: tuple[Month, ...]
    pressure: Pressure | None
    assumptions: tuple[Parameter, ...]
    """Every parameter with its range and where it comes from."""

    @property
    def used_share(self) -> float:
        """U/F: the used part of all that is granted over the horizon, if nothing happens; 0 without a budget."""
        granted = sum(month.granted_usd for month in self.months)
        return sum(month.used_usd for month in self.months) / granted if granted else 0.0

    @property
    def cashed_out_share(self) -> float:
        """The part of all that is granted that is cashed out, before the plan's rate, if nothing happens."""
        granted = sum(month.granted_usd for month in self.months)
        return sum(month.cashed_out_usd for month in self.months) / granted if granted else 0.0

    @property
    def breakage_share(self) -> float:
        """The part of all that is granted that expires unused, if nothing happens."""
        granted = sum(month.granted_usd for month in self.months)
        return sum(month.expired_usd for month in self.months) / granted if granted else 0.0

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        worth, years = self.worth, self.person.horizon_years
        components = html_table(
            f"{self.offer.name}: present value over {years} years, after tax",
            ("", "worth", "from", "to"),
            (
                ("base", dollars(worth.base_usd), "", ""),
                ("bonus", dollars(worth.bonus_usd), "", ""),
                ("equity", dollars(worth.equity_usd), "", ""),
                ("tokens", dollars(worth.tokens_usd), *_ends(self.tokens_interval)),
                ("total", dollars(worth.total_usd), *_ends(self.total_interval)),
                ("tokens as base a year", dollars(worth.break_even_base_usd_year), *_ends(self.break_even_interval)),
            ),
        )
        bars = html_table(
            "What moves it: the tokens as base a year",
            ("", "range", "at its low end", "at its high end"),
            (
                (bar.label, f"{bar.low:g}–{bar.high:g}", dollars(bar.at_low_usd_year), dollars(bar.at_high_usd_year))
                for bar in self.tornado
            ),
        )
        return components + (bars if self.tornado else "")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Offers next to each other, the one worth most first."""

    valuations: tuple[Valuation, ...]
    behind: tuple[Interval, ...]
    """For each, how many dollars of present value it is behind the first, over the same draws of the parameters."""
    behind_usd_year: tuple[Interval, ...]
    """The same as yearly base before tax."""

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return html_table(
            "Present value after tax, the one worth most first",
            ("", "base", "bonus", "equity", "tokens", "total", "behind by", "from", "to"),
            (
                (
                    one.offer.name,
                    *(dollars(part) for part in (one.worth.base_usd, one.worth.bonus_usd, one.worth.equity_usd)),
                    *(dollars(part) for part in (one.worth.tokens_usd, one.worth.total_usd)),
                    dollars(self.valuations[0].worth.total_usd - one.worth.total_usd),
                    *_ends(behind),
                )
                for one, behind in zip(self.valuations, self.behind, strict=True)
            ),
        )


def _ends(interval: Interval) -> tuple[str, str]:
    return dollars(interval.low), dollars(interval.high)
