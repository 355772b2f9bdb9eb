"""Groups of calls as people ask for them: by day, week, month, model or session, in a time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from bursar.local.group import SLOT_US, Group

SLOT_S = SLOT_US // 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Namer = Callable[[Group], str]
UNNAMED = "unknown"
"""What a model is called that no line names."""


class Sum:
    """Calls added up. `cost_nanos` is of the calls that have a price, `unpriced_calls` and tokens of the others.

    `first_us` and `last_us` are the instants of the first and the last call, 0 where there is none.
    """

    __slots__ = (
        "cache_read",
        "cache_write",
        "calls",
        "cost_nanos",
        "first_us",
        "input",
        "last_us",
        "output",
        "unpriced_calls",
        "unpriced_tokens",
    )

    def __init__(self) -> None:
        self.calls = self.input = self.cache_read = self.cache_write = self.output = 0
        self.cost_nanos = self.unpriced_calls = self.unpriced_tokens = 0
        self.first_us = self.last_us = 0

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return self.input + self.cache_read + self.cache_write + self.output

    @property
    def cached_share(self) -> float:
        """The share of the input that came from the cache, 0 to 1."""
        all_input = self.input + self.cache_read + self.cache_write
        return self.cache_read / all_input if all_input else 0.0

    def add(self, group: Group) -> None:
        """Count a group."""
        self.first_us = min(self.first_us, group.first_us) if self.calls else group.first_us
        self.last_us = max(self.last_us, group.last_us) if self.calls else group.last_us
        self.calls += group.calls
        self.input += group.input
        self.cache_read += group.cache_read
        self.cache_write += group.cache_write_5m + group.cache_write_1h
        self.output += group.output
        if group.cost_nanos is None:
            self.unpriced_calls += group.calls
            self.unpriced_tokens += (
                group.input + group.cache_read + group.cache_write_5m + group.cache_write_1h + group.output
            )
        else:
            self.cost_nanos += group.cost_nanos

    def merge(self, other: Sum) -> None:
        """Count what is counted elsewhere."""
        if not other.calls:
            return
        self.first_us = min(self.first_us, other.first_us) if self.calls else other.first_us
        self.last_us = max(self.last_us, other.last_us) if self.calls else other.last_us
        for name in _ADDED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_ADDED = ("calls", "input", "cache_read", "cache_write", "output", "cost_nanos", "unpriced_calls", "unpriced_tokens")


class Row(NamedTuple):
    """A line of a table: its name, all of it, and it by model."""

    name: str
    total: Sum
    models: dict[str, Sum]

    @classmethod
    def empty(cls, name: str) -> Row:
        """A line with nothing in it yet."""
        return cls(name, Sum(), {})

    def add(self, group: Group) -> None:
        """Count a group."""
        self.total.add(group)
        model = model_name(group)
        if model not in self.models:
            self.models[model] = Sum()
        self.models[model].add(group)

    def merge(self, other: Row) -> None:
        """Count what is counted elsewhere."""
        self.total.merge(other.total)
        for model, its in other.models.items():
            self.models.setdefault(model, Sum()).merge(its)


class Calendar:
    """Which day a quarter of an hour belongs to in a time zone; None is that of this machine."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._days: dict[int, date] = {}

    def at(self, slot: int) -> datetime:
        """When a quarter of an hour begins, on the clock there."""
        return datetime.fromtimestamp(slot * SLOT_S, UTC).astimezone(self._zone)

    def instant(self, at_us: int) -> datetime:
        """An instant in microseconds since 1970 UTC, on the clock there."""
        return (EPOCH + timedelta(microseconds=at_us)).astimezone(self._zone)

    def day(self, slot: int) -> date:
        """The day there."""
        known = self._days.get(slot)
        if known is None:
            known = self._days[slot] = self.at(slot).date()
        return known


