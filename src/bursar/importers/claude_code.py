"""Claude Code: `projects/**/*.jsonl` in its configuration folder.

One answer of the model is several lines, one for each block, and all repeat its usage while `output_tokens` grows.
Sessions that are resumed, forked or compacted carry copies of lines of others; sub-agents have files of their own,
and progress lines tell of them again. A call is therefore its `message.id` and `requestId`, wherever it stands, and
what counts is the line with the most tokens. Side chains may replay messages under new requests (see `once`).

Only lines with a usage are decoded, and of those only what is needed: most of a log is the results of tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.lines import CUT_OFF, Block, Lines
from bursar.importers.paths import below, config_home, existing, named
from bursar.importers.reading import Reading
from bursar.importers.record import STANDARD, Broken, Resume
from bursar.importers.rows import Counts, Rows, Whose
from bursar.importers.texts import nanos

NAME = "claude-code"
_BRACE = ord("}")
_ASSISTANT = re.compile(rb'"(?:type|role)": ?"assistant"')
_MARKS = (b'"usage":{', b'"usage": {')
"""What a line with a usage has in it, as Claude Code writes it and as tools do that put a space after colons."""
_MESSAGE = b'"message":'
_USERS = b'"type":"user",'
"""What stands before the first message in the head of a user's line. Most of a log is such lines, with the results of
tools, and none has a usage that counts."""
_HEAD_BYTES = 600
_EMPTY = msgspec.Raw()
_NO_MODEL = "<synthetic>"
"""The model of messages that Claude Code made up itself: errors, interruptions."""
_USUAL = frozenset({None, "", "standard", "standard_only", "auto", "default", "global", "not_available"})


_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Written(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: _Count = 0
    ephemeral_1h_input_tokens: _Count = 0


class _Searches(msgspec.Struct, gc=False):
    web_search_requests: _Count = 0


class _Usage(msgspec.Struct, gc=False):
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    cache_creation_input_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None
    cache_creation: _Written | None = None
    server_tool_use: _Searches | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None

    def counts(self) -> Counts:
        """The counts of a row. What was written to the cache without a split was written for five minutes."""
        five, hour = self.cache_creation_input_tokens or 0, 0
        if self.cache_creation is not None:
            hour = self.cache_creation.ephemeral_1h_input_tokens
            five = max(self.cache_creation.ephemeral_5m_input_tokens, five - hour)
        searches = self.server_tool_use.web_search_requests if self.server_tool_use is not None else 0
        return self.input_tokens, self.cache_read_input_tokens or 0, five, hour, self.output_tokens, searches, 0

    @property
    def variant(self) -> str:
        """The price book's name: what differs from the standard, by the fields' names in alphabetical order."""
        if self.service_tier in _USUAL and self.speed in _USUAL and self.inference_geo in _USUAL:
            return STANDARD
        said = (self.inference_geo, self.service_tier, self.speed)
        return "+".join(part for part in said if part and part not in _USUAL)


class _Message(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class _Line(msgspec.Struct, gc=False, rename="camel"):
    timestamp: str | None = None
    message: _Message | None = None
    request_id: str | None = None
    session_id: str | None = None
    cwd: str | None = None
    uuid: str | None = None
    is_sidechain: bool | None = None
    is_api_error_message: bool | None = None
    cost_usd: Decimal | None = msgspec.field(default=None, name="costUSD")
    data: msgspec.Raw = _EMPTY


class _Progress(msgspec.Struct, gc=False):
    message: _Line | None = None


_Told = tuple[_Line, _Message, _Usage, int]
"""What tells of a call: the line, what of it is the message and its usage, and the line's number."""

_decode = msgspec.json.Decoder(_Line).decode
_decode_progress = msgspec.json.Decoder(_Progress).decode


class ClaudeCode:
    """Claude Code's logs."""

    name = NAME
    title = "Claude Code"

    def homes(self) -> list[Path]:
        """`$CLAUDE_CONFIG_DIR`, or its two usual places."""
        return named("CLAUDE_CONFIG_DIR", config_home() / "claude", Path.home() / ".claude")

    def folders(self, root: Path) -> list[Path]:
        """Its `projects`, or the folder itself if it has none."""
        return existing(root, "projects")

    def files(self, root: Path) -> Iterator[Path]:
        """All `.jsonl` files."""
        for folder in self.folders(root):
            yield from below(folder, lambda name: name.endswith(".jsonl"))

    def read(self, path: Path, resume: Resume | None = None) -> Reading:
        """Read a file, from where it was left if it is known. Raises OSError."""
        return _File(path, resume).read()


