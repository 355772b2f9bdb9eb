"""What each kind of source tells of a period, added up by day (in UTC), provider, model and person.

The gateway's calls are the journal's; telemetry's and other tools' calls are those that were brought in; a provider
reports totals, of which for each day one report of usage and one of costs is taken, so that nothing is counted twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from bursar.importers.totals import DIMENSIONS
from bursar.importers.trust import GATEWAYS, SUMS, TELEMETRY
from bursar.periods import US_PER_SECOND, from_us
from bursar.store import totals
from bursar.store.records import TRUED_UP
from bursar.store.schema import calls, people, postings, usage_heads, usage_records
from bursar.store.totals import Total

DAY_US = 86_400 * US_PER_SECOND
REPORTED = "reported"
"""The wire as which usage that others report stands among the calls."""
BY_HAND = "adjust:"
"""How the names of usage begin that somebody put down by hand, of which nobody else tells."""
TOLD, BILLED = "told", "billed"
"""States of calls that are counted as somebody else's: another source's, or the gateway's."""
USAGE_FROM = ("anthropic-usage", "openai-usage", "copilot", "focus", "anthropic-claude-code")
COST_FROM = ("anthropic-cost", "openai-costs", "copilot", "focus", "anthropic-claude-code")
PEOPLE_FROM = ("anthropic-claude-code", "copilot", "focus")
"""Whose totals are taken for a day, the first of them that has any; others come after these, by name."""
_SNAPSHOT = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_INPUT = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens")
_OUTPUT = ("output_tokens", "audio_output_tokens")


class Kind(StrEnum):
    """Who tells."""

    GATEWAY = "gateway"
    TELEMETRY = "telemetry"
    LOGS = "logs"
    OUTSIDE = "outside"
    """Telemetry and logs, each call once."""
    KNOWN = "known"
    """All of these, each call once."""
    CHARGED = "charged"
    """What of it is in the ledger: what is a memo, or nobody's, is not. Costs alone."""
    PROVIDER = "provider"


class Status(StrEnum):
    """How here and there agree."""

    MATCHED = "matched"
    ONLY_HERE = "only here"
    ONLY_THERE = "only there"
    DIFFERENT = "different"
    NOT_NAMED = "not named"
    """Of people alone: the provider tells of that day, and not of them."""


class Place(NamedTuple):
    """What something is added up for. The person is an e-mail, or what the source says; empty for nobody."""

    day: str
    catalog: str
    model: str
    person: str


class Sum(NamedTuple):
    """Calls, tokens in and out, cost in nano-USD. None is what the source says nothing of."""

    calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nanos: int | None = None

    def plus(self, other: Sum) -> Sum:
        """Both together."""
        return Sum(*(_plus(mine, theirs) for mine, theirs in zip(self, other, strict=True)))


Sums = dict[Kind, dict[Place, Sum]]


def told_by(connection: sa.Connection, start_us: int, end_us: int, catalogs: Mapping[str, str]) -> Sums:
    """What all sources tell of `start_us <= t < end_us`, which are days' bounds in UTC.

    `catalogs` are the price book's names of the providers of the configuration, by their names there.
    """
    found: Sums = {kind: {} for kind in Kind}
    in_journal = _Calls(connection, start_us, end_us, catalogs)
    for place, total in _gateway(in_journal):
        _add(found[Kind.GATEWAY], place, total)
        _add(found[Kind.KNOWN], place, total)
        _add(found[Kind.CHARGED], place, Sum(cost_nanos=total.cost_nanos))
    for place, total in _by_hand(in_journal):
        _add(found[Kind.CHARGED], place, total)
    for kind, state, place, total, charged_nanos in _brought_in(connection, start_us, end_us):
        _add(found[kind], place, total)
        if charged_nanos:
            _add(found[Kind.CHARGED], place, Sum(cost_nanos=charged_nanos))
        if state != TOLD:
            _add(found[Kind.OUTSIDE], place, total)
        if state not in {TOLD, BILLED}:
            _add(found[Kind.KNOWN], place, total)
    for place, total in _of_provider(reported(connection, start_us, end_us)):
        _add(found[Kind.PROVIDER], place, total)
    return found


