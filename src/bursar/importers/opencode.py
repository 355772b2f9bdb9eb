"""OpenCode: the database `opencode.db` (or `opencode-CHANNEL.db`) of newer versions, a file a message of older ones.

A message of the role `assistant` is a step of the model. Its `input` is without the cache; its `reasoning` is apart
from its `output` and is billed like it. A message that is in the database and in a file is one message.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.lines import START
from bursar.importers.paths import below, data_home, existing, named
from bursar.importers.reading import Reading
from bursar.importers.record import STANDARD, Broken, Resume
from bursar.importers.rows import Counts, Rows, Whose
from bursar.importers.texts import line_of, nanos

NAME = "opencode"
WAIT_S = 2.0
CATALOGS = {
    "amazon-bedrock": "aws",
    "google-vertex": "google",
    "google-vertex-anthropic": "google",
    "xai": "x-ai",
    "zai-coding-plan": "zai",
    "moonshot": "moonshotai",
    "fireworks-ai": "fireworks",
    "togetherai": "together",
}
"""The price book's names of providers that OpenCode (by models.dev) calls otherwise."""
_DATABASE = re.compile(r"opencode(?:-[A-Za-z0-9_-]+)?\.db")
_MESSAGES = "SELECT id, session_id, data FROM message ORDER BY id"
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Cache(msgspec.Struct, gc=False):
    read: _Count = 0
    write: _Count = 0


class _Tokens(msgspec.Struct, gc=False):
    input: _Count = 0
    output: _Count = 0
    reasoning: _Count = 0
    cache: _Cache = msgspec.field(default_factory=_Cache)
    total: _Count | None = None

    def counts(self) -> Counts:
        """The counts of a row. Versions whose output has the reasoning in it say so by their total."""
        together = self.input + self.output + self.cache.read + self.cache.write
        output = self.output if self.total == together else self.output + self.reasoning
        return self.input, self.cache.read, self.cache.write, 0, output, 0, min(self.reasoning, output)


class _Time(msgspec.Struct, gc=False):
    created: int | float = 0


class _Path(msgspec.Struct, gc=False):
    root: str | None = None
    cwd: str | None = None


class _Message(msgspec.Struct, gc=False):
    id: str | None = None
    role: str | None = None
    sessionID: str | None = None  # noqa: N815 - the file's own words
    providerID: str | None = None  # noqa: N815
    modelID: str | None = None  # noqa: N815
    time: _Time | None = None
    tokens: _Tokens | None = None
    cost: Decimal | None = None
    path: _Path | None = None


_decode = msgspec.json.Decoder(_Message).decode


class OpenCode:
    """OpenCode's database and message files."""

    name = NAME
    title = "OpenCode"

    def homes(self) -> list[Path]:
        """`$OPENCODE_DATA_DIR`, or `opencode` among the person's data."""
        return named("OPENCODE_DATA_DIR", data_home() / "opencode")

    def folders(self, root: Path) -> list[Path]:
        """The folder of messages, or the folder itself if it has none; its databases are in the folder itself."""
        return existing(root, "storage/message")

    def files(self, root: Path) -> Iterator[Path]:
        """Its databases, then the files of messages."""
        if _DATABASE.fullmatch(root.name) and root.is_file():
            yield root
            return
        if root.is_dir():
            yield from sorted(path for path in root.iterdir() if _DATABASE.fullmatch(path.name))
        for folder in self.folders(root):
            yield from below(folder, _is_message)

    def read(self, path: Path, resume: Resume | None = None) -> Reading:
        """Read a file, always all of it: messages change in place. Raises OSError."""
        rows, broken = Rows(NAME), list[Broken]()
        messages = _of_database(path, broken) if path.suffix == ".db" else iter([(1, "", "", path.read_bytes())])
        for number, key, session, data in messages:
            try:
                _add(rows, key, session, _decode(data))
            except msgspec.DecodeError as problem:
                if data.strip() and (b'"tokens"' in data or not isinstance(problem, msgspec.ValidationError)):
                    line = number if path.suffix == ".db" else line_of(problem, data)
                    broken.append(Broken(str(path), line, f"is no message: {problem}"))
            except ValueError as problem:
                broken.append(Broken(str(path), number, f"its usage is not understood: {problem}"))
        return Reading(rows, broken, START, anew=resume is not None)


def _is_message(name: str) -> bool:
    return name.startswith("msg_") and name.endswith(".json")


def _of_database(path: Path, broken: list[Broken]) -> Iterator[tuple[int, str, str, bytes]]:
    """The messages of a database that may be written meanwhile: number, id, session and JSON of each."""
    path.stat()  # one that is not there is an OSError, as for any file
    number = 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)) as database:
            for number, (key, session, data) in enumerate(database.execute(_MESSAGES), start=1):
                yield number, str(key), str(session), data if isinstance(data, bytes) else str(data).encode()
    except sqlite3.Error as problem:
        broken.append(Broken(str(path), number + 1, f"the database cannot be read: {problem}"))


def _add(rows: Rows, key: str, session: str, message: _Message) -> None:
    if message.tokens is None or message.role not in {None, "assistant"}:
        return
    counts = message.tokens.counts()
    if not any(counts):
        return
    if message.time is None or not message.time.created:
        raise ValueError("it has no time")
    provider = message.providerID or ""
    place = message.path or _Path()
    shared = Whose(
        CATALOGS.get(provider, provider),
        message.modelID or "",
        STANDARD,
        session or message.sessionID,
        place.root if place.root not in {None, "", "/"} else place.cwd,
    )
    name = key or message.id
    if not name:
        raise ValueError("it has no id")
    rows.add(name, read_us(message.time.created), shared, counts, message_id=name, cost_nanos=nanos(message.cost))
