"""The tools of OpenAI's Responses: which of them bring cost, and what they add to the prompt.

Tools by the official SDK's `ToolParam`. Those that the client runs bring no cost but their prompt. Of those that the
provider runs only the web search can be bounded; the others are billed apart (containers, storage, images) or by
somebody else, so they are refused by name, and so is what is not known here.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.fields import missing
from bursar.gateway.wires.prompt import NONE, read_as
from bursar.refusals import field_invalid

CLIENT_TOOL_TOKENS = 2_048
"""What one of OpenAI's own tool types may add to the prompt. Not documented: an allowance."""

_DEEPEST_TOOLS = 3
"""How deep tools may hold tools: a namespace holds functions."""

_WRITTEN_OUT = frozenset({"function", "custom"})
"""The tools that the request itself describes."""

_CLIENT_TOOLS = frozenset({"local_shell", "apply_patch", "computer", "computer_use", "computer_use_preview"})
_SEARCHES = frozenset({"web_search", "web_search_2025_08_26"})
"""The web search whose price is the same for all models. The preview's is not: it depends on the model."""

_RIGHT = (
    "a tool that the client runs (function, custom, namespace, local_shell, apply_patch, computer, shell in a local "
    "environment) or web_search, because other tools are billed apart"
)


class Tools(msgspec.Struct):
    """What the tools of a request bring: tokens of prompt, and whether the provider may search the web."""

    prompt_tokens: int = 0
    searches: bool = False


class _Tool(msgspec.Struct):
    type: str | None = None
    environment: object = None
    execution: object = None
    tools: msgspec.Raw = NONE


_tools = msgspec.json.Decoder(list[_Tool]).decode


def read_tools(found: Tools, data: bytes, field: str, depth: int = 1) -> None:
    """Check a list of tools and add what they bring. Raises Refused."""
    for at, tool in enumerate(read_as(_tools, data, field, "a list of tools")):
        _add(found, tool, f"{field}[{at}]", depth)


def _add(found: Tools, tool: _Tool, field: str, depth: int) -> None:
    kind = tool.type
    if kind is None:
        raise missing(f"{field}.type", _RIGHT)
    if kind in _WRITTEN_OUT:
        return
    if kind == "namespace" and depth < _DEEPEST_TOOLS:
        read_tools(found, bytes(tool.tools) or b"[]", f"{field}.tools", depth + 1)
        return
    if kind in _SEARCHES:
        found.searches = True
    elif kind == "shell":
        if not isinstance(tool.environment, dict) or tool.environment.get("type") != "local":
            raise field_invalid(f"{field}.environment", "another place", "local, because containers are billed")
    elif kind == "tool_search":
        if tool.execution != "client":
            raise field_invalid(f"{field}.execution", "not client", "client, so that the input is read once")
    elif kind not in _CLIENT_TOOLS:
        raise field_invalid(f"{field}.type", kind[:40], _RIGHT)
    found.prompt_tokens += CLIENT_TOOL_TOKENS
