"""OpenAI's chat completions: request, answer, stream and errors as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import Asked, Call, Event, WireError
from bursar.sim.faults import Fault
from bursar.sim.openai_base import (
    HIGH_DETAIL_IMAGE_TOKENS,
    IMAGE_TOKENS,
    TIERS,
    OpenAIBase,
    Tier,
    check_flex,
    decoded,
    schema_tokens,
)
from bursar.sim.prices import Model
from bursar.sim.text import Frame, count_tokens, object_frame, pieces, words

FINGERPRINT = "fp_b547f05a2c"
DONE = b"data: [DONE]\n\n"


class ImageUrl(msgspec.Struct):
    """Where an image is, and how closely to look."""

    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class Part(msgspec.Struct):
    """A part of a message."""

    type: Literal["text", "image_url", "refusal"]
    text: str = ""
    refusal: str = ""
    image_url: ImageUrl | None = None


class Message(msgspec.Struct):
    """A message of the prompt."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw(b"")


class Function(msgspec.Struct):
    """A function that the model may call."""

    name: str
    parameters: Any = None


class FunctionTool(msgspec.Struct):
    """A tool of the request."""

    type: Literal["function"]
    function: Function


class FunctionName(msgspec.Struct):
    """A function by its name."""

    name: str


class ToolChoice(msgspec.Struct):
    """The tool that must be called."""

    type: str
    function: FunctionName | None = None


class JsonSchema(msgspec.Struct):
    """The schema that an answer must fit."""

    name: str
    schema: Any = None


class ResponseFormat(msgspec.Struct):
    """What an answer must be: text, some JSON object, or JSON that fits a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct):
    """Options of a stream."""

    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """The fields of a chat completion request that the simulation minds; it lets others pass."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    service_tier: Tier | None = None
    temperature: float | None = None
    user: str | None = None


_decoder = msgspec.json.Decoder(ChatRequest)
_encode = msgspec.json.encode


class ChatWire(OpenAIBase):
    """`POST /v1/chat/completions`."""

    name = "openai"
    id_prefix = "chatcmpl-"

    def read(self, body: bytes) -> Asked:
        """Read and check a chat completion request."""
        request = decoded(_decoder, body)
        model = self.sold(request.model, "answers")
        _check(request, model)
        blocks, images = _prompt(request)
        tool = _tool_to_call(request)
        last = _text(request.messages[-1])
        tier = TIERS[request.service_tier]
        return Asked(
            model=model,
            requested_model=request.model,
            stream=bool(request.stream),
            blocks=blocks,
            extra_tokens=images,
            texts=(request.user or "", last),
            max_output_tokens=request.max_completion_tokens or request.max_tokens,
            choices=request.n or 1,
            frame=_frame(request, tool),
            tool=tool.name if tool is not None else None,
            thinks=model.reasons and request.reasoning_effort not in {"none", "minimal"},
            usage_in_stream=request.stream_options is not None and request.stream_options.include_usage,
            variant=None if tier == "default" else tier,
            tier=tier,
        )

    def answer(self, call: Call) -> bytes:
        """A `chat.completion` object."""
        body = {
            "id": call.id,
            "object": "chat.completion",
            "created": call.created_s,
            "model": call.asked.model.snapshot,
            "choices": [_choice(call, index) for index in range(call.asked.choices)],
            "usage": _usage(call),
            "service_tier": call.asked.tier,
            "system_fingerprint": FINGERPRINT,
        }
        if call.fault is Fault.NO_USAGE:
            del body["usage"]
        return _encode(body)

    def events(self, call: Call) -> Iterator[Event]:
        """Chunks: the role, the words, how it finished, the usage when asked for, `[DONE]`."""
        head, tail = _chunk_frame(call)
        each = range(call.asked.choices)
        generated = call.reasoning_tokens * len(each)
        for index in each:
            yield Event(_chunk(head, index, _first_delta(call), b"null", tail), generated)
        delta, end = _delta_frame(call)
        openings = [head + b'{"index":%d,"delta":' % index + delta for index in each]
        ending = end + b',"logprobs":null,"finish_reason":null}' + tail
        frame = call.asked.frame.escaped()
        runs = [pieces(frame, call.words_tokens, call.text_start + index, call.tokens_per_event) for index in each]
        sent = 0
        for row in zip(*runs, strict=True):
            for index, (text, now_sent) in enumerate(row):
                generated += now_sent - sent
                yield Event(openings[index] + text + ending, generated)
            sent = row[0][1]
        finish = b'"%b"' % _finish(call).encode()
        for index in each:
            yield Event(_chunk(head, index, b"{}", finish, tail), generated)
        if call.asked.usage_in_stream and call.fault is not Fault.NO_USAGE:
            usage = b'],"usage":' + _encode(_usage(call)) + b"}\n\n"
            yield Event(head + usage, generated, closing=True)
        yield Event(DONE, generated, closing=True)


