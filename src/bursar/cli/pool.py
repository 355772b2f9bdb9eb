"""Team pools."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, moment, money, say, table

app = typer.Typer(name="pool", help="Grant plans to teams, list their pools.", no_args_is_help=True)


@app.command("grant")
def grant_pool(
    context: typer.Context,
    team: Annotated[str, typer.Argument(metavar="TEAM", help="The team, as people's entries name it.")],
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan whose budget the team gets.")],
    begins: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATE", help="The first day, YYYY-MM-DD in the plan's time zone.  [this period's first]"
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Grant a team a plan's budget, from a day on: a pool. The same again changes nothing.

    Everybody in the team may draw on it; it pays when what is their own is used up.

    \b
    Examples:
      bursar pool grant platform shared
      bursar pool grant platform shared --from 2026-12-01
    """
    session = session_of(context)
    with session.client() as client:
        made = client.post("/pools", {"team": team, "plan": plan, "from": begins})
    if session.show_json(made):
        return
    since = moment(made["begins"])
    say(
        f"The team {made['team']} has a pool of the plan {made['plan']}, version {made['version']}, from {since} UTC."
    )


@app.command("list")
def list_pools(
    context: typer.Context,
    person: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Only those that this person may draw on.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List pools, and what is left in them.

    \b
    Examples:
      bursar pool list
      bursar pool list --person ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/pools", person=person)
    if not session.show_json(found):
        show(found)


def show(pools: list[dict[str, Any]]) -> None:
    """Print pools and what is left in them."""
    table(
        ["Pool of", "Plan", "Period", ">Granted", ">Spent", ">Held", ">Left", "~Ends"],
        [
            [
                pool["team"],
                pool["plan"],
                pool["period"] or f"from {moment(pool['begins'], pool['time_zone'])}",
                *(money(pool[name]) for name in ("granted", "spent", "held", "available")),
                f"{moment(pool['expires'], pool['time_zone'])} {pool['time_zone']}" if pool["expires"] else NONE,
            ]
            for pool in pools
        ],
        empty="No pool. `bursar pool grant` makes one.",
    )
