"""`python -m bench`, from the repository's root: measures Bursar and its peers in turn, writes down the figures."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from bench.field import Settings
from bench.figure import as_table
from bench.processes import BenchError
from bench.session import PROGRAMS, measure_all, prepare, write_results


def main(  # noqa: PLR0917 - the options of the command line
    programs: Annotated[str, typer.Option(help="What to measure, with commas between.")] = ",".join(PROGRAMS),
    seconds: Annotated[int, typer.Option(min=1, help="Load of one program in one round.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median is quoted.")] = 3,
    connections: Annotated[int, typer.Option(min=1, help="Connections of the main figure.")] = 64,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    only_setup: Annotated[bool, typer.Option("--only-setup", help="Install the programs, no more.")] = False,
) -> None:
    """Measure Bursar side by side with its peers and write the figures to bench/results."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    names = [name.strip() for name in programs.split(",")]
    unknown = set(names) - set(PROGRAMS)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(PROGRAMS)}")
    errors = Console(stderr=True)
    try:
        with errors.status("") as status:

            def say(text: str) -> None:
                status.update(text)
                if not errors.is_terminal:
                    errors.print(text)

            if only_setup:
                prepare(names, say)
                return
            report = measure_all(names, Settings(seconds, rounds, connections), say)
    except BenchError as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    written_to = write_results(report)
    console = Console(width=None if errors.is_terminal else 120)
    if json:
        console.print_json(msgspec.json.encode(report).decode())
    else:
        for figure in report.figures:
            console.print(as_table(figure))
        for subject, findings in report.findings.items():
            for finding in findings:
                console.print(f"{subject}: {finding.text}", style="" if finding.ok else "red", markup=False)
    errors.print(f"written to {written_to}", markup=False)
    if not report.ok:
        raise typer.Exit(1)


def interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave through every context, which stops all programs; a second signal does not disturb that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    typer.run(main)
