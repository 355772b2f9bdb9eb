"""Terms of a person."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.person import Email
from bursar.cli.promises import promises
from bursar.cli.request import show_requests
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import count, facts, gap, moment, money, say

app = typer.Typer(name="terms", help="What holds for a person, and its history.", no_args_is_help=True)


@app.command()
def show(
    context: typer.Context,
    email: Email,
    at: Annotated[str | None, typer.Option(metavar="DATE", help="What holds then, YYYY-MM-DD.  [now]")] = None,
    json: JsonFlag = False,
) -> None:
    """Show what holds for a person, where it comes from, and its whole history.

    \b
    Examples:
      bursar terms show ann@example.com
      bursar terms show ann@example.com --at 2027-01-01
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(f"{path_of('person', email)}/terms", at=at)
    if session.show_json(found):
        return
    say(f"{found['name']} <{found['person']}>, at {moment(found['at'])} UTC")
    if not found["grants"]:
        say("No plan was granted yet. `bursar grant` grants one.")
    for grant in found["grants"]:
        gap()
        facts(_grant(grant))
    if found["history"]:
        gap()
        _history(found["history"])
    if found["requests"]:
        gap()
        show_requests(found["requests"], title="Requests")


def _grant(grant: dict[str, Any]) -> list[tuple[str, str]]:
    """What holds of a grant; what it does not promise is said where somebody would look for it."""
    terms, zone = grant["terms"], grant["terms"]["time_zone"]
    version = f"the plan {grant['plan']}, version {grant['version']}"
    source = version if grant["amount_from"] is None else f"change {grant['amount_from']}"
    rows = {
        "Plan": f"{grant['plan']}, version {grant['version']}, from {moment(grant['from'], zone)} {zone}",
        "State": grant["state"],
        "Amount": f"{_amount(grant)} each period ({terms['schedule']}), by {source}",
        "That is": grant["amount_note"],
        **dict(promises(terms)),
        "Notice": _notice(terms),
        "Vesting": _vesting(grant),
    }
    rows.setdefault("Taxed as", "not decided by the employer")
    rows.setdefault("Expected", "nothing is stated")
    return [(name, text) for name, text in rows.items() if text]


def _amount(grant: dict[str, Any]) -> str:
    return "not known" if grant["amount"] is None else money(grant["amount"])


def _notice(terms: dict[str, Any]) -> str:
    reduce = f"{count(terms['notice_reduce_days'], 'day')} before a reduction or a pause"
    if not terms["revocable"]:
        return f"{reduce}; not revocable without cause"
    return f"{reduce}, {count(terms['notice_revoke_days'], 'day')} before a revocation"


def _vesting(grant: dict[str, Any]) -> str:
    terms = grant["terms"]
    if terms["vesting_months"] is None:
        return "none"
    cliff = f", none before {count(terms['vesting_cliff_months'], 'month')}" if terms["vesting_cliff_months"] else ""
    vested = "" if grant["vested"] is None else f"; {money(grant['vested'])} of a period now"
    return f"over {count(terms['vesting_months'], 'month')}{cliff}{vested}"


def _history(changes: list[dict[str, Any]]) -> None:
    say("Changes")
    for one in changes:
        approved = f", approved by {one['approver']}" if one["approver"] else ""
        kind = one["kind"].replace("_", " ")
        say(f"{one['id']:>3}  {moment(one['announced'])} UTC  {kind}, by {one['actor']}{approved}: {one['reason']}")
        say(f"     {one['told']}")
