"""What an Anthropic message used, from its body or its stream.

`input_tokens` excludes what was read from or written to the cache. In a stream `message_start` opens the count and
every field in a `message_delta` replaces what was there: counts are cumulative, never added. Deltas lack the split of
cache writes by lifetime, so the start's is kept.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from bursar.gateway.wires.anthropic_variant import Parts
from bursar.gateway.wires.metered import MeteredStream
from bursar.usage import Usage

MOST_TOKENS = 1_000_000_000
"""A record that counts more than this is at fault: no call is that long."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
_NONE = msgspec.Raw()


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: _Count = 0
    ephemeral_1h_input_tokens: _Count = 0


class _ServerTools(msgspec.Struct):
    web_search_requests: _Count | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: _Count | None = None


class _Iteration(msgspec.Struct):
    type: str = "message"


class _Record(msgspec.Struct):
    """A usage record, whole or in part; None is what it does not say."""

    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_creation: _CacheCreation | None = None
    server_tool_use: _ServerTools | None = None
    output_tokens_details: _OutputDetails | None = None
    iterations: list[_Iteration] | None = None
    inference_geo: object = None
    service_tier: object = None
    speed: object = None

    def replace(self, later: _Record) -> None:
        """Take over every field that a later record has."""
        for field in self.__struct_fields__:
            value = getattr(later, field)
            if value is not None:
                setattr(self, field, value)


class _Message(msgspec.Struct):
    type: object = None
    id: object = None
    model: object = None
    usage: msgspec.Raw = _NONE


class _Delta(msgspec.Struct):
    stop_reason: object = None


class _Event(msgspec.Struct):
    type: object = None
    message: msgspec.Raw = _NONE
    delta: _Delta | None = None
    usage: msgspec.Raw = _NONE


_decode_message = msgspec.json.Decoder(_Message).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_record = msgspec.json.Decoder(_Record).decode
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class AnthropicMeter(MeteredStream):
    """See `bursar.gateway.wires.base.Meter`. Forwards every byte: usage is part of every stream."""

    def __init__(self, asked: Parts, *, cache_writes_1h: bool) -> None:
        super().__init__()
        self._variant = asked
        self._cache_writes_1h = cache_writes_1h
        self._record = _Record()
        self._ended = False
        self._sound = True

    @property
    def delivered_variant(self) -> str:
        """The variant that was served."""
        return self._variant.name

    def whole(self, body: bytes) -> None:
        """Read a message that is not a stream."""
        try:
            message = _decode_message(body)
        except _FAULTS:
            return
        self.failed = message.type == "error"
        self.complete = self._ended = message.type == "message"
        self._open(message)

    def _matters(self, run: bytes) -> bool:
        return b"message_" in run or b'"error"' in run

    def _event(self, data: bytes) -> bool:
        try:
            event = _decode_event(data)
        except _FAULTS:
            if b"message_start" in data or b"message_delta" in data:
                self._sound = False
                self._tell()
            return True
        if event.type == "message_start":
            self._start(bytes(event.message))
        elif event.type == "message_delta":
            self._ended = self._ended or (event.delta is not None and event.delta.stop_reason is not None)
            self._count(bytes(event.usage))
        elif event.type == "message_stop":
            self.complete = True
        elif event.type == "error":
            self.failed = True
        return True

    def _start(self, data: bytes) -> None:
        try:
            self._open(_decode_message(data))
        except _FAULTS:
            self._sound = False

    def _open(self, message: _Message) -> None:
        if isinstance(message.model, str):
            self.model = message.model
        self._named(message.id)
        self._count(bytes(message.usage))

    def _count(self, usage: bytes) -> None:
        if usage in {b"", b"null"}:
            return
        try:
            record = _decode_record(usage)
        except _FAULTS:
            self._sound = False
        else:
            self._record.replace(record)
            self._variant.replace(record.inference_geo, record.service_tier, record.speed)
        self._tell()

    def _tell(self) -> None:
        self.partial = usage_of(self._record, cache_writes_1h=self._cache_writes_1h) if self._sound else None
        self.usage = self.partial if self._ended else None


def usage_of(record: _Record, *, cache_writes_1h: bool) -> Usage | None:
    """The usage that a record tells; None when it tells none, or is at fault.

    `cache_writes_1h` says what cache writes of a lifetime that was not told are counted as.
    """
    if record.input_tokens is None or record.output_tokens is None:
        return None
    if record.iterations is not None and any(each.type != "message" for each in record.iterations):
        return None  # compaction, an adviser or another model: billed apart from the counts beside it
    written = _cache_writes(record, cache_writes_1h=cache_writes_1h)
    if written is None:
        return None
    tools, details = record.server_tool_use, record.output_tokens_details
    thinking = details.thinking_tokens if details is not None else None
    return Usage(
        input=record.input_tokens,
        cache_read=record.cache_read_input_tokens or 0,
        cache_write_5m=written[0],
        cache_write_1h=written[1],
        output=record.output_tokens,
        web_searches=tools.web_search_requests or 0 if tools is not None else 0,
        reasoning=min(thinking or 0, record.output_tokens),
    )


def _cache_writes(record: _Record, *, cache_writes_1h: bool) -> tuple[int, int] | None:
    """Tokens written to the cache for five minutes and for an hour; None when the split is more than the total."""
    split = record.cache_creation or _CacheCreation()
    short, long = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens
    total = record.cache_creation_input_tokens
    if total is None:
        return short, long
    untold = total - short - long
    if untold < 0:
        return None
    return (short, long + untold) if cache_writes_1h else (short + untold, long)
