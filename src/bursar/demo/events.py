"""What happens in the demo company beside calls: a team's pool, a limit, a change with notice, agent runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bursar.books import Books, runs
from bursar.books.changes import Announcement, change_amount
from bursar.books.limits import grant_pool, set_limit
from bursar.demo.company import LIMITED, OVERNIGHT, POOLED, REDUCED, RUNS, DemoKey, DemoRun
from bursar.demo.habits import Call, calls_of
from bursar.demo.history import History
from bursar.money import parse_usd
from bursar.periods import US_PER_SECOND, Period, first_instant, from_us
from bursar.store.runs import Run

FROM_HOUR, UNTIL_HOUR = 20, 30
"""An agent run lasts from the evening until six in the morning, in hours of the day on which it begins."""
ANNOUNCED_DAY = 20
HOUR_US = 3_600 * US_PER_SECOND
ADMINISTRATOR = "administrator"


def plan_events(history: History, months: list[Period], planned: Iterable[Planned]) -> None:
    """Have a pool granted and a limit set when the company begins, a reduction announced last month, agents run."""
    begins_us = months[0].start_us
    history.at(begins_us, lambda: history.do(lambda books: grant_pool(books, *POOLED, begins_us)))
    history.at(begins_us, lambda: history.do(lambda books: set_limit(books, LIMITED)))
    history.at(months[1].start_us + (ANNOUNCED_DAY - 1) * 24 * HOUR_US, partial(_reduce, history, months[-1].end_us))
    for each in planned:
        history.at(each.starts_us, partial(_start, history, each))


def _reduce(history: History, effective_us: int) -> None:
    member, amount_nanos, why = REDUCED
    told = Announcement(person=member.email, reason=why, actor=ADMINISTRATOR, effective_us=effective_us)
    history.do(lambda books: change_amount(books, told, amount_nanos))


class Planned(NamedTuple):
    """An agent run: from when until when, and the calls that it makes."""

    run: DemoRun
    starts_us: int
    ends_us: int
    calls: list[Call]


def planned_runs(now_us: int) -> list[Planned]:
    """The agent runs of the last nights."""
    return [_planned(run, now_us) for run in RUNS]


def _planned(run: DemoRun, now_us: int) -> Planned:
    member, key = run.member, DemoKey(run.name, OVERNIGHT)
    zone = ZoneInfo(member.zone)
    day = from_us(now_us).astimezone(zone).date() - timedelta(days=run.nights_ago)
    midnight_us = first_instant(day, zone)
    starts_us, ends_us = (midnight_us + hour * HOUR_US for hour in (FROM_HOUR, UNTIL_HOUR))
    calls = list(calls_of(member, key, day))
    if run.killed_after_min is not None:
        ends_us = min(call.at_us for call in calls) + run.killed_after_min * 60 * US_PER_SECOND
    return Planned(run, starts_us, ends_us, [call for call in calls if call.ends_us < min(ends_us, now_us)])


def _start(history: History, planned: Planned) -> None:
    run, budget_nanos = planned.run, parse_usd(planned.run.budget_usd)
    started = history.do(lambda books: runs.start(books, run.member.email, budget_nanos, name=run.name))
    history.secrets[run.member.email, run.name] = started.secret
    history.at(planned.ends_us, lambda: history.do(partial(_stop, run, started.run)))


def _stop(run: DemoRun, started: Run, books: Books) -> None:
    if run.killed_after_min is not None:
        runs.kill(books, started)
    else:
        runs.end(books, started, exit_code=0)
