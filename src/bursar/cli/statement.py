"""Statements: to look at, to keep, to verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from typer.core import TyperGroup

from bursar.cli.files import read_bytes, read_text, write_bytes
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import facts, moment, money, page_width, say, table
from bursar.document import JSON, PDF, verified
from bursar.signing import read_keys

if TYPE_CHECKING:
    from bursar.document import Content

TEXT = "text"
FORMATS = (TEXT, JSON, "html", PDF)
SHOW = "show"


class WithDefault(TyperGroup):
    """`bursar statement EMAIL` means `bursar statement show EMAIL`; no e-mail address is called like a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where none is named."""
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else [SHOW, *args])


app = typer.Typer(
    name="statement",
    cls=WithDefault,
    help="A person's statement: `bursar statement EMAIL` shows it; verify checks one that was given out.",
    no_args_is_help=True,
)


def _format(value: str) -> str:
    if value not in FORMATS:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(FORMATS)}")
    return value


@app.command(SHOW)
def show(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    email: Email,
    period: Annotated[str | None, typer.Option(metavar="PERIOD", help="Such as 2026-11.  [the current one]")] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text, json, html or pdf.", callback=_format)
    ] = TEXT,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to, instead of the terminal.")
    ] = None,
    pay: Annotated[
        bool, typer.Option("--pay", help="With total compensation; for the person and for finance.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Show a person's statement for a period, or give it out.

    Opening balance, what was granted and spent, by model, day and agent run, closing balance; terms and changes.

    As json, html or pdf it is a document: signed, kept, the same bytes when it is asked for again. `--json` prints
    the figures alone. `--pay` adds what the person earns a year, with the token budget and its share.

    \b
    Examples:
      bursar statement ann@example.com
      bursar statement ann@example.com --period 2026-11 --format pdf -o statement.pdf
      bursar statement show ann@example.com --period 2026-11 --json
    """
    session = session_of(context)
    path = path_of("person", email) + "/statement"
    with session.client() as client:
        if session.as_json:
            session.show_json(client.get(path, period=period, pay=pay))
            return
        if form == TEXT:
            file = client.text(path, period=period, format=TEXT, width=page_width(), pay=pay).encode()
        else:
            file = client.file(path + "s", {"period": period, "format": form, "pay": pay})
    if output is not None:
        write_bytes(output, file)
        say(f"The statement is in {output}.")
    elif form != PDF:
        print(file.decode(), end="")
    elif sys.stdout.isatty():
        raise typer.BadParameter("a PDF is nothing for a terminal; say where to, like -o statement.pdf")
    else:
        sys.stdout.buffer.write(file)


@app.command("list")
def list_statements(context: typer.Context, email: Email, json: JsonFlag = False) -> None:
    """List the statements that a person was given, the oldest first.

    \b
    Examples:
      bursar statement list ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("person", email) + "/statements")
    if not session.show_json(found):
        table(
            ["Document", "Period", ">Number", "Given out (UTC)", "Replaces"],
            [
                [one["id"], one["period"], str(one["number"]), moment(one["issued"]), one["replaces"] or "–"]
                for one in found
            ],
            empty="No statement was given out.",
        )


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A statement as PDF, HTML or JSON.")],
    key: Annotated[
        Path,
        typer.Option("--key", metavar="PUBLIC.jwk", help="The public key, or a set of them; - is standard input."),
    ],
    json: JsonFlag = False,
) -> None:
    """Check that a statement is, to the byte, what Bursar gave out. Needs no data folder and no network.

    The public keys are what `bursar signing export` prints and /.well-known/bursar-keys.json serves. What is wrong is
    named, and the exit code is 1.

    \b
    Examples:
      bursar statement verify statement.pdf --key bursar-keys.json
    """
    session = session_of(context)
    content = verified(read_bytes(file), read_keys(read_text(key)))
    if not session.show_json(msgspec.to_builtins(content)):
        say(f"{file} is, to the byte, what Bursar gave out.")
        _show(content)


def _show(content: Content) -> None:
    document, statement = content.document, content.statement
    facts(
        [
            ("Document", f"{document.id}, number {document.number}, given out {moment(document.issued)} UTC"),
            *([("Replaces", document.replaces)] if document.replaces else []),
            ("Person", f"{statement['name']} <{statement['person']}>"),
            ("Period", str(statement["period"])),
            ("Granted", money(statement["granted"])),
            ("Spent", money(statement["spent"])),
            ("Closing", money(statement["closing"])),
        ]
    )
