"""Requests of OpenAI's Responses: what is in them, and how many tokens that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from bursar.sim.cache import Block
from bursar.sim.call import UNLIMITED, Asked, WireError, from_validation
from bursar.sim.openai_base import (
    HIGH_DETAIL_IMAGE_TOKENS,
    IMAGE_TOKENS,
    TIERS,
    Tier,
    check_flex,
    decoded,
    schema_tokens,
)
from bursar.sim.prices import Model
from bursar.sim.text import Frame, count_tokens, object_frame

FILE_TOKENS = 400
"""What a file brings into the prompt, however it is given."""
LEAST_OUTPUT_TOKENS = 16
_AS_WRITTEN = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "computer_call",
        "custom_tool_call",
        "function_call",
        "local_shell_call",
        "local_shell_call_output",
        "reasoning",
        "shell_call",
        "shell_call_output",
        "web_search_call",
    }
)
"""Items that count by their bytes."""


class Part(msgspec.Struct):
    """A part of a message or of a tool's output."""

    type: Literal["input_text", "output_text", "refusal", "input_image", "input_file"]
    text: str = ""
    refusal: str = ""
    image_url: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    detail: Literal["auto", "low", "high", "original"] = "auto"


class Item(msgspec.Struct):
    """An item of the input."""

    type: str = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Part] | None = None


class Output(msgspec.Struct):
    """The output of a tool that the client ran."""

    output: str | list[Part]


class Tool(msgspec.Struct):
    """A tool of the request."""

    type: str
    name: str = ""
    parameters: Any = None


class ToolChoice(msgspec.Struct):
    """The tool that must be called."""

    type: str
    name: str = ""


class Format(msgspec.Struct):
    """What an answer must be: text, some JSON object, or JSON that fits a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str = ""
    schema: Any = None


class Text(msgspec.Struct):
    """How the text of an answer is to be."""

    format: Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(msgspec.Struct):
    """How much to reason."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class ResponsesRequest(msgspec.Struct):
    """The fields of a request that the simulation minds; it lets others pass."""

    model: str
    input: str | list[msgspec.Raw] = ""
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    service_tier: Tier | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    temperature: float | None = None
    user: str | None = None


class ResponsesAsked(Asked, kw_only=True, gc=False):
    """A request that is read. `conversation` is what a later request brings along when it refers to this one."""

    conversation: list[Block]
    request: ResponsesRequest


class Prompt(msgspec.Struct):
    """The input as blocks of text, the tokens of images and files, and the last text that a user wrote."""

    blocks: list[Block] = []
    media_tokens: int = 0
    text: str = ""

    def add(self, role: str | None, parts: str | list[Part], written: bytes) -> None:
        """Add a message or a tool's output, by its parts."""
        if isinstance(parts, list):
            self.media_tokens += sum(_media_tokens(part) for part in parts)
            text = "".join(part.text + part.refusal for part in parts)
        else:
            text = parts
        self.blocks.append(Block(count_tokens(text), hash(written)))
        self.text = text if role == "user" else ""


_request = msgspec.json.Decoder(ResponsesRequest)
_item = msgspec.json.Decoder(Item)
_output = msgspec.json.Decoder(Output)


def parse(body: bytes) -> ResponsesRequest:
    """Decode a request. Raises WireError."""
    return decoded(_request, body)


def read(request: ResponsesRequest, model: Model, kept: Callable[[str], list[Block]]) -> ResponsesAsked:
    """Check a request and count it. `kept` is asked for the conversation up to an earlier response."""
    _check(request, model)
    prompt = read_prompt(request)
    before = kept(request.previous_response_id) if request.previous_response_id is not None else []
    tool = _tool_to_call(request, prompt.text)
    tier = TIERS[request.service_tier]
    effort = request.reasoning.effort if request.reasoning is not None else None
    return ResponsesAsked(
        model=model,
        requested_model=request.model,
        stream=bool(request.stream),
        blocks=[*_preamble(request), *before, *prompt.blocks],
        conversation=[*before, *prompt.blocks],
        request=request,
        extra_tokens=prompt.media_tokens,
        texts=(request.user or "", prompt.text),
        max_output_tokens=request.max_output_tokens,
        frame=_frame(request, tool),
        tool=tool.name if tool is not None else None,
        thinks=model.reasons and effort not in {"none", "minimal"},
        variant=None if tier == "default" else tier,
        tier=tier,
        searches=any(each.type.startswith("web_search") for each in request.tools or ()),
        most_searches=UNLIMITED if request.max_tool_calls is None else request.max_tool_calls,
    )