def plain_model(model: str) -> str:
    """A model without the day of its snapshot: reports name that, and calls what was asked for."""
    return _SNAPSHOT.sub("", model.strip())


# --- the gateway, and what was brought in ---------------------------------------------------------------------


class _Calls(NamedTuple):
    """The calls in the journal that ended in a time."""

    connection: sa.Connection
    start_us: int
    end_us: int
    catalogs: Mapping[str, str]

    def summed(
        self, these: sa.ColumnElement[bool], *columns: sa.ColumnElement[int]
    ) -> Iterator[tuple[Place, list[int]]]:
        """Some numbers of some of them."""
        day = calls.c.ended_us // DAY_US
        by = (day, calls.c.provider, calls.c.model, people.c.email)
        query = (
            sa.select(*by, *columns)
            .join(people, people.c.id == calls.c.person_id)
            .where(calls.c.ended_us >= self.start_us, calls.c.ended_us < self.end_us, these)
            .group_by(*by)
        )
        for number, provider, model, email, *numbers in self.connection.execute(query):
            catalog = self.catalogs.get(provider, provider)
            yield Place(_day(number * DAY_US), catalog, plain_model(model), email), [int(each) for each in numbers]


def _gateway(found: _Calls) -> Iterator[tuple[Place, Sum]]:
    """What calls used and were charged; then what was taken back of those that had been charged at their bounds."""
    these = sa.and_(calls.c.wire != REPORTED, calls.c.outcome != "released")
    count = _sum(sa.case((calls.c.outcome == TRUED_UP, 0), else_=1))
    for place, (number, into, out, cost) in found.summed(these, count, *_sums(calls)[1:], _sum(calls.c.cost_nanos)):
        yield place, Sum(number, into, out, cost)
    back = sa.literal("correct:call:").concat(sa.cast(calls.c.posting_id, sa.Text))
    taken_back = sa.select(postings.c.amount_nanos).where(postings.c.op == back).scalar_subquery()
    provisional = sa.and_(calls.c.wire != REPORTED, calls.c.outcome == "provisional")
    for place, (nanos,) in found.summed(provisional, _sum(sa.func.coalesce(taken_back, 0))):
        if nanos:
            yield place, Sum(cost_nanos=-nanos)


def _by_hand(found: _Calls) -> Iterator[tuple[Place, Sum]]:
    these = sa.and_(calls.c.wire == REPORTED, calls.c.hold_id.startswith(BY_HAND))
    for place, (nanos,) in found.summed(these, _sum(calls.c.cost_nanos)):
        yield place, Sum(cost_nanos=nanos)


def _brought_in(connection: sa.Connection, start_us: int, end_us: int) -> Iterator[tuple[Kind, str, Place, Sum, int]]:
    """By source and by what its calls have come to; last what is charged for them, in nano-USD."""
    record = usage_records.c
    person = sa.func.coalesce(people.c.email, record.person)
    day = record.at_us // DAY_US
    by = (record.source, day, record.catalog, record.model, person, usage_heads.c.state)
    query = (
        sa.select(*by, _sum(usage_heads.c.charged_nanos), *_sums(usage_records), _sum(record.cost_nanos))
        .join(usage_heads, usage_heads.c.record_id == record.id)
        .outerjoin(people, people.c.id == record.person_id)
        .where(record.at_us >= start_us, record.at_us < end_us, record.source.not_in(SUMS))
        .group_by(*by)
    )
    for source, number, catalog, model, whose, state, charged, count, into, out, cost in connection.execute(query):
        kind = Kind.TELEMETRY if source in TELEMETRY | GATEWAYS else Kind.LOGS
        place = Place(_day(number * DAY_US), catalog, plain_model(model), whose)
        told = Sum(int(count), int(into), int(out), None if cost is None else int(cost))
        yield kind, state, place, told, int(charged)


def _sums(table: sa.Table) -> tuple[sa.ColumnElement[int], ...]:
    return (
        sa.func.count(),
        _sum(sum((table.c[name] for name in _INPUT[1:]), table.c[_INPUT[0]])),
        _sum(sum((table.c[name] for name in _OUTPUT[1:]), table.c[_OUTPUT[0]])),
    )


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.sum(column)


