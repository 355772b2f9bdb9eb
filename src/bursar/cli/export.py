"""Files to take away: for finance, or everything that Bursar knows about a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bursar.cli.files import read_text, write_bytes, write_pieces
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, Session, path_of, session_of
from bursar.cli.show import count, say

PERSON = "person"


class WithDefault(TyperGroup):
    """`bursar export EMAIL` means `bursar export person EMAIL`; no e-mail address is called like a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where none is named but an e-mail is."""
        named = bool(args) and args[0] in self.commands
        about_person = not named and any("@" in word for word in args)
        return super().parse_args(ctx, [PERSON, *args] if about_person else args)


app = typer.Typer(
    name="export",
    cls=WithDefault,
    help="Files to take away: journals, FOCUS, Parquet, chargeback and payroll for finance; all about a person.",
    no_args_is_help=True,
)
Period = Annotated[
    str,
    typer.Option(metavar="PERIOD", help="2026-11, or a day, a week (2026-W47), a quarter (2026-Q4), a year."),
]
TimeZone = Annotated[
    str, typer.Option("--time-zone", metavar="ZONE", help="Whose days they are, by their IANA name.")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to, instead of the terminal.")
]


@app.command(PERSON)
def export_person(
    context: typer.Context,
    email: Email,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to.")] = Path("export.zip"),
    json: JsonFlag = False,
) -> None:
    """Write everything that Bursar knows about a person into a ZIP archive of CSV and JSON files.

    A README in it says what each file is. No secrets are in it, and no prompts or answers, which are never stored.
    `bursar export EMAIL` does the same.

    \b
    Examples:
      bursar export person ann@example.com -o export.zip
    """
    session = session_of(context)
    with session.client() as client:
        archive = client.file(path_of("person", email) + "/export")
    write_bytes(output, archive)
    if not session.show_json({"person": email, "file": str(output), "bytes": len(archive)}):
        say(f"Everything that is known about {email} is in {output}.")


@app.command("gl")
def export_journal(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    period: Period,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="beancount, hledger, csv, netsuite or quickbooks.")
    ],
    entries: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="money (what is owed), credit (what became of budgets) or all.  [money for netsuite and quickbooks, "
            "else all]",
        ),
    ] = None,
    accounts: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Names of your accounts, departments and subsidiary.")
    ] = None,
    time_zone: TimeZone = "UTC",
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Write a balanced journal for a general ledger, summed up by day, team and plan.

    Exact to a billionth of a dollar; in cents for netsuite and quickbooks. The same books give the same file, and an
    entry has the same id in each, by which a ledger knows that it has it.

    \b
    Examples:
      bursar export gl --period 2026-11 --format beancount -o bursar-2026-11.beancount
      bursar export gl --period 2026-11 --format netsuite --accounts ledger.toml -o bursar.csv
    """
    wanted = {
        "period": period,
        "format": form,
        "entries": entries,
        "time_zone": time_zone,
        "accounts": None if accounts is None else read_text(accounts),
    }
    _export(session_of(context), "/exports/gl", wanted, output, what="The journal")


def _export(session: Session, path: str, wanted: dict[str, object], output: Path | None, *, what: str) -> None:
    """Write what a path answers into a file, or to standard output."""
    told = {"period": wanted["period"], "file": None if output is None else str(output)}
    with session.client() as client:
        pieces = client.pieces(path, wanted)
        if output is not None:
            size = write_pieces(output, pieces)
            if not session.show_json({**told, "bytes": size}):
                say(f"{what} is in {output} ({count(size, 'byte')}).")
        elif session.as_json:
            session.show_json({**told, "text": b"".join(pieces).decode()})
        else:
            _print(pieces)


def _print(pieces: Iterable[bytes]) -> None:
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(piece)
