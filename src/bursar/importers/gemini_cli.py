"""Gemini CLI: `~/.gemini/tmp/*/chats/*.json` of older versions, `.jsonl` of newer ones.

A message of type `gemini` has the tokens of one response; it is written again as it grows, and the last record of an
id counts. `input` has what was read from the cache in it; `thoughts` and `tool` are further addends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.lines import START, Lines, each
from bursar.importers.paths import below, existing
from bursar.importers.reading import Reading
from bursar.importers.record import STANDARD, Broken, Resume
from bursar.importers.rows import Counts, Rows, Whose
from bursar.importers.texts import line_of, why_broken

NAME = "gemini-cli"
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Tokens(msgspec.Struct, gc=False):
    input: _Count = 0
    output: _Count = 0
    cached: _Count = 0
    thoughts: _Count = 0
    tool: _Count = 0
    total: _Count | None = None

    def counts(self) -> Counts:
        """The counts of a row. Versions that left the cache out of the input say so by their total."""
        together = self.input + self.output + self.thoughts + self.tool
        apart = self.cached and self.total == together + self.cached
        plain = self.input if apart else self.input - min(self.cached, self.input)
        return plain + self.tool, self.cached, 0, 0, self.output + self.thoughts, 0, self.thoughts


class _Message(msgspec.Struct, gc=False):
    id: str | None = None
    type: str | None = None
    timestamp: str | None = None
    model: str | None = None
    tokens: _Tokens | None = None


class _Change(msgspec.Struct, gc=False):
    messages: list[_Message] | None = None


class _Line(msgspec.Struct, gc=False):
    """A line of a `.jsonl`: the head, a message, or a change to what came before."""

    sessionId: str | None = None  # noqa: N815 - the file's own word
    id: str | None = None
    type: str | None = None
    timestamp: str | None = None
    model: str | None = None
    tokens: _Tokens | None = None
    set: _Change | None = msgspec.field(default=None, name="$set")


class _Session(msgspec.Struct, gc=False):
    """A `.json`: a whole session."""

    sessionId: str | None = None  # noqa: N815 - the file's own word
    messages: list[_Message] = []


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_session = msgspec.json.Decoder(_Session).decode


class GeminiCli:
    """Gemini CLI's chats."""

    name = NAME
    title = "Gemini CLI"

    def homes(self) -> list[Path]:
        """`.gemini` in `$GEMINI_CLI_HOME` or in the home folder."""
        return [Path(os.environ.get("GEMINI_CLI_HOME") or Path.home()) / ".gemini"]

    def folders(self, root: Path) -> list[Path]:
        """Its `tmp`, or the folder itself if it has none."""
        return existing(root, "tmp")

    def files(self, root: Path) -> Iterator[Path]:
        """All chats."""
        for folder in self.folders(root):
            for path in below(folder, lambda name: name.endswith((".json", ".jsonl"))):
                if "chats" in path.parts:
                    yield path

    def read(self, path: Path, resume: Resume | None = None) -> Reading:
        """Read a chat, from where it was left if it is one of lines. Raises OSError."""
        file = _File(path)
        if path.suffix == ".jsonl":
            return file.read_lines(Lines(path, resume))
        return file.read_whole(anew=resume is not None)


class _File:
    """One chat while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.session = path.stem
        self.broken: list[Broken] = []
        self.told: dict[str, tuple[_Message, int]] = {}
        """The last record of each message, with its line."""

    def read_whole(self, *, anew: bool) -> Reading:
        data = self.path.read_bytes()
        try:
            session = _decode_session(data)
        except msgspec.DecodeError as problem:
            if data.strip():
                self._break(line_of(problem, data), f"is no chat: {problem}")
        else:
            self.session = session.sessionId or self.session
            for message in session.messages:
                self._message(message, 1)
        return Reading(self._rows(), self.broken, START, anew)

    def read_lines(self, lines: Lines) -> Reading:
        for line in each(lines):
            try:
                read = _decode_line(line.text)
            except msgspec.ValidationError as problem:
                if b'"tokens"' in line.text:
                    self._break(line.number, f"its tokens are not understood: {problem}")
                continue
            except msgspec.DecodeError as problem:
                self._break(line.number, why_broken(line, problem))
                continue
            self.session = read.sessionId or self.session
            self._message(_Message(read.id, read.type, read.timestamp, read.model, read.tokens), line.number)
            for message in (read.set and read.set.messages) or ():
                self._message(message, line.number)
        if lines.left.memory and self.session == self.path.stem:
            self.session = lines.left.memory.decode()
        return Reading(self._rows(), self.broken, lines.resume(self.session.encode()), lines.anew)

    def _message(self, message: _Message, line: int) -> None:
        if message.type == "gemini" and message.tokens is not None:
            self.told[message.id or f"{message.timestamp}"] = message, line

    def _rows(self) -> Rows:
        rows = Rows(NAME)
        project = next((up.parent.name for up in self.path.parents if up.name == "chats"), self.path.parent.name)
        for key, (message, line) in self.told.items():
            assert message.tokens is not None, "only messages with tokens are kept"
            counts = message.tokens.counts()
            if not any(counts):
                continue
            try:
                at_us = read_us(message.timestamp or "")
            except ValueError:
                self._break(line, f"its timestamp is {message.timestamp!r}; it must be an instant")
                continue
            shared = Whose("google", message.model or "", STANDARD, self.session, project)
            rows.add(key, at_us, shared, counts, message_id=message.id)
        return rows

    def _break(self, line: int, reason: str) -> None:
        self.broken.append(Broken(str(self.path), line, reason))
