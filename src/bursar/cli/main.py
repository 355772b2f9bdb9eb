"""`bursar`: the program. Options that go before the command, the commands, and what becomes of a refusal.

Exit codes: 0 done; 1 refused, not found, or a check that failed; 2 a command that was not understood.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bursar import __version__
from bursar.cli import (
    account,
    adjust,
    change,
    close,
    export,
    grant,
    import_,
    journal,
    key,
    kill,
    limit,
    offer,
    person,
    plan,
    pool,
    prices,
    reconcile,
    reload,
    request,
    roster,
    run,
    setup,
    signing,
    simulate,
    statement,
    terms,
    usage,
)
from bursar.cli.session import Session, session_of, tell
from bursar.cli.told import Told
from bursar.refusals import Refused

REFUSED = 1
INTERRUPTED = 130

app = typer.Typer(
    name="bursar",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for group in (
    person.app,
    plan.app,
    pool.app,
    key.app,
    limit.app,
    offer.app,
    run.app,
    prices.app,
    journal.app,
    import_.app,
    signing.app,
    statement.app,
    usage.app,
    request.app,
    terms.app,
    export.app,
    *roster.APPS,
):
    app.add_typer(group)
for command in (setup.up, setup.init, grant.grant, kill.kill, account.balance):
    app.command()(command)
app.command()(change.change)
app.command()(change.pause)
app.command()(change.resume)
app.command()(change.revoke)
app.command()(change.extend)
app.command()(adjust.adjust)
app.command()(reconcile.reconcile)
app.command()(close.close)
app.command()(simulate.simulate)
app.command()(reload.reload)
app.command()(roster.compensation)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"bursar {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    data: Annotated[Path, typer.Option(envvar="BURSAR_DATA", help="The data folder.")] = Path("bursar-data"),
    url: Annotated[
        str | None, typer.Option(envvar="BURSAR_URL", help="A Bursar elsewhere, instead of the data folder.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="BURSAR_KEY", help="The key to use with --url; better in the environment.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """AI tokens as pay: grant token budgets, have them spent through one gateway, account for every nano-dollar.

    \b
    Begin with one of these:
      bursar up --demo      a company to look at, with simulated providers
      bursar init           a data folder of your own
    """
    session = session_of(context)
    session.folder, session.url, session.key = data, url, key


def main(arguments: list[str] | None = None) -> None:
    """Run the program on arguments, those of the process when none are given. Always raises SystemExit."""
    session = Session()
    try:
        try:
            app(arguments, prog_name="bursar", obj=session)
        finally:
            sys.stdout.flush()  # here, where it is caught, not at the interpreter's end
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has left; there is nobody to tell, and nothing more may be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(REFUSED)
    except (Refused, Told) as problem:
        tell(session, problem)
        sys.exit(REFUSED)
