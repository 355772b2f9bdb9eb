"""Files of JSON lines: blocks of whole lines, where a file was left, texts that are not UTF-8.

A file is read in blocks into one buffer that is used again, so that its size does not matter. The last line of a file
that somebody is writing may have no end yet: it is read, but not done with.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from bursar.importers.record import Resume

BLOCK_BYTES = 1 << 20
DIGEST_OF_BYTES = 1 << 10
START = Resume(0, 0, "")
CUT_OFF = "the file ends within this line"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Block(NamedTuple):
    """Whole lines: `data[start:end]`. A block that is `cut` is the last line of a file, without its end.

    `data` is used again for the next block.
    """

    data: bytearray
    start: int
    end: int
    cut: bool


class Lines:
    """A file's lines from where it was left. `anew` says that it had to be read from its beginning.

    `number` is how many lines are done with; whoever reads the blocks counts on.
    """

    def __init__(self, path: Path, resume: Resume | None, block_bytes: int = BLOCK_BYTES) -> None:
        self._path = path
        self._block_bytes = block_bytes
        self.left = START if resume is None else resume
        self.anew = False
        self.number = 0
        self._offset = 0

    def blocks(self) -> Iterator[Block]:
        """The blocks, in order. Raises OSError."""
        with self._path.open("rb", buffering=0) as file:
            if self.left.offset and digest(file.fileno(), self.left.offset) != self.left.digest:
                self.left, self.anew = START, True
            self.number = self.left.lines
            head = os.pread(file.fileno(), 3, 0)
            if head.startswith(_WIDE):
                yield from _of_wide(file.read())
                return
            self._offset = self.left.offset or (3 if head == codecs.BOM_UTF8 else 0)
            file.seek(self._offset)
            data, filled = bytearray(self._block_bytes), 0
            while read := file.readinto(memoryview(data)[filled:]):
                filled += read
                end = data.rfind(b"\n", 0, filled) + 1
                if end:
                    yield Block(data, 0, end, cut=False)
                    self._offset += end
                    data[: filled - end] = data[end:filled]
                    filled -= end
                if filled == len(data):
                    data += bytes(len(data))
            if filled:
                yield Block(data, 0, filled, cut=True)

    def resume(self, memory: bytes = b"") -> Resume:
        """Where the file is left after all blocks."""
        if not self._offset:
            return START
        with self._path.open("rb", buffering=0) as file:
            return Resume(self._offset, self.number, digest(file.fileno(), self._offset), memory)


def digest(file: int, offset: int) -> str:
    """A digest of the last bytes before an offset of an open file."""
    start = max(0, offset - DIGEST_OF_BYTES)
    return blake2b(os.pread(file, offset - start, start), digest_size=8).hexdigest()


def _of_wide(data: bytes) -> Iterator[Block]:
    """A file in UTF-16 as UTF-8, all of it, each time: tools that make such files do not append to them."""
    text = bytearray(data.decode("utf-16", "replace"), "utf-8")
    yield Block(text, 0, len(text), cut=not text.endswith(b"\n"))


class Line(NamedTuple):
    """A line that is not empty: its number, from 1, its bytes without white space around, whether it was cut."""

    number: int
    text: bytes
    cut: bool


def each(lines: Lines) -> Iterator[Line]:
    """All lines of a file that are not empty; for logs that are small enough to look at every one."""
    for data, start, end, cut in lines.blocks():
        for number, text in enumerate(bytes(data[start:end]).splitlines(), start=lines.number + 1):
            if text.strip():
                yield Line(number, text.strip(), cut)
        if not cut:
            lines.number += data.count(b"\n", start, end)
