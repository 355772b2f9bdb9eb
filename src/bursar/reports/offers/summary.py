"""The plain words of the letter about one offer. Two significant figures; what was written down stays as written."""

from __future__ import annotations

from collections.abc import Iterator

from bursar.offers.prose import about, about_share, about_usd
from bursar.offers.results import Pressure, Valuation
from bursar.reports.offers.figures import whole
from bursar.reports.offers.words import LEVEL_WORDS, cents, span, told_of_tokens, years


def summary_of(valuation: Valuation, market: str | None) -> Iterator[str]:
    """What the figures mean, a paragraph each. `market` is a sentence on where the base stands."""
    told = valuation.headline
    paper = f"On paper this offer is {whole(told.total_usd_year)} in its first year"
    if valuation.offer.tokens is None:
        yield f"{paper}. It has no token budget."
    elif not told_of_tokens(valuation):
        yield f"{paper}. It speaks of a token budget and names no amount: here that counts as nothing."
    else:
        yield f"{paper}, and {about_share(told.tokens_share)} of that is a token budget. {_tokens(valuation)}"
        yield _use(valuation)
    if valuation.pressure is not None:
        yield _expectation(valuation.pressure)
    if market is not None:
        yield market


def _tokens(valuation: Valuation) -> str:
    base, interval = valuation.worth.break_even_base_usd_year, span(valuation.break_even_interval)
    if base < 0:
        return (
            f"To you that budget is worth less than nothing: as much as a base that is lower by {about_usd(-base)} a "
            f"year ({interval} in {LEVEL_WORDS}). It is taxed, and what it gives you does not make up for that."
        )
    dollar = cents(valuation.worth.tokens_share_of_face)
    return (
        f"To you that budget is worth as much as {about_usd(base)} more base salary a year, before tax; in "
        f"{LEVEL_WORDS}, {interval}. A dollar of it is worth {dollar} of your own money."
    )


def _use(valuation: Valuation) -> str:
    left = about_share(valuation.months[-1].survival)
    return (
        f"{_course(valuation)} People leave, and budgets are cut and revoked: after "
        f"{years(valuation.person.horizon_years)}, {left} of it is expected to be still there."
    )


def _course(valuation: Valuation) -> str:
    used, expired = about_share(valuation.used_share), about_share(valuation.breakage_share)
    if not valuation.cashed_out_share:
        return f"Of what is granted while it lasts, {used} is expected to be used and {expired} to expire."
    return (
        "Unused credit is paid out, so the value is that of the course which pays best while the budget lasts: "
        f"{used} is used, {about_share(valuation.cashed_out_share)} is paid out, {expired} expires. Your work may "
        "well ask for another one."
    )


def _expectation(pressure: Pressure) -> str:
    return (
        f"With the budget comes an expectation: {about(pressure.output_multiple)} times the output. A budget is no "
        f"raise, so that is {about(pressure.expectation)} times as much for each dollar of pay. What the tools do "
        f"not bring of it, {about_share(pressure.residual_effort)} of today's effort, is left for you to bring."
    )
