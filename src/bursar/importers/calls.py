"""All sources that tell of single calls, by name: coding agents' logs, telemetry, other gateways, our own format."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bursar.importers import litellm_logs, own
from bursar.importers.agents import agents
from bursar.importers.cursor import Cursor
from bursar.importers.otel import OpenTelemetry
from bursar.importers.reading import Place
from bursar.importers.record import Broken, Resume, UsageRecord


class Found(Protocol):
    """What reading a file gave; see `importers.reading.Reading`."""

    @property
    def records(self) -> list[UsageRecord]:
        """The records."""

    @property
    def broken(self) -> list[Broken]:
        """The lines that could not be read."""

    @property
    def resume(self) -> Resume:
        """Where the file was left."""


class Caller(Place, Protocol):
    """A source of calls, whatever it reads them into; see `importers.reading.Source`."""

    def read(self, path: Path, resume: Resume | None = None) -> Found:
        """Read a file, from where it was left if it is known. Raises OSError."""


def sources() -> dict[str, Caller]:
    """A fresh importer for each source, in the order in which people see them."""
    others: tuple[Caller, ...] = (OpenTelemetry(), litellm_logs.source(), Cursor(), own.source())
    return {**agents(), **{source.name: source for source in others}}
