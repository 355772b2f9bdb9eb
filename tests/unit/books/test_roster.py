"""Rosters: what a file makes of people, teams, employment and leave; all of it, or nothing and every reason why."""

from __future__ import annotations

import pytest

from bursar.books.limits import grant_pool
from bursar.books.roster import import_roster
from bursar.books.rows import Imported
from bursar.refusals import Refusal
from bursar.rows import Problems
from bursar.store import directory
from bursar.store.employment import absences_of
from tests.support.teams import Company

ROSTER = """\
email,name,team,start,end,leave_from,leave_to
ann@example.com,Ann Example,platform,2024-03-01,,2026-12-01,2027-02-28
bob@example.com,"Bob ""B."" Example",ops,,2026-12-31,,
ann@example.com,Ann Example,platform,2024-03-01,,2027-07-01,
"""


def taken(company: Company, text: str, *, dry_run: bool = False) -> Imported:
    """A roster that is right."""
    return import_roster(company.books, text, dry_run=dry_run, advance=lambda done, total: None)


def wrong(company: Company, text: str) -> list[tuple[int, str]]:
    """The lines and fields of everything that is wrong with a roster, of which nothing is written."""
    before = kept(company)
    for dry_run in (True, False):
        with pytest.raises(Problems) as problems:
            taken(company, text, dry_run=dry_run)
        assert kept(company) == before
    return [(problem.line, problem.field) for problem in problems.value.found]


def kept(company: Company) -> list[str]:
    """People with their leave, as a table."""
    with company.books.database.reading() as connection:
        away = absences_of(connection)
        return [
            f"{one.email} | {one.name} | {one.team} | {one.starts}..{one.ends} | "
            + " ".join(f"{leave.from_day}..{leave.to_day}" for leave in away if leave.person_id == one.id)
            for one in directory.all_people(connection)
        ]


ANN = "ann@example.com | Ann Example | platform | 2024-03-01..None | 2026-12-01..2027-02-28 2027-07-01..None"
BOB = 'bob@example.com | Bob "B." Example | ops | None..2026-12-31 | '


def test_a_roster_is_taken_over_once(company: Company) -> None:
    dry = taken(company, ROSTER, dry_run=True)
    assert (dry.rows, dry.added, dry.changed, dry.unchanged) == (3, 2, 0, 0)
    assert kept(company) == []
    made = taken(company, ROSTER)
    assert (made.added, made.changes) == (2, dry.changes)
    assert kept(company) == [ANN, BOB]
    again = taken(company, ROSTER)
    assert (again.added, again.changed, again.unchanged, again.changes) == (0, 0, 2, ())


def test_what_a_file_does_not_say_stays(company: Company) -> None:
    taken(company, ROSTER)
    assert taken(company, "team,email\ncore,ANN@example.com\n").changed == 1
    assert kept(company) == [ANN.replace("platform", "core"), BOB]
    done = taken(company, "\ufeffEmail,end,leave_from,leave_to\nbob@example.com,,2026-11-02,2026-11-03\n\n,,,\n")
    assert [(change.what, change.before, change.after) for change in done.changes] == [
        ("end", "2026-12-31", None),
        ("leave", None, "2026-11-02 to 2026-11-03"),
    ]
    taken(company, "email,leave_from,leave_to\nann@example.com,2027-07-01,2027-07-31\n")
    ann = ANN.replace("platform", "core").replace("2027-07-01..None", "2027-07-01..2027-07-31")
    assert kept(company) == [ann, 'bob@example.com | Bob "B." Example | ops | None..None | 2026-11-02..2026-11-03']