def _check(request: ChatRequest, model: Model) -> None:
    """The bounds that the type alone does not state. Raises WireError."""
    if not request.messages:
        raise WireError(400, "Invalid 'messages': empty array.", param="messages", code="empty_array")
    if request.n is not None and not 1 <= request.n <= 128:
        raise WireError(400, f"Invalid 'n': {request.n} is not from 1 to 128.", param="n")
    if request.temperature is not None and not 0 <= request.temperature <= 2:
        raise WireError(400, "Invalid 'temperature': it must be from 0 to 2.", param="temperature")
    if request.stream_options is not None and not request.stream:
        raise WireError(
            400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if request.max_tokens is not None and model.reasons:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        )
        raise WireError(400, text, param="max_tokens", code="unsupported_parameter")
    for param in ("max_tokens", "max_completion_tokens"):
        asked = getattr(request, param)
        if asked is not None and not 1 <= asked <= model.max_output_tokens:
            text = f"{param} is {asked}; this model takes 1 to {model.max_output_tokens} completion tokens."
            raise WireError(400, text, param=param, code="invalid_value")
    check_flex(request.service_tier, model)


def _prompt(request: ChatRequest) -> tuple[list[Block], int]:
    """The prompt as blocks of text, and the tokens of its images."""
    blocks = [
        Block(count_tokens(tool.function.name) + schema_tokens(tool.function.parameters), hash(tool.function.name))
        for tool in request.tools or ()
    ]
    images = 0
    for index, message in enumerate(request.messages):
        calls = bytes(message.tool_calls)
        if isinstance(message.content, str):
            text = message.content
        else:
            text = "".join(part.text + part.refusal for part in message.content or ())
            images += _image_tokens(message.content or [], index)
        tokens = count_tokens(text) + len(calls) // 4
        blocks.append(Block(tokens, hash((message.role, text, calls))))
    return blocks, images


def _image_tokens(parts: list[Part], message: int) -> int:
    tokens = 0
    for index, part in enumerate(parts):
        if part.type == "image_url":
            if part.image_url is None:
                param = f"messages[{message}].content[{index}].image_url"
                raise WireError(400, f"Missing required parameter: '{param}'.", param=param)
            tokens += IMAGE_TOKENS.get(part.image_url.detail, HIGH_DETAIL_IMAGE_TOKENS)
    return tokens


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return next((part.text for part in message.content or () if part.text), "")


def _tool_to_call(request: ChatRequest) -> Function | None:
    """The tool that the answer calls: the one forced, any when one is required, else one that the prompt names."""
    choice = request.tool_choice
    functions = [tool.function for tool in request.tools or ()]
    if not functions or choice == "none":
        return None
    if isinstance(choice, ToolChoice) and choice.function is not None:
        wanted = choice.function.name
        found = next((function for function in functions if function.name == wanted), None)
        if found is None:
            raise WireError(400, f"Tool choice '{wanted}' not found in 'tools'.", param="tool_choice")
        return found
    if choice == "required":
        return functions[0]
    last = request.messages[-1]
    text = _text(last) if last.role == "user" else ""
    return next((function for function in functions if function.name in text), None)


def _frame(request: ChatRequest, tool: Function | None) -> Frame:
    if tool is not None:
        return object_frame(tool.parameters)
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return Frame()
    return object_frame(wanted.json_schema.schema if wanted.json_schema is not None else None)


def _usage(call: Call) -> dict[str, Any]:
    """Usage as the wire counts it: the prompt's tokens include what was cached, the completion's the reasoning."""
    usage = call.usage()
    bare: dict[str, Any] = {
        "prompt_tokens": usage.total_input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total_input + usage.output,
    }
    if call.fault is Fault.USAGE_BARE:
        return bare
    details = {"cached_tokens": usage.cache_read, "audio_tokens": 0}
    if call.asked.model.writes_cache:
        details["cache_write_tokens"] = usage.cache_write_5m
    return {
        **bare,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _finish(call: Call) -> str:
    if call.limited:
        return "length"
    return "tool_calls" if call.asked.tool is not None else "stop"


def _choice(call: Call, index: int) -> dict[str, Any]:
    frame = call.asked.frame
    text = words(call.words_tokens, call.text_start + index).decode()
    if call.words_tokens:
        text = f"{frame.head.decode()}{text}{frame.tail.decode()}"
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    if call.asked.tool is not None:
        function = {"name": call.asked.tool, "arguments": text}
        message["content"] = None
        message["tool_calls"] = [{"id": call.tool_id, "type": "function", "function": function}]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(call)}


def _chunk_frame(call: Call) -> tuple[bytes, bytes]:
    """What every chunk of a call begins and ends with, around its choices."""
    head = {
        "id": call.id,
        "object": "chat.completion.chunk",
        "created": call.created_s,
        "model": call.asked.model.snapshot,
        "service_tier": call.asked.tier,
        "system_fingerprint": FINGERPRINT,
    }
    tail = b'],"usage":null}\n\n' if call.asked.usage_in_stream else b"]}\n\n"
    return b"data: " + _encode(head)[:-1] + b',"choices":[', tail


def _chunk(head: bytes, index: int, delta: bytes, finish: bytes, tail: bytes) -> bytes:
    choice = b'{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}' % (index, delta, finish)
    return head + choice + tail


def _first_delta(call: Call) -> bytes:
    if call.asked.tool is None:
        return b'{"role":"assistant","content":"","refusal":null}'
    function = {"name": call.asked.tool, "arguments": ""}
    tool_call = {"index": 0, "id": call.tool_id, "type": "function", "function": function}
    return _encode({"role": "assistant", "content": None, "tool_calls": [tool_call], "refusal": None})


def _delta_frame(call: Call) -> tuple[bytes, bytes]:
    """What stands before and after the words in a chunk's delta."""
    if call.asked.tool is None:
        return b'{"content":"', b'"}'
    return b'{"tool_calls":[{"index":0,"function":{"arguments":"', b'"}}]}'
