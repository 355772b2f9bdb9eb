"""Files to take away: for finance, or everything that Bursar knows about a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bursar.cli.files import read_text, write_bytes, write_pieces
from bursar.cli.parts import MOST_ROWS, divided
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, Session, path_of, session_of
from bursar.cli.show import NONE, count, money, progress, say, table

if TYPE_CHECKING:
    from bursar.cli.client import Client

PERSON = "person"
AMOUNTS = ("granted", "spent", "overrun", "expired", "cashed_out", "payroll", "amount")


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
    typer.Option(
        metavar="PERIOD",
        help="2026-11, or a day, a week (2026-W47), a quarter (2026-Q4), a year, days (2026-11-09..2026-11-22).",
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option("--time-zone", metavar="ZONE", help="Whose days they are, by their IANA name.  [UTC]"),
]
Since = Annotated[
    str | None,
    typer.Option("--recorded-since", metavar="WHEN", help="Only what was recorded since a day or an instant."),
]
Before = Annotated[
    str | None,
    typer.Option("--recorded-before", metavar="WHEN", help="Only what was recorded before a day or an instant."),
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
    per: Annotated[str, typer.Option(metavar="SPAN", help="An entry for each day, or for each month.")] = "day",
    since: Since = None,
    before: Before = None,
    time_zone: TimeZone = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Write a balanced journal for a general ledger, summed up by day or month, team and plan.

    Exact to a billionth of a dollar; in cents for netsuite and quickbooks. The same books give the same file, and an
    entry has the same id in each, by which a ledger knows that it has it. What came after a file was made is had with
    --recorded-since, under ids of its own.

    A file with -o for an import that takes so many rows at a time goes on in others: bursar.csv, bursar-2.csv.

    \b
    Examples:
      bursar export gl --period 2026-11 --format beancount -o bursar-2026-11.beancount
      bursar export gl --period 2026-11 --format netsuite --accounts ledger.toml -o bursar.csv
      bursar export gl --period 2026-11 --format quickbooks --per month --recorded-before 2026-12-03 -o november.csv
      bursar export gl --period 2026-11 --format quickbooks --per month --recorded-since 2026-12-03 -o later.csv
    """
    wanted: dict[str, object] = {
        "period": period,
        "format": form,
        "entries": entries,
        "per": per,
        "recorded_since": since,
        "recorded_before": before,
        "time_zone": time_zone,
        "accounts": None if accounts is None else read_text(accounts),
    }
    most_rows = MOST_ROWS.get(form)
    _export(session_of(context), "/exports/gl", wanted, output, what="The journal", most_rows=most_rows)


