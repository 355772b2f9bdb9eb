"""The blocks of a message that are not text, and the tools, in Anthropic's wire.

Blocks and tools by the official SDK's parameter types, beta ones included.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.fields import body_invalid, invalid
from bursar.gateway.wires.prompt import NONE, Prompt, read_as
from bursar.refusals import Refused, Why, field_invalid, refuse

IMAGE_TOKENS = 10_000
"""The most tokens of one image: twice what the vision guide states for the largest that it keeps (4,784)."""

UNSCALED_IMAGE_TOKENS = 82_000
"""The same when the request changes how images are scaled: 8,000 × 8,000 pixels in patches of 28 × 28."""

CLIENT_TOOL_TOKENS = 2_048
"""What one of Anthropic's own tool types adds to the prompt; documented: computer 735 + 499, text editor 700."""

TOOLSET_TOKENS = 16_384
"""What a toolset adds, which stands for a family of tools. Not documented: an allowance."""

_DEEPEST_CONTENT = 6
"""How deep content may hold content. A document in a tool's result in a message is 3; each level is decoded anew."""

_CLIENT_TOOLS = ("computer_", "text_editor_", "bash_", "memory_", "browser_toolset_")
"""The tool types that the client runs: they bring no cost but their prompt."""

_RIGHT_TOOL = "a tool that the client runs or web_search, because other tools are billed apart"


class Tool(msgspec.Struct):
    """What matters of a tool."""

    type: str | None = None
    max_uses: object = None


class Tools(msgspec.Struct):
    """What the tools of a request bring: tokens of prompt, and searches that may be billed."""

    prompt_tokens: int = 0
    web_searches: int = 0


class _Message(msgspec.Struct):
    content: msgspec.Raw = NONE


class _Added(msgspec.Struct):
    type: str | None = None
    definition: Tool | None = None


class _Source(msgspec.Struct):
    type: str | None = None
    data: msgspec.Raw = NONE
    content: msgspec.Raw = NONE


class _Block(msgspec.Struct):
    type: str | None = None
    source: msgspec.Raw = NONE
    content: msgspec.Raw = NONE
    transformations: object = None
    tool: msgspec.Raw = NONE
    tool_changes: msgspec.Raw = NONE


_tools = msgspec.json.Decoder(list[Tool]).decode
_messages = msgspec.json.Decoder(list[_Message]).decode
_blocks = msgspec.json.Decoder(list[_Block]).decode
_added = msgspec.json.Decoder(_Added).decode
_source = msgspec.json.Decoder(_Source).decode
_NO_SOURCE = _Source()


def read_tools(data: bytes) -> Tools:
    """Check the tools of a request. Raises Refused."""
    tools = Tools()
    for at, tool in enumerate(read_as(_tools, data, "tools", "a list of tools")):
        _add(tools, tool, f"tools[{at}]")
    return tools


def _add(tools: Tools, tool: Tool, field: str) -> None:
    kind = tool.type
    if kind in {None, "custom"}:
        return
    if kind.startswith(_CLIENT_TOOLS):
        tools.prompt_tokens += TOOLSET_TOKENS if "_toolset_" in kind else CLIENT_TOOL_TOKENS
        return
    if not kind.startswith("web_search_"):
        raise field_invalid(f"{field}.type", kind[:40], _RIGHT_TOOL)
    uses, right = tool.max_uses, "a number, because each search is billed"
    if uses is None:
        raise Refused(refuse(Why.FIELD_MISSING, field=f"{field}.max_uses", right=right))
    if not isinstance(uses, int) or isinstance(uses, bool) or not 0 < uses <= 1_000:
        right = "a number from 1 to 1000, because each search is billed"
        raise invalid(f"{field}.max_uses", msgspec.json.encode(uses), right)
    tools.prompt_tokens += CLIENT_TOOL_TOKENS
    tools.web_searches += uses


def read_prompt(messages: bytes, tools: Tools) -> Prompt:
    """Look through the messages for what is not text. Raises Refused.

    A tool that is added within the messages is checked like the others, and added to `tools`.
    """
    prompt = Prompt()
    for at, message in enumerate(read_as(_messages, messages, "messages", "a list of objects")):
        _read_content(prompt, tools, bytes(message.content), f"messages[{at}].content", 1)
    return prompt


def _read_content(prompt: Prompt, tools: Tools, content: bytes, field: str, depth: int) -> None:
    """Read all blocks in there. Tool results, documents and search results hold blocks of their own.

    The arguments of a tool call are not looked into: the model reads them as text, whatever they look like.
    """
    if not content.startswith((b"[", b"{")):
        return
    if depth > _DEEPEST_CONTENT:
        raise body_invalid("its content is nested too deeply")
    listed = content if content.startswith(b"[") else b"[" + content + b"]"
    for block in read_as(_blocks, listed, field, "a string or a list of blocks"):
        for inner in _read_block(prompt, tools, block, field):
            _read_content(prompt, tools, bytes(inner), field, depth + 1)


def _read_block(prompt: Prompt, tools: Tools, block: _Block, field: str) -> tuple[msgspec.Raw, ...]:
    """Read one block; return the contents in it that are still to be read."""
    kind = block.type
    if kind == "text":
        return ()
    data = bytes(block.source)
    sourced = data.startswith(b"{")
    source = read_as(_source, data, field, "a block with a source") if sourced else _NO_SOURCE
    if kind == "image":
        unscaled = block.transformations is not None
        inline_bytes = len(bytes(source.data)) if source.type == "base64" else 0
        prompt.image(UNSCALED_IMAGE_TOKENS if unscaled else IMAGE_TOKENS, inline_bytes)
    elif kind == "document" and source.type in {"text", "content"}:
        return (source.content,)
    elif sourced or kind in {"document", "container_upload"}:
        prompt.unsized(field)
    elif kind == "tool_addition":
        _read_addition(tools, bytes(block.tool), field)
    return block.content, block.tool_changes


def _read_addition(tools: Tools, data: bytes, field: str) -> None:
    """A tool added in mid-conversation: a reference to one of the request's tools, or a definition in place."""
    added = read_as(_added, data or b"{}", f"{field}.tool", "an object")
    if added.type == "tool_definition" and added.definition is not None:
        _add(tools, added.definition, f"{field}.tool.definition")
    elif added.type != "tool_reference":
        got = "a tool of another kind"
        raise field_invalid(f"{field}.tool", got, _RIGHT_TOOL)
