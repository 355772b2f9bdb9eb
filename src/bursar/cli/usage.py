"""One's own usage, from the logs that coding agents leave on this machine; and the single calls that a server knows.

All but `calls` need neither a server nor a data folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bursar.cli.again import LIMITS, Seen, folder, remember, remembering, seen_file
from bursar.cli.session import JsonFlag, Session, session_of

if TYPE_CHECKING:
    from bursar.cli.usage_asked import Asked
    from bursar.cli.usage_found import Found

app = typer.Typer(name="usage", no_args_is_help=True, help="What was used: from one's own logs, or from a server.")

DAYS = 30
WEEKS = 12
SESSION_DAYS = 7
BLOCK_DAYS = 7
WATCH_S = 2.0

Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Only since then: a day, YYYY-MM-DD in UTC, or a span ago: 12h, 7d."),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")]
From = Annotated[
    str,
    typer.Option("--since", metavar="WHEN", help="From this day on: YYYY-MM-DD, a span like 7d, 4w or 3m, or all."),
]
Until = Annotated[str | None, typer.Option(metavar="DAY", help="Until this day, YYYY-MM-DD, and with it.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", help="Only this agent: claude-code, codex, gemini-cli, opencode, pi."),
]
Paths = Annotated[
    list[Path] | None,
    typer.Option("--path", metavar="PATH", help="Look for logs here, instead of where the agents keep them."),
]
Project = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="Only this project: its folder's name, or its path.")
]
By = Annotated[str | None, typer.Option("--by", metavar="PART", help="Parts of each: project, model or source.")]
Order = Annotated[str, typer.Option("--order", metavar="ORDER", help="Which come first: oldest or latest.")]
Zone = Annotated[str | None, typer.Option("--time-zone", metavar="NAME", help="Days of this time zone; else yours.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read all files anew and keep nothing.")]


@app.command()
def today(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show today at one glance: cost, hours, models, and how it compares.

    \b
    Examples:
      bursar usage today
      bursar usage today --time-zone America/Los_Angeles --json
    """
    limits_seen = seen_file(folder() / LIMITS)
    found = _find(_asked(source, path, time_zone), no_cache=no_cache)
    _tell(session_of(context), [*found.seen, *limits_seen], found.today_json, lambda: _today().today(found))