# --- the provider's reports -----------------------------------------------------------------------------------


class Reported(NamedTuple):
    """What counts of what a provider tells of a day: usage of one report, costs of one, and people of one that names
    any, of the same calls.
    """

    day: str
    catalog: str
    usage: Sequence[Total]
    costs: Sequence[Total]
    people: Sequence[Total]


def reported(connection: sa.Connection, start_us: int, end_us: int) -> Iterator[Reported]:
    """What providers tell of each day of a time."""
    days: defaultdict[tuple[str, str], defaultdict[str, list[Total]]] = defaultdict(lambda: defaultdict(list))
    for total in _one_report(totals.between(connection, start_us, end_us)):
        days[_day(total.starts_us), total.catalog][total.source].append(total)
    for (day, catalog), by_source in days.items():
        yield Reported(
            day,
            catalog,
            by_source[_first(by_source, USAGE_FROM, lambda one: one.tokens > 0)],
            by_source[_first(by_source, COST_FROM, lambda one: one.cost_nanos is not None)],
            by_source[_first(by_source, PEOPLE_FROM, _names_somebody)],
        )


def _of_provider(found: Iterable[Reported]) -> Iterator[tuple[Place, Sum]]:
    for day, catalog, usage, costs, people_named in found:
        for total in usage:
            used = Sum(total.requests, _tokens(total, _INPUT), _tokens(total, _OUTPUT))
            yield Place(day, catalog, plain_model(total.model), ""), used
        for total in costs:
            yield Place(day, catalog, plain_model(total.model), ""), Sum(cost_nanos=total.cost_nanos)
        for total in people_named:
            if total.person:
                used = Sum(total.requests, _tokens(total, _INPUT), _tokens(total, _OUTPUT), total.cost_nanos)
                yield Place(day, catalog, plain_model(total.model), total.person.lower()), used


def _names_somebody(total: Total) -> bool:
    """Whether a total is of somebody with a name: others have numbers of the provider's own."""
    return "@" in total.person or (bool(total.person) and total.source in PEOPLE_FROM)


def _one_report(found: Iterable[Total]) -> Iterator[Total]:
    """Of reports of one source that tell of the same day in other spans, or grouped otherwise, one each.

    Of spans the longest; of groupings the one that tells most, else the one with the most dimensions.
    """
    widths: dict[tuple[str, str, str], int] = {}
    for total in (found := list(found)):
        day = (total.source, total.catalog, _day(total.starts_us))
        widths[day] = max(widths.get(day, 0), total.ends_us - total.starts_us)
    spans: defaultdict[tuple[str, str, int, int], defaultdict[str, list[Total]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for total in found:
        if total.ends_us - total.starts_us == widths[total.source, total.catalog, _day(total.starts_us)]:
            span = (total.source, total.catalog, total.starts_us, total.ends_us)
            spans[span][total.grouping].append(total)
    for groupings in spans.values():
        yield from groupings[max(groupings, key=lambda name: _tells(name, groupings[name]))]


def _tells(grouping: str, found: Sequence[Total]) -> tuple[int, int, int, str]:
    tokens = sum(total.tokens for total in found)
    cost = sum(total.cost_nanos or 0 for total in found)
    return tokens, cost, sum(name in grouping.split(",") for name in DIMENSIONS), grouping


def _first(by_source: Mapping[str, Sequence[Total]], order: Sequence[str], tells: Callable[[Total], bool]) -> str:
    """The source that is taken: the first of an order that tells anything, else the first other one by name."""
    has = [source for source, found in by_source.items() if any(map(tells, found))]
    return min(has, key=lambda name: (order.index(name) if name in order else len(order), name), default="")


def _tokens(total: Total, names: Sequence[str]) -> int:
    return sum(getattr(total, name) for name in names)


def _day(instant_us: int) -> str:
    return f"{from_us(instant_us):%Y-%m-%d}"


def _add(sums: dict[Place, Sum], place: Place, total: Sum) -> None:
    known = sums.get(place)
    sums[place] = total if known is None else known.plus(total)


def _plus(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
