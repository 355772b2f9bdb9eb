"""Claude Code: `projects/**/*.jsonl` in its configuration folder.

One answer of the model is several lines, one for each block, and all repeat its usage while `output_tokens` grows.
Sessions that are resumed, forked or compacted carry copies of lines of others; sub-agents have files of their own,
and progress lines tell of them again. A call is therefore its `message.id` and `requestId`, wherever it stands, and what
counts is the line with the most tokens. Side chains may replay messages under new requests (`UsageRecord.sidechain`).

Only lines with a usage are decoded, and of those only what is needed: most of a log is the results of tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.lines import CUT_OFF, Block, Lines
from bursar.importers.paths import below, config_home, named
from bursar.importers.record import STANDARD, Broken, Reading, Resume, UsageRecord
from bursar.money import NANOS_PER_USD
from bursar.usage import Usage

NAME = "claude-code"
_BRACE = ord("}")
_MARKS = (b'"usage":{', b'"usage": {')
"""What a line with a usage has in it, as Claude Code writes it and as tools do that put a space after colons."""
_EMPTY = msgspec.Raw()
_NO_MODEL = "<synthetic>"
"""The model of messages that Claude Code made up itself: errors, interruptions."""
_USUAL = frozenset({None, "", "standard", "standard_only", "auto", "default", "global", "not_available"})


class _Written(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _Searches(msgspec.Struct, gc=False):
    web_search_requests: int = 0


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _Written | None = None
    server_tool_use: _Searches | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None

    @property
    def written(self) -> tuple[int, int]:
        """Tokens written to the cache for five minutes and for an hour; without a split all are for five minutes."""
        flat = self.cache_creation_input_tokens or 0
        if self.cache_creation is None:
            return flat, 0
        hour = self.cache_creation.ephemeral_1h_input_tokens
        return max(self.cache_creation.ephemeral_5m_input_tokens, flat - hour), hour

    @property
    def tokens(self) -> int:
        """All tokens, to compare lines of one answer by."""
        return self.input_tokens + self.output_tokens + sum(self.written) + (self.cache_read_input_tokens or 0)

    @property
    def variant(self) -> str:
        """The price book's name: what differs from the standard, by the fields' names in alphabetical order."""
        said = (self.inference_geo, self.service_tier, self.speed)
        return "+".join(part for part in said if part and part not in _USUAL) or STANDARD


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


_decode = msgspec.json.Decoder(_Line).decode
_decode_progress = msgspec.json.Decoder(_Progress).decode


class ClaudeCode:
    """Claude Code's logs."""

    name = NAME
    title = "Claude Code"

    def homes(self) -> list[Path]:
        """`$CLAUDE_CONFIG_DIR`, or its two usual places."""
        return named("CLAUDE_CONFIG_DIR", config_home() / "claude", Path.home() / ".claude")

    def files(self, root: Path) -> Iterator[Path]:
        """All `.jsonl` files below its `projects`, or below the folder itself if it has none."""
        projects = root / "projects"
        return below(projects if projects.is_dir() else root, lambda name: name.endswith(".jsonl"))

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
        self.best: dict[tuple[str | None, ...], tuple[_Line, int]] = {}
        """The line that counts of each call, with its number, by message, request and whether it is a side chain."""

    def read(self) -> Reading:
        mark = b""
        for block in self.lines.blocks():
            if not mark:
                colon = block.data.find(b'":', block.start, block.end)
                mark = _MARKS[block.data[colon + 2 : colon + 3] == b" "]
            self._block(block, mark)
        records = [record for line, number in self.best.values() if (record := self._record(line, number))]
        return Reading(records, self.broken, self.lines.resume(), self.lines.anew)

    def _block(self, block: Block, mark: bytes) -> None:
        """Go through lines by their ends and through usages by their mark: nothing else is looked at."""
        data, start, end, cut = block
        number = self.lines.number
        usage = data.find(mark, start, end)
        while start < end:
            stop = data.find(b"\n", start, end)
            if stop < 0:
                stop = end
            number += 1
            if start <= usage < stop:
                self._usage(data[start:stop], number, cut=cut)
                usage = data.find(mark, stop, end)
            elif stop > start and data[stop - 1] != _BRACE:
                self._look(data[start:stop], number, cut=cut)
            start = stop + 1
        if not cut:
            self.lines.number = number

    def _usage(self, text: bytearray, number: int, *, cut: bool) -> None:
        try:
            line = _decode(text)
        except msgspec.ValidationError as problem:
            if b'"type":"assistant"' in text or b'"type": "assistant"' in text:
                self._break(number, f"its usage is not understood: {problem}")
            return
        except msgspec.DecodeError as problem:
            self._break(number, CUT_OFF if cut else f"is no JSON: {problem}")
            return
        if line.message is None or line.message.usage is None:
            line = self._told_by_progress(line)
        if line is None or line.message is None or line.message.usage is None:
            return
        key = (line.message.id or line.uuid or str(number), line.request_id or None, line.is_sidechain or None)
        known = self.best.get(key)
        if known is None or _counts_more(line, known[0]):
            self.best[key] = line, number

    def _told_by_progress(self, line: _Line) -> _Line | None:
        """The line of a sub-agent that a progress line has in it, as long as the sub-agent runs."""
        try:
            inner = _decode_progress(line.data).message if b'"usage"' in line.data else None
        except msgspec.MsgspecError:
            return None
        if inner is not None:
            inner.session_id, inner.cwd = line.session_id, line.cwd
        return inner

    def _look(self, text: bytearray, number: int, *, cut: bool) -> None:
        """A line that does not end as it should: nothing, a line with another end, or one that was cut."""
        text = text.strip()
        if text and not (text.startswith(b"{") and text.endswith(b"}")):
            self._break(number, CUT_OFF if cut else "is no JSON object")

    def _break(self, number: int, reason: str) -> None:
        self.broken.append(Broken(str(self.path), number, reason))

    def _record(self, line: _Line, number: int) -> UsageRecord | None:
        assert line.message is not None, "only lines with a usage are kept"
        assert line.message.usage is not None, "only lines with a usage are kept"
        message, said = line.message, line.message.usage
        if message.model == _NO_MODEL or line.is_api_error_message:
            return None
        written, written_1h = said.written
        searches = said.server_tool_use
        try:
            return UsageRecord(
                NAME,
                self._key(line, number),
                read_us(line.timestamp or ""),
                *_priced_as(message.model or ""),
                Usage(
                    said.input_tokens,
                    said.cache_read_input_tokens or 0,
                    written,
                    written_1h,
                    said.output_tokens,
                    web_searches=searches.web_search_requests if searches else 0,
                ),
                said.variant,
                line.request_id or None,
                message.id or None,
                line.session_id or self.path.stem,
                line.cwd or self.project,
                None if line.cost_usd is None else -int(-line.cost_usd * NANOS_PER_USD // 1),
                sidechain=bool(line.is_sidechain),
            )
        except ValueError as problem:
            self._break(number, f"its usage is not understood: {problem}")
            return None

    def _key(self, line: _Line, number: int) -> str:
        """What copies of the call share; a line without any id is itself alone, wherever its file is copied to."""
        assert line.message is not None, "only lines with a usage are kept"
        if line.message.id:
            return f"{line.message.id}:{line.request_id}" if line.request_id else line.message.id
        if line.uuid:
            return f"line:{line.uuid}"
        return f"line:{blake2b(msgspec.json.encode((line, number)), digest_size=16).hexdigest()}"


def _counts_more(line: _Line, known: _Line) -> bool:
    """Whether a line of an answer counts rather than another: more tokens, else earlier."""
    assert line.message is not None, "only lines with a usage are compared"
    assert known.message is not None, "only lines with a usage are compared"
    assert line.message.usage is not None, "only lines with a usage are compared"
    assert known.message.usage is not None, "only lines with a usage are compared"
    more = line.message.usage.tokens - known.message.usage.tokens
    if more or line.timestamp == known.timestamp:
        return more > 0
    try:
        return read_us(line.timestamp or "") < read_us(known.timestamp or "")
    except ValueError:
        return False


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
