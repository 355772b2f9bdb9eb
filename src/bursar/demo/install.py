"""Installs the demo company into an empty database: some weeks of its life, up to now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from bursar.books import Books
from bursar.demo.company import LENA, PEOPLE, PLANS, SHOWN, SPENT, ZONE, Member
from bursar.demo.elsewhere import bring_in
from bursar.demo.events import Planned, plan_events, planned_runs
from bursar.demo.habits import Call, calls_of, days
from bursar.demo.history import History
from bursar.demo.shown import Demo, keep_demo
from bursar.money import parse_usd
from bursar.periods import Monthly, Period, first_instant, from_us
from bursar.pricing.book import PriceBook
from bursar.refusals import Refused, Why, refuse
from bursar.store import directory
from bursar.store.database import Database
from bursar.terms.plan import read_plan

JOINING_DAY = 17


def install(
    folder: Path, database: Database, prices: PriceBook, now_us: int, on_progress: Callable[[int, int], None]
) -> Demo:
    """Install the demo company: its people, plans, grants, keys, and history from the month before last until now.

    `database` is migrated, has nobody in it and, on SQLite, no other journal on it: ids are counted by the one that
    writes. It is left without connections and can be used on. Everything is the same for the same instant, but for
    keys' secrets and calls' ids. `on_progress` gets the calls that were made and their number. Raises
    Refused(DATA_FOLDER) when there are people.
    """
    with database.reading() as connection:
        if directory.has_people(connection):
            problem = "has people in it, and demo data never mixes with real data"
            raise Refused(refuse(Why.DATA_FOLDER, folder=folder, problem=problem))
    months = _months(now_us)
    planned = planned_runs(now_us)
    calls = _calls(months, now_us, planned)
    on_progress(0, len(calls))
    history = History(database, prices, months[0].start_us, lambda done: on_progress(done, len(calls)))
    try:
        for text in PLANS:
            history.books.add_plan(read_plan(text))
        for month in months[1:]:
            history.at(month.start_us, lambda: history.do(Books.bring_up))
        for member in PEOPLE:
            joined_us = _joined_us(member, months)
            history.at(joined_us, partial(_join, history, member, joined_us))
        plan_events(history, months, planned)
        for call in calls:
            history.call(call)
        history.run(now_us)
        history.do(Books.bring_up)
        reported_month = bring_in(history.books, folder, history.billed, from_us(now_us).date())
        history.do(Books.bring_up)
        demo = Demo(
            person=SHOWN.email,
            key=_secret(history, SHOWN),
            spent_person=SPENT.email,
            spent_key=_secret(history, SPENT),
            pooled_person=LENA.email,
            pooled_month=months[1].label,
            month=reported_month,
        )
    finally:
        history.close()
    keep_demo(folder, demo)
    return demo


def _months(now_us: int) -> list[Period]:
    """The month before last, the last one, and this one, as the company sees the calendar."""
    schedule = Monthly(ZONE)
    months = [schedule.at(now_us)]
    for _ in range(2):
        months.insert(0, schedule.at(months[0].start_us - 1))
    return months


def _calls(months: list[Period], now_us: int, planned: Iterable[Planned]) -> list[Call]:
    """Everybody's calls that have ended by now, in the order in which they begin."""
    calls = [
        call
        for member in PEOPLE
        for key in member.keys
        for day in days(_local(_joined_us(member, months), member), _local(now_us, member))
        for call in calls_of(member, key, day)
        if call.ends_us <= now_us and call.at_us >= months[0].start_us
    ]
    calls += [call for each in planned for call in each.calls]
    return sorted(calls, key=lambda call: call.at_us)


def _joined_us(member: Member, months: list[Period]) -> int:
    if not member.joined_late:
        return months[0].start_us
    first = _local(months[1].start_us, member)
    return first_instant(first.replace(day=JOINING_DAY), ZoneInfo(ZONE))


def _local(instant_us: int, member: Member) -> date:
    return from_us(instant_us).astimezone(ZoneInfo(member.zone)).date()


def _join(history: History, member: Member, from_instant_us: int) -> None:
    """Somebody comes: into the directory, onto a plan, with their keys."""

    def join(books: Books) -> None:
        books.add_person(member.email, member.name, member.team)
        books.grant(member.email, member.plan, from_instant_us)
        for key in member.keys:
            limit = None if key.limit_usd is None else parse_usd(key.limit_usd)
            made = books.create_key(member.email, key.name, limit_nanos=limit, personal=key.is_personal)
            history.secrets[member.email, key.name] = made.secret

    history.do(join)


def _secret(history: History, member: Member) -> str:
    return history.secrets[member.email, member.keys[0].name]
