"""Plans: add a version, list, look up. A person sees the plans that they or their team were granted."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.answers import PlanAnswer
from bursar.api.routes import route
from bursar.books import Books
from bursar.refusals import Refused, Why, refuse
from bursar.store import directory
from bursar.store.directory import Plan
from bursar.store.pools import pools_of
from bursar.terms.plan import read_plan


class NewPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan file's text."""

    toml: str


@route("POST /plans", ADMINISTRATOR)
def add_plan(data: JSONBody[NewPlan], books: NamedDependency[Books]) -> PlanAnswer:
    """Add a plan, or the next version of one. The same terms again are the version that has them."""
    return PlanAnswer.of(books.add_plan(read_plan(data.toml)))


@route("GET /plans", PERSON)
def list_plans(books: NamedDependency[Books], caller: NamedDependency[Caller]) -> list[PlanAnswer]:
    """Every version of every plan, by name, newest first; for a person those that they or their team were granted."""
    with books.database.reading() as connection:
        if caller.is_administrator:
            return [PlanAnswer.of(plan) for plan in directory.all_plans(connection)]
        granted = {plan.id: plan for plan in _granted(connection, caller)}
    return [PlanAnswer.of(plan) for plan in sorted(granted.values(), key=lambda plan: (plan.name, -plan.version))]


@route("GET /plans/{name:str}", PERSON)
def show_plan(name: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]) -> PlanAnswer:
    """A plan's newest version; for a person the newest that they or their team were granted."""
    with books.database.reading() as connection:
        if caller.is_administrator:
            return PlanAnswer.of(directory.plan(connection, name))
        granted = [plan for plan in _granted(connection, caller) if plan.name == name]
    if not granted:
        raise Refused(refuse(Why.UNKNOWN, what="plan", name=name, field="plan"))
    return PlanAnswer.of(max(granted, key=lambda plan: plan.version))


def _granted(connection: sa.Connection, caller: Caller) -> list[Plan]:
    person = directory.person_by_id(connection, caller.own_id())
    own = [plan for _, plan in directory.grants_of(connection, person.id)]
    return own + [plan for _, plan in pools_of(connection, person.team)]


ROUTES = (add_plan, list_plans, show_plan)
