"""pi: `sessions/*/*.jsonl` in `~/.pi/agent`.

A line of type `message` whose message has the role `assistant` is one response, with its provider, its usage in
buckets that are apart, and what it cost by pi's own prices. A session that is forked from another begins with copies
of that one's lines, ids and instants included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.lines import Line, Lines, each
from bursar.importers.paths import below, existing, named
from bursar.importers.reading import Reading
from bursar.importers.record import STANDARD, Broken, Resume
from bursar.importers.rows import Counts, Rows, Whose
from bursar.importers.texts import nanos, why_broken

NAME = "pi"
CATALOGS = {"amazon-bedrock": "aws", "google-vertex": "google", "openai-codex": "openai", "xai": "x-ai"}
"""The price book's names of providers that pi calls otherwise."""
_SESSION = re.compile(r"\d{4}-\d\d-\d\dT[^_]*_[^/]+\.jsonl")
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Cost(msgspec.Struct, gc=False):
    total: Decimal | None = None


class _Usage(msgspec.Struct, gc=False, rename="camel"):
    input: _Count = 0
    output: _Count = 0
    cache_read: _Count = 0
    cache_write: _Count = 0
    cost: _Cost | None = None

    def counts(self) -> Counts:
        """The counts of a row."""
        return self.input, self.cache_read, self.cache_write, 0, self.output, 0, 0


class _Message(msgspec.Struct, gc=False):
    role: str | None = None
    provider: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class _Line(msgspec.Struct, gc=False):
    type: str | None = None
    id: str | None = None
    timestamp: str | int | float | None = None
    cwd: str | None = None
    message: _Message | None = None


_decode = msgspec.json.Decoder(_Line).decode


class Pi:
    """pi's sessions."""

    name = NAME
    title = "pi"

    def homes(self) -> list[Path]:
        """`$PI_CODING_AGENT_DIR`, or `~/.pi/agent`."""
        return named("PI_CODING_AGENT_DIR", Path.home() / ".pi/agent")

    def folders(self, root: Path) -> list[Path]:
        """Its `sessions`, or the folder itself if it has none."""
        return existing(root, "sessions")

    def files(self, root: Path) -> Iterator[Path]:
        """All sessions, by their names."""
        for folder in self.folders(root):
            yield from below(folder, lambda name: _SESSION.fullmatch(name) is not None)

    def read(self, path: Path, resume: Resume | None = None) -> Reading:
        """Read a session, from where it was left if it is known. Raises OSError."""
        return _File(path, resume).read()


class _File:
    """One session while it is read."""

    def __init__(self, path: Path, resume: Resume | None) -> None:
        self.path = path
        self.lines = Lines(path, resume)
        self.rows = Rows(NAME)
        self.broken: list[Broken] = []
        self.session = path.stem.partition("_")[2] or path.stem
        self.project = resume.memory.decode() if resume is not None else path.parent.name

    def read(self) -> Reading:
        for line in each(self.lines):
            try:
                self._told(_decode(line.text))
            except msgspec.ValidationError as problem:
                if b'"usage"' in line.text:
                    self._break(line, f"its usage is not understood: {problem}")
            except msgspec.DecodeError as problem:
                self._break(line, why_broken(line, problem))
            except ValueError as problem:
                self._break(line, f"its usage is not understood: {problem}")
        return Reading(self.rows, self.broken, self.lines.resume(self.project.encode()), self.lines.anew)

    def _break(self, line: Line, reason: str) -> None:
        self.broken.append(Broken(str(self.path), line.number, reason))

    def _told(self, line: _Line) -> None:
        if line.type == "session":
            self.project = line.cwd or self.project
        message = line.message
        if message is None or message.role != "assistant" or message.usage is None:
            return
        counts = message.usage.counts()
        if not any(counts):
            return
        at_us = read_us(line.timestamp or "")
        provider = message.provider or ""
        shared = Whose(CATALOGS.get(provider, provider), message.model or "", STANDARD, self.session, self.project)
        cost = message.usage.cost
        key = f"{line.id or self.session}:{at_us}:{'.'.join(map(str, counts[:5]))}"
        self.rows.add(key, at_us, shared, counts, cost_nanos=nanos(cost.total if cost else None))
