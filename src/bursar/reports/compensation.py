"""What somebody earns a year, with the token budget as a line of its own: its share, and its ratio to the salary.

Pay is what the roster's pay says for a day; the budget is what the person's grants promise, by their plans' schedules
and all changes that hold by then, whether it is spent or not. A day is one of UTC. Shares are in basis points.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import sqlalchemy as sa

from bursar.money import usd
from bursar.periods import from_us
from bursar.pricebooks import PriceBooks
from bursar.refusals import Refused
from bursar.reports.lots import known_person, terms_of
from bursar.store.changes import changes_of
from bursar.store.directory import Person, grants_of
from bursar.store.employment import USD, Pay, Rate, pay_of, rate_on, rates
from bursar.terms.schedules import PER_YEAR
from bursar.terms.worth import worth_at

BPS = 10_000


class BudgetLine(msgspec.Struct, frozen=True, kw_only=True):
    """One plan that the person has: its amount each period, how many of them a year has, and what a year comes to."""

    plan: str
    version: int
    schedule: str
    amount_nanos: int
    periods_a_year: int
    a_year_nanos: int


class CompensationView(msgspec.Struct, frozen=True, kw_only=True):
    """Total compensation a year, as it is on a day, in dollars.

    base + bonus + equity = pay; pay + tokens = total. What is paid is null when no pay is stored that holds on the
    day; then the total and the shares are null, too. `tokens_share_bps` is tokens / total, `tokens_to_base_bps` is
    tokens / base, rounded to the nearest basis point. `paid_in` and `rate` (dollars for a unit) tell of another
    currency that was converted, `pay_from` since when the pay holds.
    """

    person: str
    name: str
    at_us: int
    day: str
    currency: str
    pay_from: str | None
    paid_in: str | None
    rate: str | None
    base_nanos: int | None
    bonus_nanos: int | None
    equity_nanos: int | None
    pay_nanos: int | None
    tokens_nanos: int
    total_nanos: int | None
    tokens_share_bps: int | None
    tokens_to_base_bps: int | None
    budgets: tuple[BudgetLine, ...]


class PayLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid a year, from a day to a last one (null: until it changes), in the currency that it is paid in."""

    first: str
    last: str | None
    currency: str
    base_nanos: int
    bonus_nanos: int
    equity_nanos: int
    pay_nanos: int


class PeriodPay(msgspec.Struct, frozen=True, kw_only=True):
    """What the days from first to last earn of the yearly pay that holds on each of them, in dollars."""

    first: str
    last: str
    base_nanos: int
    bonus_nanos: int
    equity_nanos: int
    pay_nanos: int


class PayView(msgspec.Struct, frozen=True, kw_only=True):
    """A person's pay: its whole history, oldest first, and what a period earns of it, when one is asked for."""

    person: str
    name: str
    history: tuple[PayLine, ...]
    period: PeriodPay | None


def compensation(
    connection: sa.Connection, person_id: int, at_us: int, local: date | None = None
) -> CompensationView:
    """Total compensation a year as it is at an instant. Refused when there is no such person.

    `local` is the day that it is then where the person is paid; left out, the day is one of UTC.
    """
    person = known_person(connection, person_id)
    day = f"{from_us(at_us):%Y-%m-%d}" if local is None else local.isoformat()
    is_employed = _is_employed(person, day)
    pay = _pay_on(pay_of(connection, person_id), day) if is_employed else None
    budgets = _budgets(connection, person_id, at_us) if is_employed else ()
    tokens = sum(line.a_year_nanos for line in budgets)
    rate = None if pay is None else _rate(rates(connection), pay.currency, day)
    base, bonus, equity, paid, total = None, None, None, None, None
    if pay is not None and rate is not None:
        base, bonus, equity = (rate.convert(nanos) for nanos in (pay.base_nanos, pay.bonus_nanos, pay.equity_nanos))
        paid = base + bonus + equity
        total = paid + tokens
    return CompensationView(
        person=person.email,
        name=person.name,
        at_us=at_us,
        day=day,
        currency=USD,
        pay_from=None if pay is None else pay.from_day,
        paid_in=None if pay is None else pay.currency,
        rate=None if rate is None or rate.currency == USD else usd(rate.unit_nanos),
        base_nanos=base,
        bonus_nanos=bonus,
        equity_nanos=equity,
        pay_nanos=paid,
        tokens_nanos=tokens,
        total_nanos=total,
        tokens_share_bps=_share(tokens, total),
        tokens_to_base_bps=_share(tokens, base),
        budgets=budgets,
    )


