"""Pay over the years: does the base stand still while compute grows?

A history is a CSV file with a line of names and a line for each year, in any order, none left out:

| Column | What it is |
|---|---|
| `year` | the calendar year, such as 2026 |
| `base` | base salary of that year, dollars |
| `bonus`, `equity`, `tokens` | bonus; equity that vested; token budget, at face value; dollars; empty is none |
| `market_growth` | how much salaries in the market rose from the year before, such as 3.5%; empty is 3.5% |

The finding is arithmetic over what was paid, no forecast and no proof of anybody's reasons. A year is *flat* when
compute grew and the base rose by less than half of the market's raise. The *forgone raise* is what the base would be
had it followed the market since the first year, less what it is. The *substitution ratio* is the growth of compute
for each dollar of forgone raise: at 2, two dollars of tokens came for each dollar of salary that did not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from bursar.money import NANOS_PER_USD
from bursar.offers.prose import about, about_share, about_usd
from bursar.rows import Problem, Problems, Row, read_rows

COLUMNS = ("year", "base", "bonus", "equity", "tokens", "market_growth")
NEEDED = ("year", "base", "tokens")
FIRST_YEAR, LAST_YEAR = 1950, 2200
MARKET_GROWTH = 0.035
"""The market's raise where a history does not say it: the salary-budget surveys of 2026 (3 to 4 %)."""
FLAT_SHARE = 0.5
"""A raise below this part of the market's counts as none."""
FLAT_YEARS = 2
"""So many flat years in a row are a pattern, fewer are to be watched."""
_GROWTH = re.compile(r"(-?[0-9]{1,2}(?:\.[0-9]{1,4})?) ?%")
Verdict = Literal["none", "watch", "flat"]


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid in a year, USD. `market_growth` is the market's raise since the year before, as a fraction."""

    year: int
    base_usd: float
    bonus_usd: float = 0.0
    equity_usd: float = 0.0
    tokens_usd: float = 0.0
    market_growth: float = MARKET_GROWTH

    @property
    def headline_usd(self) -> float:
        """Everything added up at face value, as an employer would tell it."""
        return self.base_usd + self.bonus_usd + self.equity_usd + self.tokens_usd


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """From one year to the next. `raised` and `market_growth` are fractions.

    `market_base_usd` is the first year's base grown with the market; `forgone_usd` what the base lacks of that.
    """

    year: int
    raised: float
    market_growth: float
    tokens_change_usd: float
    market_base_usd: float
    forgone_usd: float
    flat: bool


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What a history says. `substitution` is None where no raise was forgone or compute did not grow.

    Growth is a fraction a year over the whole time; `tokens_growth_usd` and `forgone_usd` are what the last year has
    more of compute and less of base than it would have had; `forgone_total_usd` adds up the years.
    """

    years: tuple[Year, ...]
    steps: tuple[Step, ...]
    verdict: Verdict
    flat_from: int | None
    flat_to: int | None
    base_growth: float
    market_growth: float
    tokens_growth_usd: float
    forgone_usd: float
    forgone_total_usd: float
    substitution: float | None

    @property
    def text(self) -> str:
        """The finding in plain words: what was paid as it was, what follows to two significant figures."""
        return " ".join(_sentences(self))


def read_history(text: str, file: str = "history.csv") -> History:
    """Read a history from CSV and say what it shows.

    Raises Refused(ROW_INVALID) with the file, the line and the column of the first thing that is wrong.
    """
    try:
        return history(_read(text))
    except Problems as found:
        raise found.refused(file) from None


def history(years: Sequence[Year]) -> History:
    """What consecutive years of pay, two or more, show."""
    steps = _steps(years)
    run = _longest_flat(steps)
    first, last, forgone_usd = years[0], years[-1], steps[-1].forgone_usd
    tokens_growth_usd = last.tokens_usd - first.tokens_usd
    market = steps[-1].market_base_usd / first.base_usd
    return History(
        years=tuple(years),
        steps=steps,
        verdict="flat" if len(run) >= FLAT_YEARS else "watch" if run else "none",
        flat_from=run[0].year if run else None,
        flat_to=run[-1].year if run else None,
        base_growth=(last.base_usd / first.base_usd) ** (1 / len(steps)) - 1,
        market_growth=market ** (1 / len(steps)) - 1,
        tokens_growth_usd=tokens_growth_usd,
        forgone_usd=forgone_usd,
        forgone_total_usd=sum(step.forgone_usd for step in steps),
        substitution=tokens_growth_usd / forgone_usd if forgone_usd > 0 and tokens_growth_usd > 0 else None,
    )


def _read(text: str) -> list[Year]:
    """The years in their order. Raises Problems with everything that is wrong."""
    problems: list[Problem] = []
    rows = read_rows(text, NEEDED, COLUMNS, problems)
    years = sorted(((row.line, _year(row)) for row in rows), key=lambda entry: entry[1].year)
    problems += [] if problems else _order(years)
    if problems:
        raise Problems(problems)
    return [year for _, year in years]


def _steps(years: Sequence[Year]) -> tuple[Step, ...]:
    steps, market_base_usd = [], years[0].base_usd
    for before, year in pairwise(years):
        market_base_usd *= 1 + year.market_growth
        raised = (year.base_usd - before.base_usd) / before.base_usd
        more_usd = year.tokens_usd - before.tokens_usd
        steps.append(
            Step(
                year=year.year,
                raised=raised,
                market_growth=year.market_growth,
                tokens_change_usd=more_usd,
                market_base_usd=market_base_usd,
                forgone_usd=market_base_usd - year.base_usd,
                flat=more_usd > 0 and raised < FLAT_SHARE * year.market_growth,
            )
        )
    return tuple(steps)


def _longest_flat(steps: Sequence[Step]) -> list[Step]:
    """The longest run of flat years; of equally long ones the latest."""
    longest: list[Step] = []
    run: list[Step] = []
    for step in steps:
        run = [*run, step] if step.flat else []
        longest = run if run and len(run) >= len(longest) else longest
    return longest


def _year(row: Row) -> Year:
    year, base_usd = _number(row), _usd(row, "base", needed=True)
    if row.raw("base") and not base_usd and _is_nothing(row.raw("base")):
        row.wrong("base", "an amount a year above 0, such as 250000.00")
    return Year(
        year=year,
        base_usd=base_usd,
        bonus_usd=_usd(row, "bonus"),
        equity_usd=_usd(row, "equity"),
        tokens_usd=_usd(row, "tokens"),
        market_growth=_growth(row),
    )


def _is_nothing(text: str) -> bool:
    return not text.strip("$0.,")


def _usd(row: Row, field: str, *, needed: bool = False) -> float:
    return row.amount(field, needed=needed) / NANOS_PER_USD


def _number(row: Row) -> int:
    text = row.raw("year")
    if not (text.isascii() and text.isdigit() and len(text) == 4 and FIRST_YEAR <= int(text) <= LAST_YEAR):
        row.wrong("year", f"a year from {FIRST_YEAR} to {LAST_YEAR}, such as 2026")
        return 0
    return int(text)


def _growth(row: Row) -> float:
    text = row.raw("market_growth")
    found = _GROWTH.fullmatch(text)
    if text and found is None:
        row.wrong("market_growth", "a share with a percent sign, such as 3.5%, or empty")
    return float(found[1]) / 100 if found else MARKET_GROWTH


def _order(years: Sequence[tuple[int, Year]]) -> list[Problem]:
    """What is wrong with the years together: too few of them, one twice, or one left out."""
    if len(years) < 2:
        return [Problem(len(years) + 1, "year", f"{len(years)} of them", "two years or more")]
    problems = []
    for (_, before), (line, year) in pairwise(years):
        if year.year == before.year:
            problems.append(Problem(line, "year", f"{year.year} again", "in the file once"))
        elif year.year != before.year + 1:
            problems.append(Problem(line, "year", str(year.year), f"{before.year + 1}; no year may be left out"))
    return problems


def _sentences(found: History) -> list[str]:
    first, last = found.years[0], found.years[-1]
    sentences = [
        f"From {first.year} to {last.year} the base went from ${first.base_usd:,.0f} to "
        f"${last.base_usd:,.0f} ({about_share(found.base_growth)} a year, the market "
        f"{about_share(found.market_growth)}) and compute {_change(found.tokens_growth_usd)}."
    ]
    if found.forgone_usd > 0:
        sentences.append(
            f"Had the base followed the market it would be {about_usd(found.forgone_usd)} a year higher now; over "
            f"these years that is {about_usd(found.forgone_total_usd)}."
        )
    if found.substitution is not None:
        sentences.append(f"For each dollar of raise forgone came ${about(found.substitution)} of compute.")
    sentences.append(_VERDICTS[found.verdict].format(since=_span(found)))
    return sentences


def _change(change_usd: float) -> str:
    if not change_usd:
        return "did not change"
    return f"{'grew' if change_usd > 0 else 'fell'} by ${abs(change_usd):,.0f} a year"


def _span(found: History) -> str:
    return f"In {found.flat_to}" if found.flat_from == found.flat_to else f"From {found.flat_from} to {found.flat_to}"


_VERDICTS: dict[Verdict, str] = {
    "none": "There was no year in which compute grew and the base did not.",
    "watch": "{since} compute grew and the base hardly did; one year is no pattern yet, a second one would be.",
    "flat": "{since} compute grew and the base hardly did: tokens came where a raise would have been.",
}
