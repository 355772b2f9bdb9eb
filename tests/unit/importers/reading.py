"""What importers find in files, in the shape of the simple readers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from bursar.importers.reading import Source
from bursar.importers.record import Broken, once
from tests.unit.importers.simple import BUCKETS, Totals, totals


def read_all(source: Source, files: Iterable[Path]) -> tuple[Totals, list[Broken]]:
    """The totals of all files together, each call once, and the lines that were broken."""
    readings = [source.read(path) for path in files]
    kept = once(record for reading in readings for record in reading.records)
    found = totals((record.model, {b: getattr(record.usage, b) for b in BUCKETS}) for record in kept.values())
    return found, [line for reading in readings for line in reading.broken]


def put(path: Path, *lines: object, end: str = "\n") -> Path:
    """Write a file of JSON lines; a text is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (line if isinstance(line, str) else msgspec.json.encode(line).decode() for line in lines)
    path.write_bytes("".join(text + end for text in texts).encode())
    return path
