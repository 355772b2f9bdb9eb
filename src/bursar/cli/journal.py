"""The journal."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.cli.session import JsonFlag, Session, session_of
from bursar.cli.show import count, gap, moment, progress, say, table
from bursar.cli.usage import Limit, Since

app = typer.Typer(name="journal", help="Read the journal, and prove that it adds up.", no_args_is_help=True)


@app.command()
def verify(context: typer.Context, json: JsonFlag = False) -> None:
    """Prove the books: replay the journal, compare what it adds up to, recompute its hash chains.

    What is wrong is listed by name, and the exit code is 1.

    \b
    Examples:
      bursar journal verify
      bursar journal verify --json
    """
    session = session_of(context)
    found = _verified(session)
    if not session.show_json(found):
        _show_verification(found)
    if not found["is_right"]:
        raise typer.Exit(1)


@app.command()
def show(
    context: typer.Context,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only this person's postings.")] = None,
    since: Since = None,
    limit: Limit = 50,
    json: JsonFlag = False,
) -> None:
    """Show postings, the newest first, with what each moved.

    \b
    Examples:
      bursar journal show --person ann@example.com
      bursar journal show --since 1h --json
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/journal", person=person, since=since, limit=limit)
    if session.show_json(found):
        return
    if not found:
        say("The journal is empty.")
    for posting in found:
        told = (f"{posting['id']:>8}", moment(posting["at"]), f"{posting['verb']:<11}", posting["person"])
        say("  ".join(told) + (f"  ({posting['reason']})" if posting["reason"] else ""))
        for moved in posting["transfers"]:
            say(f"{'':10}{moved['text']}")


def _verified(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with session.client() as client, progress("Reading the journal") as advance:
        for line in client.lines("/journal/verify", progress="true"):
            if "total" in line:
                advance(line["done"], line["total"])
            else:
                found = line
    return found


def _show_verification(found: dict[str, Any]) -> None:
    read = ("posting", "transfer", "call", "balance", "open_hold", "link")
    counts = ", ".join(count(found[f"{name}s"], name.replace("_", " ")) for name in read)
    if found["is_right"]:
        say(f"The books are right: {counts}.")
    else:
        say(f"The books are WRONG: {count(found['fault_count'], 'fault')} in {counts}.")
        gap()
        table(
            ["Fault", "~Where", "~Problem"],
            [[fault["name"], fault["where"], fault["problem"]] for fault in found["faults"]],
            empty="",
        )
    for head in found["heads"]:
        say(f"Chain {head['chain']} ends with link {head['n']:,}, {head['hash']}")
    if found["heads"]:
        say("Keep that line elsewhere: it shows later whether the journal's end was cut off.")
