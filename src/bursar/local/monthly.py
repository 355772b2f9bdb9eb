"""What one's own calls cost a month, for valuing an offer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from bursar.local import cache
from bursar.local.tables import Calendar, by_month
from bursar.local.usage import roots_of, told, wanted_sources
from bursar.refusals import field_invalid


def monthly_cost_of(paths: Sequence[Path], time_zone: str | None) -> list[tuple[str, int]]:
    """See `bursar.local.monthly_cost`."""
    sources = wanted_sources(())
    found = told(sources, roots_of(sources, paths), place=cache.folder())
    if not found.groups:
        raise field_invalid("usage", ", ".join(map(str, paths)) or "nothing", "a folder with logs of a coding agent")
    costs = {
        row.name: row.total.cost_nanos
        for row in by_month(found.groups, Calendar(ZoneInfo(time_zone) if time_zone else None))
    }
    months = _months(min(costs), max(costs))
    return [(month, costs.get(month, 0)) for month in months]


def _months(first: str, last: str) -> list[str]:
    numbers = [int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last)]
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in range(numbers[0], numbers[1] + 1)]
