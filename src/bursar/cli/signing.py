"""The keys that Bursar signs with."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import write_text
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import moment, say, table

app = typer.Typer(
    name="signing", help="The keys that statements and checkpoints are signed with.", no_args_is_help=True
)


@app.command("list")
def list_keys(context: typer.Context, json: JsonFlag = False) -> None:
    """List the keys, the newest first.

    \b
    Examples:
      bursar signing list
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/signing/keys")
    if not session.show_json(found):
        _show(found)


@app.command()
def rotate(context: typer.Context, json: JsonFlag = False) -> None:
    """Sign with a new key from now on.

    What the key before signed stays verifiable. Its secret part is removed: nobody can sign with it any more.

    \b
    Examples:
      bursar signing rotate
    """
    session = session_of(context)
    with session.client() as client:
        made = client.post("/signing/rotate")
    if not session.show_json(made):
        _show([made])


@app.command()
def export(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to, instead of the terminal.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Print the public keys, all that signed or sign, as a JWK set.

    It is what /.well-known/bursar-keys.json serves. Keep a copy where nobody who has the data folder can change it.

    \b
    Examples:
      bursar signing export -o bursar-keys.json
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/signing/keys")
    keys = {"keys": [key["jwk"] for key in found]}
    if output is not None:
        write_text(output, json_text.dumps(keys, indent=2) + "\n")
    if session.show_json(keys):
        return
    if output is None:
        print(json_text.dumps(keys, indent=2))
    else:
        say(f"The public keys are in {output}.")


def _show(keys: list[dict[str, Any]]) -> None:
    table(
        ["Key", "Made (UTC)", "Use"],
        [[key["key"], moment(key["created"]), "signs" if key["signs"] else "verifies"] for key in keys],
    )
