"""`python -m bench.endurance`: resident memory while a million requests pass through Bursar.

Resident memory must stay within MOST_MB and flat: what the second half of the run adds is at most GROWTH of it. The
journal is verified at the end, against the completions that the upstream served.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from bench.bursar import Bursar
from bench.field import running_field
from bench.load import apply_load, completion_request
from bench.mock import completion_mock

MOST_MB = 150.0
GROWTH = 0.05
CONNECTIONS = 64
SAMPLE_S = 10


def main(
    requests: Annotated[int, typer.Option(min=1, help="How many requests at least.")] = 1_000_000,
) -> None:
    """Send requests until there were enough of them, and say what became of the server's memory."""
    console = Console()
    samples: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory(prefix="endurance-", dir=Path(__file__).parent / "results") as name:
        folder = Path(name)
        body = folder / "request.json"
        body.write_bytes(completion_request(stream=False))
        bursar = Bursar()
        bursar.prepare()
        with (
            Progress(console=console, transient=True) as progress,
            running_field([bursar], completion_mock, folder / "run", lambda text: None) as [one],
        ):
            task = progress.add_task("requests", total=requests)
            done = 0
            while done < requests:
                load = apply_load(
                    one.running.url, one.running.headers, body, seconds=SAMPLE_S, connections=CONNECTIONS
                )
                done += load.requests
                samples.append((done, one.running.tree.resident_mb()))
                progress.update(task, completed=done)
        findings = one.running.findings
    right = told(console, samples) and all(finding.ok for finding in findings)
    for finding in findings:
        console.print(finding.text, style="" if finding.ok else "red")
    raise typer.Exit(0 if right else 1)


def told(console: Console, samples: list[tuple[int, float]]) -> bool:
    """Print the memory at every tenth of the run, and what it comes to; tells whether it is right."""
    step = max(1, len(samples) // 10)
    for done, resident_mb in [*samples[::step], samples[-1]]:
        console.print(f"{done:>12,} requests  {resident_mb:6.1f} MB")
    half, last = samples[len(samples) // 2][1], samples[-1][1]
    most = max(resident_mb for _, resident_mb in samples)
    growth = last / half - 1
    right = most <= MOST_MB and growth <= GROWTH
    console.print(
        f"at most {most:.1f} MB ({MOST_MB:.0f} allowed); the second half added {growth:+.1%} ({GROWTH:.0%} allowed)",
        style="" if right else "red",
    )
    return right


if __name__ == "__main__":
    typer.run(main)
