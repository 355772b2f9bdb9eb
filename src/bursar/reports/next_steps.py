"""What a reconciliation leaves to be done, in sentences: most important first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bursar.money import people_usd
from bursar.reports.told_by import Status
from bursar.reports.words import clean, count

if TYPE_CHECKING:
    from bursar.reports.priced import ModelPrice
    from bursar.reports.reconciliation import Line, Residual

FETCHED = ("anthropic", "openai")
"""Providers whose reports `bursar import` fetches by itself."""
MONTH_LENGTH = len("2026-11")
TELLING_PERMILLE = 10
"""A price that is apart by less than this is told in the table, and is nothing to be done about."""


def next_steps(
    period: str, lines: Sequence[Line], residuals: Sequence[Residual], prices: Sequence[ModelPrice]
) -> Iterator[str]:
    """What to look at, and which command does what is to be done. Nothing when all of it agrees."""
    told = {each.provider: each for each in residuals}
    for provider in sorted({line.provider for line in lines}):
        of_it = [line for line in lines if line.provider == provider]
        if provider in told:
            yield from _of_bill(period, told[provider], of_it)
        else:
            yield _not_told(period, provider)
    yield from _of_prices(prices)


def _of_bill(period: str, bill: Residual, lines: Sequence[Line]) -> Iterator[str]:
    name = clean(bill.provider)
    if bill.days_not_told:
        days = count(bill.days_not_told, "day")
        yield f"{name} tells no costs of {days} with calls that are known here: bring its report in again."
    there = [line for line in lines if line.status == Status.ONLY_THERE]
    if there:
        yield (
            f"{_lines(there, 'stands', 'stand')} only in {name}'s report: somebody used the organisation's key past "
            "the gateway. The report by key tells whose it was; or bring in their tools' logs."
        )
    days_told = {line.day for line in lines if line.reported.cost_nanos is not None}
    here = [line for line in lines if line.status == Status.ONLY_HERE and line.day in days_told]
    if here:
        yield (
            f"{_lines(here, 'is', 'are')} known here, and {name} does not tell of it: a day may not have been over "
            "when the report was made, or the calls went to another account."
        )
    if bill.here_nanos > bill.charged_nanos:
        memo = people_usd(bill.here_nanos - bill.charged_nanos)
        yield (
            f"{memo} of {name}'s calls are known and charged to no budget: plans that take them as a memo, people "
            "whom nobody knows. They are a part of the residual."
        )
    if bill.left_nanos:
        yield _to_post(period, bill, name)


def _to_post(period: str, bill: Residual, name: str) -> str:
    more = "more" if bill.left_nanos > 0 else "less"
    said = f"{name} billed {people_usd(abs(bill.left_nanos))} {more} than is in the books."
    if len(period) != MONTH_LENGTH:
        return f"{said} Residuals are put down by the month."
    return f"{said} When it is explained: bursar reconcile --period {period} --provider {name} --post"


def _not_told(period: str, provider: str) -> str:
    name = clean(provider) or "a provider without a name"
    said = f"No costs of {name} are brought in for {period}, so nothing says what it billed"
    return f"{said}: bursar import {name}" if provider in FETCHED else f"{said}."


def _of_prices(prices: Sequence[ModelPrice]) -> Iterator[str]:
    apart = [each for each in prices if abs(each.apart_permille or 0) >= TELLING_PERMILLE]
    if apart:
        yield (
            f"{count(len(apart), 'model')} of the bills {'has' if len(apart) == 1 else 'have'} other prices than the "
            "price book: a discount, or a price to put into prices.toml."
        )


def _lines(lines: Sequence[Line], one: str, more: str) -> str:
    nanos = sum((line.reported.cost_nanos or 0) or (line.known.cost_nanos or 0) for line in lines)
    said = f"{count(len(lines), 'line')} ({people_usd(nanos)})" if nanos else count(len(lines), "line")
    return f"{said} {one if len(lines) == 1 else more}"
