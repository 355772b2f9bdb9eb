"""Compare the books with what telemetry, tools' logs and providers tell."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bursar.cli.files import write_bytes
from bursar.cli.session import JsonFlag, Session, session_of
from bursar.cli.show import NONE, count, gap, money, say, table, width
from bursar.refusals import field_invalid

if TYPE_CHECKING:
    from bursar.cli.client import Client

WHO = ("gateway", "telemetry", "logs", "reported")
PATH = "/reconciliation"
MATCHED = "matched"
USUAL = 100
"""Columns from which on there is room for the year, and for tokens apart beside costs apart."""


def reconcile(
    context: typer.Context,
    *,
    period: Annotated[str, typer.Option(metavar="PERIOD", help="A month, 2026-11, or a day, in UTC.")],
    provider: Annotated[
        str | None, typer.Option(metavar="NAME", help="One provider, such as anthropic.  [all]")
    ] = None,
    people: Annotated[bool, typer.Option("--people", help="With a line for each person.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also lines that match.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write it as a page of HTML.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print it as CSV, with people, for a spreadsheet.")] = False,
    post: Annotated[bool, typer.Option("--post", help="Put down what is left over; asks before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --post: do not ask.")] = False,
    json: JsonFlag = False,
) -> None:
    """Compare gateway, telemetry, tools' logs and providers' reports, by day, model and person.

    A line matches, is different, or is only here (in what is known of calls) or only there (in the report). What a
    provider billed beyond what is charged, or short of it, is its residual: --post puts it down as its own account,
    nobody's credit. Then the books come to the bill.

    \b
    Examples:
      bursar reconcile --period 2026-11
      bursar reconcile --period 2026-11 --provider anthropic --people --report november.html
      bursar reconcile --period 2026-11 --provider anthropic --post
    """
    session = session_of(context)
    asked: dict[str, object] = {"period": period, "provider": provider}
    if as_csv and (post or json):
        raise field_invalid("csv", f"given with {'post' if post else 'json'}", "given without it")
    with session.client() as client:
        found = client.get(PATH, **asked) if not as_csv else {}
        posted = _post(session, client, found, yes=yes) if post else []
        if report is not None:
            write_bytes(report, client.text(PATH, **asked, format="html").encode())
        if as_csv:
            sys.stdout.write(client.text(PATH, **asked, format="csv"))
            return
    if session.show_json(posted if post else found):
        return
    if not post:
        _show(found, people=people, everything=everything)
    for each in posted:
        _tell(each)
    if report is not None:
        say(f"The page is in {report}.")


def _post(session: Session, client: Client, found: dict[str, Any], *, yes: bool) -> list[dict[str, Any]]:
    """Put down the residuals that are confirmed."""
    left = [each for each in found["residuals"] if Decimal(each["left"])]
    if not found["residuals"]:
        raise field_invalid("period", repr(found["period"]), "one for which a provider's costs were brought in")
    if not yes and not sys.stdin.isatty() and left:
        raise field_invalid("yes", "not given", "given, where nobody can be asked")
    posted = []
    for each in found["residuals"]:
        if Decimal(each["left"]) and not yes:
            there, known, rest = (money(each[name]) for name in ("there", "books", "left"))
            question = (
                f"{each['provider']} billed {there} for {found['period']}; {known} is in the books. Put down {rest}?"
            )
            if not typer.confirm(question, err=True):
                continue
        body = {"period": found["period"], "provider": each["provider"], "residual": each["residual"]}
        posted.append({"provider": each["provider"], **client.post(f"{PATH}/residual", body)})
    return posted


def _tell(each: dict[str, Any]) -> None:
    if each["account"]:
        say(f"{money(each['amount'])} is put down in {each['account']}; {money(each['residual'])} stands there now.")
    else:
        say(f"Of {each['provider']} everything is put down already: {money(each['residual'])}.")


def _show(found: dict[str, Any], *, people: bool, everything: bool) -> None:
    lines = [line for line in found["lines"] if everything or line["status"] != MATCHED]
    rows = []
    narrow = width() < USUAL
    for line in lines:
        day = line["day"].removeprefix(found["period"][: len("2026-")]) if narrow else line["day"]
        rows.append(_row(day, line["model"] or NONE, line))
        rows += [_row("", f"  {each['person'] or 'nobody is named'}", each) for each in line["people"] if people]
    counts = {name: found[name.replace(" ", "_")] for name in (MATCHED, "different", "only here", "only there")}
    columns = [
        "Day",
        "Model",
        "Status",
        ">Gateway",
        ">Telemetry",
        ">Logs",
        ">Provider",
        ">Tokens apart",
        ">Cost apart",
    ]
    if narrow and not any(row[-1] == NONE != row[-2] for row in rows):
        columns, rows = [*columns[:-2], columns[-1]], [[*row[:-2], row[-1]] for row in rows]
    empty = "Everything matches." if found["lines"] else "Nothing is known of this period, here or there."
    table(columns, rows, empty=empty)
    gap()
    say(", ".join(f"{count(number, 'line')} {name}" for name, number in counts.items()) + ".")
    if counts[MATCHED] and not everything:
        say("--all shows those that match, too.")
    if found["residuals"]:
        gap()
        names = ("there", "charged", "residual", "posted", "books", "left")
        residuals = [
            [each["provider"], str(each["days"]), *(money(each[name]) for name in names)]
            for each in found["residuals"]
        ]
        heads = (">Days", ">Billed there", ">Charged", ">Residual", ">Posted", ">In the books", ">Left to post")
        table(["Provider", *heads], residuals)
    if found["prices"]:
        gap()
        prices = [
            [each["model"], f"{each['tokens']:,}", _priced(each), money(each["billed"]), *_price_apart(each)]
            for each in found["prices"]
        ]
        table(["Model", ">Tokens", ">By the price book", ">Billed there", ">Apart", ">Share"], prices)
    if found["next"]:
        gap()
        for step in found["next"]:
            say(f"- {step}")


def _priced(each: dict[str, Any]) -> str:
    """What the price book makes of it: where long calls cost more, that lies between two amounts."""
    if each["least"] is None:
        return "no price"
    least, most = money(each["least"]), money(each["most"])
    return least if each["least"] == each["most"] else f"{least} to {most}"


def _price_apart(each: dict[str, Any]) -> tuple[str, str]:
    if each["apart"] is None or not Decimal(each["apart"]):
        return NONE, NONE
    permille = each["apart_permille"]
    return money(each["apart"]), NONE if permille is None else f"{Decimal(permille) / 10:+.1f} %"


def _row(day: str, model: str, line: dict[str, Any]) -> list[str]:
    tokens, cost = line.get("tokens_apart"), line.get("cost_apart")
    matches = line["status"] == MATCHED
    apart = NONE if not tokens else f"{tokens:+,}"
    nanos = NONE if cost is None or matches or not Decimal(cost) else money(cost)
    return [day, model, line["status"], *(_cell(line[who]) for who in WHO), apart, nanos]


def _cell(told: dict[str, Any]) -> str:
    """What it cost; where that is not told, the tokens."""
    if told["cost"] is not None:
        return money(told["cost"])
    used = [number for number in (told["input_tokens"], told["output_tokens"]) if number is not None]
    return f"{sum(used):,} tokens" if used else NONE