@app.command("focus")
def export_focus(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    period: Period,
    version: Annotated[str, typer.Option(metavar="VERSION", help="Of FOCUS.")] = "1.2",
    people: Annotated[bool, typer.Option("--people", help="A row for each person, not for each team.")] = False,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Write usage as CSV rows of FOCUS, the FinOps Open Cost and Usage Specification.

    A row a day (UTC), team, provider, model and variant; columns of Bursar's own begin with x_. Their costs sum to
    what the books say was spent.

    \b
    Examples:
      bursar export focus --period 2026-11 -o focus-2026-11.csv
    """
    wanted: dict[str, object] = {"period": period, "version": version, "people": people}
    _export(session_of(context), "/exports/focus", wanted, output, what="The usage")


@app.command("parquet")
def export_parquet(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    period: Period,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to.")],
    people: Annotated[bool, typer.Option(help="With the columns that say who called.")] = True,
    time_zone: TimeZone = None,
    json: JsonFlag = False,
) -> None:
    """Write every call into Parquet files, in a folder for each day, for DuckDB, Spark or a warehouse.

    Amounts are exact decimals, times are UTC. A day that is written again replaces its files. The calls say who made
    them; --no-people leaves that out.

    \b
    Examples:
      bursar export parquet --period 2026-11 -o calls
      duckdb -c "select model, sum(cost) from 'calls/*/*.parquet' group by model"
    """
    from bursar.cli.parquet import write_days  # noqa: PLC0415 - slow to import

    session = session_of(context)
    wanted: dict[str, object] = {"period": period, "time_zone": time_zone, "people": people}
    with session.client() as client, progress("Writing the calls") as advance:
        written = write_days(output, client.pieces("/exports/calls", wanted), advance)
    told = {"period": period, "folder": str(output), "days": written.days, "calls": written.rows}
    if not session.show_json({**told, "bytes": written.bytes}):
        say(f"{count(written.rows, 'call')} of {count(written.days, 'day')} are in {output}.")


@app.command("chargeback")
def export_chargeback(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    period: Period,
    since: Since = None,
    before: Before = None,
    time_zone: TimeZone = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Show what each cost centre is charged, by month, team and plan; with -o it is written as CSV.

    \b
    Examples:
      bursar export chargeback --period 2026-11
      bursar export chargeback --period 2026-Q4 -o chargeback.csv
    """
    columns = ("month", "team", "plan", "granted", "spent", "overrun", "expired", "cashed_out", "payroll")
    wanted: dict[str, object] = {
        "period": period,
        "time_zone": time_zone,
        "recorded_since": since,
        "recorded_before": before,
    }
    _table(session_of(context), "/exports/chargeback", wanted, output, columns, what="The chargeback", summed=True)


@app.command("payroll")
def export_payroll(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    period: Period,
    setup: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Your pay periods and earning codes.")
    ] = None,
    employees: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Numbers of employees: email,number.")
    ] = None,
    since: Since = None,
    before: Before = None,
    time_zone: TimeZone = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Show what payroll pays for credit, and what of its use is imputed income, by person. For finance.

    With -o it is written as CSV: number of the employee, pay period, earning code, amount in cents. Kinds: cash_out
    (payroll pays it), plan (usage under a plan whose tax character is imputed income), personal (usage with personal
    keys under other plans).

    \b
    Examples:
      bursar export payroll --period 2026-11
      bursar export payroll --period 2026-11-09..2026-11-22 --setup payroll.toml --employees numbers.csv -o income.csv
    """
    columns = ("person", "period_start", "period_end", "kind", "plan", "tax_character", "amount")
    wanted: dict[str, object] = {
        "period": period,
        "time_zone": time_zone,
        "recorded_since": since,
        "recorded_before": before,
        "setup": None if setup is None else read_text(setup),
        "employees": None if employees is None else read_text(employees),
    }
    _table(session_of(context), "/exports/payroll", wanted, output, columns, what="The file for payroll")


def _table(
    session: Session,
    path: str,
    wanted: dict[str, object],
    output: Path | None,
    columns: Sequence[str],
    *,
    what: str,
    summed: bool = False,
) -> None:
    """Show what a path answers as a table, with a line of sums if they mean something, or write it as CSV."""
    if output is not None:
        _export(session, path, {**wanted, "format": "csv"}, output, what=what)
        return
    with session.client() as client:
        _note_zone(client, wanted)
        found = client.post(path, wanted)
    if session.show_json(found):
        return
    if summed and len(found) > 1:
        sums = {name: str(sum(Decimal(one[name]) for one in found)) for name in columns if name in AMOUNTS}
        found.append({name: sums.get(name, "") for name in columns} | {columns[0]: "Total"})
    table(
        [_heading(name) for name in columns],
        [[_shown(name, one[name]) for name in columns] for one in found],
        empty=f"Nothing in {wanted['period']}.",
    )


def _shown(name: str, value: str) -> str:
    """A cell; a dash for nothing, so that a column of nothing takes no room."""
    if name not in AMOUNTS:
        return value or NONE
    return money(value) if Decimal(value) else NONE


def _heading(name: str) -> str:
    return (">" if name in AMOUNTS else "") + name.replace("_", " ").capitalize()


def _export(
    session: Session,
    path: str,
    wanted: dict[str, object],
    output: Path | None,
    *,
    what: str,
    most_rows: int | None = None,
) -> None:
    """Write what a path answers into a file, in parts of so many rows at most, or to standard output."""
    told = {"period": wanted["period"], "file": None if output is None else str(output)}
    with session.client() as client:
        _note_zone(client, wanted)
        pieces = client.pieces(path, wanted)
        if output is not None:
            parts = [(output, pieces)] if most_rows is None else divided(output, pieces, most_rows)
            written = {str(file): write_pieces(file, its) for file, its in parts}
            size = sum(written.values())
            if not session.show_json({**told, "files": list(written), "bytes": size}):
                say(f"{what} is in {', '.join(written)} ({count(size, 'byte')}).")
        elif session.as_json:
            session.show_json({**told, "text": b"".join(pieces).decode()})
        else:
            _print(pieces)


def _note_zone(client: Client, wanted: dict[str, object]) -> None:
    """Say that months are not those of the plans, where nobody said whose days they are."""
    if "time_zone" in wanted and wanted["time_zone"] is None:
        zones = {plan["terms"]["time_zone"] for plan in client.get("/plans")}
        if len(zones) == 1 and zones != {"UTC"}:
            [zone] = zones
            told = f"Days are those of UTC. Plans go by {zone}; with --time-zone {zone} months are theirs."
            print(told, file=sys.stderr)


def _print(pieces: Iterable[bytes]) -> None:
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(piece)
