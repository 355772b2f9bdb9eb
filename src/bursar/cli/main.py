"""`bursar`: the program. Options that go before the command, the commands, and what becomes of a refusal.

Exit codes: 0 done; 1 refused, not found, or a check that failed; 2 a command that was not understood.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from bursar import __version__
from bursar.cli.session import Session, session_of, tell
from bursar.cli.told import Told
from bursar.refusals import Refused

REFUSED = 1
INTERRUPTED = 130

GROUPS = {
    **{name: name for name in ("person", "plan", "pool", "key", "limit", "offer", "run", "prices", "journal")},
    "import": "import_",
    **{name: name for name in ("signing", "statement", "usage", "request", "terms", "export", "roster")},
    "pay": "roster:pay_app",
}
"""The commands that have commands below them: the module of this package, and the name in it if it is not `app`."""
COMMANDS = {
    **dict.fromkeys(("up", "init"), "setup"),
    **{name: name for name in ("grant", "kill")},
    "balance": "account",
    **dict.fromkeys(("change", "pause", "resume", "revoke", "extend"), "change"),
    **{name: name for name in ("adjust", "reconcile", "close", "simulate", "reload")},
    "compensation": "roster",
}
"""The other commands: the module that has a function of that name."""
BEFORE = ("--data", "--url", "--key")
"""The options that go before a command, each with a word of its own."""


def application(only: str = "") -> typer.Typer:
    """The program: all of it, or with `only` one of its commands, for whoever wants to run that one.

    Loading all takes longer than most commands do.
    """
    app = typer.Typer(
        name="bursar",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(options)
    everything = only not in GROUPS and only not in COMMANDS
    for name, place in GROUPS.items():
        if everything or name == only:
            module, _, group = place.partition(":")
            app.add_typer(getattr(import_module(f"bursar.cli.{module}"), group or "app"))
    for name, module in COMMANDS.items():
        if everything or name == only:
            app.command()(getattr(import_module(f"bursar.cli.{module}"), name))
    return app


def command_in(words: Sequence[str]) -> str:
    """The command that words name, after the options that go before it; empty where there is none."""
    following = iter(words)
    for word in following:
        if word in BEFORE:
            next(following, None)
        elif not word.startswith(tuple(f"{option}=" for option in BEFORE)):
            return word
    return ""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"bursar {__version__}")
        raise typer.Exit


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
    words = sys.argv[1:] if arguments is None else arguments
    try:
        try:
            application(command_in(words))(words, prog_name="bursar", obj=session)
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
