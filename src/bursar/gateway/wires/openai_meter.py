"""What a chat completion used, from its body or its stream.

`prompt_tokens` includes cached, cache-written and audio tokens, `completion_tokens` includes reasoning, audio and
rejected prediction tokens. A stream carries usage in an extra chunk without choices before `[DONE]`; some servers put
it in the last chunk with content, or, cumulative, in every one: the last record counts.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from bursar.gateway.wires.call import Call
from bursar.gateway.wires.metered import MeteredStream
from bursar.gateway.wires.openai_shared import delivered_variant
from bursar.usage import Usage

MOST_TOKENS = 1_000_000_000
"""A record that counts more than this is at fault: no call is that long."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
_NONE = msgspec.Raw()
_USAGE_OBJECT = re.compile(rb'"usage"\s*:\s*\{')


class _PromptDetails(msgspec.Struct):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    audio_tokens: _Count | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: _Count | None = None
    audio_tokens: _Count | None = None


class _Record(msgspec.Struct):
    prompt_tokens: _Count
    completion_tokens: _Count | None = None
    total_tokens: _Count | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Answer(msgspec.Struct):
    """A completion or a chunk of one; only `usage` is read strictly."""

    id: object = None
    model: object = None
    service_tier: object = None
    error: object = None
    usage: msgspec.Raw = _NONE
    choices: msgspec.Raw = _NONE


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_record = msgspec.json.Decoder(_Record).decode
_NO_PROMPT_DETAILS = _PromptDetails()
_NO_COMPLETION_DETAILS = _CompletionDetails()


class OpenAIMeter(MeteredStream):
    """See `bursar.gateway.wires.base.Meter`."""

    def __init__(self, call: Call) -> None:
        super().__init__(strips=not call.wants_usage)
        self.delivered_variant = call.variant

    def whole(self, body: bytes) -> None:
        """Read a completion that is not a stream."""
        answer = _answer_of(body)
        if answer is None:
            return
        self._read(answer)
        if answer.error:
            self.failed = True
        elif bytes(answer.choices) or bytes(answer.usage):
            self.complete = True
            self.usage = self.partial

    def _matters(self, run: bytes) -> bool:
        # A stream that was asked for usage says `"usage":null` in every chunk but one.
        if run.count(b'"usage"') > run.count(b'"usage":null') and _USAGE_OBJECT.search(run):
            return True
        return b"[DONE]" in run or b'"error"' in run

    def _event(self, data: bytes) -> bool:
        if data.strip() == b"[DONE]":
            self.complete = True
            self.usage = self.partial
            return True
        chunk = _answer_of(data)
        if chunk is None:
            return True
        if chunk.error:
            self.failed = True
        usage = bytes(chunk.usage)
        if usage in {b"", b"null"}:
            return True
        self._read(chunk)
        if not _is_empty(chunk.choices):
            return True
        self.usage = self.partial
        return False

    def _read(self, answer: _Answer) -> None:
        if isinstance(answer.model, str):
            self.model = answer.model
        self._named(answer.id)
        self.delivered_variant = delivered_variant(answer.service_tier, self.delivered_variant)
        self.partial = usage_of(bytes(answer.usage))


def _answer_of(body: bytes) -> _Answer | None:
    try:
        return _decode_answer(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _is_empty(choices: msgspec.Raw) -> bool:
    """Whether a chunk has no choices: an empty list, in whatever spacing, null, or nothing."""
    data = bytes(choices)
    return data in {b"", b"null"} or data.strip(b"[] \t\r\n") == b""


def usage_of(record: bytes) -> Usage | None:
    """The usage that a record tells; None when it tells none, or is at fault (a part larger than its whole)."""
    try:
        told = _decode_record(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    into = told.prompt_tokens_details or _NO_PROMPT_DETAILS
    out_of = told.completion_tokens_details or _NO_COMPLETION_DETAILS
    cached, written = into.cached_tokens or 0, into.cache_write_tokens or 0
    heard, spoken = into.audio_tokens or 0, out_of.audio_tokens or 0
    plain = told.prompt_tokens - cached - written - heard
    completion = _completion(told)
    if completion is None or plain < 0 or completion < spoken:
        return None
    return Usage(
        input=plain,
        cache_read=cached,
        cache_write_5m=written,
        output=completion - spoken,
        audio_input=heard,
        audio_output=spoken,
        reasoning=min(out_of.reasoning_tokens or 0, completion),
    )


def _completion(told: _Record) -> int | None:
    """Tokens of output. Embeddings, and completions of no token, leave them out: there the total tells."""
    total, completion = told.total_tokens, told.completion_tokens
    if completion is None:
        return None if total is None or total < told.prompt_tokens else total - told.prompt_tokens
    if total is not None and total > told.prompt_tokens + completion:
        # Some compatible servers leave reasoning out of `completion_tokens`, and bill it all the same.
        return total - told.prompt_tokens
    return completion
