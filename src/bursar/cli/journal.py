"""The journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import read_text, write_text
from bursar.cli.session import JsonFlag, Session, session_of
from bursar.cli.show import count, gap, moment, progress, say, table
from bursar.cli.usage import Limit, Since
from bursar.refusals import Refused, Why, refuse
from bursar.signing import read_keys

app = typer.Typer(name="journal", help="Read the journal, and prove that it adds up.", no_args_is_help=True)


@app.command()
def verify(
    context: typer.Context,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A signed checkpoint to compare with, kept elsewhere.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The public key (or keys) that must have signed it.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Prove the books: replay the journal, compare what it adds up to, recompute its hash chains.

    With a checkpoint it is also proved that nothing that was there then has changed, even by somebody who computed
    the chains anew. Without --key the data folder's own keys are believed. What is wrong is listed by name, and the
    exit code is 1.

    \b
    Examples:
      bursar journal verify
      bursar journal verify --checkpoint 2026-11-23.jws --key bursar-keys.json
      bursar journal verify --json
    """
    session = session_of(context)
    found = _verified(session, _compared(checkpoint, key))
    if not session.show_json(found):
        _show_verification(found, is_compared=checkpoint is not None)
    if not found["is_right"]:
        raise typer.Exit(1)


@app.command()
def checkpoint(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to, instead of the terminal.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Sign what the journal is now, to keep it where nobody can change it with the books.

    A running server puts one into the folder `checkpoints` each day.

    \b
    Examples:
      bursar journal checkpoint
      bursar journal checkpoint -o /mnt/elsewhere/bursar.jws
    """
    session = session_of(context)
    with session.client() as client:
        made = client.post("/journal/checkpoint")
    if output is not None:
        write_text(output, made["checkpoint"] + "\n")
    if session.show_json(made):
        return
    say(made["checkpoint"] if output is None else f"The checkpoint is in {output}.")


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


def _compared(checkpoint: Path | None, keys: Path | None) -> dict[str, object]:
    """What is asked for besides the proof: the checkpoint, and who must have signed it."""
    if checkpoint is None:
        if keys is not None:
            raise Refused(refuse(Why.FIELD_MISSING, field="--checkpoint", right="given with --key"))
        return {}
    known = None if keys is None else dict(read_keys(read_text(keys)))
    return {"checkpoint": read_text(checkpoint), "keys": known}


def _verified(session: Session, compared: dict[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with session.client() as client, progress("Reading the journal") as advance:
        for line in client.lines("/journal/verify", compared, progress="true"):
            if "total" in line:
                advance(line["done"], line["total"])
            else:
                found = line
    return found


def _show_verification(found: dict[str, Any], *, is_compared: bool) -> None:
    read = ("posting", "transfer", "call", "balance", "open_hold", "paper", "link")
    counts = ", ".join(count(found[f"{name}s"], name.replace("_", " ")) for name in read)
    if found["is_right"]:
        say(f"The books are right: {counts}.")
        if is_compared:
            say("Everything that the checkpoint notes is still there, unchanged.")
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
        say("`bursar journal checkpoint` signs that, to be kept elsewhere: it shows later whether it was changed.")
