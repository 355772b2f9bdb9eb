"""Roster, pay and total compensation."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import STANDARD_INPUT, read_text
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, Session, path_of, session_of
from bursar.cli.show import NONE, facts, gap, money, progress, say, table
from bursar.cli.told import Told

app = typer.Typer(name="roster", help="Bring people, teams, employment and leave in from CSV.", no_args_is_help=True)
pay_app = typer.Typer(name="pay", help="Bring pay in from CSV, and show it.", no_args_is_help=True)
APPS = (app, pay_app)
File = Annotated[Path, typer.Argument(metavar="FILE.csv", help="The file; - reads standard input.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; show what would change.")]


@app.command("import")
def import_roster(context: typer.Context, file: File, dry_run: DryRun = False, json: JsonFlag = False) -> None:
    """Add people, and change those who are there: all rows of the file, or none when one is wrong.

    \b
    The first line names the columns, in any order; only email is needed, and name for somebody new:
      email,name,team,start,end,leave_from,leave_to
    Days are YYYY-MM-DD, last days are included. A column that is not there changes nothing, an empty
    cell says that there is none. People and leave that the file does not have stay. For several leaves
    somebody is on several lines.

    \b
    Examples:
      bursar roster import people.csv --dry-run
      bursar roster import people.csv
    """
    _import(session_of(context), "/roster", file, dry_run=dry_run, one="person", more="people")


@app.command()
def show(context: typer.Context, email: Email, json: JsonFlag = False) -> None:
    """Show what the roster says of a person: team, first and last day, leave.

    \b
    Examples:
      bursar roster show ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("person", email) + "/employment")
    if not session.show_json(found):
        leave = [f"{one['from']} to {one['to']}" if one["to"] else f"from {one['from']}" for one in found["leave"]]
        facts(
            [
                ("Person", f"{found['name']} <{found['email']}>"),
                ("Team", found["team"] or NONE),
                ("First day", found["start"] or NONE),
                ("Last day", found["end"] or NONE),
                ("Leave", "; ".join(leave) or NONE),
            ]
        )


@pay_app.command("import")
def import_pay(context: typer.Context, file: File, dry_run: DryRun = False, json: JsonFlag = False) -> None:
    """Take over what people are paid a year, from a day on: all rows of the file, or none when one is wrong.

    \b
    The first line names the columns, in any order; bonus, equity (what vests) and currency may be left out:
      email,effective,base,bonus,equity,currency
    The same person and day again is written anew; other days stay. A currency other than USD needs a
    rate that holds on the day (`bursar pay rate`).

    \b
    Examples:
      bursar pay import pay.csv --dry-run
      bursar pay import pay.csv
    """
    _import(session_of(context), "/pay", file, dry_run=dry_run, one="row", more="rows")


@pay_app.command("show")
def show_pay(
    context: typer.Context,
    email: Email,
    period: Annotated[str | None, typer.Option(metavar="PERIOD", help="A month, 2026-11, or a year, 2026.")] = None,
    json: JsonFlag = False,
) -> None:
    """Show what a person is and was paid a year, and what a period earns of it.

    \b
    Examples:
      bursar pay show ann@example.com
      bursar pay show ann@example.com --period 2026-11
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("person", email) + "/pay", period=period)
    if not session.show_json(found):
        _show_pay(found)


@pay_app.command()
def rate(
    context: typer.Context,
    currency: Annotated[str, typer.Argument(metavar="CURRENCY", help="Its three letters, such as EUR.")],
    dollars: Annotated[str, typer.Argument(metavar="USD", help="What one unit of it is worth.")],
    begins: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="From which day on.")],
    json: JsonFlag = False,
) -> None:
    """Store what a unit of another currency is worth from a day on, until its next rate.

    A rate that is stored is not changed.

    \b
    Examples:
      bursar pay rate EUR 1.08 --from 2026-01-01
    """
    session = session_of(context)
    with session.client() as client:
        made = client.post("/pay/rates", {"currency": currency, "rate": dollars, "from": begins})
    if not session.show_json(made):
        say(f"A unit of {made['currency']} is worth {made['rate']} USD from {made['from']} on.")


@pay_app.command()
def rates(context: typer.Context, json: JsonFlag = False) -> None:
    """List the rates of other currencies.

    \b
    Examples:
      bursar pay rates
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/pay/rates")
    if not session.show_json(found):
        table(
            ["Currency", "From", ">USD"],
            [[one["currency"], one["from"], one["rate"]] for one in found],
            empty="No rate yet. `bursar pay rate` stores one.",
        )


