"""Plans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import read_text
from bursar.cli.promises import amount, every, models, promises
from bursar.cli.session import JsonFlag, Session, path_of, session_of
from bursar.cli.show import facts, moment, table
from bursar.refusals import Refused, Why, refuse

app = typer.Typer(name="plan", help="Add plans from files, list them, look one up.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The plan's file; - reads standard input.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a plan is changed.")] = False,
    json: JsonFlag = False,
) -> None:
    """Add a plan, or the next version of one, after it has shown what changes.

    Grants that exist keep the version that they have.

    \b
    A plan's file has at least a name and an amount:
      name = "engineers"
      amount = "2000.00"
      time_zone = "Europe/Stockholm"
      models = ["claude-*", "gpt-*"]

    \b
    Examples:
      bursar plan add engineers.toml
      bursar plan add engineers.toml --yes
    """
    session = session_of(context)
    text = read_text(file)
    with session.client() as client:
        checked = client.post("/plans/check", {"toml": text})
        if checked["changes"]:
            _show_changes(checked, session)
            _ask(checked, yes=yes)
        made = client.post("/plans", {"toml": text})
    if not session.show_json(made):
        _show_one(made)


@app.command()
def lint(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The plan's file; - reads standard input.")],
    json: JsonFlag = False,
) -> None:
    """Read a plan's file and warn about terms that work against the person or that counsel should see.

    Nothing is added. Bursar gives no advice on law or tax.

    \b
    Examples:
      bursar plan lint engineers.toml
    """
    session = session_of(context)
    text = read_text(file)
    with session.client() as client:
        checked = client.post("/plans/check", {"toml": text})
    if not session.show_json(checked):
        table(
            ["For", "Field", "~Warning"],
            [[warning["audience"], warning["field"], warning["text"]] for warning in checked["warnings"]],
            empty=f"Nothing to say about the plan {checked['name']}.",
        )


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
                amount(plan["terms"], blend=False),
                every(plan["terms"]).removeprefix("every "),
                plan["terms"]["time_zone"],
                models(plan["terms"]),
            ]
            for plan in plans
        ],
        empty="No plan yet. `bursar plan add` adds one.",
    )


def _show_changes(checked: dict[str, Any], session: Session) -> None:
    if session.as_json:
        return
    title = f"{checked['name']}: version {checked['version']} becomes {checked['version'] + 1}"
    rows = [[change["field"], change["was"], change["becomes"]] for change in checked["changes"]]
    table(["Field", "~Was", "~Becomes"], rows, title=title)


def _ask(checked: dict[str, Any], *, yes: bool) -> None:
    """Ask whether a plan is to be changed; somebody must be there to be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(refuse(Why.FIELD_MISSING, field="--yes", right="given when there is nobody to ask"))
    typer.confirm(f"Add version {checked['version'] + 1} of the plan {checked['name']}?", abort=True, err=True)


def _show_one(plan: dict[str, Any]) -> None:
    terms = plan["terms"]
    rows = [
        ("Plan", f"{plan['name']}, version {plan['version']}"),
        ("Amount", f"{amount(terms)} {every(terms)}"),
        ("Time zone", terms["time_zone"]),
        *promises(terms),
        ("Since (UTC)", moment(plan["created"])),
    ]
    facts(rows)
