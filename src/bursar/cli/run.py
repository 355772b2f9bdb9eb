"""Agent runs: a command with a budget of its own."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bursar.cli.child import Child
from bursar.cli.environment import environment
from bursar.cli.live import Live
from bursar.cli.session import JsonFlag, Session, path_of, session_of, tell
from bursar.cli.show import NONE, count, facts, gap, moment, money, say, table, width
from bursar.cli.told import Told
from bursar.cli.until import until as until_instant
from bursar.refusals import Refused

if TYPE_CHECKING:
    from bursar.cli.client import Client

COMMAND = "bursar.run.command"
WIDE = 130
"""Columns from which on there is room for everything."""
END_TRIES, END_EVERY_S = 20, 0.5
"""How long a server that is just restarting is asked to end a run."""
SETTLED_WITHIN_S, SETTLED_EVERY_S = 2.0, 0.1
"""How long to wait for calls that were cut off at the end to be settled."""


class RunGroup(TyperGroup):
    """Tells a command to run from a word of our own: what follows `--`, or is none of our words, is a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the command to run out of the arguments."""
        _, rest, _ = self.make_parser(ctx).parse_args(list(args))
        options = args[: len(args) - len(rest)]
        marked = bool(rest) and options[-1:] == ["--"]
        if marked or (rest and rest[0] not in self.commands):
            ctx.meta[COMMAND] = rest
            args = options[:-1] if marked else options
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="run",
    cls=RunGroup,
    invoke_without_command=True,
    subcommand_metavar="-- COMMAND [ARGS]...",
)
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The run, as `bursar run list` calls it.")]


@app.callback()
def run(
    context: typer.Context,
    *,
    budget: Annotated[
        str | None, typer.Option(metavar="USD", help="The most that the command may spend. Required.")
    ] = None,
    name: Annotated[str, typer.Option(help="What the run is for.")] = "",
    until: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="When its key ends: 07:00, 30m, 12h, or a day, YYYY-MM-DD.  [24 hours at most]"
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Only these models, such as 'claude-*'; may be given again."),
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Whose budget pays; for the operator, who has none.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but what goes wrong.")] = False,
) -> None:
    """Run a command, such as a coding agent, with a budget of its own.

    The command gets a key that may spend so much of your budget until then, and nothing more. It finds it
    and Bursar's address in its environment, where SDKs and agents look for them. A run within a run is a
    part of it. When the command ends, the key is revoked, and what the run has cost is shown.

    The exit code is the command's; 128 and the signal's number when a signal ended it; 127 when there is no
    such command; 1 when the run was refused.

    \b
    Examples:
      bursar run --budget 5 -- claude -p "Fix the failing test"
      bursar run --budget 20 --name nightly --until 07:00 --models 'claude-*' -- ./agents.sh
      bursar run list
      bursar run show RUN
      bursar run kill RUN
    """
    if context.invoked_subcommand is not None:
        return
    command = context.meta.get(COMMAND)
    if budget is None and not command:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)
    if budget is None:
        raise typer.BadParameter("say how much it may spend, such as --budget 5", param_hint="--budget")
    if not command:
        raise typer.BadParameter("write the command to run behind --", param_hint="COMMAND")
    session = session_of(context)
    ends = None if until is None else until_instant(until, datetime.now(UTC).astimezone())
    wanted: dict[str, object] = {
        "budget": budget,
        "name": name,
        "until": ends,
        "models": models or None,
        "person": person,
    }
    with session.client(served=True) as client:
        made = client.post("/runs", wanted)
        with Child() as child:
            code = _run(session, client, child, made, list(command), quiet=quiet)
    raise typer.Exit(code)


def _run(
    session: Session, client: Client, child: Child, made: dict[str, Any], command: list[str], *, quiet: bool
) -> int:
    """Run the command in its run, and end the run whatever comes of it; returns the exit code.

    Signals are the child's all the while, so that nobody who is impatient keeps the run from being ended.
    """
    started, within = made["run"], "BURSAR_RUN" in os.environ
    environ = environment(os.environ, command[0], url=client.url, key=made["secret"], run=started["run"])
    if not (quiet or within):
        _note(f"Run {_title(started)} may spend {money(started['budget'])} until {_local(started['until'])}.")
    code = 1
    try:
        seen = sys.stderr.isatty() and not quiet and not within
        with Live(lambda: _ask(client, started["run"]), sys.stderr) if seen else nullcontext():
            code = child.run(command, environ)
    finally:
        ended = _end(session, client, started["run"], code)
    if ended is not None and not quiet:
        with redirect_stdout(sys.stderr):
            _summary(ended, in_full=not within)
    return code


def _ask(client: Client, token: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/runs/{token}")
    return found


def _end(session: Session, client: Client, token: str, code: int) -> dict[str, Any] | None:
    """End a run; returns what it cost, or None, when nobody could be asked, which is told."""
    problem: Refused | Told
    for attempt in range(END_TRIES):
        if attempt:
            time.sleep(END_EVERY_S)
        try:
            ended: dict[str, Any] = client.post(f"/runs/{token}/end", {"exit_code": code})
            return _settled(client, ended)
        except Told as told:
            problem = told
            break
        except Refused as lost:
            problem = lost
    tell(session, problem)
    return None


def _settled(client: Client, ended: dict[str, Any]) -> dict[str, Any]:
    """A run that has ended, when the calls that this cut off are settled, if that does not take long."""
    deadline_s = time.monotonic() + SETTLED_WITHIN_S
    while float(ended["held"]) and time.monotonic() < deadline_s:
        time.sleep(SETTLED_EVERY_S)
        ended = _ask(client, ended["run"])
    return ended


@app.command("list")
def list_runs(
    context: typer.Context,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only this person's runs.")] = None,
    running: Annotated[bool, typer.Option("--running", help="Only those that are running.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")] = 50,
    json: JsonFlag = False,
) -> None:
    """List runs, the newest first.

    \b
    Examples:
      bursar run list --running
      bursar run list --person ann@example.com --json
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/runs", person=person, running=running or None, limit=limit)
    if not session.show_json(found):
        _table(found, empty="No run yet. `bursar run --budget 5 -- COMMAND` starts one.")


