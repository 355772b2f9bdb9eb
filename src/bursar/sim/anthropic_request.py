"""What a request for a message says, and what it is checked for."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bursar.sim.cache import FIVE_MINUTES_S, ONE_HOUR_S, Block
from bursar.sim.call import WireError
from bursar.sim.prices import Model
from bursar.sim.text import BYTES_PER_TOKEN, Frame, count_tokens, object_frame

IMAGE_TOKENS = 1_334
"""What an image of 1000 × 1000 pixels costs: its pixels divided by 750."""
LEAST_THINKING_TOKENS = 1_024


class CacheControl(msgspec.Struct):
    """The mark at the end of what a client wants cached."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class Part(msgspec.Struct):
    """A content block. What the simulation does not read of it still counts as text."""

    type: str
    text: str = ""
    thinking: str = ""
    input: msgspec.Raw = msgspec.Raw(b"")
    content: msgspec.Raw = msgspec.Raw(b"")
    source: msgspec.Raw = msgspec.Raw(b"")
    cache_control: CacheControl | None = None


class Message(msgspec.Struct):
    """A turn of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Part]


class Tool(msgspec.Struct):
    """A tool of the request; the provider's own tools have a type and no schema."""

    name: str
    type: str | None = None
    description: str = ""
    input_schema: Any = None
    cache_control: CacheControl | None = None


class ToolChoice(msgspec.Struct):
    """Whether, and which, tool must be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None


class Thinking(msgspec.Struct):
    """Whether the model thinks first, and how much."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] | None = None


class Metadata(msgspec.Struct):
    """What the client says of the request."""

    user_id: str | None = None


class OutputFormat(msgspec.Struct):
    """The schema that an answer must fit."""

    type: Literal["json_schema"]
    schema: Any = None


class OutputConfig(msgspec.Struct):
    """How the answer is to be."""

    format: OutputFormat | None = None


class MessagesRequest(msgspec.Struct):
    """The fields of a messages request that the simulation minds; it lets others pass."""

    model: str
    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[Part] | None = None
    stream: bool | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None
    temperature: float | None = None
    speed: Literal["standard", "fast"] | None = None
    inference_geo: str | None = None
    cache_control: CacheControl | None = None


decode = msgspec.json.Decoder(MessagesRequest).decode


def check(request: MessagesRequest, model: Model) -> None:
    """The bounds that the types alone do not state. Raises WireError."""
    most = model.max_output_tokens
    if not request.messages:
        raise _wrong("messages", "at least one message is required")
    if request.max_tokens is None:
        raise _wrong("max_tokens", "Field required")
    if request.max_tokens < 1:
        raise _wrong("max_tokens", "Input should be greater than or equal to 1")
    if request.max_tokens > most:
        said = f"{request.max_tokens} > {most}, which is the maximum allowed number of output tokens"
        raise _wrong("max_tokens", f"{said} for {request.model}")
    if request.temperature is not None and not 0 <= request.temperature <= 1:
        raise _wrong("temperature", "range: 0..1")
    if request.thinking is not None and request.thinking.type == "enabled":
        budget = request.thinking.budget_tokens
        if budget is None or budget < LEAST_THINKING_TOKENS:
            raise _wrong("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024")
        if budget >= request.max_tokens:
            raise _wrong("max_tokens", "must be greater than `thinking.budget_tokens`")
    if request.speed == "fast" and "fast" not in model.variants:
        raise _wrong("speed", f"{request.model} does not support the speed `fast`")
    if request.inference_geo not in {None, "global"} and not model.takes_geo:
        raise _wrong("inference_geo", f"{request.model} does not support it")


def _wrong(param: str, text: str) -> WireError:
    return WireError(400, f"{param}: {text}", param=param)


def prompt(request: MessagesRequest) -> tuple[list[Block], int]:
    """The prompt in the order in which it is cached (tools, system, messages), and the tokens of its images."""
    blocks = [
        _block(
            len(tool.name) + len(tool.description) + len(msgspec.json.encode(tool.input_schema)),
            hash((tool.name, tool.description)),
            tool.cache_control,
        )
        for tool in request.tools or ()
    ]
    images = 0
    turns: list[tuple[str, str | list[Part]]] = [(each.role, each.content) for each in request.messages]
    if request.system is not None:
        turns.insert(0, ("system", request.system))
    for role, content in turns:
        for part in [Part("text", content)] if isinstance(content, str) else content:
            if part.type == "image":
                images += IMAGE_TOKENS
            blocks.append(_part_block(role, part))
    if request.cache_control is not None and blocks:
        blocks[-1] = blocks[-1]._replace(ttl_s=_ttl_s(request.cache_control))
    return blocks, images


def _part_block(role: str, part: Part) -> Block:
    rest = (bytes(part.input), bytes(part.content), b"" if part.type == "image" else bytes(part.source))
    text = part.text + part.thinking
    tokens = count_tokens(text) + sum(map(len, rest)) // BYTES_PER_TOKEN
    content = hash((role, part.type, text, *rest, bytes(part.source)))
    return Block(tokens, content, _ttl_s(part.cache_control))


def _block(size: int, content: int, mark: CacheControl | None) -> Block:
    return Block(max(1, size // BYTES_PER_TOKEN), content, _ttl_s(mark))


def _ttl_s(mark: CacheControl | None) -> int:
    if mark is None:
        return 0
    return ONE_HOUR_S if mark.ttl == "1h" else FIVE_MINUTES_S


def last_text(request: MessagesRequest) -> str:
    """The text of the last message; empty when it has none."""
    content = request.messages[-1].content
    if isinstance(content, str):
        return content
    return next((part.text for part in content if part.type == "text"), "")


def tool_to_call(request: MessagesRequest) -> Tool | None:
    """The tool that the answer calls: the one forced, any when any must be, else one that the prompt names."""
    own = [tool for tool in request.tools or () if tool.type in {None, "custom"}]
    choice = request.tool_choice
    if choice is not None and choice.type == "tool":
        found = next((tool for tool in own if tool.name == choice.name), None)
        if found is None:
            raise _wrong("tool_choice", f"Tool '{choice.name}' not found in provided tools")
        return found
    if not own or (choice is not None and choice.type == "none"):
        return None
    if choice is not None and choice.type == "any":
        return own[0]
    text = last_text(request) if request.messages[-1].role == "user" else ""
    return next((tool for tool in own if tool.name in text), None)


def frame_of(request: MessagesRequest, tool: Tool | None) -> Frame:
    """What stands around the answer's words: a tool's arguments, an object that fits the schema, or nothing."""
    if tool is not None:
        return object_frame(tool.input_schema)
    wanted = request.output_config.format if request.output_config is not None else None
    return object_frame(wanted.schema) if wanted is not None else Frame()
