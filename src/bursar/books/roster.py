"""The roster: people, their teams, when they are employed and when they are away, taken over from a file.

A column that the file does not have changes nothing; an empty cell says that there is none. People and leave that the
file does not have stay as they are. The same file again changes nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.books.books import Books, is_email
from bursar.books.rows import Advance, Change, Imported
from bursar.rows import Problem, Problems, Row, read_rows
from bursar.store.directory import Person, all_people
from bursar.store.employment import Absence, absences_of, insert_people, put_absences, update_people

COLUMNS = ("email", "name", "team", "start", "end", "leave_from", "leave_to")
NEEDED = ("email",)
LEAVE = "leave"
STEP = 500
"""Rows that are written at a time."""
_FIELDS = {"name": "name", "team": "team", "starts": "start", "ends": "end"}
"""What is kept of a person, and the column that says it."""


class _Line(NamedTuple):
    """What a row says of somebody; None is what its file does not say, "" is nothing."""

    row: Row
    email: str
    said: dict[str, str | None]
    leave: tuple[str, str | None] | None


class _Plan:
    """What a file changes: people who come, people who change, and their leave by e-mail."""

    def __init__(self) -> None:
        self.new: list[Person] = []
        self.changed: list[Person] = []
        self.leave_new: list[tuple[str, Absence]] = []
        self.leave_changed: list[Absence] = []
        self.changes: list[Change] = []


def import_roster(books: Books, text: str, *, dry_run: bool, advance: Advance) -> Imported:
    """Take a roster over, all of it or none, or tell what that would change. Raises Problems: all that is wrong."""
    problems: list[Problem] = []
    found = [_read(row, problems) for row in read_rows(text, NEEDED, COLUMNS, problems)]
    lines = [line for line in found if line is not None]

    def write(connection: sa.Connection) -> _Plan:
        plan = _planned(connection, lines, problems)
        if problems:
            raise Problems(problems)
        if not dry_run:
            _apply(connection, plan, books.clock(), advance)
        return plan

    if dry_run:
        with books.database.reading() as connection:
            plan = write(connection)
    else:
        plan = books.journal.write(write)
        books.forget_spenders()
        if any(change.what != "name" for change in plan.changes):
            books.bring_up()  # lots that are open are brought to what the roster says now
    touched = {change.email for change in plan.changes}
    everybody = {line.email for line in lines}
    return Imported(
        dry_run=dry_run,
        rows=len(lines),
        added=len(plan.new),
        changed=len(touched) - len(plan.new),
        unchanged=len(everybody - touched),
        changes=tuple(plan.changes),
    )


def _read(row: Row, problems: list[Problem]) -> _Line | None:
    """What a row says by itself; None when something of that is wrong."""
    before = len(problems)
    email = row.raw("email").lower()
    if not is_email(email):
        row.wrong("email", "an e-mail address")
    said: dict[str, str | None] = {}
    if row.has("name"):
        said["name"] = row.text("name", "the person's name", needed=True)
    if row.has("team"):
        said["team"] = row.text("team", "a team's name, or empty")
    for field in ("start", "end"):
        if row.has(field):
            said[f"{field}s"] = row.day(field)
    leave_from, leave_to = row.day("leave_from", needed=bool(row.raw("leave_to"))), row.day("leave_to")
    if leave_from and leave_to and leave_to < leave_from:
        row.wrong("leave_to", f"{leave_from} or later, or empty")
    if len(problems) > before:
        return None
    return _Line(row, email, said, None if leave_from is None else (leave_from, leave_to))


def _planned(connection: sa.Connection, lines: list[_Line], problems: list[Problem]) -> _Plan:
    """What the lines change of what is there. What is wrong with them is noted in `problems`."""
    plan = _Plan()
    people = {person.email: person for person in all_people(connection)}
    away: dict[int, dict[str, Absence]] = {}
    for absence in absences_of(connection):
        away.setdefault(absence.person_id, {})[absence.from_day] = absence
    of_person: dict[str, list[_Line]] = {}
    for line in lines:
        of_person.setdefault(line.email, []).append(line)
    for email, its in of_person.items():
        first = its[0]
        _check_alike(its)
        known = people.get(email)
        if known is None and not first.said.get("name"):
            first.row.wrong("name", "the name of somebody who is new")
        wanted = msgspec.structs.replace(known or Person(0, email, "", "", 0), **first.said)
        _check_days(first, wanted)
        _note(plan, first, known, wanted)
        _note_leave(plan, its, wanted, away.get(wanted.id, {}) if known else {})
    return plan


def _check_alike(lines: list[_Line]) -> None:
    """Somebody who is on several lines, for several leaves, is the same on all of them."""
    first = lines[0]
    for line in lines[1:]:
        if line.leave is None:
            line.row.wrong("leave_from", f"a day: line {first.row.line} is of the same person", "empty")
        for kept, value in line.said.items():
            if value != first.said[kept]:
                column = _FIELDS[kept]
                line.row.wrong(column, f"{first.said[kept] or 'empty'!r}, as on line {first.row.line}")


def _check_days(line: _Line, wanted: Person) -> None:
    if wanted.starts and wanted.ends and wanted.ends < wanted.starts:
        column = "end" if line.row.has("end") else "start"
        right = f"{wanted.starts} or later" if column == "end" else f"{wanted.ends} or earlier"
        line.row.wrong(column, right)


def _note(plan: _Plan, line: _Line, known: Person | None, wanted: Person) -> None:
    if known is None:
        plan.new.append(wanted)
        about = ", ".join(filter(None, (wanted.name, wanted.team, _employed(wanted))))
        plan.changes.append(Change(line.row.line, wanted.email, "person", None, about))
    elif known != wanted:
        plan.changed.append(wanted)
        for kept, column in _FIELDS.items():
            before, after = getattr(known, kept), getattr(wanted, kept)
            if before != after:
                plan.changes.append(Change(line.row.line, wanted.email, column, before or None, after or None))


def _employed(person: Person) -> str:
    if person.starts is None and person.ends is None:
        return ""
    return f"{person.starts or ''} to {person.ends or ''}".strip()


def _note_leave(plan: _Plan, lines: list[_Line], wanted: Person, stored: dict[str, Absence]) -> None:
    """Note the leave that the lines add or change, unless it is outside of employment or overlaps."""
    merged: dict[str, tuple[str | None, Row | None]] = {day: (one.to_day, None) for day, one in stored.items()}
    for line in lines:
        if line.leave is None:
            continue
        (from_day, to_day), row = line.leave, line.row
        if (wanted.starts and from_day < wanted.starts) or (wanted.ends and from_day > wanted.ends):
            row.wrong("leave_from", f"within employment, {_employed(wanted)}")
        elif wanted.ends and to_day and to_day > wanted.ends:
            row.wrong("leave_to", f"within employment, {_employed(wanted)}")
        if from_day in merged and merged[from_day][1] is not None:
            row.wrong("leave_from", "another day than on an earlier line")
        merged[from_day] = (to_day, row)
        absence, before = Absence(wanted.id, from_day, to_day, LEAVE), stored.get(from_day)
        if before is None:
            plan.leave_new.append((wanted.email, absence))
            plan.changes.append(Change(row.line, wanted.email, "leave", None, _span(from_day, to_day)))
        elif before.to_day != to_day:
            plan.leave_changed.append(absence)
            was = _span(from_day, before.to_day)
            plan.changes.append(Change(row.line, wanted.email, "leave", was, _span(from_day, to_day)))
    _check_overlaps(merged)


def _check_overlaps(spans: dict[str, tuple[str | None, Row | None]]) -> None:
    """Leaves follow each other. What overlaps is wrong with the later line, or with the one that the file has."""
    days = sorted(spans)
    for day, following in pairwise(days):
        to_day, row = spans[day]
        if to_day is not None and to_day < following:
            continue
        later = spans[following][1]
        if later is not None:
            later.wrong("leave_from", f"after the leave {_span(day, to_day)}")
        elif row is not None:
            row.wrong("leave_to", f"before the leave from {following}")


def _span(from_day: str, to_day: str | None) -> str:
    return f"{from_day} to {to_day}" if to_day else f"from {from_day}"


def _apply(connection: sa.Connection, plan: _Plan, now_us: int, advance: Advance) -> None:
    """Write a plan, and tell how far it is."""
    total = len(plan.new) + len(plan.changed) + len(plan.leave_new) + len(plan.leave_changed)
    done = 0
    fields = ("email", "name", "team", "starts", "ends")
    for start in range(0, len(plan.new), STEP):
        some = plan.new[start : start + STEP]
        rows = [{field: getattr(person, field) for field in fields} | {"created_us": now_us} for person in some]
        insert_people(connection, rows)
        advance(done := done + len(some), total)
    for start in range(0, len(plan.changed), STEP):
        update_people(connection, some := plan.changed[start : start + STEP])
        advance(done := done + len(some), total)
    ids = {person.email: person.id for person in all_people(connection)} if plan.leave_new else {}
    added = [msgspec.structs.replace(absence, person_id=ids[email]) for email, absence in plan.leave_new]
    put_absences(connection, added, plan.leave_changed)
    advance(total, total)