def test_who_changes_team_draws_on_the_new_teams_pool(company: Company) -> None:
    ada, bob = company.person("ada", "platform", usd=None), company.person("bob", "ops", usd=None)
    company.plan("shared", 50)
    grant_pool(company.books, "platform", "shared")
    assert company.call(ada, 1) is None
    assert isinstance(company.hold(bob, 1), Refusal)
    taken(company, f"email,team\n{ada},ops\n{bob},platform\n")
    assert isinstance(company.hold(ada, 1), Refusal)
    assert company.call(bob, 1) is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    {
        "everything wrong in one row": (
            "no-mail,,t,2026-13-01,2026-02-30,03/04/2026,x",
            [(2, field) for field in ("email", "name", "start", "end", "leave_from", "leave_to")],
        ),
        "wrong in several rows": (
            "a@example.com,,t,,,,\nb@example.com,B,t,,,,\nc@example.com,C,t,soon,,,",
            [(2, "name"), (4, "start")],
        ),
        "too few cells": ("a@example.com,A,t", [(2, "row")]),
        "too many cells": ("a@example.com,A,t,,,,,", [(2, "row")]),
        "an open quote": ('a@example.com,"A,t,,,,', [(2, "row")]),
        "an e-mail that moves a cursor": ("a\x1b[2J@example.com,A,t,,,,", [(2, "email")]),
        "an e-mail with a zero byte": ("a\0@example.com,A,t,,,,", [(2, "email")]),
        "a team with a zero byte": ("a@example.com,A,t\0,,,,", [(2, "team")]),
        "a name that moves a cursor": ("a@example.com,A\x1b[2J,t,,,,", [(2, "name")]),
        "a name without an end": (f"a@example.com,{'A' * 201},t,,,,", [(2, "name")]),
        "an end before the start": ("a@example.com,A,t,2026-11-02,2026-11-01,,", [(2, "end")]),
        "a day before there were computers": ("a@example.com,A,t,0026-11-02,,,", [(2, "start")]),
        "leave that ends before it begins": ("a@example.com,A,t,,,2026-11-02,2026-11-01", [(2, "leave_to")]),
        "leave without a beginning": ("a@example.com,A,t,,,,2026-11-01", [(2, "leave_from")]),
        "leave before the first day": ("a@example.com,A,t,2026-11-02,,2026-11-01,2026-11-05", [(2, "leave_from")]),
        "leave after the last day": ("a@example.com,A,t,,2026-11-02,2026-11-01,2026-11-05", [(2, "leave_to")]),
        "leave that overlaps": (
            "a@example.com,A,t,,,2026-11-01,2026-11-05\na@example.com,A,t,,,2026-11-05,2026-11-09",
            [(3, "leave_from")],
        ),
        "leave after leave without an end": (
            "a@example.com,A,t,,,2026-12-05,\na@example.com,A,t,,,2026-11-05,",
            [(2, "leave_from")],
        ),
        "the same leave twice": (
            "a@example.com,A,t,,,2026-11-01,2026-11-05\na@example.com,A,t,,,2026-11-01,2026-11-05",
            [(3, "leave_from")],
        ),
        "somebody twice": ("a@example.com,A,t,,,,\na@example.com,A,t,,,,", [(3, "leave_from")]),
        "somebody in two teams": (
            "a@example.com,A,t,,,2026-11-01,2026-11-05\na@example.com,A,u,,,2026-11-06,2026-11-09",
            [(3, "team")],
        ),
        "lines are those of the file": (
            'a@example.com,A,t,,,,\n\n"b@\nexample.com",B,t,,,,\n,C,t,,,,',
            [(5, "email"), (6, "email")],
        ),
    }.values(),
)
def test_a_row_that_is_not_right(company: Company, rows: str, expected: list[tuple[int, str]]) -> None:
    assert wrong(company, ROSTER.splitlines()[0] + "\n" + rows + "\n") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, "email")]),
        ("name\nAnn\n", [(1, "email")]),
        ("email;name\nann@example.com;Ann\n", [(1, "column"), (1, "email")]),
        ("email,name,salary\nann@example.com,Ann,1\n", [(1, "column")]),
        ("email,name,Email\na@example.com,A,b@example.com\n", [(1, "email")]),
        ("email,team\nann@example.com,platform\n", [(2, "name")]),
    ],
)
def test_columns_that_are_not_right(company: Company, text: str, expected: list[tuple[int, str]]) -> None:
    assert wrong(company, text) == expected


def test_leave_that_overlaps_with_what_is_stored(company: Company) -> None:
    taken(company, ROSTER)
    head = "email,leave_from,leave_to\n"
    assert wrong(company, head + "ann@example.com,2027-02-28,2027-03-05\n") == [(2, "leave_from")]
    assert wrong(company, head + "ann@example.com,2026-11-20,2026-12-01\n") == [(2, "leave_to")]
    assert wrong(company, "email,end\nann@example.com,2024-02-28\n") == [(2, "end")]
