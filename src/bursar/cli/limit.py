"""Limits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, moment, money, say, table

app = typer.Typer(name="limit", help="Set limits, list them, remove one.", no_args_is_help=True)
PER = {"life": "in all", "day": "a day", "week": "a week", "month": "a month"}


@app.command()
def add(
    context: typer.Context,
    amount: Annotated[str, typer.Argument(metavar="USD", help="The most that may be spent in each period.")],
    per: Annotated[
        str, typer.Option(metavar="PERIOD", help="day, week (from Monday), month, or life: once and for all.")
    ],
    *,
    team: Annotated[str | None, typer.Option(help="What this team spends, together.")] = None,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="What this person spends.")] = None,
    key: Annotated[
        int | None, typer.Option(metavar="ID", help="What this key spends; its number in `bursar key list`.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="What everybody spends, together.")] = False,
    models: Annotated[
        str, typer.Option(metavar="PATTERN", help="Only calls to these models count, such as 'claude-*'.  [all]")
    ] = "",
    soft: Annotated[
        str | None, typer.Option(metavar="USD", help="Warn from here on; calls are let through up to the limit.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(metavar="ZONE", help="Whose calendar the periods follow, such as Europe/Stockholm.")
    ] = "UTC",
    json: JsonFlag = False,
) -> None:
    """Set a limit on what a team, a person, a key or everybody spends. It is in force at once.

    It counts what is spent from now on. A call that would pass it is refused before it is sent, whatever is left of
    the budget. To change a limit, add the new one and remove the old.

    \b
    Examples:
      bursar limit add 500 --team platform --per day --models 'claude-*' --soft 400
      bursar limit add 1500 --person ann@example.com --per month --time-zone Europe/Stockholm
      bursar limit add 25 --key 3 --per life
      bursar limit add 20000 --everybody --per week
    """
    session = session_of(context)
    wanted: dict[str, object] = {
        "amount": amount,
        "per": per,
        "team": team,
        "person": person,
        "key": key,
        "everybody": everybody,
        "models": models,
        "soft": soft,
        "time_zone": time_zone,
    }
    with session.client() as client:
        made = client.post("/limits", wanted)
    if not session.show_json(made):
        _show([made])


@app.command("list")
def list_limits(
    context: typer.Context,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only those that apply to this person.")] = None,
    json: JsonFlag = False,
) -> None:
    """List the limits in force, and what of them is used now.

    \b
    Examples:
      bursar limit list
      bursar limit list --person ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/limits", person=person)
    if not session.show_json(found):
        _show(found)


@app.command()
def remove(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", min=1, help="The limit's number in `bursar limit list`.")],
    json: JsonFlag = False,
) -> None:
    """Remove a limit: it stops nobody any more. What it counted stays in the journal.

    \b
    Examples:
      bursar limit remove 2
    """
    session = session_of(context)
    with session.client() as client:
        ended = client.delete(f"/limits/{number}")
    if not session.show_json(ended):
        say(f"The limit {number}, {money(ended['amount'])} {PER[ended['per']]} for {ended['whose']}, is removed.")


def warning(limit: dict[str, Any]) -> str:
    """What is to be said of a limit whose soft amount is passed; a dash for nothing."""
    return f"past {money(limit['soft'])}" if limit["soft_passed"] else NONE


def _show(limits: list[dict[str, Any]]) -> None:
    table(
        [">ID", "Whose", "~Models", ">Limit", "Every", ">Spent", ">Held", ">Left", "Warning", "~Whole again"],
        [
            [
                str(limit["id"]),
                limit["whose"],
                limit["models"] or NONE,
                money(limit["amount"]),
                PER[limit["per"]],
                *(money(limit[name]) for name in ("spent", "held", "available")),
                warning(limit),
                f"{moment(limit['ends'], limit['time_zone'])} {limit['time_zone']}" if limit["ends"] else NONE,
            ]
            for limit in limits
        ],
        empty="No limit is set. `bursar limit add` sets one.",
    )
