"""Having a running server read its files anew."""

from __future__ import annotations

import typer

from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import say


def reload(context: typer.Context, json: JsonFlag = False) -> None:
    """Have the server read bursar.toml and prices.toml anew, without dropping a call.

    What changed is listed. A file that is wrong is refused by name, and everything stays as it is.

    \b
    Examples:
      bursar reload
      bursar --url https://bursar.example.com reload
    """
    session = session_of(context)
    with session.client() as client:
        done = client.post("/reload")
    if session.show_json(done):
        return
    for change in done["changed"]:
        say(change)
    if not done["changed"]:
        say("Nothing has changed.")
    if done["restart"]:
        say(f"After a restart only: {', '.join(done['restart'])}.")
