"""What a period of a plan is worth in money: tokens by the price of their model, and what an escalator makes of it.

Pure, given the prices. The product is exact and is rounded up once, at its end, to a whole nano-dollar. A change of
the amount sets it from its day on; the escalator goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from bursar.money import MAX_NANOS, SOME_MONEY, ceil_div, people_usd, usd
from bursar.refusals import Refused, Why, refuse
from bursar.terms.amounts import REVOCATIONS, Event, holding_at, holding_at_opening
from bursar.terms.fields import WHOLE_BPS
from bursar.terms.plan import BLEND_OUTPUT_BPS, Terms
from bursar.terms.schedules import local_day
from bursar.terms.vesting import vested_months
from bursar.terms.written import percent

TOKENS_PER_RATE = 1_000_000
MONTHS_A_YEAR = 12


class ModelPrice(NamedTuple):
    """What a model costs at an instant, in nano-USD per million tokens; no output price is None.

    `name` is catalog/model, `version` the price book that says so.
    """

    name: str
    version: str
    input_nanos: int
    output_nanos: int | None


class Prices(Protocol):
    """Where terms find the prices of the models that they name."""

    def of(self, model: str, at_us: int) -> ModelPrice:
        """What a model cost at an instant. Raises Refused when it had no price."""


class Worth(NamedTuple):
    """An amount in nano-USD, and how it came about; the note is empty when the plan or a change says it plainly."""

    amount_nanos: int
    note: str = ""


class _Factor(NamedTuple):
    """An exact fraction that an amount is multiplied by, and what it is in words."""

    numerator: int
    denominator: int
    note: str = ""


def worth_at_opening(terms: Terms, from_us: int, opens_us: int, events: Iterable[Event], prices: Prices) -> Worth:
    """What a lot of a grant from an instant is opened with, for a whole period; 0 when the grant was revoked before.

    Raises Refused when a model that the terms name has no price then: nothing is ever opened at zero for that.
    """
    return _worth(terms, from_us, opens_us, holding_at_opening(events, opens_us), prices)


def worth_at(terms: Terms, from_us: int, at_us: int, events: Iterable[Event], prices: Prices) -> Worth:
    """What a period is worth by what holds at an instant; 0 when the grant is revoked. Raises Refused likewise."""
    return _worth(terms, from_us, at_us, holding_at(events, at_us), prices)


def years_of(terms: Terms, from_us: int, at_us: int) -> int:
    """How many anniversaries of a grant's first day have passed; that of 29 February is 28 February, if need be."""
    begun, day = (local_day(instant_us, terms.time_zone) for instant_us in (from_us, max(from_us, at_us)))
    return vested_months(begun, day) // MONTHS_A_YEAR


def _worth(terms: Terms, from_us: int, at_us: int, last: Event | None, prices: Prices) -> Worth:
    if last is not None and last.kind in REVOCATIONS:
        return Worth(0)
    at_us, since_us = max(at_us, from_us), from_us if last is None else max(from_us, last.effective_us)
    base = _base(terms, at_us, last, prices)
    growth = _growth(terms, from_us, since_us, at_us, prices)
    amount = ceil_div(base.numerator * growth.numerator, base.denominator * growth.denominator)
    note = base.note
    if growth.note:
        note = f"{base.note}, {growth.note}" if base.note else f"{people_usd(base.numerator)} {growth.note}"
    if not amount:
        problem = f"it must be {SOME_MONEY}"
        raise Refused(refuse(Why.AMOUNT_INVALID, amount=usd(0), what=note, problem=problem))
    return Worth(min(amount, MAX_NANOS - 1), note)


def _base(terms: Terms, at_us: int, last: Event | None, prices: Prices) -> _Factor:
    """The amount before an escalator, in nano-USD."""
    if last is not None:
        assert last.amount_nanos is not None, "a raise has an amount"
        return _Factor(last.amount_nanos, 1)
    if not terms.tokens:
        return _Factor(terms.amount_nanos, 1)
    price = prices.of(terms.tokens_of, at_us)
    rate = _blended(price, terms.tokens_output_bps)
    output = f", {percent(terms.tokens_output_bps)} of them output" if terms.tokens_output_bps else ""
    note = f"{terms.tokens:,} tokens of {price.name} at ${usd(ceil_div(rate, WHOLE_BPS))} a million{output}"
    return _Factor(terms.tokens * rate, TOKENS_PER_RATE * WHOLE_BPS, f"{note}, by price book {price.version}")


def _growth(terms: Terms, from_us: int, since_us: int, at_us: int, prices: Prices) -> _Factor:
    """What an escalator makes of an amount that was set at an instant."""
    if terms.escalator_rate_bps:
        years = years_of(terms, from_us, at_us) - years_of(terms, from_us, since_us)
        if not years:
            return _Factor(1, 1)
        over = "" if years == 1 else f", compounded over {years} years"
        note = f"and {percent(terms.escalator_rate_bps)} more{over}"
        return _Factor((WHOLE_BPS + terms.escalator_rate_bps) ** years, WHOLE_BPS**years, note)
    if terms.escalator_basket:
        then, now = ([prices.of(model, us) for model in terms.escalator_basket] for us in (since_us, at_us))
        before, after = (sum(_blended(price, BLEND_OUTPUT_BPS) for price in found) for found in (then, now))
        names = ", ".join(price.name for price in now)
        if not before:
            problem = "a price to begin from must be above 0"
            raise Refused(refuse(Why.AMOUNT_INVALID, amount=usd(0), what=names, problem=problem))
        if at_us == since_us:
            return _Factor(1, 1)
        books = " and ".join(dict.fromkeys((then[0].version, now[0].version)))
        day = local_day(since_us, terms.time_zone)
        return _Factor(
            after, before, f"times {_decimal(after, before)}, the price of {names} since {day}, by {books}"
        )
    return _Factor(1, 1)


def _blended(price: ModelPrice, output_bps: int) -> int:
    """What a million tokens cost of which a part is output, times 10,000. Raises Refused without a price for it."""
    if output_bps and price.output_nanos is None:
        variant = f"{price.name} output"
        raise Refused(refuse(Why.VARIANT_NOT_PRICED, field="output", variant=variant, version=price.version))
    return price.input_nanos * (WHOLE_BPS - output_bps) + (price.output_nanos or 0) * output_bps


def _decimal(numerator: int, denominator: int) -> str:
    """A ratio with four decimals, for reading."""
    tenthousandths = (numerator * 10_000 * 2 + denominator) // (2 * denominator)
    return f"{tenthousandths // 10_000}.{tenthousandths % 10_000:04d}"
