"""OpenAI's legacy completions: request, answer and stream as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import Asked, Call, Event, WireError
from bursar.sim.embeddings import Texts, texts_tokens
from bursar.sim.faults import Fault
from bursar.sim.openai import DONE, StreamOptions
from bursar.sim.openai_base import OpenAIBase, decoded
from bursar.sim.text import count_tokens, pieces, words

DEFAULT_OUTPUT_TOKENS = 16
_Copies = Annotated[int, msgspec.Meta(ge=1, le=128)]
_Tokens = Annotated[int, msgspec.Meta(ge=0)]


class CompletionsRequest(msgspec.Struct):
    """The fields of a request that the simulation minds; it lets others pass."""

    model: str
    prompt: Texts | None = None
    suffix: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: _Tokens | None = None
    n: _Copies | None = None
    best_of: _Copies | None = None
    echo: bool | None = None
    user: str | None = None


class CompletionsAsked(Asked, kw_only=True, gc=False):
    """A request that is read. `choices` counts what is generated, `returned` what of it the client gets."""

    returned: int
    echoed: str


_decoder = msgspec.json.Decoder(CompletionsRequest)
_encode = msgspec.json.encode


class CompletionsWire(OpenAIBase):
    """`POST /v1/completions`."""

    name = "completions"
    id_prefix = "cmpl-"

    def read(self, body: bytes) -> CompletionsAsked:
        """Read and check a request."""
        request = decoded(_decoder, body)
        model = self.sold(request.model, "completions")
        counts = [1] if request.prompt is None else texts_tokens(request.prompt, "prompt")
        _check(request, model.max_output_tokens)
        shown = request.n or 1
        text = request.prompt if isinstance(request.prompt, str) else ""
        most = request.max_tokens
        return CompletionsAsked(
            model=model,
            requested_model=request.model,
            stream=bool(request.stream),
            blocks=[Block(0, 0)],
            extra_tokens=sum(counts) + (count_tokens(request.suffix) if request.suffix else 0),
            texts=(request.user or "", text),
            max_output_tokens=DEFAULT_OUTPUT_TOKENS if most is None else most,
            choices=len(counts) * max(shown, request.best_of or 1),
            returned=len(counts) * shown,
            echoed=text if request.echo else "",
            usage_in_stream=request.stream_options is not None and request.stream_options.include_usage,
        )

    def answer(self, call: Call) -> bytes:
        """A `text_completion` object."""
        asked = _asked(call)
        texts = [words(call.words_tokens, call.text_start + index).decode() for index in range(asked.returned)]
        body = _object(call, [_choice(asked.echoed + text, at, _finish(call)) for at, text in enumerate(texts)])
        if call.fault is not Fault.NO_USAGE:
            body["usage"] = _usage(call)
        return _encode(body)

    def events(self, call: Call) -> Iterator[Event]:
        """Chunks of the same shape: the words, how it finished, the usage when asked for, `[DONE]`."""
        asked = _asked(call)
        each = range(asked.returned)
        if asked.echoed:
            for at in each:
                yield Event(_chunk(call, [_choice(asked.echoed, at, None)]), 0)
        runs = [pieces(asked.frame, call.words_tokens, call.text_start + at, call.tokens_per_event) for at in each]
        generated = sent = 0
        for row in zip(*runs, strict=True):
            for at, (text, now_sent) in enumerate(row):
                generated += now_sent - sent
                yield Event(_chunk(call, [_choice(text.decode(), at, None)]), generated)
            sent = row[0][1]
        for at in each:
            yield Event(_chunk(call, [_choice("", at, _finish(call))]), call.all_output_tokens)
        if asked.usage_in_stream and call.fault is not Fault.NO_USAGE:
            yield Event(_chunk(call, [], _usage(call)), call.all_output_tokens, closing=True)
        yield Event(DONE, call.all_output_tokens, closing=True)


def _check(request: CompletionsRequest, most: int) -> None:
    """The bounds that the type alone does not state. Raises WireError."""
    if request.max_tokens is not None and request.max_tokens > most:
        raise WireError(
            400, f"max_tokens is {request.max_tokens}; this model takes up to {most}.", param="max_tokens"
        )
    if request.best_of is not None and (request.stream or request.best_of < (request.n or 1)):
        raise WireError(400, "best_of cannot be streamed, and is no less than n.", param="best_of")


def _asked(call: Call) -> CompletionsAsked:
    asked = call.asked
    assert isinstance(asked, CompletionsAsked), "a call of another wire"
    return asked


def _object(call: Call, choices: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"id": call.id, "object": "text_completion", "created": call.created_s, "model": call.asked.model.name}
    return {**head, "choices": choices}


def _chunk(call: Call, choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
    body = _object(call, choices)
    if call.asked.usage_in_stream:
        body["usage"] = usage
    return b"data: " + _encode(body) + b"\n\n"


def _choice(text: str, index: int, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _finish(call: Call) -> str:
    return "length" if call.limited else "stop"


def _usage(call: Call) -> dict[str, int]:
    usage = call.usage()
    used = {"prompt_tokens": usage.total_input, "total_tokens": usage.total_input + usage.output}
    return {**used, "completion_tokens": usage.output} if usage.output else used
