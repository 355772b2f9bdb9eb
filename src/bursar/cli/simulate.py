"""A plan played through before anybody has it."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import read_text
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, moment, money, say, table
from bursar.refusals import Refused, Why, refuse

_COLUMNS = ("granted", "carried_in", "spent", "overrun", "carried_out", "cashed_out", "expired", "left")


def simulate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="PLAN.toml", help="The plan's file; - reads standard input.")],
    *,
    begins: Annotated[str, typer.Option("--from", metavar="DATE", help="The day of the grant, YYYY-MM-DD.")],
    ends: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day, YYYY-MM-DD.")],
    usage: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="What is used: columns day and amount, in dollars.  [nothing]"),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="PRICES.toml", help="Your own prices to play with, over those in force.  [none]"),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Play a plan through: its lots, what is carried over, cashed out and lost, period by period.

    Nothing is added to the books. Days are those of the plan's time zone. Models that the plan names cost on each day
    what the price book says of it; with --prices, what would be if it said otherwise.

    \b
    Examples:
      bursar simulate engineers.toml --from 2026-11-17 --to 2027-03-31
      bursar simulate engineers.toml --from 2026-11-01 --to 2027-03-31 --usage usage.csv --json
      bursar simulate tokens.toml --from 2026-11-01 --to 2027-03-31 --prices cheaper.toml
    """
    session = session_of(context)
    asked: dict[str, object] = {
        "toml": read_text(file),
        "from": begins,
        "to": ends,
        "usage": {} if usage is None else _usage(usage),
        "prices": None if prices is None else read_text(prices),
    }
    with session.client() as client:
        done = client.post("/plans/simulate", asked)
    if not session.show_json(done):
        _show(done)


def _usage(file: Path) -> dict[str, str]:
    """What is used by day; several lines of a day are summed. Refused by its line when it is no such file."""
    found: dict[str, Decimal] = {}
    rows = csv.DictReader(read_text(file).splitlines())
    if not {"day", "amount"} <= set(rows.fieldnames or ()):
        raise _wrong(file, "line 1", "its columns must be day and amount")
    for row in rows:
        try:
            amount = Decimal((row["amount"] or "").strip())
        except InvalidOperation:
            raise _wrong(file, f"line {rows.line_num}", f"{row['amount']!r} is no amount in dollars") from None
        day = (row["day"] or "").strip()
        found[day] = found.get(day, Decimal()) + amount
    return {day: f"{amount:f}" for day, amount in found.items()}


def _wrong(file: Path, field: str, problem: str) -> Refused:
    return Refused(refuse(Why.CONFIG_INVALID, file=file, field=field, problem=problem))


def _show(done: dict[str, Any]) -> None:
    rows = [
        [
            lot["period"],
            moment(lot["opens"])[:10],
            moment(lot["expires"])[:10],
            *(_money(lot[name]) for name in _COLUMNS),
        ]
        for lot in done["lots"]
    ]
    sums = [money(str(sum(Decimal(lot[name]) for lot in done["lots"]))) for name in _COLUMNS]
    headings = (name.replace("_", " ").capitalize() for name in _COLUMNS)
    table(["Period", "Opens", "Ends", *(f">{heading}" for heading in headings)], rows, empty="No lot is opened.")
    if not done["lots"]:
        return
    told = ""
    for lot in done["lots"]:
        if lot["note"] != told:
            told = lot["note"]
            say(f"From {lot['period']} on: {told or 'what the plan says'}.")
    granted, _, spent, overrun, _, cashed_out, expired, left = sums
    beyond = "" if overrun == money("0") else f" ({overrun} of it beyond the budget)"
    cashed = "" if cashed_out == money("0") else f", {cashed_out} cashed out"
    say(f"Granted {granted}: {spent} spent{beyond}{cashed}, {expired} expired (breakage), {left} left.")
    if Decimal(done["uncovered"]):
        say(f"Nothing could pay for {money(done['uncovered'])} of the usage.")


def _money(amount: str) -> str:
    return money(amount) if Decimal(amount) else NONE