def read_prompt(request: ResponsesRequest) -> Prompt:
    """Read the input. Raises WireError."""
    prompt = Prompt()
    if isinstance(request.input, str):
        prompt.add("user", request.input, request.input.encode())
        return prompt
    for at, raw in enumerate(request.input):
        written = bytes(raw)
        try:
            item = _item.decode(written)
            if item.type == "message":
                prompt.add(item.role, item.content or "", written)
            elif item.type in {"function_call_output", "custom_tool_call_output"}:
                prompt.add(None, _output.decode(written).output, written)
            elif item.type in _AS_WRITTEN:
                prompt.blocks.append(Block(len(written) // 4, hash(written)))
            else:
                raise WireError(400, f"Invalid value: '{item.type}'.", param=f"input[{at}].type")
        except msgspec.ValidationError as problem:
            raise from_validation(problem) from None
    return prompt


def count(request: ResponsesRequest, kept: Callable[[str], list[Block]]) -> tuple[list[Block], int]:
    """The blocks and the other tokens of a request whose tokens are to be counted. Raises WireError."""
    prompt = read_prompt(request)
    before = kept(request.previous_response_id) if request.previous_response_id is not None else []
    return [*_preamble(request), *before, *prompt.blocks], prompt.media_tokens


def _check(request: ResponsesRequest, model: Model) -> None:
    """The bounds that the type alone does not state. Raises WireError."""
    if not request.input and request.previous_response_id is None:
        raise WireError(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    asked = request.max_output_tokens
    if asked is not None and not LEAST_OUTPUT_TOKENS <= asked <= model.max_output_tokens:
        text = f"Invalid 'max_output_tokens': {asked} is not from {LEAST_OUTPUT_TOKENS} to {model.max_output_tokens}."
        raise WireError(400, text, param="max_output_tokens", code="invalid_value")
    if request.max_tool_calls is not None and request.max_tool_calls < 1:
        raise WireError(400, "Invalid 'max_tool_calls': it must be at least 1.", param="max_tool_calls")
    if request.temperature is not None and not 0 <= request.temperature <= 2:
        raise WireError(400, "Invalid 'temperature': it must be from 0 to 2.", param="temperature")
    check_flex(request.service_tier, model)


def _preamble(request: ResponsesRequest) -> list[Block]:
    """Tools and instructions, which a later request does not bring along."""
    blocks = [
        Block(count_tokens(tool.name) + schema_tokens(tool.parameters), hash((tool.type, tool.name)))
        for tool in request.tools or ()
    ]
    if request.instructions:
        blocks.append(Block(count_tokens(request.instructions), hash(request.instructions)))
    return blocks


def _media_tokens(part: Part) -> int:
    if part.type == "input_image":
        return IMAGE_TOKENS.get(part.detail, HIGH_DETAIL_IMAGE_TOKENS)
    return FILE_TOKENS if part.type == "input_file" else 0


def _tool_to_call(request: ResponsesRequest, text: str) -> Tool | None:
    """The tool that the answer calls: the one forced, any when one is required, else one that the prompt names."""
    choice = request.tool_choice
    functions = [tool for tool in request.tools or () if tool.type == "function"]
    if not functions or choice == "none":
        return None
    if isinstance(choice, ToolChoice):
        found = next((tool for tool in functions if tool.name == choice.name), None)
        if found is None:
            raise WireError(400, f"Tool choice '{choice.name}' not found in 'tools'.", param="tool_choice")
        return found
    if choice == "required":
        return functions[0]
    return next((tool for tool in functions if tool.name in text), None)


def _frame(request: ResponsesRequest, tool: Tool | None) -> Frame:
    if tool is not None:
        return object_frame(tool.parameters)
    wanted = request.text.format if request.text is not None else None
    return Frame() if wanted is None or wanted.type == "text" else object_frame(wanted.schema)
