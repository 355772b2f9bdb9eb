"""What an offer is worth: `bursar offer`. It needs no server and no data folder; nothing leaves this computer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.files import read_text
from bursar.cli.offer_files import amount, named_in, read_file, settings, with_usage
from bursar.cli.offer_new import new
from bursar.cli.offer_report import REPORT_HELP, report_file, tell
from bursar.cli.session import JsonFlag, session_of

if TYPE_CHECKING:
    from bursar.offers.file import OfferFile
    from bursar.reports.offers.letter import Letter

app = typer.Typer(
    name="offer",
    help="What an offer with a token budget is worth to you. Needs no server; nothing leaves this computer.",
    no_args_is_help=True,
)
app.command()(new)

OfferArgument = Annotated[Path, typer.Argument(metavar="FILE.toml", help="The offer's file; - is standard input.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set an assumption, such as u=0.8; can be repeated."),
]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help=REPORT_HELP, callback=report_file, dir_okay=False)
]
UsageFolder = Annotated[
    Path | None,
    typer.Option("--usage", metavar="FOLDER", help="Your own use: logs that coding agents left in a folder."),
]
UsageFile = Annotated[
    Path | None,
    typer.Option("--usage-file", metavar="FILE.csv", help="Your own use: a CSV file with columns date and cost."),
]


@app.command()
def value(
    context: typer.Context,
    file: OfferArgument,
    *,
    usage: UsageFolder = None,
    usage_file: UsageFile = None,
    assumed: Set = None,
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Value an offer: by component, with an interval, what moves it, and every assumption with its source.

    Your own use takes the place of a guess at how much of the budget you would use. Assumptions are named in the
    output's last table.

    \b
    Examples:
      bursar offer value offer.toml
      bursar offer value offer.toml --set u=0.8 --set h_C=0.2
      bursar offer value offer.toml --usage ~/.claude
      bursar offer value offer.toml --usage-file spend.csv --report offer.html
    """
    from bursar.offers.fineprint import check as fine_print  # noqa: PLC0415 - `--help` needs no numpy
    from bursar.offers.value import value as valued  # noqa: PLC0415
    from bursar.reports.offers.value import value_letter  # noqa: PLC0415

    read, parameters = with_usage(read_file(file), usage, usage_file), settings(assumed)
    found = valued(read.offer, read.person, parameters)

    def letter() -> Letter:
        return value_letter(found, _standing(read), fine_print(read, parameters))

    tell(session_of(context), found, letter, report)


@app.command()
def compare(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="A.toml B.toml …", help="The offers' files, two or more.")],
    *,
    usage: UsageFolder = None,
    usage_file: UsageFile = None,
    assumed: Set = None,
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Compare offers to one person: who is told in the first file's [you].

    The offers are valued over the same draws of the assumptions, so that what they have in common cancels.

    \b
    Examples:
      bursar offer compare tokens.toml base.toml
      bursar offer compare tokens.toml base.toml --report compared.pdf
    """
    from bursar.offers.value import compare as compared  # noqa: PLC0415 - `--help` needs no numpy
    from bursar.reports.offers.compare import comparison_letter  # noqa: PLC0415

    read = [read_file(file) for file in files]
    first = with_usage(read[0], usage, usage_file)
    found = compared(named_in(files, read), first.person, settings(assumed))
    tell(session_of(context), found, lambda: comparison_letter(found), report)


@app.command()
def check(
    context: typer.Context,
    file: OfferArgument,
    *,
    usage: UsageFolder = None,
    usage_file: UsageFile = None,
    assumed: Set = None,
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Read the fine print: what it says, why it matters, what it costs in base salary, what to ask for instead.

    What costs most comes first.

    \b
    Examples:
      bursar offer check offer.toml
      bursar offer check offer.toml --report fine-print.html
    """
    from bursar.offers.fineprint import check as checked  # noqa: PLC0415 - `--help` needs no numpy
    from bursar.reports.offers.check import check_letter  # noqa: PLC0415

    read = with_usage(read_file(file), usage, usage_file)
    found = checked(read, settings(assumed))
    tell(session_of(context), found, lambda: check_letter(read, found, _standing(read)), report)


@app.command()
def ask(
    context: typer.Context,
    file: OfferArgument,
    *,
    target: Annotated[
        str, typer.Option(metavar="USD", help="What all of the offer should be worth, as base salary a year.")
    ],
    usage: UsageFolder = None,
    usage_file: UsageFile = None,
    assumed: Set = None,
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Make counter-offers that are worth a target: more base, or which better terms of the budget.

    What costs the employer least comes first. Where better terms alone cannot reach the target, it says so.

    \b
    Examples:
      bursar offer ask offer.toml --target 420000
      bursar offer ask offer.toml --target '$400,000' --report ask.pdf
    """
    from bursar.offers.ask import ask as asked_for  # noqa: PLC0415 - `--help` needs no numpy
    from bursar.reports.offers.ask import ask_letter  # noqa: PLC0415

    target_usd_year = amount("--target", target)
    read = with_usage(read_file(file), usage, usage_file)
    found = asked_for(read, target_usd_year, settings(assumed))
    tell(session_of(context), found, lambda: ask_letter(read, found), report)


@app.command()
def history(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Pay by year; - is standard input.")],
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Look at pay over the years: does the base stand still while compute grows?

    Columns: year, base, tokens; bonus, equity and market_growth (such as 3.5%) if you like. Dollars a year.

    \b
    Examples:
      bursar offer history pay.csv
      bursar offer history pay.csv --report pay.html
    """
    from bursar.offers.history import read_history  # noqa: PLC0415
    from bursar.reports.offers.history import history_letter  # noqa: PLC0415

    found = read_history(read_text(file), str(file))
    tell(session_of(context), found, lambda: history_letter(found), report)


def _standing(read: OfferFile) -> str | None:
    from bursar.offers.market import standing  # noqa: PLC0415

    return None if read.market is None else standing(read.offer.base_usd_year, read.market).text
