"""Grants."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import moment, say


def grant(
    context: typer.Context,
    email: Email,
    plan: Annotated[str, typer.Option(metavar="NAME", help="The plan to enrol the person in.")],
    begins: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATE", help="The first day, YYYY-MM-DD in the plan's time zone.  [this period's first]"
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Grant a person a plan's budget, from a day on. The same grant again changes nothing.

    \b
    Examples:
      bursar grant ann@example.com --plan engineers
      bursar grant ann@example.com --plan engineers --from 2026-11-17
    """
    session = session_of(context)
    with session.client() as client:
        made = client.post("/grants", {"person": email, "plan": plan, "from": begins})
    if session.show_json(made):
        return
    since = moment(made["from"])
    say(f"{made['person']} has the plan {made['plan']}, version {made['version']}, from {since} UTC.")
