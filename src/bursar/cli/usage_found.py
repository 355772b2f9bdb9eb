"""What the logs of this machine tell to somebody who asked, as rows and as JSON."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from bursar.cli.again import Seen, looked_at
from bursar.cli.show import progress
from bursar.cli.usage_asked import Asked, View
from bursar.local import cache
from bursar.local.group import Group
from bursar.local.tables import (
    Calendar,
    Row,
    Sum,
    added_up,
    by_model,
    by_part,
    by_period,
    by_session,
    period_name,
    rows,
    unpriced,
    within,
)
from bursar.local.usage import Told, looked_into, roots_of, told, wanted_sources
from bursar.money import usd

PATIENCE_S = 1.0
"""What takes longer than that shows how far it is."""
MOST_BROKEN = 100
"""Broken lines in JSON; all are counted."""


class Found(NamedTuple):
    """What was asked and what was found: all groups, and those of the days that were asked for."""

    asked: Asked
    told: Told
    calendar: Calendar
    groups: list[Group]
    titles: dict[str, str]
    seen: Seen

    def periods(self, view: View) -> list[Row]:
        """A row for each day, week or month with calls."""
        found = by_period(self.groups, period_name(view.unit, self.calendar, view.week_begins))
        return found[::-1] if view.latest_first else found

    def parts(self, view: View) -> dict[str, list[Row]]:
        """The rows by part of each period, the dearest first; none where nobody wants them."""
        if view.by is None:
            return {}
        return by_part(self.groups, period_name(view.unit, self.calendar, view.week_begins), view.by)

    def sessions(self, order: str = "latest") -> list[tuple[Group, Row]]:
        """A row for each session with one of its groups, the latest, the oldest or the dearest first."""
        found = by_session(self.groups)
        if order == "dearest":
            return sorted(found, key=lambda pair: (-pair[1].total.cost_nanos, -pair[1].total.tokens))
        return found[::-1] if order == "oldest" else found

    def models(self) -> list[Row]:
        """A row for each model, the dearest first."""
        return by_model(self.groups)

    def of_today(self) -> list[Group]:
        """Today's groups."""
        return list(within(self.told.groups, self.calendar, self.asked.today, self.asked.today))

    def of_days(self, first: int, last: int) -> list[Group]:
        """The groups of days so many ago, both included."""
        today = self.asked.today
        return list(
            within(self.told.groups, self.calendar, today - timedelta(days=first), today - timedelta(days=last))
        )

    def hours(self) -> list[int]:
        """What each of today's hours cost, in nano-USD, on the clock there."""
        hours = [0] * 24
        for group in self.of_today():
            hours[self.calendar.at(group.slot).hour] += group.cost_nanos or 0
        return hours

    def periods_json(self, view: View) -> dict[str, Any]:
        """Days, weeks or months as JSON, each with its parts if they are wanted; with its models it is always."""
        parts = self.parts(view)
        listed = []
        for row in self.periods(view):
            told = row_json(view.unit, row)
            if view.by in {"project", "source"}:
                told[f"{view.by}s"] = [{view.by: part.name} | sum_json(part.total) for part in parts[row.name]]
            listed.append(told)
        return self.head() | {f"{view.unit}s": listed} | self.foot()

    def models_json(self) -> dict[str, Any]:
        """Models as JSON."""
        listed = [{"model": row.name} | sum_json(row.total) for row in self.models()]
        return self.head() | {"models": listed} | self.foot()

    def sessions_json(self, order: str, limit: int) -> dict[str, Any]:
        """Sessions as JSON."""
        listed = [self.session_json(group, row) for group, row in self.sessions(order)[:limit]]
        return self.head() | {"sessions": listed} | self.foot()

    def session_json(self, group: Group, row: Row) -> dict[str, Any]:
        """A session as JSON."""
        return {
            "session": group.session,
            "source": group.source,
            "project": group.project,
            "first": self.time_json(row.total.first_us),
            "last": self.time_json(row.total.last_us),
        } | row_json("", row)

    def time_json(self, at_us: int) -> str:
        """An instant on the clock there."""
        return self.calendar.instant(at_us).isoformat(timespec="seconds")

    def today_json(self) -> dict[str, Any]:
        """Today as JSON."""
        groups = self.of_today()
        name = self.asked.today.isoformat()
        only = rows(groups, lambda group: name).get(name) or Row.empty(name)
        return row_json("day", only) | {
            "hours": [usd(nanos) for nanos in self.hours()],
            "yesterday": sum_json(added_up(self.of_days(1, 1))),
            "last_30_days": sum_json(added_up(self.of_days(29, 0))),
            "prices": self.told.prices,
        }

    def head(self) -> dict[str, Any]:
        """What JSON begins with: what was asked."""
        asked = self.asked
        return {
            "since": asked.since and asked.since.isoformat(),
            "until": asked.until and asked.until.isoformat(),
            "project": asked.project,
            "time_zone": asked.zone.key if asked.zone else None,
            "prices": self.told.prices,
            "files": self.told.files,
        }

    def foot(self) -> dict[str, Any]:
        """What JSON ends with: all together, and what could not be priced or read."""
        told = self.told
        return {
            "total": sum_json(added_up(self.groups)),
            "unpriced": [{"model": name} | sum_json(its) for name, its in unpriced(self.groups).items()],
            "broken_lines": len(told.broken),
            "broken": [
                {"file": one.file, "line": one.line, "reason": one.reason}
                for one in (*told.unread, *told.broken[:MOST_BROKEN])
            ],
        }


