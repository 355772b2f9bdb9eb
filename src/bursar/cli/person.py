"""People."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import NONE, moment, table

app = typer.Typer(name="person", help="Add people, list them, look one up.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail.")]


@app.command()
def add(
    context: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option(help="The person's name.")],
    team: Annotated[str, typer.Option(help="The team or cost centre.")] = "",
    json: JsonFlag = False,
) -> None:
    """Add somebody who may be granted a budget.

    \b
    Examples:
      bursar person add ann@example.com --name "Ann Example" --team platform
    """
    session = session_of(context)
    with session.client() as client:
        made = client.post("/people", {"email": email, "name": name, "team": team})
    if not session.show_json(made):
        _show([made])


@app.command("list")
def list_people(context: typer.Context, json: JsonFlag = False) -> None:
    """List everybody.

    \b
    Examples:
      bursar person list
      bursar person list --json
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/people")
    if not session.show_json(found):
        _show(found)


@app.command()
def show(context: typer.Context, email: Email, json: JsonFlag = False) -> None:
    """Show one person.

    \b
    Examples:
      bursar person show ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("person", email))
    if not session.show_json(found):
        _show([found])


def _show(people: list[dict[str, Any]]) -> None:
    table(
        ["Person", "~Name", "~Team", "Since (UTC)"],
        [[one["email"], one["name"], one["team"] or NONE, moment(one["created"])] for one in people],
        empty="Nobody yet. `bursar person add` adds somebody.",
    )