def compensation(
    context: typer.Context,
    email: Email,
    at: Annotated[str | None, typer.Option(metavar="DATE", help="On this day, YYYY-MM-DD in UTC.  [now]")] = None,
    json: JsonFlag = False,
) -> None:
    """Show a person's total compensation a year: pay, the token budget, and the budget's share.

    The budget is what the person's plans promise in a year, whether it is spent or not. For the person and for
    finance.

    \b
    Examples:
      bursar compensation ann@example.com
      bursar compensation ann@example.com --at 2027-01-01 --json
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("person", email) + "/compensation", at=at)
    if not session.show_json(found):
        _show_compensation(found)


def _import(session: Session, path: str, file: Path, *, dry_run: bool, one: str, more: str) -> None:
    """Send a file, show how far it is, then what came of it, or everything that is wrong with it."""
    name = "standard input" if file == STANDARD_INPUT else str(file)
    wanted: dict[str, object] = {"csv": read_text(file), "file": name, "dry_run": dry_run}
    found: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    try:
        with session.client() as client, progress(f"Taking over {name}") as advance:
            for line in client.lines(path, wanted):
                if "problem" in line:
                    problems.append(line["problem"])
                elif "total" in line:
                    advance(line["done"], line["total"])
                else:
                    found = line
    except Told:
        if problems and not session.show_json({"problems": problems}):
            _show_problems(problems)
        raise
    if not session.show_json(found):
        _show_imported(found, one if found["added"] == 1 else more)


def _show_problems(problems: list[dict[str, Any]]) -> None:
    table(
        [">Line", "Field", "~Is", "~Must be"],
        [[str(one["line"]), one["field"], one["got"], one["right"]] for one in problems],
    )


def _show_imported(found: dict[str, Any], what: str) -> None:
    if found["dry_run"]:
        table(
            [">Line", "Person", "What", "~Is", "~Will be"],
            [
                [str(one["line"]), one["email"], one["what"], one["before"] or NONE, one["after"] or NONE]
                for one in found["changes"]
            ],
            empty="Nothing would change.",
        )
        gap()
    counts = [
        f"{found['added']:,} {what} {'would be ' if found['dry_run'] else ''}added",
        f"{found['changed']:,} changed",
        f"{found['unchanged']:,} unchanged",
    ]
    say(", ".join(counts) + (". Nothing was written." if found["dry_run"] else "."))


def _show_pay(found: dict[str, Any]) -> None:
    say(f"{found['name']} <{found['person']}>")
    table(
        ["From", "To", "Currency", ">Base", ">Bonus", ">Equity", ">A year"],
        [
            [
                line["first"],
                line["last"] or NONE,
                line["currency"],
                *(_amount(line[name]) for name in ("base", "bonus", "equity", "pay")),
            ]
            for line in found["history"]
        ],
        empty="No pay is stored. `bursar pay import` brings it in.",
    )
    if (earned := found["period"]) is not None:
        gap()
        parts = ", ".join(f"{name} {money(earned[name])}" for name in ("base", "bonus", "equity"))
        say(f"{earned['first']} to {earned['last']}: {money(earned['pay'])} ({parts})")


def _amount(amount: str) -> str:
    """An amount of any currency, as people write it."""
    return money(amount).removeprefix("$")


def _show_compensation(found: dict[str, Any]) -> None:
    say(f"{found['name']} <{found['person']}>, a year as of {found['day']}")
    names = {"base": "Base", "bonus": "Bonus", "equity": "Equity", "pay": "Pay", "tokens": "Token budget"}
    names["total"] = "Total"
    rows = [[label, money(found[name]), _share(found, name)] for name, label in names.items()]
    table(["A year", ">USD", ">Share"], rows)
    gap()
    for line in found["budgets"]:
        often = "once a year" if line["periods_a_year"] == 1 else f"{line['periods_a_year']} times a year"
        say(f"Token budget: plan {line['plan']}, version {line['version']}, {money(line['amount'])} {often}")
    if found["tokens_to_base_bps"] is not None:
        say(f"Tokens to salary: {Decimal(found['tokens_to_base_bps']) / 100:.2f} % of base.")
    if found["rate"] is not None:
        say(f"Paid in {found['paid_in']}, converted at {found['rate']} USD.")
    if found["pay"] is None:
        say("No pay is stored for this day.")


def _share(found: dict[str, Any], name: str) -> str:
    """A line's share of the total; a dash when that is not known, or nothing."""
    if not found["total"] or not Decimal(found["total"]):
        return NONE
    return f"{100 * Decimal(found[name]) / Decimal(found['total']):.2f} %"
