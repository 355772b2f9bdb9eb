"""Codex: `sessions/**/rollout-*.jsonl` and `archived_sessions` in `$CODEX_HOME`.

After each response Codex writes a `token_count`: `last_token_usage` is the response's, `total_token_usage` the
thread's so far; it repeats the same totals when only a rate limit has changed. Recent versions write a
`token_usage_record` with the response's id as well. The model is that of the `turn_context` before.

A fork, and a sub-agent that was given its parent's context, begins with a copy of the parent's history, under new
instants. Such events are known by the parent's own file: what stands there in the same order was counted there. Where
that file is gone, everything until two seconds after the fork is taken for the copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.lines import CUT_OFF, Line, Lines, each
from bursar.importers.paths import below, existing, named
from bursar.importers.reading import Reading
from bursar.importers.record import STANDARD, Broken, Resume
from bursar.importers.rows import Counts, Rows, Whose

NAME = "codex"
FOLDERS = ("sessions", "archived_sessions")
COPIED_WITHIN_US = 2_000_000
"""A copy is written at once; the first response of a fork's own takes longer than that."""
PENDING = 16
"""How many responses are remembered that were told in one of the two ways and may yet be told in the other."""
_MARKS = (b"token_count", b"token_usage_record", b"turn_context", b"session_meta", b"thread_settings_applied")
_THREAD = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl$")


class _Tokens(msgspec.Struct, array_like=False, frozen=True, gc=False):
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int | None = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0

    def counts(self) -> Counts:
        """The counts of a row. Input has what was read from and written to the cache in it."""
        read = min(self.cached_input_tokens, self.input_tokens)
        written = min(self.cache_write_input_tokens or 0, self.input_tokens - read)
        return (
            self.input_tokens - read - written,
            read,
            written,
            0,
            self.output_tokens,
            0,
            self.reasoning_output_tokens,
        )

    def since(self, before: _Tokens | None) -> _Tokens:
        """What has come since an earlier total; all of it if there is none, or if counting began anew."""
        if before is None:
            return self
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(before)
        parts = [(one or 0) - (other or 0) for one, other in zip(mine, theirs, strict=True)]
        return self if min(parts) < 0 else _Tokens(*parts)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was used."""
        return not (self.input_tokens or self.output_tokens)


class _Info(msgspec.Struct, gc=False):
    total_token_usage: _Tokens | None = None
    last_token_usage: _Tokens | None = None
    model: str | None = None


class _Settings(msgspec.Struct, gc=False):
    model: str | None = None
    cwd: str | None = None


class _Payload(msgspec.Struct, gc=False):
    type: str | None = None
    id: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    subagent_history_start_ordinal: int | str | None = None
    model_provider: str | None = None
    cwd: str | None = None
    model: str | None = None
    info: _Info | None = None
    usage: _Tokens | None = None
    response_id: str | None = None
    thread_settings: _Settings | None = None


class _Line(msgspec.Struct, gc=False):
    type: str | None = None
    timestamp: str | int | float | None = None
    ordinal: int | None = None
    payload: _Payload | None = None


Event = tuple[str | None, _Tokens | None, _Tokens | None]
"""What a response is known by in copies of its thread: its id, or the thread's total and its own tokens."""


class _State(msgspec.Struct, gc=False):
    """What has to be remembered of a file from one reading to the next."""

    thread: str
    parent: str | None = None
    begun_us: int | None = None
    first_ordinal: int | None = None
    provider: str = "openai"
    model: str = ""
    cwd: str | None = None
    total: _Tokens | None = None
    copying: bool = True
    copied: int = 0
    recorded: list[_Tokens] = []
    counted: list[_Tokens] = []


_decode = msgspec.json.Decoder(_Line).decode
_decode_state = msgspec.msgpack.Decoder(_State).decode


class Codex:
    """Codex's logs."""

    name = NAME
    title = "Codex"

    def __init__(self) -> None:
        self._threads: dict[Path, dict[str, Path]] = {}
        self._events: dict[Path, list[Event]] = {}

    def homes(self) -> list[Path]:
        """`$CODEX_HOME`, or `~/.codex`."""
        return named("CODEX_HOME", Path.home() / ".codex")

    def folders(self, root: Path) -> list[Path]:
        """Its two folders, or the folder itself if it has neither."""
        return existing(root, *FOLDERS)

    def files(self, root: Path) -> Iterator[Path]:
        """All rollouts."""
        for folder in self.folders(root):
            yield from below(folder, _is_rollout)

    def read(self, path: Path, resume: Resume | None = None) -> Reading:
        """Read a rollout, from where it was left if it is known. Raises OSError."""
        return _File(self, path, resume).read()

    def history(self, path: Path, thread: str) -> list[Event] | None:
        """What a thread's rollout tells of, found by its name beside another's; None if there is none."""
        home = next((folder.parent for folder in path.parents if folder.name in FOLDERS), path.parent)
        if thread not in self._threads.get(home, {}):
            self._threads[home] = {_thread(file): file for file in self.files(home)}
        found = self._threads[home].get(thread)
        if found is None or found == path:
            return None
        if found not in self._events:
            try:
                self._events[found] = [event for line in _understood(found) if (event := _event(line))]
            except OSError:
                return None
        return self._events[found]


