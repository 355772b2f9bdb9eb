"""Agent runs: start, list, look at, end, kill; and the switch that stops everything a person runs.

A person starts runs on their own budget, with a key that may carry a limit or be a run's own: the new run is a part
of it. A key without a limit reaches all of its person's runs; one with a limit only those that were started with it.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from bursar.api.access import PERSON, Caller
from bursar.api.keys import read_amount, read_name
from bursar.api.moments import time_after
from bursar.api.paging import PAGE, PageSize
from bursar.api.routes import body, route
from bursar.api.told import told, told_list
from bursar.books import Books
from bursar.books import runs as verbs
from bursar.refusals import Refused, Why, refuse
from bursar.reports.plain import plain
from bursar.reports.runs import RunUseView, RunView, run_list, run_use
from bursar.store import directory, runs
from bursar.store.runs import Run

NewRunAnswer = msgspec.defstruct("NewRunAnswer", [("secret", str), ("run", told(RunView))], frozen=True)
_STARTED = body(NewRunAnswer, "The run, and its key's secret, which is shown this once")
_ONE = body(told(RunUseView), "The run, its calls by model, and the runs that were started in it")
_MANY = body(told_list(RunView), "Runs, newest first")


class NewRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run to start. `budget` is in dollars; `until` an instant, a day or a span from now ("12h"), 24 hours at most
    when it is left out; `models` the only models that it may call. `person` is for administrators.
    """

    budget: str
    person: str | None = None
    name: str = ""
    until: str | None = None
    models: list[str] | None = None


class RunEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a run's command ended, if it is known: its exit code, or 128 and the number of the signal."""

    exit_code: int | None = None


class PersonKilled(msgspec.Struct, frozen=True):
    """Whose calls were stopped, and how many keys and runs that took."""

    person: str
    keys: int
    runs: int


@route("POST /runs", PERSON, status=201, answer=_STARTED)
def start_run(
    data: JSONBody[NewRun], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> dict[str, Any]:
    """Start an agent run: a key that may spend so much of a person's budget until then."""
    started = verbs.start(
        books,
        _owner(books, caller, data.person),
        read_amount(data.budget, "budget"),
        name=read_name(data.name),
        until_us=None if data.until is None else time_after(data.until, "until", books.clock()),
        models=None if data.models is None else tuple(data.models),
        within=None if caller.is_administrator else caller.key,
    )
    with books.database.reading() as connection:
        [view] = run_list(connection, [started.run], books.clock())
    return {"secret": started.secret, "run": plain(view)}


@route("GET /runs", PERSON, answer=_MANY)
def list_runs(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    person: FromQuery[str | None] = None,
    running: FromQuery[bool] = False,
    limit: PageSize = PAGE,
) -> list[dict[str, Any]]:
    """Runs, newest first: everybody's, the named person's, or one's own; only those that are running, if so asked."""
    now_us = books.clock()
    with books.database.reading() as connection:
        found = runs.runs_of(
            connection,
            caller.scope(connection, person),
            within=_reach(caller),
            running_at_us=now_us if running else None,
            limit=limit,
        )
        return [plain(view) for view in run_list(connection, found, now_us)]


@route("GET /runs/{token:str}", PERSON, answer=_ONE)
def show_run(token: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]) -> dict[str, Any]:
    """One run with all that runs within it: spent, held, left, and its calls by model."""
    return _shown(books, caller, token)


@route("POST /runs/{token:str}/end", PERSON, status=200, answer=_ONE)
def end_run(
    token: FromPath[str],
    data: JSONBody[RunEnd],
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
) -> dict[str, Any]:
    """End a run because its command has ended: its key is revoked, and the runs within it end, too."""
    with books.database.reading() as connection:
        run = _find(connection, caller, token)
    verbs.end(books, run, data.exit_code)
    return _shown(books, caller, token)


@route("POST /runs/{token:str}/kill", PERSON, status=200, answer=_ONE)
def kill_run(token: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]) -> dict[str, Any]:
    """Kill a run with all that runs within it: no new call is admitted, and running ones are cut off."""
    with books.database.reading() as connection:
        run = _find(connection, caller, token)
    verbs.kill(books, run)
    return _shown(books, caller, token)


@route("POST /people/{email:str}/kill", PERSON, status=200)
def kill_person(email: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]) -> PersonKilled:
    """Kill all runs of a person and revoke all of the person's keys. Grants and budgets stay as they are."""
    caller.must_manage_keys()
    now_us = books.clock()
    with books.database.reading() as connection:
        person = caller.find(connection, email)
        running = runs.runs_of(connection, person.id, running_at_us=now_us, limit=None)
        in_force = [key for key in directory.keys_of(connection, person.id) if key.revoked_us is None]
    verbs.kill_person(books, person.id)
    return PersonKilled(person.email, len(in_force), len(running))


def _owner(books: Books, caller: Caller, wanted: str | None) -> str:
    """The e-mail of the person whose budget pays: an administrator must name somebody."""
    if wanted is not None:
        with books.database.reading() as connection:
            return caller.find(connection, wanted).email
    if caller.is_administrator or caller.person is None:
        raise Refused(refuse(Why.FIELD_MISSING, field="person", right="the e-mail of whose budget pays"))
    return caller.person.email


def _reach(caller: Caller) -> int | None:
    """The key whose runs are all that the caller may see; None when nothing bounds it but the person."""
    return caller.key.id if caller.key is not None and caller.is_limited else None


def _find(connection: sa.Connection, caller: Caller, token: str) -> Run:
    """The run with this token. Refused when there is none that the caller may see."""
    run = runs.run(connection, token)
    if caller.is_administrator:
        return run
    reach = _reach(caller)
    if run.person_id == caller.own_id():
        chain = directory.key_chain(connection, directory.key(connection, run.key_id))
        if reach is None or reach in {key.id for key in chain}:
            return run
    raise Refused(refuse(Why.UNKNOWN, what="run", name=token, field="run"))


def _shown(books: Books, caller: Caller, token: str) -> dict[str, Any]:
    with books.database.reading() as connection:
        return plain(run_use(connection, _find(connection, caller, token), books.clock()))


ROUTES = (start_run, list_runs, show_run, end_run, kill_run, kill_person)
