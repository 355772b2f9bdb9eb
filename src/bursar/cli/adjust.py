"""Charge usage that did not pass the gateway."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import money, say


def adjust(
    context: typer.Context,
    email: Email,
    *,
    cost: Annotated[str, typer.Option(metavar="USD", help="What it cost.")],
    at: Annotated[
        str,
        typer.Option(metavar="WHEN", help="When it was: a day, YYYY-MM-DD in UTC, an instant, a span ago: 12h."),
    ],
    source: Annotated[str, typer.Option(metavar="NAME", help="Who reports it, such as an invoice.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why. The person reads it.")],
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model; only budgets that allow it pay.  [any]")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Names the usage: the same again is charged once.  [a new one]"),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Charge usage that did not pass the gateway to the budget that was open when it was.

    Only a plan with outside_usage = "charge" pays for it. While the budget of that time is open, or in its run-out,
    its credit pays; after that nobody's credit does, and it is put down as adjusted.

    \b
    Examples:
      bursar adjust ann@example.com --cost 3.20 --at 2026-11-03 --source copilot --reason "Premium requests"
      bursar adjust ann@example.com --cost 12 --at 5d --source invoice --id INV-17-4 --reason "Direct use of the API"
    """
    session = session_of(context)
    wanted: dict[str, Any] = {
        "cost": cost,
        "at": at,
        "source": source,
        "reason": reason,
        "model": model or "",
        "id": name,
    }
    with session.client() as client:
        made: dict[str, Any] = client.post(f"{path_of('person', email)}/adjustments", wanted)
    if not session.show_json(made):
        say(_told(made))


def _told(made: dict[str, Any]) -> str:
    """What became of it, in a line."""
    cost, where = money(made["cost"]), f"{made['person']}, period {', '.join(made['periods'])}"
    if made["how"] == "memo":
        return f"{cost} is charged to nobody: no plan of {made['person']} charges usage outside of the gateway."
    if made["how"] == "adjusted":
        return f"{cost} is put down as adjusted for {where}: its own period's run-out has ended."
    overrun = "" if made["overrun"] == "0.00" else f", {money(made['overrun'])} of it as overrun"
    return f"{cost} is charged to {where}{overrun}."
