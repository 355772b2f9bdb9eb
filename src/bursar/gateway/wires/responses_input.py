"""The items of a Responses request's input that are not text.

Items by the official SDK's `ResponseInputItemParam`. An item that is written out in the request is bounded by its
bytes; encrypted reasoning too, because it is the text itself, enciphered. Whatever stands for something that the
provider keeps (a reference, a file, an earlier search and its results) has no bound in the request.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.fields import invalid
from bursar.gateway.wires.openai_prompt import IMAGE_TOKENS
from bursar.gateway.wires.prompt import NONE, Prompt, read_as
from bursar.gateway.wires.responses_tools import Tools, read_tools
from bursar.refusals import field_invalid

CACHE_LIFETIME = "30m"
"""The lifetime of a prompt cache's entries whose price is known; another may have another."""

_TEXTS = frozenset({"input_text", "output_text", "text", "refusal", "summary_text", "reasoning_text"})
_WRITTEN_OUT = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "computer_call",
        "configuration_update",
        "custom_tool_call",
        "function_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
    }
)
_TOOL_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_TOOL_LISTS = frozenset({"additional_tools", "tool_search_output"})


class _Item(msgspec.Struct):
    type: str | None = None
    id: msgspec.Raw = NONE
    content: msgspec.Raw = NONE
    output: msgspec.Raw = NONE
    tools: msgspec.Raw = NONE
    encrypted_content: msgspec.Raw = NONE


class _Breakpoint(msgspec.Struct):
    ttl: object = None


class _Part(msgspec.Struct):
    type: str | None = None
    image_url: msgspec.Raw = NONE
    prompt_cache_breakpoint: _Breakpoint | None = None


_items = msgspec.json.Decoder(list[_Item]).decode
_parts = msgspec.json.Decoder(list[_Part]).decode


def read_input(data: bytes, tools: Tools) -> Prompt:
    """Look through the input for what is not text. Raises Refused.

    Tools that are added within the input are checked like the others, and added to `tools`.
    """
    prompt = Prompt()
    if data.startswith(b'"'):
        return prompt
    if not data.startswith(b"["):
        raise invalid("input", data, "a string or a list of items")
    for at, item in enumerate(read_as(_items, data, "input", "a string or a list of items")):
        _read_item(prompt, tools, item, f"input[{at}]")
    return prompt


def check_lifetime(ttl: object, field: str) -> None:
    """Refuse a cache's lifetime that has no price. Raises Refused."""
    if ttl is not None and ttl != CACHE_LIFETIME:
        right = f"{CACHE_LIFETIME}, because no other lifetime has a price"
        raise field_invalid(field, "another lifetime", right)


def _read_item(prompt: Prompt, tools: Tools, item: _Item, field: str) -> None:
    kind = item.type
    if kind == "message" or (kind is None and bytes(item.content)):
        _read_content(prompt, bytes(item.content), f"{field}.content")
    elif kind in _TOOL_OUTPUTS:
        _read_content(prompt, bytes(item.output), f"{field}.output")
    elif kind == "computer_call_output":
        _read_content(prompt, b"[%b]" % bytes(item.output), f"{field}.output")
    elif kind in _TOOL_LISTS:
        read_tools(tools, bytes(item.tools) or b"[]", f"{field}.tools")
    elif kind == "reasoning":
        if _is_given(item.id) and not _is_given(item.encrypted_content):
            prompt.unsized(field)
    elif kind == "compaction_trigger":
        right = "something else, because the input is read anew after a compaction"
        raise field_invalid(f"{field}.type", kind, right)
    elif kind not in _WRITTEN_OUT:
        prompt.unsized(field)


def _is_given(value: msgspec.Raw) -> bool:
    return bytes(value) not in {b"", b"null", b'""'}


def _read_content(prompt: Prompt, content: bytes, field: str) -> None:
    if content.startswith(b'"') or content in {b"", b"null"}:
        return
    if not content.startswith(b"["):
        prompt.unsized(field)
        return
    for at, part in enumerate(read_as(_parts, content, field, "a string or a list of parts")):
        if part.prompt_cache_breakpoint is not None:
            check_lifetime(part.prompt_cache_breakpoint.ttl, f"{field}[{at}].prompt_cache_breakpoint.ttl")
        if part.type in _TEXTS:
            continue
        if part.type in {"input_image", "computer_screenshot"}:
            url = bytes(part.image_url)
            prompt.image(IMAGE_TOKENS, len(url) if url.startswith(b'"data:image') else 0)
        elif part.type == "input_audio":
            right = "text, an image or a file, because no usage on this route counts sound apart"
            raise field_invalid(f"{field}[{at}].type", part.type, right)
        else:
            prompt.unsized(f"{field}[{at}]")
