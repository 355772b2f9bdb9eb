"""What agent runs have spent, each with all that runs within it."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.periods import US_PER_SECOND
from bursar.reports.lots import known_person
from bursar.store import directory, runs, schema
from bursar.store.runs import Run
from bursar.store.schema import balances, keys, postings

_called = schema.calls
SKEW_US = 600 * US_PER_SECOND
"""How far the clocks of two nodes may differ: calls are looked for from so long before a run began."""


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent run and what it and all that runs within it have spent.

    `state` is running, ended or killed. `left_nanos` is what is left of its budget, or of a budget that it is a part
    of, whichever is less. `run` names it; `within` is the run that it was started in, "" for none.
    """

    run: str
    within: str
    person: str
    name: str
    state: str
    budget_nanos: int
    spent_nanos: int
    held_nanos: int
    left_nanos: int
    started_us: int
    until_us: int
    ended_us: int
    exit_code: int | None
    models: tuple[str, ...]


class ModelUseView(msgspec.Struct, frozen=True, kw_only=True):
    """A model's calls that have ended. Calls that were given back cost nothing and are not counted.

    `provisional_nanos` is the part of the cost that was charged at a bound, because what was used is not known.
    """

    model: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    web_searches: int
    cost_nanos: int
    provisional_nanos: int


class RunUseView(RunView, frozen=True, kw_only=True):
    """A run with its calls by model, the dearest first, and the runs that were started in it."""

    calls: int
    tokens: int
    provisional_nanos: int
    by_model: tuple[ModelUseView, ...]
    runs: tuple[RunView, ...]


def run_list(connection: sa.Connection, found: list[Run], now_us: int) -> list[RunView]:
    """Runs as they stand."""
    return [RunView(**_facts(connection, run, now_us)) for run in found]


def run_use(connection: sa.Connection, run: Run, now_us: int) -> RunUseView:
    """One run in full: the sum over its models is what was spent of its budget."""
    by_model = tuple(_by_model(connection, run))
    return RunUseView(
        **_facts(connection, run, now_us),
        calls=sum(use.calls for use in by_model),
        tokens=sum(use.input_tokens + use.cached_tokens + use.output_tokens for use in by_model),
        provisional_nanos=sum(use.provisional_nanos for use in by_model),
        by_model=by_model,
        runs=tuple(run_list(connection, runs.runs_within(connection, run.id), now_us)),
    )


def _facts(connection: sa.Connection, run: Run, now_us: int) -> dict[str, Any]:
    state = run.state(now_us)
    key = directory.key(connection, run.key_id)
    limits = [
        connection.execute(
            sa.select(balances.c.spent, balances.c.held, balances.c.available).where(balances.c.id == part.limit_id)
        ).one()
        for part in directory.key_chain(connection, key)
        if part.limit_id is not None
    ]
    own = limits[0] if key.limit_id is not None else None
    ended_us = run.ended_us or (run.until_us if state == runs.ENDED else 0)
    return {
        "run": run.token,
        "within": "" if run.parent_id is None else runs.run_by_id(connection, run.parent_id).token,
        "person": known_person(connection, run.person_id).email,
        "name": run.name,
        "state": state,
        "budget_nanos": run.budget_nanos,
        "spent_nanos": 0 if own is None else own.spent,
        "held_nanos": 0 if own is None else own.held,
        "left_nanos": min((limit.available for limit in limits), default=0) if own is not None else 0,
        "started_us": run.started_us,
        "until_us": run.until_us,
        "ended_us": ended_us,
        "exit_code": run.exit_code,
        "models": key.models or (),
    }


def _by_model(connection: sa.Connection, run: Run) -> list[ModelUseView]:
    """The calls of the run's key and of all below it, by model; of all that the person called since it began."""
    its_keys = runs.tree(sa.select(keys.c.id).where(keys.c.id == run.key_id))
    provisional = sa.case((_called.c.outcome == "provisional", _called.c.cost_nanos), else_=0)
    query = (
        sa.select(
            _called.c.model,
            sa.func.count(),
            _sum(_called.c.input_tokens + _called.c.audio_input_tokens),
            _sum(
                _called.c.cache_read_tokens + _called.c.cache_write_5m_tokens + _called.c.cache_write_1h_tokens,
            ),
            _sum(_called.c.output_tokens + _called.c.audio_output_tokens),
            _sum(_called.c.web_searches),
            _sum(_called.c.cost_nanos),
            _sum(provisional),
        )
        .join(postings, postings.c.id == _called.c.posting_id)
        .where(
            postings.c.person_id == run.person_id,
            postings.c.effective_us >= run.started_us - SKEW_US,
            _called.c.key_id.in_(its_keys),
            _called.c.outcome != "released",
        )
        .group_by(_called.c.model)
        .order_by(_sum(_called.c.cost_nanos).desc(), _called.c.model)
    )
    names = ModelUseView.__struct_fields__
    return [
        ModelUseView(**dict(zip(names, (row[0], *map(int, row[1:])), strict=True)))
        for row in connection.execute(query)
    ]


def _sum(column: Any) -> sa.Function[Any]:
    return sa.func.sum(column)
