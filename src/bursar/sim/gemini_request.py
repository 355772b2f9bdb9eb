"""What a request to generate content says, and what it is checked for.

Google takes fields in camelCase and in snake_case, and its own package sends both in one request.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import WireError
from bursar.sim.prices import Model
from bursar.sim.text import BYTES_PER_TOKEN, Frame, count_tokens, object_frame

IMAGE_TOKENS = 258
"""What an image of at most 384 × 384 pixels costs."""
MOST_CANDIDATES = 8
_SNAKE = re.compile(r"_([a-z])")
_NOT_OURS = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels"}
)
"""Fields whose content is the client's: its names stay as they are."""
_T = TypeVar("_T")


class Blob(msgspec.Struct, rename="camel"):
    """Media in the request itself."""

    mime_type: str
    data: str


class Part(msgspec.Struct, rename="camel"):
    """A part of a content. What the simulation does not read of it is nothing to it."""

    text: str = ""
    inline_data: Blob | None = None
    function_call: object = None
    function_response: object = None


class Content(msgspec.Struct):
    """A turn of the conversation, or the system's instruction."""

    parts: list[Part] | Part
    role: str | None = None


class Function(msgspec.Struct, rename="camel"):
    """A function that the model may call."""

    name: str
    description: str = ""
    parameters: Any = None
    parameters_json_schema: Any = None


class Tool(msgspec.Struct, rename="camel"):
    """A tool of the request."""

    function_declarations: list[Function] = []
    google_search: object = None


class CallingConfig(msgspec.Struct, rename="camel"):
    """Whether, and which, function must be called."""

    mode: str = "AUTO"
    allowed_function_names: list[str] = []


class ToolConfig(msgspec.Struct, rename="camel"):
    """How tools are used."""

    function_calling_config: CallingConfig = msgspec.field(default_factory=CallingConfig)


class Thinking(msgspec.Struct, rename="camel"):
    """How much the model thinks, and whether it says what."""

    thinking_budget: int | None = None
    include_thoughts: bool = False


class GenerationConfig(msgspec.Struct, rename="camel"):
    """How to generate."""

    max_output_tokens: int | None = None
    candidate_count: int | None = None
    temperature: float | None = None
    response_mime_type: str | None = None
    response_schema: Any = None
    response_json_schema: Any = None
    thinking_config: Thinking = msgspec.field(default_factory=Thinking)


class GenerateRequest(msgspec.Struct, rename="camel"):
    """The fields of a request that the simulation minds; it lets others pass."""

    contents: list[Content] | Content
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig = msgspec.field(default_factory=ToolConfig)
    generation_config: GenerationConfig = msgspec.field(default_factory=GenerationConfig)
    labels: dict[str, str] = {}


class CountRequest(msgspec.Struct, rename="camel"):
    """A request to count tokens: contents alone, or a whole request."""

    contents: list[Content] | Content = []
    generate_content_request: GenerateRequest | None = None


def decode(body: bytes, kind: type[_T]) -> _T:
    """Read a request. Raises msgspec's errors."""
    return msgspec.convert(_camel(msgspec.json.decode(body)), kind)


def check(request: GenerateRequest, model: Model) -> None:
    """The bounds that the types alone do not state. Raises WireError."""
    config, most = request.generation_config, model.max_output_tokens
    if not _listed(request.contents):
        raise WireError(400, "* GenerateContentRequest.contents: contents is not specified", param="contents")
    asked = config.max_output_tokens
    if asked is not None and not 1 <= asked <= most:
        text = f"Unable to submit request because it has a maxOutputTokens value of {asked} but the supported range"
        raise WireError(400, f"{text} is from 1 (inclusive) to {most + 1} (exclusive).", param="maxOutputTokens")
    if config.temperature is not None and not 0 <= config.temperature <= 2:
        raise WireError(400, "* GenerateContentRequest.generation_config.temperature: it must be in [0, 2]")
    if config.candidate_count is not None and not 1 <= config.candidate_count <= MOST_CANDIDATES:
        raise WireError(400, "* GenerateContentRequest.generation_config.candidate_count: it must be in [1, 8]")


def prompt(request: GenerateRequest) -> tuple[list[Block], int]:
    """The prompt in the order in which it is cached (system, tools, contents), and the tokens of its images."""
    blocks = []
    images = 0
    for tool in request.tools or ():
        for function in tool.function_declarations:
            schema = function.parameters or function.parameters_json_schema
            size = len(function.name) + len(function.description) + len(msgspec.json.encode(schema))
            blocks.append(Block(max(1, size // BYTES_PER_TOKEN), hash((function.name, function.description))))
    system = [request.system_instruction] if request.system_instruction is not None else []
    for content in [*system, *_listed(request.contents)]:
        for part in _listed(content.parts):
            rest = [msgspec.json.encode(each) for each in (part.function_call, part.function_response) if each]
            tokens = count_tokens(part.text) + sum(map(len, rest)) // BYTES_PER_TOKEN
            image = part.inline_data.data if part.inline_data is not None else ""
            images += IMAGE_TOKENS if image else 0
            blocks.append(Block(tokens, hash((content.role, part.text, *rest, image))))
    return blocks, images


def last_text(request: GenerateRequest) -> str:
    """The text of the last content; empty when it has none."""
    return next((part.text for part in _listed(_listed(request.contents)[-1].parts) if part.text), "")


def function_to_call(request: GenerateRequest) -> Function | None:
    """The function that the answer calls: one that must be, else one that the prompt names."""
    functions = [function for tool in request.tools or () for function in tool.function_declarations]
    config = request.tool_config.function_calling_config
    if not functions or config.mode == "NONE":
        return None
    if config.mode == "ANY":
        wanted = config.allowed_function_names
        return next((function for function in functions if not wanted or function.name in wanted), None)
    last = _listed(request.contents)[-1]
    text = last_text(request) if last.role in {None, "user"} else ""
    return next((function for function in functions if function.name in text), None)


def frame_of(request: GenerateRequest, function: Function | None) -> Frame:
    """What stands around the words of the answer: a function's arguments, an object of a schema, or nothing."""
    config = request.generation_config
    if function is not None:
        return object_frame(_plain(function.parameters or function.parameters_json_schema))
    if config.response_mime_type != "application/json":
        return Frame()
    return object_frame(_plain(config.response_schema or config.response_json_schema))


def _plain(schema: Any) -> Any:
    """A schema whose types are in lower case, as JSON Schema has them."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    lowered = {name: _plain(value) for name, value in schema.items()}
    if isinstance(lowered.get("type"), str):
        lowered["type"] = lowered["type"].lower()
    return lowered


def _camel(value: Any) -> Any:
    """The same with the names of all fields in camelCase."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {_SNAKE.sub(lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    return {name: inner if name in _NOT_OURS else _camel(inner) for name, inner in named.items()}


def _listed(given: Any) -> list[Any]:
    """One object stands for a list of one."""
    return given if isinstance(given, list) else [given]