def find(asked: Asked, *, cached: bool, quiet: bool) -> Found:
    """Read the logs. Shows how far it is where that takes longer than a second. Raises Refused."""
    sources = wanted_sources(asked.sources)
    roots = roots_of(sources, asked.paths)
    seen = looked_at(looked_into(sources, roots), [root for some in roots.values() for root in some])
    place = cache.folder() if cached else None
    if quiet:
        found = told(sources, roots, place=place)
    else:
        with _Patience() as patience:
            found = told(sources, roots, patience.saw, place)
    calendar = Calendar(asked.zone)
    groups = [
        group
        for group in within(found.groups, calendar, asked.since, asked.until)
        if asked.project is None or asked.project in {group.project, project_name(group.project)}
    ]
    titles = {name: source.title for name, source in sources.items()}
    return Found(asked, found, calendar, groups, titles, seen)


class _Patience:
    """A bar that comes when somebody has waited for a second."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()
        self._bar: Any = None
        self._report: Any = None

    def __enter__(self) -> _Patience:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*problem)

    def saw(self, done: int, total: int) -> None:
        """Note how many bytes are read, of how many."""
        if self._bar is None:
            if time.monotonic() - self._since_s < PATIENCE_S:
                return
            self._bar = progress("Reading logs", in_bytes=True)
            self._report = self._bar.__enter__()
        self._report(done, total)


def short_model(name: str) -> str:
    """A model's name as people say it: "opus-4-5", "gpt-5.2-codex"."""
    name = name.removeprefix("claude-")
    head, _, tail = name.rpartition("-")
    return head if len(tail) == len("20260101") and tail.isdigit() else name


def project_name(project: str) -> str:
    """A project's own folder, of its path."""
    return Path(project).name or project


def row_json(what: str, row: Row) -> dict[str, Any]:
    """A row as JSON, its name under `what`, with its models, the dearest first."""
    named = {what: row.name} if what else {}
    models = sorted(row.models.items(), key=lambda pair: -pair[1].cost_nanos)
    return named | sum_json(row.total) | {"models": [{"model": name} | sum_json(its) for name, its in models]}


def sum_json(its: Sum) -> dict[str, Any]:
    """`cost` is of the calls that have a price; null when none has."""
    has_price = its.calls > its.unpriced_calls or not its.calls
    return {
        "calls": its.calls,
        "input_tokens": its.input,
        "cache_read_tokens": its.cache_read,
        "cache_write_tokens": its.cache_write,
        "output_tokens": its.output,
        "total_tokens": its.tokens,
        "cost": usd(its.cost_nanos) if has_price else None,
        "unpriced_calls": its.unpriced_calls,
        "unpriced_tokens": its.unpriced_tokens,
    }