def within(groups: Iterable[Group], calendar: Calendar, since: date | None, until: date | None) -> Iterator[Group]:
    """The groups of the days from `since` to `until`, both included."""
    for group in groups:
        day = calendar.day(group.slot)
        if (since is None or day >= since) and (until is None or day <= until):
            yield group


def added_up(groups: Iterable[Group]) -> Sum:
    """All groups together."""
    total = Sum()
    for group in groups:
        total.add(group)
    return total


def rows(groups: Iterable[Group], name: Callable[[Group], str]) -> dict[str, Row]:
    """A row for each name, in the order in which names first come."""
    found: dict[str, Row] = {}
    for group in groups:
        its = name(group)
        row = found.get(its)
        if row is None:
            row = found[its] = Row.empty(its)
        row.add(group)
    return found


def by_day(groups: Iterable[Group], calendar: Calendar) -> list[Row]:
    """A row for each day with calls, named YYYY-MM-DD, oldest first."""
    return by_period(groups, period_name("day", calendar))


def by_month(groups: Iterable[Group], calendar: Calendar) -> list[Row]:
    """A row for each month with calls, named YYYY-MM, oldest first."""
    return by_period(groups, period_name("month", calendar))


def by_period(groups: Iterable[Group], name: Namer) -> list[Row]:
    """A row for each period with calls, oldest first."""
    return _sorted(rows(groups, name))


def period_name(unit: str, calendar: Calendar, week_begins: int = 0) -> Namer:
    """What the day, week or month of a group is called: YYYY-MM-DD, that of the week's first day, YYYY-MM.

    Weeks begin on a day counted from Monday, 0 to 6.
    """
    match unit:
        case "day":
            return lambda group: calendar.day(group.slot).isoformat()
        case "week":
            return lambda group: first_of_week(calendar.day(group.slot), week_begins).isoformat()
        case _:
            return lambda group: calendar.day(group.slot).isoformat()[:7]


def first_of_week(day: date, week_begins: int) -> date:
    """The first day of a day's week, which begins on a day counted from Monday."""
    return day - timedelta(days=(day.weekday() - week_begins) % 7)


def by_part(groups: Iterable[Group], name: Namer, part: str) -> dict[str, list[Row]]:
    """For each name its rows by PARTS, the dearest first."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(name(group), []).append(group)
    return {its: _dearest_first(rows(some, PARTS[part])) for its, some in found.items()}


def by_model(groups: Iterable[Group]) -> list[Row]:
    """A row for each model, the dearest first."""
    return _dearest_first(rows(groups, model_name))


def by_session(groups: Iterable[Group]) -> list[tuple[Group, Row]]:
    """A row for each session, the latest first, with one of its groups: for what all of them share."""
    some: dict[str, Group] = {}

    def name(group: Group) -> str:
        its = f"{group.source} {group.session}"
        some.setdefault(its, group)
        return its

    found = rows(groups, name)
    return sorted(
        ((some[its], row) for its, row in found.items()), key=lambda pair: (-pair[1].total.last_us, pair[1].name)
    )


def model_name(group: Group) -> str:
    """What a model is called in tables: with its variant where that is not the usual one."""
    name = group.model or UNNAMED
    return name if group.variant == "standard" else f"{name} ({group.variant})"


PARTS: dict[str, Namer] = {
    "project": lambda group: group.project,
    "model": model_name,
    "source": lambda group: group.source,
}
"""What periods are shown by, and what a group's part is called there."""


def unpriced(groups: Iterable[Group]) -> dict[str, Sum]:
    """The models that have no price, and their calls."""
    found: dict[str, Sum] = {}
    for group in groups:
        if group.cost_nanos is None:
            found.setdefault(model_name(group), Sum()).add(group)
    return dict(sorted(found.items()))


def _sorted(found: Mapping[str, Row]) -> list[Row]:
    return [found[name] for name in sorted(found)]


def _dearest_first(found: Mapping[str, Row]) -> list[Row]:
    return sorted(found.values(), key=lambda row: (-row.total.cost_nanos, -row.total.tokens, row.name))
