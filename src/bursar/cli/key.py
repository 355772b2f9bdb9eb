"""Keys."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, gap, moment, money, say, table
from bursar.refusals import field_invalid

app = typer.Typer(name="key", help="Make keys for the gateway, list them, revoke one.", no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    email: Annotated[str | None, typer.Argument(metavar="[EMAIL]", help="Whose budget the key spends.")] = None,
    *,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    limit: Annotated[
        str | None, typer.Option(metavar="USD", help="The most that it may spend in its whole life.")
    ] = None,
    per_day: Annotated[
        str | None, typer.Option(metavar="USD", help="The most that it may spend each day, in UTC.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 30m, 12h, 7d, or a day, YYYY-MM-DD in UTC.")
    ] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="For personal use, as far as the plan allows it; reported as such.")
    ] = False,
    administrator: Annotated[
        bool, typer.Option("--administrator", help="A key that may change everything through the API.")
    ] = False,
    finance: Annotated[
        bool, typer.Option("--finance", help="A key of this person that may read and bring in everybody's pay.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Make a key. It is shown this once.

    \b
    Examples:
      bursar key create ann@example.com --name laptop
      bursar key create ann@example.com --name "overnight run" --limit 25 --expires 12h
      bursar key create ann@example.com --name agent --per-day 30
      bursar key create ann@example.com --name home --personal
      bursar key create --administrator --name "user sync"
      bursar key create cleo@example.com --finance --name payroll
    """
    session = session_of(context)
    wanted: dict[str, Any] = {"person": email, "name": name, "limit": limit, "per_day": per_day, "expires": expires}
    wanted["personal"] = personal
    with session.client() as client:
        made = client.post("/keys", {**wanted, "role": _role(administrator=administrator, finance=finance)})
    if session.show_json(made):
        return
    say(made["secret"])
    gap()
    _show([made["key"]])
    gap()
    say("The key above is shown this once.")


@app.command("list")
def list_keys(
    context: typer.Context,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only this person's keys.")] = None,
    json: JsonFlag = False,
) -> None:
    """List keys, the newest first. Their secrets are kept nowhere.

    \b
    Examples:
      bursar key list
      bursar key list --person ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/keys", person=person)
    if not session.show_json(found):
        _show(found)


@app.command()
def revoke(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", min=1, help="The key's number in `bursar key list`.")],
    json: JsonFlag = False,
) -> None:
    """Revoke a key: no call is admitted with it any more.

    \b
    Examples:
      bursar key revoke 3
    """
    session = session_of(context)
    with session.client() as client:
        ended = client.delete(f"/keys/{number}")
    if not session.show_json(ended):
        _show([ended])


def _owner(key: dict[str, Any]) -> str:
    """Whose a key is, and its role when that is not a person's."""
    if key["person"] is None:
        return str(key["role"])
    if key["personal"]:
        return f"{key['person']}, personal use"
    return f"{key['person']}, {key['role']}" if key["role"] == "finance" else str(key["person"])


def _role(*, administrator: bool, finance: bool) -> str:
    if administrator and finance:
        raise field_invalid("--finance", "given", "left out: a key has one role")
    return "administrator" if administrator else "finance" if finance else "person"


def _show(keys: list[dict[str, Any]]) -> None:
    table(
        [">ID", "Key", "~Name", "Belongs to", ">Limit", "Ends (UTC)"],
        [
            [
                str(key["id"]),
                key["shown"],
                key["name"] or NONE,
                _owner(key),
                money(key["limit"]),
                f"revoked {moment(key['revoked'])}" if key["revoked"] else moment(key["expires"]),
            ]
            for key in keys
        ],
        empty="No key yet. `bursar key create` makes one.",
    )
