"""One run of the benchmark: what is measured, in which order, and what becomes of it."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.bursar import Bursar
from bench.cost import cost
from bench.field import Contestant, Say, Settings, running_field
from bench.figure import Figure, as_markdown
from bench.holds import holds
from bench.latency import latency
from bench.litellm import LiteLLM
from bench.load import completion_request
from bench.mock import completion_mock
from bench.nginx import Nginx
from bench.offers import offers
from bench.portkey import Portkey
from bench.program import Finding, Program
from bench.startup import startup
from bench.statement import statements
from bench.stream_mock import stream_mock
from bench.streaming import streaming
from bench.usage import usage

RESULTS = Path(__file__).parent / "results"

PROGRAMS: dict[str, Callable[[], Program]] = {
    "nginx": Nginx,
    "portkey": Portkey,
    "litellm": LiteLLM,
    "bursar": Bursar,
}
"""In the order in which they are measured."""

OF_BURSAR_ALONE: Sequence[Callable[[Say], Figure]] = (startup, holds, statements, offers, usage)
"""Figures that need no peer and no upstream; a further one is added here."""


class Report(msgspec.Struct, frozen=True):
    """Everything that one run measured and verified."""

    taken: datetime
    machine: str
    settings: Settings
    versions: dict[str, str]
    figures: list[Figure]
    findings: dict[str, list[Finding]]

    @property
    def ok(self) -> bool:
        """Whether everything that was verified holds."""
        return all(finding.ok for several in self.findings.values() for finding in several)


def prepare(names: Sequence[str], say: Say) -> tuple[list[Program], dict[str, str]]:
    """Install what is missing; the programs named, in the order of PROGRAMS, and their versions.

    nginx and wrk are always needed, for the mock and the load.
    """
    say("preparing nginx and wrk")
    Nginx().prepare()
    programs = [make() for name, make in PROGRAMS.items() if name in names]
    versions = {}
    for program in programs:
        say(f"preparing {program.name}")
        versions[program.name] = program.prepare()
    return programs, versions


def measure_all(names: Sequence[str], settings: Settings, say: Say) -> Report:
    """Prepare the programs named, and measure them: whole answers, then streams, then Bursar alone."""
    programs, versions = prepare(names, say)
    taken = datetime.now(UTC)
    figures: list[Figure] = []
    findings: dict[str, list[Finding]] = {}

    def keep(field: Sequence[Contestant], kind: str) -> None:
        findings.update({f"{one.name}, {kind}": one.running.findings for one in field if one.running.findings})

    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        body = folder / "request.json"
        body.write_bytes(completion_request(stream=False))
        with running_field(programs, completion_mock, folder / "whole", say) as field:
            figures.append(cost(field, versions, body, settings, say))
            figures.append(latency(field, body, settings, say))
        keep(field, "whole answers")
        unbuffered = [Nginx(buffering=False) if one.name == "nginx" else one for one in programs]
        with running_field(unbuffered, stream_mock, folder / "streams", say) as field:
            figures.append(streaming(field, settings, say))
        keep(field, "streams")
    if "bursar" in names:
        figures += [measured(say) for measured in OF_BURSAR_ALONE]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    return Report(taken, machine, settings, versions, figures, findings)


def described(report: Report) -> str:
    """The run as a Markdown page."""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines = [f"# Benchmark of {report.taken:%Y-%m-%d %H:%M} UTC", "", f"{report.machine}. {versions}.", ""]
    lines += [as_markdown(figure) for figure in report.figures]
    for subject, several in report.findings.items():
        lines += [f"- {subject}: {'' if one.ok else '**failed**: '}{one.text}" for one in several]
    return "\n".join(lines).rstrip() + "\n"


def write_results(report: Report) -> Path:
    """Write the run to bench/results as JSON and Markdown, named after its time; the Markdown file's path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{report.taken:%Y-%m-%d-%H%M%S}.md"
    path.write_text(described(report))
    path.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return path
