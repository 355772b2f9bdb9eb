"""The books beside what others tell: gateway, telemetry, other tools' logs and the provider's report, line by line.

A line is a day, a provider and a model; below it stand the people. *Here* is what is known of single calls, each
once: the gateway's, and what was brought in of others. *There* is the provider's report, where it tells of that day;
where it does not, it is what was brought in, and here the gateway alone. A person is compared where the report names
people.

The residual of a provider is what it billed beyond what the books have charged, over the days that its costs are told
of. Once it is posted, the books come to the provider's report, to the nano-dollar.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import reduce

import msgspec
import sqlalchemy as sa

from bursar.periods import Daily, Monthly, Period
from bursar.pricing.book import PriceBook
from bursar.refusals import field_invalid
from bursar.reports.next_steps import next_steps
from bursar.reports.priced import ModelPrice, model_prices
from bursar.reports.told_by import Kind, Place, Status, Sum, Sums, reported, told_by
from bursar.store.residuals import residual_lots

ROUNDING_NANOS = 10_000
"""What a provider's own rounding may come to on a line, besides a nano-dollar for each call."""
UTC = "UTC"
NOTHING = Sum()


class SumView(msgspec.Struct, frozen=True):
    """Calls, tokens in and out, and cost; null is what the source says nothing of."""

    calls: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nanos: int | None


class PersonLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one person's use of a model on a day. `person` is an e-mail, or what the source calls them."""

    person: str
    gateway: SumView
    telemetry: SumView
    logs: SumView
    reported: SumView
    status: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A day, a provider and a model. `known` is what single calls come to, each once, whoever tells of it; `reported`
    is what the provider tells.

    `tokens_apart` and `cost_apart_nanos` are what there is beyond here; null where one of them says nothing.
    """

    day: str
    provider: str
    model: str
    gateway: SumView
    telemetry: SumView
    logs: SumView
    known: SumView
    reported: SumView
    status: str
    tokens_apart: int | None
    cost_apart_nanos: int | None
    people: tuple[PersonLine, ...]


class Residual(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider billed beyond what the books have charged, on so many days whose costs it tells.

    `days_not_told` are those on which calls are known, and whose costs it does not tell: they are no part of this.
    `here_nanos` is what is known of calls, `charged_nanos` what of it is charged: not what a plan takes as a memo,
    nor what nobody is known for. `posted_nanos` is what was put down of the residual before, so `left_nanos` is to
    be, and `books_nanos` is what the books come to as they are: charged and posted.
    """

    provider: str
    days: int
    days_not_told: int
    here_nanos: int
    charged_nanos: int
    there_nanos: int
    residual_nanos: int
    posted_nanos: int
    left_nanos: int
    books_nanos: int


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """A period in UTC. The counts are of lines; `next` says what there is to do, in sentences."""

    period: str
    starts_us: int
    ends_us: int
    matched: int
    only_here: int
    only_there: int
    different: int
    lines: tuple[Line, ...]
    residuals: tuple[Residual, ...]
    prices: tuple[ModelPrice, ...]
    next: tuple[str, ...]


def period_named(label: str) -> Period:
    """A month, or a day, in UTC. Refused by the field's name when it is neither."""
    for schedule in (Monthly(UTC), Daily(UTC)):
        try:
            return schedule.named(label)
        except (ValueError, OverflowError):
            continue
    raise field_invalid("period", repr(label), "a month like 2026-11, or a day like 2026-11-03")


def reconciliation(
    connection: sa.Connection,
    period: Period,
    catalogs: Mapping[str, str],
    book: PriceBook,
    *,
    provider: str | None = None,
) -> Reconciliation:
    """All lines of a period, of one provider by the price book's name, or of all.

    `catalogs` are those names of the configuration's providers, by their names there; by `book` the usage that
    providers report is priced.
    """
    sums = told_by(connection, period.start_us, period.end_us, catalogs)
    if provider is not None:
        sums = {
            kind: {at: told for at, told in found.items() if at.catalog == provider} for kind, found in sums.items()
        }
    lines = _lines(sums)
    counts = Counter(line.status for line in lines)
    residuals = tuple(_residuals(connection, period, sums))
    told = reported(connection, period.start_us, period.end_us)
    prices = tuple(each for each in model_prices(told, book) if provider in {None, each.provider})
    return Reconciliation(
        period=period.label,
        starts_us=period.start_us,
        ends_us=period.end_us,
        matched=counts[Status.MATCHED],
        only_here=counts[Status.ONLY_HERE],
        only_there=counts[Status.ONLY_THERE],
        different=counts[Status.DIFFERENT],
        lines=tuple(lines),
        residuals=residuals,
        prices=prices,
        next=tuple(next_steps(period.label, lines, residuals, prices)),
    )


# --- lines ----------------------------------------------------------------------------------------------------