class _File:
    """One rollout while it is read."""

    def __init__(self, codex: Codex, path: Path, resume: Resume | None) -> None:
        self.codex = codex
        self.path = path
        self.lines = Lines(path, resume)
        self.rows = Rows(NAME)
        self.broken: list[Broken] = []
        self.state = _State(_thread(path))
        self.history: dict[Event, list[int]] | None = None

    def read(self) -> Reading:
        begun = False
        settled: bytes | None = None
        for line in each(self.lines):
            if not begun:
                begun = True
                if self.lines.left.memory:
                    self.state = _decode_state(self.lines.left.memory)
            if line.cut:
                settled = msgspec.msgpack.encode(self.state)  # the line is read again once it has an end
            self._line(line)
        if not begun and self.lines.left.memory:
            settled = self.lines.left.memory
        memory = msgspec.msgpack.encode(self.state) if settled is None else settled
        return Reading(self.rows, self.broken, self.lines.resume(memory), self.lines.anew)

    def _line(self, line: Line) -> None:
        if not any(mark in line.text for mark in _MARKS):
            if not (line.text.startswith(b"{") and line.text.endswith(b"}")):
                self._break(line, CUT_OFF if line.cut else "is no JSON object")
            return
        try:
            read = _decode(line.text)
        except msgspec.ValidationError as problem:
            if b'"type":"token_' in line.text.replace(b": ", b":")[:300]:
                self._break(line, f"its usage is not understood: {problem}")
            return
        except msgspec.DecodeError as problem:
            self._break(line, CUT_OFF if line.cut else f"is no JSON: {problem}")
            return
        try:
            self._told(read)
        except ValueError as problem:
            self._break(line, f"its usage is not understood: {problem}")

    def _break(self, line: Line, reason: str) -> None:
        self.broken.append(Broken(str(self.path), line.number, reason))

    def _told(self, line: _Line) -> None:
        payload = line.payload
        if payload is None:
            return
        if line.type == "session_meta":
            self._session(line, payload)
        elif line.type == "turn_context" or payload.type == "thread_settings_applied":
            settings = payload.thread_settings or payload
            self.state.model = settings.model or self.state.model
            self.state.cwd = settings.cwd or self.state.cwd
        else:
            event = _event(line)
            if event is not None:
                self._response(line, payload, event)

    def _session(self, line: _Line, payload: _Payload) -> None:
        """The thread's own head: the first, or the one that has its id, for copies bring the heads of ancestors."""
        state = self.state
        if state.begun_us is not None and payload.id != state.thread:
            return
        state.begun_us = read_us(line.timestamp or 0)
        state.thread = state.thread or payload.id or self.path.stem
        state.parent = payload.forked_from_id or payload.parent_thread_id
        state.first_ordinal = int(payload.subagent_history_start_ordinal or 0)
        state.provider = payload.model_provider or state.provider
        state.cwd = payload.cwd or state.cwd

    def _response(self, line: _Line, payload: _Payload, event: Event) -> None:
        state = self.state
        response, total, last = event
        at_us = read_us(line.timestamp or "")
        if response is None:
            if total is not None and total == state.total:
                return  # only a rate limit has changed
            used = last or (total.since(state.total) if total is not None else _Tokens())
            key = f"{state.thread}:{_name(total) if total is not None else f'{at_us}:{_name(used)}'}"
            told_already, others = state.recorded, state.counted
            state.total = total or state.total
        else:
            assert last is not None, "a record has its usage"
            used, key = last, f"response:{response}"
            told_already, others = state.counted, state.recorded
        if self._is_copy(line, event, at_us):
            return
        if used.is_nothing:
            return
        if used in told_already:
            told_already.remove(used)
            return
        others.append(used)
        del others[:-PENDING]
        if min(counts := used.counts()) < 0:
            raise ValueError("a count is negative")
        model = payload.info.model if payload.info is not None and payload.info.model else state.model
        shared = Whose(state.provider, model, STANDARD, state.thread, state.cwd)
        self.rows.add(key, at_us, shared, counts, message_id=response)

    def _is_copy(self, line: _Line, event: Event, at_us: int) -> bool:
        """Whether an event is the parent's and stands here as a copy. After the first of its own there are none."""
        state = self.state
        if not state.copying or state.parent is None:
            return False
        if line.ordinal is not None and state.first_ordinal:
            state.copying = line.ordinal < state.first_ordinal
            return state.copying
        history = self.codex.history(self.path, state.parent)
        if history is None:
            state.copying = state.begun_us is not None and at_us <= state.begun_us + COPIED_WITHIN_US
            return state.copying
        if self.history is None:
            self.history = {}
            for position, told in enumerate(history):
                self.history.setdefault(told, []).append(position)
        found = next((at for at in self.history.get(event, ()) if at >= state.copied), None)
        state.copying = found is not None
        state.copied = state.copied if found is None else found + 1
        return state.copying


def _event(line: _Line) -> Event | None:
    """What a line tells of a response, None if it tells nothing of one."""
    payload = line.payload
    if payload is None:
        return None
    if line.type == "token_usage_record" or payload.type == "token_usage_record":
        return (payload.response_id, None, payload.usage) if payload.response_id and payload.usage else None
    if payload.type != "token_count" or payload.info is None:
        return None
    info = payload.info
    return (
        (None, info.total_token_usage, info.last_token_usage)
        if info.total_token_usage or info.last_token_usage
        else None
    )


def _understood(path: Path) -> Iterator[_Line]:
    """The lines of a rollout that tell of responses, for its forks; what is broken is told when it is read itself."""
    for line in each(Lines(path, None)):
        if b"token_" in line.text:
            try:
                yield _decode(line.text)
            except msgspec.MsgspecError:
                continue


def _is_rollout(name: str) -> bool:
    return name.startswith("rollout-") and name.endswith(".jsonl")


def _thread(path: Path) -> str:
    """The thread's id, the last in the rollout's name; "" for a file with another name."""
    found = _THREAD.search(path.name)
    return found[1] if found else ""


def _name(tokens: _Tokens) -> str:
    return ".".join(str(part or 0) for part in msgspec.structs.astuple(tokens))
