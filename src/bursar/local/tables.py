"""Groups of calls as people ask for them: by day, month, model or session, in a time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import NamedTuple

from bursar.local.group import SLOT_US, Group

SLOT_S = SLOT_US // 1_000_000
UNNAMED = "unknown"
"""What a model is called that no line names."""


class Sum:
    """Calls added up. `cost_nanos` is of the calls that have a price, `unpriced_calls` and tokens of the others."""

    __slots__ = (
        "cache_read",
        "cache_write",
        "calls",
        "cost_nanos",
        "input",
        "last_slot",
        "output",
        "slots",
        "unpriced_calls",
        "unpriced_tokens",
    )

    def __init__(self) -> None:
        self.calls = self.input = self.cache_read = self.cache_write = self.output = 0
        self.cost_nanos = self.unpriced_calls = self.unpriced_tokens = 0
        self.last_slot = 0
        self.slots: set[int] = set()

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
        self.calls += group.calls
        self.input += group.input
        self.cache_read += group.cache_read
        self.cache_write += group.cache_write_5m + group.cache_write_1h
        self.output += group.output
        self.last_slot = max(self.last_slot, group.slot)
        self.slots.add(group.slot)
        if group.cost_nanos is None:
            self.unpriced_calls += group.calls
            self.unpriced_tokens += (
                group.input + group.cache_read + group.cache_write_5m + group.cache_write_1h + group.output
            )
        else:
            self.cost_nanos += group.cost_nanos


class Row(NamedTuple):
    """A line of a table: its name, all of it, and it by model."""

    name: str
    total: Sum
    models: dict[str, Sum]


class Calendar:
    """Which day a quarter of an hour belongs to in a time zone; None is that of this machine."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._days: dict[int, date] = {}

    def at(self, slot: int) -> datetime:
        """When a quarter of an hour begins, on the clock there."""
        return datetime.fromtimestamp(slot * SLOT_S, UTC).astimezone(self._zone)

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
            row = found[its] = Row(its, Sum(), {})
        row.total.add(group)
        model = model_name(group)
        if model not in row.models:
            row.models[model] = Sum()
        row.models[model].add(group)
    return found


def by_day(groups: Iterable[Group], calendar: Calendar) -> list[Row]:
    """A row for each day with calls, named YYYY-MM-DD, oldest first."""
    return _sorted(rows(groups, lambda group: calendar.day(group.slot).isoformat()))


def by_month(groups: Iterable[Group], calendar: Calendar) -> list[Row]:
    """A row for each month with calls, named YYYY-MM, oldest first."""
    return _sorted(rows(groups, lambda group: calendar.day(group.slot).isoformat()[:7]))


def by_model(groups: Iterable[Group]) -> list[Row]:
    """A row for each model, the dearest first."""
    return sorted(rows(groups, model_name).values(), key=lambda row: (-row.total.cost_nanos, -row.total.tokens))


def by_session(groups: Iterable[Group]) -> list[tuple[Group, Row]]:
    """A row for each session, the latest first, with one of its groups: for what all of them share."""
    some: dict[str, Group] = {}

    def name(group: Group) -> str:
        its = f"{group.source} {group.session}"
        some.setdefault(its, group)
        return its

    found = rows(groups, name)
    return sorted(
        ((some[its], row) for its, row in found.items()), key=lambda pair: (-pair[1].total.last_slot, pair[1].name)
    )


def model_name(group: Group) -> str:
    """What a model is called in tables: with its variant where that is not the usual one."""
    name = group.model or UNNAMED
    return name if group.variant == "standard" else f"{name} ({group.variant})"


def unpriced(groups: Iterable[Group]) -> dict[str, Sum]:
    """The models that have no price, and their calls."""
    found: dict[str, Sum] = {}
    for group in groups:
        if group.cost_nanos is None:
            found.setdefault(model_name(group), Sum()).add(group)
    return dict(sorted(found.items()))


def _sorted(found: Mapping[str, Row]) -> list[Row]:
    return [found[name] for name in sorted(found)]
