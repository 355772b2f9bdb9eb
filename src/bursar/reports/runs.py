"""What agent runs have spent, each with all that runs within it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.periods import US_PER_SECOND
from bursar.store import directory, runs, schema
from bursar.store.directory import Key
from bursar.store.runs import Run
from bursar.store.schema import balances, keys, people, postings

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
    around = _around(connection, found)
    return [RunView(**_facts(run, around, now_us)) for run in found]


def run_use(connection: sa.Connection, run: Run, now_us: int) -> RunUseView:
    """One run in full: the sum over its models is what was spent of its budget."""
    by_model = tuple(_by_model(connection, run))
    return RunUseView(
        **_facts(run, _around(connection, [run]), now_us),
        calls=sum(use.calls for use in by_model),
        tokens=sum(use.input_tokens + use.cached_tokens + use.output_tokens for use in by_model),
        provisional_nanos=sum(use.provisional_nanos for use in by_model),
        by_model=by_model,
        runs=tuple(run_list(connection, runs.runs_within(connection, run.id), now_us)),
    )


class _Limit(NamedTuple):
    spent: int
    held: int
    available: int


class _Around(NamedTuple):
    """What runs are told with: their keys and all above them with their limits, people's e-mails, runs' tokens."""

    keys: dict[int, Key]
    limits: dict[int, _Limit]
    emails: dict[int, str]
    tokens: dict[int, str]


def _around(connection: sa.Connection, found: list[Run]) -> _Around:
    chained = {key.id: key for key in directory.keys_above(connection, [run.key_id for run in found])}
    limits = sa.select(balances.c.id, balances.c.spent, balances.c.held, balances.c.available)
    limited = limits.where(balances.c.id.in_([key.limit_id for key in chained.values() if key.limit_id is not None]))
    emails = sa.select(people.c.id, people.c.email).where(people.c.id.in_({run.person_id for run in found}))
    tokens = sa.select(schema.runs.c.id, schema.runs.c.token).where(
        schema.runs.c.id.in_({run.parent_id for run in found if run.parent_id is not None})
    )
    return _Around(
        chained,
        {row[0]: _Limit(*row[1:]) for row in connection.execute(limited)},
        dict(map(tuple, connection.execute(emails))),
        dict(map(tuple, connection.execute(tokens))),
    )


def _facts(run: Run, around: _Around, now_us: int) -> dict[str, Any]:
    """The fields of a RunView. A run whose limit is not open yet, because it is just being started, has nothing."""
    state = run.state(now_us)
    key = around.keys[run.key_id]
    own = None if key.limit_id is None else around.limits[key.limit_id]
    left = [0] if own is None else []
    part: Key | None = key
    while part is not None:
        if part.limit_id is not None:
            left.append(around.limits[part.limit_id].available)
        part = None if part.parent_id is None else around.keys[part.parent_id]
    return {
        "run": run.token,
        "within": "" if run.parent_id is None else around.tokens[run.parent_id],
        "person": around.emails[run.person_id],
        "name": run.name,
        "state": state,
        "budget_nanos": run.budget_nanos,
        "spent_nanos": 0 if own is None else own.spent,
        "held_nanos": 0 if own is None else own.held,
        "left_nanos": min(left),
        "started_us": run.started_us,
        "until_us": run.until_us,
        "ended_us": run.ended_us or (run.until_us if state == runs.ENDED else 0),
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