class _File:
    """One file while it is read."""

    def __init__(self, path: Path, resume: Resume | None) -> None:
        self.path = path
        self.lines = Lines(path, resume)
        self.project = _project(path)
        self.broken: list[Broken] = []
        self.best: dict[tuple[str, str | None, bool | None], _Told] = {}
        """What counts of each call, by message, request and whether it is a side chain."""
        self.shared: dict[tuple[str | None, str, str | None, str | None, bool | None], Whose] = {}

    def read(self) -> Reading:
        mark = b""
        for block in self.lines.blocks():
            if not mark:
                colon = block.data.find(b'":', block.start, block.end)
                mark = _MARKS[block.data[colon + 2 : colon + 3] == b" "]
            self._block(block, mark)
        rows = Rows(NAME)
        for line, message, usage, line_number in self.best.values():
            self._add(rows, line, message, usage, line_number)
        return Reading(rows, self.broken, self.lines.resume(), self.lines.anew)

    def _block(self, block: Block, mark: bytes) -> None:
        """Go through lines by their ends. A user's line, known by its head, is not searched for a usage."""
        data, start, end, cut = block
        number = self.lines.number
        find = data.find
        while start < end:
            stop = find(b"\n", start, end)
            if stop < 0:
                stop = end
            number += 1
            head = start + _HEAD_BYTES if start + _HEAD_BYTES < stop else stop
            message = find(_MESSAGE, start, head)
            is_users = message > 0 and data[message - len(_USERS) : message] == _USERS
            if not is_users and data.rfind(mark, start, stop) >= 0:  # it stands near the end
                self._usage(data[start:stop], number, cut=cut)
            elif stop > start and data[stop - 1] != _BRACE:
                self._look(data[start:stop], number, cut=cut)
            start = stop + 1
        if not cut:
            self.lines.number = number

    def _usage(self, text: bytearray, number: int, *, cut: bool) -> None:
        try:
            line = _decode(text)
        except msgspec.ValidationError as problem:
            if _ASSISTANT.search(text):
                self._break(number, f"its usage is not understood: {problem}")
            return
        except msgspec.DecodeError as problem:
            self._break(number, CUT_OFF if cut else f"is no JSON: {problem}")
            return
        message = line.message
        if (message is None or message.usage is None) and line.data:
            line = _told_by_progress(line)
            message = line.message
        if message is None or message.usage is None:
            return
        key = (message.id or line.uuid or str(number), line.request_id or None, line.is_sidechain or None)
        known = self.best.get(key)
        if known is None or _counts_rather(line, message.usage, known):
            self.best[key] = line, message, message.usage, number

    def _look(self, text: bytearray, number: int, *, cut: bool) -> None:
        """A line that does not end as it should: nothing, a line with another end, or one that was cut."""
        text = text.strip()
        if text and not (text.startswith(b"{") and text.endswith(b"}")):
            self._break(number, CUT_OFF if cut else "is no JSON object")

    def _break(self, number: int, reason: str) -> None:
        self.broken.append(Broken(str(self.path), number, reason))

    def _add(self, rows: Rows, line: _Line, message: _Message, usage: _Usage, number: int) -> None:
        if message.model == _NO_MODEL or line.is_api_error_message:
            return
        try:
            at_us, cost_nanos = read_us(line.timestamp or ""), nanos(line.cost_usd)
        except ValueError as problem:
            self._break(number, f"its usage is not understood: {problem}")
            return
        shared = self._whose(line, message, usage.variant)
        key, request = _key(line, message, number), line.request_id or None
        rows.add(key, at_us, shared, usage.counts(), request, message.id or None, cost_nanos)

    def _whose(self, line: _Line, message: _Message, variant: str) -> Whose:
        """What a call shares with others; it is the same for most of a file."""
        place = (message.model, variant, line.session_id, line.cwd, line.is_sidechain)
        known = self.shared.get(place)
        if known is None:
            known = self.shared[place] = Whose(
                *_priced_as(message.model or ""),
                variant,
                line.session_id or self.path.stem,
                line.cwd or self.project,
                None,
                bool(line.is_sidechain),
            )
        return known


def _counts_rather(line: _Line, usage: _Usage, known: _Told) -> bool:
    """Whether a line counts and not another one of the same call: more tokens, else earlier."""
    other = known[2]
    if (
        usage.input_tokens == other.input_tokens
        and usage.cache_read_input_tokens == other.cache_read_input_tokens
        and usage.cache_creation_input_tokens == other.cache_creation_input_tokens
        and usage.cache_creation == other.cache_creation
    ):
        more = usage.output_tokens - other.output_tokens  # what mostly grows
    else:
        more = sum(usage.counts()[:5]) - sum(other.counts()[:5])
    if more or line.timestamp == known[0].timestamp:
        return more > 0
    try:
        return read_us(line.timestamp or "") < read_us(known[0].timestamp or "")
    except ValueError:
        return False


def _told_by_progress(line: _Line) -> _Line:
    """The line of a sub-agent that a progress line has in it, as long as the sub-agent runs."""
    try:
        inner = _decode_progress(line.data).message
    except msgspec.MsgspecError:
        inner = None
    if inner is None:
        return line
    inner.session_id, inner.cwd = line.session_id, line.cwd
    return inner


def _key(line: _Line, message: _Message, number: int) -> str:
    """What copies of the call share; a line without any id is itself alone, wherever its file is copied to."""
    if message.id:
        return f"{message.id}:{line.request_id}" if line.request_id else message.id
    if line.uuid:
        return f"line:{line.uuid}"
    return f"line:{blake2b(msgspec.json.encode((line, number)), digest_size=16).hexdigest()}"


def _priced_as(model: str) -> tuple[str, str]:
    """The catalog and model that the price book is asked for: Amazon and Google have names of their own."""
    if "anthropic.claude" in model:
        return "aws", model
    if "@" in model:
        return "google", model
    return "anthropic", model


def _project(path: Path) -> str:
    """The folder below `projects`, which is the project's path with dashes; else the file's own folder."""
    parts = path.parts
    if "projects" in parts[:-2]:
        return parts[parts.index("projects") + 1]
    return path.parent.name
