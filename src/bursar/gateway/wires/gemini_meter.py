"""What a Gemini answer used, from its body or its stream.

`promptTokenCount` includes what came from a cache; `thoughtsTokenCount` and `toolUsePromptTokenCount` stand beside
the other counts and add to output and input. Every chunk of a stream has a cumulative record: the last one counts,
that of the chunk which says why the answer ended, or a later one. There is no closing event. A count of zero is left
out of Google's JSON, so an answer of nothing (a prompt that was blocked) is told by the total.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from bursar.gateway.wires.call import Call
from bursar.gateway.wires.metered import MeteredStream
from bursar.usage import Usage

MOST_TOKENS = 1_000_000_000
"""A record that counts more than this is at fault: no call is that long."""

STANDARD_TIERS = frozenset({"unspecified", "standard", "default", "on_demand"})
"""Words for the tier that has no surcharge."""

_TELLING = (b'"finishReason"', b'"blockReason"', b'"webSearchQueries"', b'"error"')
"""What chunks say that are more than words and a count so far."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
_NONE = msgspec.Raw()
FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Modality(msgspec.Struct, rename="camel"):
    modality: str = ""
    token_count: _Count = 0


class Record(msgspec.Struct, rename="camel"):
    """A usage record; None is what it does not say."""

    prompt_token_count: _Count | None = None
    cached_content_token_count: _Count | None = None
    candidates_token_count: _Count | None = None
    thoughts_token_count: _Count | None = None
    tool_use_prompt_token_count: _Count | None = None
    total_token_count: _Count | None = None
    prompt_tokens_details: list[_Modality] | None = None
    cache_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None
    traffic_type: object = None
    service_tier: object = None


class _Grounding(msgspec.Struct, rename="camel"):
    web_search_queries: list[str] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    index: int = 0
    finish_reason: str | None = None
    grounding_metadata: _Grounding | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: object = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: msgspec.Raw = _NONE
    model_version: object = None
    response_id: object = None
    service_tier: object = None
    error: object = None

    @property
    def says_something(self) -> bool:
        """Whether it is an answer, be it one of no candidates."""
        return bool(self.candidates or self.prompt_feedback or bytes(self.usage_metadata))


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_chunks = msgspec.json.Decoder(list[_Chunk]).decode
_decode_record = msgspec.json.Decoder(Record).decode


class GeminiMeter(MeteredStream):
    """See `bursar.gateway.wires.base.Meter`. Forwards every byte: usage is part of every stream."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.delivered_variant = call.variant
        self._copies = call.output_copies
        self._finished: set[int] = set()
        self._searches = 0

    def whole(self, body: bytes) -> None:
        """Read an answer that is not a stream of events: one object, or the list of chunks of a stream without."""
        try:
            chunks = _decode_chunks(body) if body.lstrip().startswith(b"[") else [_decode_chunk(body)]
        except FAULTS:
            return
        for chunk in chunks:
            self._read(chunk)
        if not self.failed and any(chunk.says_something for chunk in chunks):
            self._end()

    def _matters(self, run: bytes) -> bool:
        # Every chunk has a record, of which only the last counts.
        return self.complete or bool(self._finished) or any(word in run for word in _TELLING)

    def _event(self, data: bytes) -> bool:
        try:
            chunk = _decode_chunk(data)
        except FAULTS:
            if b"usageMetadata" in data:
                self.partial = self.usage = None
            return True
        self._read(chunk)
        return True

    def _read(self, chunk: _Chunk) -> None:
        if chunk.error:
            self.failed = True
        if isinstance(chunk.model_version, str):
            self.model = chunk.model_version
        if chunk.response_id is not None:
            self._named(chunk.response_id)
        for candidate in chunk.candidates or ():
            self._read_candidate(candidate)
        usage = bytes(chunk.usage_metadata)
        if usage not in {b"", b"null"}:
            self._count(usage)
        self._tell_tier(chunk.service_tier)
        blocked = chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason
        if blocked or len(self._finished) >= self._copies:
            self._end()

    def _read_candidate(self, candidate: _Candidate) -> None:
        if candidate.finish_reason:
            self._finished.add(candidate.index)
        grounding = candidate.grounding_metadata
        if grounding is not None and any(grounding.web_search_queries or ()):
            self._searches = 1  # billed once for a prompt, however many there were

    def _count(self, usage: bytes) -> None:
        try:
            record = _decode_record(usage)
        except FAULTS:
            self.partial = None
            return
        self.partial = usage_of(record)
        self._tell_tier(record.service_tier)
        self._tell_tier(record.traffic_type)

    def _tell_tier(self, said: object) -> None:
        """Take what the answer says was delivered; throughput paid for in advance is still priced as asked for."""
        if isinstance(said, str) and said and not said.startswith(("PROVISIONED", "TRAFFIC_TYPE")):
            tier = tier_of(said)
            self.delivered_variant = "standard" if tier in STANDARD_TIERS else tier

    def _end(self) -> None:
        self.complete = True
        if self.partial is not None and self._searches:
            self.partial = msgspec.structs.replace(self.partial, web_searches=self._searches)
        self.usage = self.partial


def tier_of(said: str) -> str:
    """A tier by its plain name: "priority" for SERVICE_TIER_PRIORITY and ON_DEMAND_PRIORITY too."""
    return said.lower().removeprefix("service_tier_").removeprefix("on_demand_")


def usage_of(record: Record) -> Usage | None:
    """The usage that a record tells; None when it tells none, or is at fault (a part larger than its whole)."""
    prompt, total = record.prompt_token_count, record.total_token_count
    if prompt is None or (record.candidates_token_count is None and total is None):
        return None
    tools = record.tool_use_prompt_token_count or 0
    thoughts = record.thoughts_token_count or 0
    output = (record.candidates_token_count or 0) + thoughts
    if total is not None:
        output = max(output, total - prompt - tools)  # what no part accounts for is taken for the dearer direction
    spoken, heard = _of("AUDIO", record.candidates_tokens_details), _of("AUDIO", record.prompt_tokens_details)
    cached, told = record.cached_content_token_count or 0, record.cache_tokens_details
    # Cached sound counts as sound. When nothing says which of the two was cached, sound is the dearer guess.
    read = cached - min(cached, heard if told is None else _of("AUDIO", told))
    plain = prompt - heard - read
    if plain < 0 or output < spoken or _of("IMAGE", record.candidates_tokens_details):
        return None
    return Usage(
        input=plain + tools,
        cache_read=read,
        output=output - spoken,
        audio_input=heard,
        audio_output=spoken,
        reasoning=min(thoughts, output - spoken),
    )


def _of(modality: str, details: list[_Modality] | None) -> int:
    return sum(each.token_count for each in details or () if each.modality == modality)