def _lines(sums: Sums) -> list[Line]:
    people: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for kind, found in sums.items():
        for place in found if kind is not Kind.CHARGED else ():
            people[place[:3]].add(place.person)
    covered = {(place.day, place.catalog) for place in sums[Kind.PROVIDER] if not place.person}
    named = {(place.day, place.catalog) for place in sums[Kind.PROVIDER] if place.person}
    return [
        _line(sums, at, sorted(people[at]), is_covered=at[:2] in covered, names_people=at[:2] in named)
        for at in sorted(people)
    ]


def _line(
    sums: Sums, at: tuple[str, str, str], people: Iterable[str], *, is_covered: bool, names_people: bool
) -> Line:
    each = {
        kind: reduce(Sum.plus, (sums[kind].get(Place(*at, person), NOTHING) for person in people), NOTHING)
        for kind in Kind
        if kind is not Kind.PROVIDER
    }
    provider = sums[Kind.PROVIDER].get(Place(*at, ""), NOTHING)
    here, there = (each[Kind.KNOWN], provider) if is_covered else (each[Kind.GATEWAY], each[Kind.OUTSIDE])
    day, catalog, model = at
    return Line(
        day=day,
        provider=catalog,
        model=model,
        gateway=_view(each[Kind.GATEWAY]),
        telemetry=_view(each[Kind.TELEMETRY]),
        logs=_view(each[Kind.LOGS]),
        known=_view(each[Kind.KNOWN]),
        reported=_view(provider),
        status=_status(here, there),
        tokens_apart=_apart(_tokens(here), _tokens(there)),
        cost_apart_nanos=_apart(here.cost_nanos, there.cost_nanos),
        people=tuple(
            _person(sums, Place(*at, person), is_covered=is_covered, names_people=names_people)
            for person in people
            if person or any(sums[kind].get(Place(*at, "")) for kind in Kind if kind is not Kind.PROVIDER)
        ),
    )


def _person(sums: Sums, place: Place, *, is_covered: bool, names_people: bool) -> PersonLine:
    each = {kind: sums[kind].get(place, NOTHING) for kind in Kind}
    provider = each[Kind.PROVIDER] if place.person else NOTHING
    here, there = (each[Kind.KNOWN], provider) if names_people else (each[Kind.GATEWAY], each[Kind.OUTSIDE])
    return PersonLine(
        person=place.person,
        gateway=_view(each[Kind.GATEWAY]),
        telemetry=_view(each[Kind.TELEMETRY]),
        logs=_view(each[Kind.LOGS]),
        reported=_view(provider),
        status=Status.NOT_NAMED if is_covered and not names_people else _status(here, there),
    )


def _status(here: Sum, there: Sum) -> Status:
    if not any(there):
        return Status.ONLY_HERE
    if not any(here):
        return Status.ONLY_THERE
    tokens, cost = _apart(_tokens(here), _tokens(there)), _apart(here.cost_nanos, there.cost_nanos)
    if tokens is None and cost is None:
        return Status.DIFFERENT
    rounding = ROUNDING_NANOS + (here.calls or 0)
    return Status.MATCHED if not tokens and abs(cost or 0) <= rounding else Status.DIFFERENT


def _tokens(told: Sum) -> int | None:
    if told.input_tokens is None and told.output_tokens is None:
        return None
    return (told.input_tokens or 0) + (told.output_tokens or 0)


def _apart(here: int | None, there: int | None) -> int | None:
    return None if here is None or there is None else there - here


def _view(told: Sum) -> SumView:
    return SumView(*told)


# --- residuals ------------------------------------------------------------------------------------------------


def _residuals(connection: sa.Connection, period: Period, sums: Sums) -> Iterable[Residual]:
    there = {
        place: told.cost_nanos
        for place, told in sums[Kind.PROVIDER].items()
        if not place.person and told.cost_nanos is not None
    }
    for catalog in sorted({place.catalog for place in there}):
        days = {place.day for place in there if place.catalog == catalog}
        theirs = sum(nanos for place, nanos in there.items() if place.catalog == catalog)
        known, charged = (
            sum(
                told.cost_nanos or 0
                for place, told in sums[kind].items()
                if place.catalog == catalog and place.day in days
            )
            for kind in (Kind.KNOWN, Kind.CHARGED)
        )
        posted = sum(lot.nanos for lot in residual_lots(connection, catalog, period.label))
        yield Residual(
            provider=catalog,
            days=len(days),
            days_not_told=len({place.day for place in sums[Kind.KNOWN] if place.catalog == catalog} - days),
            here_nanos=known,
            charged_nanos=charged,
            there_nanos=theirs,
            residual_nanos=theirs - charged,
            posted_nanos=posted,
            left_nanos=theirs - charged - posted,
            books_nanos=charged + posted,
        )