@app.command()
def show(context: typer.Context, name: RunName, json: JsonFlag = False) -> None:
    """Show what a run has spent, by model, and the runs within it.

    \b
    Examples:
      bursar run show rk3v7q2m5xa
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("run", name))
    if not session.show_json(found):
        _show(found)


@app.command()
def kill(context: typer.Context, name: RunName, json: JsonFlag = False) -> None:
    """Kill a run and all runs within it: new calls are refused, running ones are cut off.

    The command itself goes on; whatever it calls is refused, and SDKs do not try again.

    \b
    Examples:
      bursar run kill rk3v7q2m5xa
    """
    session = session_of(context)
    with session.client() as client:
        found = client.post(path_of("run", name) + "/kill")
    if not session.show_json(found):
        _show(found)


def _title(run: dict[str, Any]) -> str:
    return f"{run['name']} ({run['run']})" if run["name"] else str(run["run"])


def _local(instant: str) -> str:
    """An instant as the clock on this machine has it; with its day, if that is another."""
    at, now = datetime.fromisoformat(instant).astimezone(), datetime.now(UTC).astimezone()
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def _span(took: timedelta) -> str:
    """How long something took, as people say it."""
    seconds = round(took.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _note(text: str) -> None:
    with redirect_stdout(sys.stderr):
        say(text)


def _summary(run: dict[str, Any], *, in_full: bool) -> None:
    """What a run has cost: a line, and a table by model when there is more than a line to say."""
    began, ended = (datetime.fromisoformat(run[name]) for name in ("started", "ended"))
    killed = ", killed" if run["state"] == "killed" else ""
    spent = f"{money(run['spent'])} of {money(run['budget'])}"
    say(f"Run {_title(run)}{killed}: {spent} in {count(run['calls'], 'call')}, {_span(ended - began)}.")
    if float(run["held"]):
        say(f"{money(run['held'])} is still held by calls that have not ended.")
    if in_full and run["by_model"]:
        _by_model(run)


def _by_model(run: dict[str, Any]) -> None:
    table(
        ["Model", ">Calls", ">Input", ">Cached", ">Output", ">Cost", ">Of it provisional"],
        [
            [
                use["model"],
                f"{use['calls']:,}",
                f"{use['input_tokens']:,}",
                f"{use['cached_tokens']:,}",
                f"{use['output_tokens']:,}",
                money(use["cost"]),
                money(use["provisional"]) if float(use["provisional"]) else NONE,
            ]
            for use in run["by_model"]
        ],
        empty="No call was made.",
    )


def _show(run: dict[str, Any]) -> None:
    say(f"{_title(run)}, {run['state']}")
    gap()
    facts(
        (name, value)
        for name, value in (
            ("Person", run["person"]),
            ("Within", run["within"] or NONE),
            ("Budget", money(run["budget"])),
            ("Spent", money(run["spent"])),
            ("Held", money(run["held"])),
            ("Left", money(run["left"])),
            ("Models", ", ".join(run["models"]) or NONE),
            ("Started (UTC)", moment(run["started"])),
            ("Until (UTC)", moment(run["until"])),
            ("Ended (UTC)", moment(run["ended"])),
            ("Exit code", NONE if run["exit_code"] is None else str(run["exit_code"])),
        )
        if value != NONE
    )
    gap()
    _by_model(run)
    if run["runs"]:
        gap()
        _table(run["runs"], title="Runs within it")


def _table(runs: list[dict[str, Any]], *, empty: str = "", title: str = "") -> None:
    """Runs in a table. Where there is little room, a person is the e-mail's first part, and one time is shown."""
    wide = width() >= WIDE
    columns = ["Run", "~Name", "Person", "State", ">Budget", ">Spent", ">Left", "Ends (UTC)"]
    rows = [
        [
            run["run"],
            run["name"] or NONE,
            run["person"] if wide else run["person"].partition("@")[0],
            run["state"],
            money(run["budget"]),
            money(run["spent"]),
            money(run["left"]),
            moment(run["ended"] or run["until"]),
        ]
        for run in runs
    ]
    if wide:
        columns += ["Started (UTC)", "Within"]
        for row, run in zip(rows, runs, strict=True):
            row += [moment(run["started"]), run["within"] or NONE]
    table(columns, rows, empty=empty, title=title)
