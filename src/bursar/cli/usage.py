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

from bursar.cli.again import remembering
from bursar.cli.session import JsonFlag, Session, session_of
from bursar.cli.show import NONE, moment, money, table, width

if TYPE_CHECKING:
    from bursar.cli.usage_asked import Asked
    from bursar.cli.usage_found import Found

app = typer.Typer(name="usage", no_args_is_help=True, help="What was used: from one's own logs, or from a server.")

WIDE = 110
"""Columns from which on there is room for everything."""
DAYS = 30
SESSION_DAYS = 7
WATCH_S = 2.0

Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Only since then: a day, YYYY-MM-DD in UTC, or a span ago: 12h, 7d."),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")]
From = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="From this day on: YYYY-MM-DD, a span ago like 7d, or all.")
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
    found = _find(_asked(source, path, time_zone), no_cache=no_cache)
    _tell(session_of(context), found, found.today_json, lambda: _shown().today(found))


@app.command()
def daily(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{DAYS}d",
    until: Until = None,
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
      bursar usage daily --since all --json
    """
    found = _find(_asked(source, path, time_zone, since, until), no_cache=no_cache)
    _tell(session_of(context), found, found.days_json, lambda: _shown().periods(found, found.days(), "Day"))


@app.command()
def monthly(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = "all",
    until: Until = None,
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
      bursar usage monthly --since 2026-01-01 --json
    """
    found = _find(_asked(source, path, time_zone, since, until), no_cache=no_cache)
    _tell(session_of(context), found, found.months_json, lambda: _shown().periods(found, found.months(), "Month"))


@app.command()
def models(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{DAYS}d",
    until: Until = None,
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
    found = _find(_asked(source, path, time_zone, since, until), no_cache=no_cache)
    _tell(session_of(context), found, found.models_json, lambda: _shown().models(found))


@app.command()
def sessions(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    since: From = f"{SESSION_DAYS}d",
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at most.")] = 30,
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
    """
    found = _find(_asked(source, path, time_zone, since, until), no_cache=no_cache)
    _tell(session_of(context), found, lambda: found.sessions_json(limit), lambda: _shown().sessions(found, limit))


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
        _shown().watch(look, every)


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
    """Show the single calls that a server knows of, the newest first.

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
        _show_calls(found, with_person=person is None)
    else:
        from bursar.cli.usage_reported import show  # noqa: PLC0415 - `--help` needs none of it

        show(found)


def _asked(
    source: list[str] | None,
    path: list[Path] | None,
    time_zone: str | None,
    since: str = "all",
    until: str | None = None,
) -> Asked:
    from bursar.cli.usage_asked import asked  # noqa: PLC0415 - `--help` needs none of it

    now = datetime.fromtimestamp(time.time()).astimezone()
    return asked(source or [], path or [], time_zone, since, until, now=now)


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


def _tell(session: Session, found: Found, as_json: Callable[[], Any], show: Callable[[], None]) -> None:
    with remembering(found.seen):
        if session.as_json:
            session.show_json(as_json())
        else:
            show()


def _show_calls(calls: list[dict[str, Any]], *, with_person: bool) -> None:
    wide = width() >= WIDE
    columns = ["Ended (UTC)", "Person", "Key", "Model", ">Input", ">Cached", ">Output", ">Cost", "Outcome"]
    left_out = {name for name, wanted in (("Person", with_person), ("Key", wide), (">Cached", wide)) if not wanted}
    kept = [index for index, name in enumerate(columns) if name not in left_out]
    rows = [_row(call, wide=wide) for call in calls]
    table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], empty="No call was made.")


def _row(call: dict[str, Any], *, wide: bool) -> list[str]:
    """A call's cells. Where there is little room, a person is the e-mail's first part and what is usual is a dash."""
    return [
        moment(call["ended"]),
        call["person"] if wide else call["person"].partition("@")[0],
        call["key"],
        call["model"],
        f"{_input_tokens(call):,}",
        f"{call['cache_read_tokens']:,}",
        f"{call['output_tokens'] + call['audio_output_tokens']:,}",
        money(call["cost"]),
        call["outcome"] if wide or call["outcome"] != "settled" else NONE,
    ]


def _input_tokens(call: dict[str, Any]) -> int:
    buckets = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    return sum(int(call[f"{bucket}_tokens"]) for bucket in buckets)
