"""The switch that stops everything a person runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import count, say
from bursar.refusals import Refused, Why, refuse


def kill(
    context: typer.Context,
    email: Email,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonFlag = False,
) -> None:
    """Stop everything a person runs: kill all their runs and revoke all their keys.

    New calls are refused within a second, running ones are cut off and charged at what is known of them.
    Grants and budgets stay; `bursar key create` makes a new key.

    \b
    Examples:
      bursar kill ann@example.com
      bursar kill ann@example.com --yes --json
    """
    session = session_of(context)
    path = path_of("person", email) + "/kill"
    if not yes:
        if not sys.stdin.isatty():
            raise Refused(refuse(Why.FIELD_MISSING, field="--yes", right="given when there is nobody to ask"))
        typer.confirm(f"Kill all runs of {email} and revoke all keys?", abort=True, err=True)
    with session.client() as client:
        done = client.post(path)
    if not session.show_json(done):
        say(f"{done['person']}: {count(done['keys'], 'key')} revoked, {count(done['runs'], 'run')} killed.")
