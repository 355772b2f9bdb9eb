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
GROUP_ROWS = 50_000
"""How many rows a row group has at least, unless its day has fewer."""


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
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what another thread took from it
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
    schema = _kept(stream.schema)
    days = rows = size = 0
    for day, batches in _by_day(stream):
        file = folder / f"day={day}" / FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(FILE + ".part")
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for table in _in_groups(batches):
                writer.write_table(table.select(schema.names).cast(schema))
                rows += table.num_rows
                advance(rows, total)
        part.replace(file)
        days, size = days + 1, size + file.stat().st_size
    return Written(days, rows, size)


def _in_groups(batches: Iterable[Any]) -> Iterator[Any]:
    """Batches put together into what a row group is made of."""
    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _by_day(stream: Iterable[Any]) -> Iterator[tuple[str, Iterator[Any]]]:
    """The batches of each day. A batch is of one day, and days follow each other."""
    for day, batches in groupby(stream, lambda batch: batch.column(DAY)[0].as_py().isoformat()):
        yield str(day), batches


def _kept(schema: Any) -> Any:
    """The columns of a file: all but the day. Words are texts in it; Parquet has dictionaries of its own."""
    fields = [field for field in schema if field.name != DAY]
    is_word = pa.types.is_dictionary
    return pa.schema([field.with_type(field.type.value_type) if is_word(field.type) else field for field in fields])
