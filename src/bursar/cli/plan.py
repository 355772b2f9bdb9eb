"""Plans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import read_text
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import facts, moment, money, table

app = typer.Typer(name="plan", help="Add plans from files, list them, look one up.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The plan's file; - reads standard input.")],
    json: JsonFlag = False,
) -> None:
    """Add a plan, or the next version of one. Grants that exist keep the version that they have.

    \b
    A plan's file has at least a name and an amount:
      name = "engineers"
      amount = "2000.00"
      time_zone = "Europe/Stockholm"
      models = ["claude-*", "gpt-*"]

    \b
    Examples:
      bursar plan add engineers.toml
    """
    session = session_of(context)
    text = read_text(file)
    with session.client() as client:
        made = client.post("/plans", {"toml": text})
    if not session.show_json(made):
        _show_one(made)


@app.command("list")
def list_plans(context: typer.Context, json: JsonFlag = False) -> None:
    """List every version of every plan, the newest first.

    \b
    Examples:
      bursar plan list
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/plans")
    if not session.show_json(found):
        _show(found)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plan's name.")],
    json: JsonFlag = False,
) -> None:
    """Show what a plan's newest version promises.

    \b
    Examples:
      bursar plan show engineers
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("plan", name))
    if not session.show_json(found):
        _show_one(found)


def _show(plans: list[dict[str, Any]]) -> None:
    table(
        ["Plan", ">Version", ">Amount", "Every", "Time zone", "~Models"],
        [
            [
                plan["name"],
                str(plan["version"]),
                money(plan["terms"]["amount"]),
                _every(plan["terms"]),
                plan["terms"]["time_zone"],
                _models(plan["terms"]),
            ]
            for plan in plans
        ],
        empty="No plan yet. `bursar plan add` adds one.",
    )


def _show_one(plan: dict[str, Any]) -> None:
    terms = plan["terms"]
    facts(
        [
            ("Plan", f"{plan['name']}, version {plan['version']}"),
            ("Amount", f"{money(terms['amount'])} {terms['currency']} every {_every(terms)}"),
            ("Time zone", terms["time_zone"]),
            ("Unused credit", {"expire": "expires when the period ends"}.get(terms["unused"], terms["unused"])),
            ("Models", _models(terms)),
            ("Longer answers", "are cut to what the budget can pay" if terms["clamp"] else "are refused"),
            ("Priority", f"{terms['priority']} (lower is spent first)"),
            ("Since (UTC)", moment(plan["created"])),
        ]
    )


def _every(terms: dict[str, Any]) -> str:
    return {"monthly": "month"}.get(terms["schedule"], str(terms["schedule"]))


def _models(terms: dict[str, Any]) -> str:
    return ", ".join(terms["models"]) or "all"