def pay_history(connection: sa.Connection, person_id: int, period: tuple[date, date] | None = None) -> PayView:
    """A person's pay, and what the days from a first to a last one earn. Refused when there is no such person."""
    person = known_person(connection, person_id)
    found = pay_of(connection, person_id)
    earned = None
    if period is not None:
        earned = _earned(person, found, rates(connection), *period)
    return PayView(person=person.email, name=person.name, history=_history(found, person), period=earned)


def _is_employed(person: Person, day: str) -> bool:
    return (person.starts is None or person.starts <= day) and (person.ends is None or day <= person.ends)


def _pay_on(history: list[Pay], day: str) -> Pay | None:
    """The pay that holds on a day: the newest that has begun."""
    return next((pay for pay in reversed(history) if pay.from_day <= day), None)


def _rate(found: list[Rate], currency: str, day: str) -> Rate:
    rate = rate_on(found, currency, day)
    assert rate is not None, "pay is stored only when its currency has a rate from its first day on"
    return rate


def _share(part: int, whole: int | None) -> int | None:
    """A part of a whole in basis points, to the nearest; None of nothing."""
    return (part * BPS + whole // 2) // whole if whole else None


def _budgets(connection: sa.Connection, person_id: int, at_us: int) -> tuple[BudgetLine, ...]:
    """What each grant that has begun promises. One that was revoked promises nothing more, and is left out.

    So is one in tokens of a model that has no price on the day: nobody can say what it is worth then.
    """
    changed = changes_of(connection, person_id)
    prices = PriceBooks(lambda: nullcontext(connection))
    lines = []
    for grant, plan in grants_of(connection, person_id):
        terms = terms_of(plan)
        events = [change for change in changed if change.grant_id in {None, grant.id}]
        amount = 0
        with suppress(Refused):
            amount = worth_at(terms, grant.from_us, at_us, events, prices).amount_nanos
        if grant.from_us <= at_us and amount:
            a_year = PER_YEAR[terms.schedule]
            lines.append(
                BudgetLine(
                    plan=plan.name,
                    version=plan.version,
                    schedule=terms.schedule,
                    amount_nanos=amount,
                    periods_a_year=a_year,
                    a_year_nanos=amount * a_year,
                )
            )
    return tuple(lines)


def _history(found: list[Pay], person: Person) -> tuple[PayLine, ...]:
    if not found:
        return ()
    lasts = [_before(following.from_day) for following in found[1:]] + [person.ends]
    return tuple(
        PayLine(
            first=pay.from_day,
            last=last,
            currency=pay.currency,
            base_nanos=pay.base_nanos,
            bonus_nanos=pay.bonus_nanos,
            equity_nanos=pay.equity_nanos,
            pay_nanos=pay.base_nanos + pay.bonus_nanos + pay.equity_nanos,
        )
        for pay, last in zip(found, lasts, strict=True)
    )


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _earned(person: Person, history: list[Pay], known: list[Rate], first: date, last: date) -> PeriodPay:
    """What days earn: of each year's pay the days' part, so that the days of a whole year earn all of it."""
    sums = [0, 0, 0]
    cuts = {first.isoformat(), (last + timedelta(days=1)).isoformat()}
    inner = {pay.from_day for pay in history} | {rate.from_day for rate in known}
    inner |= {f"{year}-01-01" for year in range(first.year, last.year + 1)}
    inner |= {day for day in (person.starts, None if person.ends is None else _after(person.ends)) if day}
    days = sorted(cuts | {day for day in inner if min(cuts) < day < max(cuts)})
    for day, following in pairwise(days):
        pay = _pay_on(history, day) if _is_employed(person, day) else None
        if pay is not None:
            rate = _rate(known, pay.currency, day)
            for index, nanos in enumerate((pay.base_nanos, pay.bonus_nanos, pay.equity_nanos)):
                sums[index] += part_of_year(
                    rate.convert(nanos), date.fromisoformat(day), date.fromisoformat(following)
                )
    base, bonus, equity = sums
    return PeriodPay(
        first=first.isoformat(),
        last=last.isoformat(),
        base_nanos=base,
        bonus_nanos=bonus,
        equity_nanos=equity,
        pay_nanos=base + bonus + equity,
    )


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def part_of_year(a_year_nanos: int, first: date, until: date) -> int:
    """What the days of one year from the first until another earn; parts that tile the year sum to the whole."""
    new_year = date(first.year, 1, 1)
    in_year = (date(first.year + 1, 1, 1) - new_year).days
    return a_year_nanos * (until - new_year).days // in_year - a_year_nanos * (first - new_year).days // in_year
