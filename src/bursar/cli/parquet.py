"""Writes calls that come as an Arrow stream into Parquet files, in a folder for each day as Hive names them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bursar.refusals import Refused, Why, refuse

DAY, ROWS = "day", b"bursar.rows"
FILE = "calls.parquet"


class Written(NamedTuple):
    """What was written."""

    days: int
    rows: int
    bytes: int


class _Pieces(io.RawIOBase):
    """Pieces of bytes, read as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes, as many as there are and fit."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def write_days(folder: Path, pieces: Iterable[bytes], advance: Callable[[int, int], None]) -> Written:
    """Write `FOLDER/day=2026-11-17/calls.parquet` for each day; `advance` is told how many of how many calls.

    A file is there when all of it is. Raises Refused(CONFIG_INVALID) when it cannot be written.
    """
    coming = io.BufferedReader(_Pieces(pieces))
    try:
        written = _write(folder, pa.ipc.open_stream(coming), advance)
        coming.read()  # to its very end, so that whoever sends it is done, too
    except OSError:
        problem = "it cannot be written"
        raise Refused(refuse(Why.CONFIG_INVALID, file=folder, field="(folder)", problem=problem)) from None
    return written


def _write(folder: Path, stream: Any, advance: Callable[[int, int], None]) -> Written:
    total = int(stream.schema.metadata[ROWS])
    days = rows = size = 0
    for day, batches in _by_day(stream):
        file = folder / f"day={day}" / FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(FILE + ".part")
        with pq.ParquetWriter(part, _without_day(stream.schema), compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch.drop_columns([DAY]))
                rows += batch.num_rows
                advance(rows, total)
        part.replace(file)
        days, size = days + 1, size + file.stat().st_size
    return Written(days, rows, size)


def _by_day(stream: Iterable[Any]) -> Iterator[tuple[str, Iterator[Any]]]:
    """The batches of each day. A batch is of one day, and days follow each other."""
    for day, batches in groupby(stream, lambda batch: batch.column(DAY)[0].as_py().isoformat()):
        yield str(day), batches


def _without_day(schema: Any) -> Any:
    return schema.remove(schema.get_field_index(DAY)).remove_metadata()
