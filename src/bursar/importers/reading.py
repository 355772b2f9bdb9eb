"""What reading a file gives, and what every importer can do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from bursar.importers.record import Broken, Resume, UsageRecord
from bursar.importers.rows import Rows


class Reading(msgspec.Struct, gc=False):
    """What reading a file gave: the records that are new since it was left, and where it was left now.

    `anew` says that the file was read from its beginning although there was a place to go on from, because it is no
    longer the file it was; its earlier records may be gone. A line that the file ends within is among the `broken`
    until the file has grown.
    """

    rows: Rows
    broken: list[Broken]
    resume: Resume
    anew: bool = False

    @property
    def records(self) -> list[UsageRecord]:
        """The records as objects."""
        return list(self.rows.records())


class Place(Protocol):
    """What a source is called, and where its files are."""

    @property
    def name(self) -> str:
        """What people call it on the command line: "claude-code"."""

    @property
    def title(self) -> str:
        """What its makers call it: "Claude Code"."""

    def homes(self) -> list[Path]:
        """The folders in which it leaves files on this machine, whether they exist or not."""

    def files(self, root: Path) -> Iterator[Path]:
        """The files below a folder that are this source's, sorted; or the path itself if it is a file."""


class Source(Place, Protocol):
    """One module for each: a place, and how one of its files is read."""

    def read(self, path: Path, resume: Resume | None = None) -> Reading:
        """Read a file, from where it was left if it is known. Raises OSError when it cannot be opened or read."""


class Agent(Source, Protocol):
    """A coding agent that leaves logs on the machine on which it runs."""

    def folders(self, root: Path) -> list[Path]:
        """The folders of one of its homes, or of another folder, in which its files are, all the way down."""