@app.command()
def daily(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{DAYS}d",
    until: Until = None,
    by: By = None,
    order: Order = "oldest",
    project: Project = None,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show cost and tokens by day.

    \b
    Examples:
      bursar usage daily
      bursar usage daily --since 2026-11-01 --source claude-code
      bursar usage daily --by project --since 7d
      bursar usage daily --since all --json
    """
    wanted = _asked(source, path, time_zone, since, until, project=project)
    _tell_periods(context, wanted, "day", by, order, no_cache=no_cache)


@app.command()
def weekly(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{WEEKS}w",
    until: Until = None,
    by: By = None,
    order: Order = "oldest",
    week_starts: Annotated[str, typer.Option(metavar="DAY", help="The day on which a week begins.")] = "monday",
    project: Project = None,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show cost and tokens by week.

    \b
    Examples:
      bursar usage weekly
      bursar usage weekly --week-starts sunday --order latest
      bursar usage weekly --since 4w --by model
    """
    wanted = _asked(source, path, time_zone, since, until, project=project, week_starts=week_starts)
    _tell_periods(context, wanted, "week", by, order, week_starts, no_cache=no_cache)


@app.command()
def monthly(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = "all",
    until: Until = None,
    by: By = None,
    order: Order = "oldest",
    project: Project = None,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show cost and tokens by month.

    \b
    Examples:
      bursar usage monthly
      bursar usage monthly --since 3m --by source
      bursar usage monthly --since 2026-01-01 --json
    """
    wanted = _asked(source, path, time_zone, since, until, project=project)
    _tell_periods(context, wanted, "month", by, order, no_cache=no_cache)


@app.command()
def models(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{DAYS}d",
    until: Until = None,
    project: Project = None,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show cost and tokens by model, and what a million tokens came to.

    \b
    Examples:
      bursar usage models
      bursar usage models --since all --json
    """
    found = _find(_asked(source, path, time_zone, since, until, project=project), no_cache=no_cache)
    _tell(session_of(context), found.seen, found.models_json, lambda: _shown().models(found))


@app.command()
def sessions(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{SESSION_DAYS}d",
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at most.")] = 30,
    order: Annotated[
        str, typer.Option("--order", metavar="ORDER", help="Which come first: latest, oldest or dearest.")
    ] = "latest",
    project: Project = None,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show sessions, the latest first: project, model, tokens and cost.

    \b
    Examples:
      bursar usage sessions
      bursar usage sessions --since 2026-11-01 --limit 100
      bursar usage sessions --since 3m --order dearest
    """
    from bursar.cli.usage_asked import ordered  # noqa: PLC0415 - `--help` needs none of it

    ordered(order)
    found = _find(_asked(source, path, time_zone, since, until, project=project), no_cache=no_cache)
    _tell(
        session_of(context),
        found.seen,
        lambda: found.sessions_json(order, limit),
        lambda: _shown().sessions(found, order, limit),
    )


@app.command()
def session(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="The session's id, or how it begins.")],
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show one session: its calls by the hour and by model.

    \b
    Example:
      bursar usage session 4a0cf861
    """
    from bursar.cli.usage_session import session_json  # noqa: PLC0415 - `--help` needs none of it

    found = _find(_asked(source, path, time_zone), no_cache=no_cache)
    _tell(session_of(context), found.seen, lambda: session_json(found, name), lambda: _shown().session(found, name))


@app.command()
def blocks(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{BLOCK_DAYS}d",
    until: Until = None,
    active: Annotated[bool, typer.Option("--active", help="Only the block of now.")] = False,
    token_limit: Annotated[
        str | None, typer.Option(metavar="TOKENS", help="Measure by that: 500000, 20M, or max for the largest.")
    ] = None,
    hours: Annotated[int, typer.Option(min=1, max=24, help="How long a block is.")] = 5,
    order: Order = "oldest",
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    no_cache: NoCache = False,
    json: JsonFlag = False,
) -> None:
    """Show blocks of five hours, as Claude's subscriptions count: time left, pace, share of a limit.

    A block begins at the full hour of its first call. Where Claude Code tells its status line (bursar usage
    statusline) what is used of the subscription and when it is reset, that is shown and taken. Of Claude Code's
    logs, if no other --source is named; each has its own blocks.

    \b
    Examples:
      bursar usage blocks
      bursar usage blocks --active
      bursar usage blocks --token-limit 20M --since all --order latest
      bursar usage blocks --json
    """
    from bursar.cli import usage_block  # noqa: PLC0415 - `--help` needs none of it
    from bursar.cli.usage_asked import viewed  # noqa: PLC0415

    latest_first = viewed("day", None, order).latest_first
    limit = usage_block.token_limit(token_limit)
    limits_seen = seen_file(folder() / LIMITS)
    found = _find(_asked(source, path, time_zone, since, until), no_cache=no_cache)
    told = usage_block.blocks_told(found, usage_block.now_in_us(), hours=hours, limit=limit)

    def show() -> None:
        from bursar.cli import usage_blocks  # noqa: PLC0415 - Rich is slow to import, and JSON needs none of it

        usage_blocks.blocks(found, told, only_active=active, latest_first=latest_first)

    _tell(session_of(context), [*found.seen, *limits_seen], lambda: usage_block.blocks_json(found, told), show)


@app.command()
def statusline(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    session_cost: Annotated[
        str, typer.Option(metavar="WHOSE", help="The session's cost by the logs, by claude, or both.")
    ] = "logs",
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    json: JsonFlag = False,
) -> None:
    """Print one line for Claude Code's status line: model, cost of session, day and block, pace, limits, context.

    Claude Code writes JSON to its input and shows what it prints. It is told to in ~/.claude/settings.json:

    \b
      {"statusLine": {"type": "command", "command": "bursar usage statusline"}}

    \b
    Examples:
      bursar usage statusline --session-cost both
      echo '{"model":{"display_name":"Opus"}}' | bursar usage statusline
    """
    from bursar.cli import usage_block, usage_line, usage_tally  # noqa: PLC0415 - `--help` needs none of it

    if usage_line.nobody_says():
        print(usage_line.HOW_TO)
        return
    hook, now_us = usage_line.hook(), usage_block.now_in_us()
    found = _find(_asked(source, path, time_zone), no_cache=False, quiet=True)
    if session_of(context).as_json:
        session_of(context).show_json(usage_tally.tally_json(found, hook, now_us))
        return
    told = usage_tally.tally(found, hook, session_cost, now_us)
    remember(dumps(told), found.seen)
    print(usage_line.line(hook, told, now_us, coloured=usage_line.is_coloured()))


@app.command()
def watch(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    source: Sources = None,
    path: Paths = None,
    time_zone: Zone = None,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between looks.")] = WATCH_S,
    json: JsonFlag = False,
) -> None:
    """Show today as it grows, until Ctrl-C. Only what is new in the files is read.

    With --json a line is printed for each change.

    \b
    Example:
      bursar usage watch
    """

    def look() -> Found:
        return _find(_asked(source, path, time_zone), no_cache=False, quiet=True)

    if session_of(context).as_json:
        _print_changes(look, every)
    else:
        _today().watch(look, every)


@app.command()
def calls(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only this person's calls.")] = None,
    since: Since = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="What this source reported, and what came of it: see import.")
    ] = None,
    limit: Limit = 50,
    json: JsonFlag = False,
) -> None:
    """Show the single calls that a server knows of, the one that it heard of last first.

    \b
    Examples:
      bursar usage calls --person ann@example.com --since 7d
      bursar usage calls --source claude-code
      bursar usage calls --limit 1000 --json
    """
    session = session_of(context)
    path = "/usage" if source is None else "/usage/reported"
    with session.client() as client:
        found = client.get(path, person=person, source=source, since=since, limit=limit)
    if session.show_json(found):
        return
    if source is None:
        from bursar.cli import usage_calls  # noqa: PLC0415 - `--help` needs none of it

        usage_calls.show(found, with_person=person is None)
    else:
        from bursar.cli import usage_reported  # noqa: PLC0415 - `--help` needs none of it

        usage_reported.show(found, with_person=person is None)


def leave(name: str) -> None:
    """Leave only the command of that name: what it takes to know all of them takes as long as most of them run."""
    app.registered_commands = [
        one for one in app.registered_commands if one.callback is not None and one.callback.__name__ == name
    ]


def _asked(
    source: list[str] | None,
    path: list[Path] | None,
    time_zone: str | None,
    since: str = "all",
    until: str | None = None,
    *,
    project: str | None = None,
    week_starts: str = "monday",
) -> Asked:
    from bursar.cli.usage_asked import asked, weekday  # noqa: PLC0415 - `--help` needs none of it

    now = datetime.fromtimestamp(time.time()).astimezone()
    begins = weekday(week_starts)
    return asked(source or [], path or [], time_zone, since, until, now=now, project=project, week_begins=begins)


def _tell_periods(  # noqa: PLR0917 - the options of a command
    context: typer.Context, wanted: Asked, unit: str, by: str | None, order: str, week_starts: str = "monday",
    *, no_cache: bool,
) -> None:  # fmt: skip
    from bursar.cli.usage_asked import viewed  # noqa: PLC0415 - `--help` needs none of it

    view = viewed(unit, by, order, week_starts)
    found = _find(wanted, no_cache=no_cache)
    _tell(session_of(context), found.seen, lambda: found.periods_json(view), lambda: _shown().periods(found, view))


def _find(wanted: Asked, *, no_cache: bool, quiet: bool = False) -> Found:
    from bursar.cli.usage_found import find  # noqa: PLC0415 - `--help` needs none of it

    return find(wanted, cached=not no_cache, quiet=quiet)


def _print_changes(look: Callable[[], Found], every_s: float) -> None:
    last = ""
    while True:
        said = dumps(look().today_json())
        if said != last:
            print(said, flush=True)
        last = said
        time.sleep(every_s)


def _shown() -> Any:
    from bursar.cli import usage_show  # noqa: PLC0415 - Rich is slow to import, and JSON needs none of it

    return usage_show


def _today() -> Any:
    from bursar.cli import usage_today  # noqa: PLC0415 - Rich is slow to import, and JSON needs none of it

    return usage_today


def _tell(session: Session, seen: Seen, as_json: Callable[[], Any], show: Callable[[], None]) -> None:
    with remembering(seen):
        if session.as_json:
            session.show_json(as_json())
        else:
            show()
