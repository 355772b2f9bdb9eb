"""Plans: check a file, play it through, add a version, list, look up.

A person sees the plans that they or their team were granted, and may check and play through any file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.answers import PlanAnswer, TermsAnswer
from bursar.api.routes import body, route
from bursar.api.told import told
from bursar.books import Books
from bursar.books.lots import terms_of
from bursar.money import MoneyError, parse_usd
from bursar.pricebooks import OneBook
from bursar.pricing.book import PriceBook
from bursar.pricing.negotiated import apply_overrides
from bursar.pricing.overrides import read_overrides
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.reports.plain import plain
from bursar.store import directory
from bursar.store.directory import Plan
from bursar.store.pools import pools_of
from bursar.terms.lint import warnings
from bursar.terms.plan import Terms, read_plan
from bursar.terms.simulation import Simulation, simulate
from bursar.terms.written import differences

MOST_PLAYED = timedelta(days=3_660)


class NewPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan file's text."""

    toml: str


class PlanWarning(msgspec.Struct, frozen=True):
    """What about a plan is to be thought over, by the person or by counsel, and which field it is about."""

    audience: str
    field: str
    text: str


class FieldChange(msgspec.Struct, frozen=True):
    """A field that a new version of a plan has otherwise."""

    field: str
    was: str
    becomes: str


class CheckedPlan(msgspec.Struct, frozen=True):
    """What adding a plan's file would do: `version` is the one that is there now, None when there is none.

    `changes` is empty when the file says what that version says.
    """

    name: str
    version: int | None
    terms: TermsAnswer
    changes: list[FieldChange]
    warnings: list[PlanWarning]


class Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """A plan file's text, the first and the last day to play, and what is used by day (dollars in texts).

    `prices` is the text of a `prices.toml` to play with, over the prices in force: a discount in it is off those.
    """

    toml: str
    first: str
    last: str
    usage: dict[str, str] = {}
    prices: str | None = None


@route("POST /plans/check", PERSON, status=200)
def check_plan(
    data: JSONBody[NewPlan], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> CheckedPlan:
    """Read a plan's file, warn about it, and tell how it differs from the newest version. Nothing is added.

    A model that it names and that has no price is a warning here; granting the plan is refused for it.
    """
    terms = read_plan(data.toml)
    newest = None
    if caller.is_administrator:
        with books.database.reading() as connection:
            newest = directory.find_plan(connection, terms.name)
    return CheckedPlan(
        terms.name,
        None if newest is None else newest.version,
        TermsAnswer.of(terms),
        [] if newest is None else [FieldChange(*change) for change in differences(terms_of(newest), terms)],
        [*_unpriced(terms, books), *(PlanWarning(*warning) for warning in warnings(terms))],
    )


def _unpriced(terms: Terms, books: Books) -> Iterator[PlanWarning]:
    """A warning that the plan could not be granted now, because a model that it names has no price."""
    now_us = books.clock()
    try:
        books.must_be_priced(terms, now_us, now_us)
    except Refused as refused:
        yield PlanWarning("person", "tokens_of" if terms.tokens else "escalator_basket", refused.refusal.text)


@route("POST /plans/simulate", PERSON, status=200, answer=body(told(Simulation), "The lots, and what lacked"))
def simulate_plan(data: JSONBody[Play], books: NamedDependency[Books]) -> dict[str, Any]:
    """Play a plan's file through from a grant on the first day to the end of the last one. Nothing is added.

    Models that the plan names cost on each day what the price book in force says of that day.
    """
    terms = read_plan(data.toml)
    first, last = _day("from", data.first), _day("to", data.last)
    if not first <= last <= first + MOST_PLAYED:
        right = "not before the first day, and within ten years of it"
        raise field_invalid("to", repr(data.last), right)
    usage = {_day("usage", day): _dollars(amount) for day, amount in data.usage.items()}
    book = books.prices
    if data.prices is not None:
        book = PriceBook(apply_overrides(book.content, read_overrides(data.prices, "prices")))
    return plain(simulate(terms, first, last, usage, prices=OneBook(book)))


def _day(field: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise field_invalid(field, repr(text), "a day, such as 2026-11-17") from None


def _dollars(text: str) -> int:
    try:
        return parse_usd(text)
    except MoneyError as problem:
        raise field_invalid("usage", repr(text), str(problem)) from None


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


ROUTES = (check_plan, simulate_plan, add_plan, list_plans, show_plan)
