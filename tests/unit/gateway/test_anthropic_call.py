from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import ANTHROPIC, Call
from bursar.refusals import Refused
from tests.unit.gateway.tables import added, merged, refused, rows, told

HELLO = b'{"model":"claude-sonnet-4-5","max_tokens":1024,"messages":[{"role":"user","content":"Hello"}]}'

FACTS = """
{}                                                  | up to 1024
{"stream": true}                                    | stream, up to 1024
{"max_tokens": 0}                                   | up to 0, at least 0
{"max_tokens": 1000000000}                          | up to 1000000000
{"thinking": {"type": "enabled", "budget_tokens": 1000}}  | up to 1024, at least 1001
{"thinking": {"type": "enabled", "budget_tokens": 9000}}  | up to 1024, at least 1024
{"thinking": {"type": "adaptive"}}                  | up to 1024
{"thinking": {"type": "disabled", "budget_tokens": 1000}} | up to 1024
{"service_tier": "auto"}                            | up to 1024
{"service_tier": "standard_only"}                   | up to 1024
{"speed": "standard", "inference_geo": "global"}    | up to 1024
{"speed": "fast"}                                   | up to 1024, fast
{"inference_geo": "us"}                             | up to 1024, us
{"speed": "fast", "inference_geo": "us"}            | up to 1024, us+fast
{"cache_control": {"type": "ephemeral"}}            | up to 1024, caches
{"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]} | up to 1024, caches for 1h
{"system": [{"type": "text", "text": "a", "c\\u0061che_control": {"type": "ephemeral"}}]} | up to 1024, caches for 1h
{"system": "it says \\"cache_control\\" caf\\u00e9"} | up to 1024
{"container": null, "mcp_servers": []}              | up to 1024
{"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}} | up to 1024
{"metadata": {"user_id": "u"}, "diagnostics": {"previous_message_id": "msg_1"}} | up to 1024
"""  # noqa: E501

REFUSED = """
{"max_tokens": "absent"}             | field_missing max_tokens -
{"max_tokens": null}                 | field_missing max_tokens -
{"max_tokens": -1}                   | field_invalid max_tokens -1
{"max_tokens": "64"}                 | field_invalid max_tokens a string
{"max_tokens": 6.4e1}                | field_invalid max_tokens 6.4e1
{"model": "absent"}                  | field_missing model -
{"messages": "absent"}               | field_missing messages -
{"messages": [5]}                    | field_invalid messages a list
{"stream": "yes"}                    | field_invalid stream a string
{"thinking": true}                   | field_invalid thinking true
{"speed": 2}                         | field_invalid speed 2
{"container": "container_1"}         | field_invalid container a string
{"mcp_servers": [{"type": "url", "url": "https://example.org"}]} | field_invalid mcp_servers a list
{"fallbacks": "default"}             | field_invalid fallbacks a string
{"thread": {"type": "continue", "previous_message_id": "msg_1"}} | field_invalid thread an object
{"compaction": {"type": "x"}}        | field_invalid compaction an object
{"context_management": {"edits": [{"type": "compact_20260112"}]}} | field_invalid context_management.edits[0].type a string
{"Max_Tokens": 5}                    | field_invalid Max_Tokens in another case
{"tools": {"name": "f"}}             | field_invalid tools an object
{"tools": [{"type": 5}]}             | field_invalid tools a list
{"tools": [{"name": "f"}, {"type": "code_execution_20250825"}]} | field_invalid tools[1].type code_execution_20250825
{"tools": [{"type": "web_fetch_20250910", "max_uses": 1}]} | field_invalid tools[0].type web_fetch_20250910
{"tools": [{"type": "tool_search_tool_regex_20251119"}]} | field_invalid tools[0].type tool_search_tool_regex_20251119
{"tools": [{"type": "advisor_20260301", "model": "claude-opus-4-8"}]} | field_invalid tools[0].type advisor_20260301
{"tools": [{"type": "mcp_toolset", "mcp_server_name": "s"}]} | field_invalid tools[0].type mcp_toolset
{"tools": [{"type": "web_search_20250305"}]} | field_missing tools[0].max_uses -
{"tools": [{"type": "web_search_20250305", "max_uses": null}]} | field_missing tools[0].max_uses -
{"tools": [{"type": "web_search_20250305", "max_uses": 0}]} | field_invalid tools[0].max_uses 0
{"tools": [{"type": "web_search_20250305", "max_uses": true}]} | field_invalid tools[0].max_uses true
{"tools": [{"type": "web_search_20250305", "max_uses": "3"}]} | field_invalid tools[0].max_uses a string
"""  # noqa: E501


def facts(call: Call) -> str:
    said = [
        "stream" if call.stream else "",
        f"up to {call.output_tokens}",
        f"at least {call.least_output}" if call.least_output != 1 else "",
        call.variant if call.variant != "standard" else "",
        "caches for 1h" if call.cache_writes_1h else "caches" if call.cache_writes else "",
    ]
    return ", ".join(filter(None, said))


@pytest.mark.parametrize(("changes", "expected"), rows(FACTS))
def test_a_request_is_read_for_what_costs_money(changes: str, expected: str) -> None:
    call = ANTHROPIC.read(merged(HELLO, changes))
    assert facts(call) == expected
    assert (call.wire, call.model, call.unbounded) == ("anthropic", "claude-sonnet-4-5", None)
    assert (call.output_copies, call.input_reads, call.web_searches, call.wants_usage) == (1, 1, 0, True)


@pytest.mark.parametrize(("changes", "expected"), rows(REFUSED))
def test_what_is_wrong_is_refused_with_its_field(changes: str, expected: str) -> None:
    assert told(refused(ANTHROPIC, merged(HELLO, changes))) == expected


TOOLS = """
[]                                                    | 1_024
[{"name": "f", "input_schema": {"type": "object"}}]   | 1_024
[{"type": "custom", "name": "f"}]                     | 1_024
[{"type": null, "name": "f"}]                         | 1_024
[{"type": "bash_20250124", "name": "bash"}]           | 3_072
[{"type": "text_editor_20250728", "name": "e"}, {"type": "computer_20251124", "name": "c"}, {"type": "memory_20250818"}] | 7_168
[{"type": "computer_toolset_20260801"}]               | 17_408
"""  # noqa: E501


@pytest.mark.parametrize(("tools", "tokens"), rows(TOOLS))
def test_tools_add_an_allowance_for_prompts_that_the_body_does_not_show(tools: str, tokens: str) -> None:
    assert added(ANTHROPIC, HELLO, merged(HELLO, f'{{"tools": {tools}}}')) == int(tokens)


def test_searches_are_bounded_in_number_and_each_lets_the_input_be_read_again() -> None:
    tools = '[{"type": "web_search_20250305", "max_uses": 5}, {"type": "web_search_20260318", "max_uses": 2}]'
    call = ANTHROPIC.read(merged(HELLO, f'{{"tools": {tools}}}'))
    assert (call.web_searches, call.input_reads, call.unbounded, call.cache_writes) == (7, 9, "tools", True)


BLOCKS = """
{"type": "text", "text": "document"}                                              |      0 | -
{"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}  | 10_000 | -
{"type": "image", "source": {"type": "file", "file_id": "file_1"}}                | 10_000 | -
{"type": "im\\u0061ge", "source": {"type": "url", "url": "https://example.org/a"}} | 10_000 | -
{"type": "image", "source": {"type": "url", "url": "u"}, "transformations": {}}   | 82_000 | -
{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}} | 0 | -
{"type": "document", "source": {"type": "content", "content": "a"}}               |      0 | -
{"type": "document", "source": {"type": "content", "content": [{"type": "image", "source": {"type": "url"}}]}} | 10_000 | -
{"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}} | 0 | messages[0].content
{"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}} |    0 | messages[0].content
{"type": "document", "source": {"type": "file", "file_id": "file_1"}}             |      0 | messages[0].content
{"type": "document"}                                                              |      0 | messages[0].content
{"type": "something_new", "source": {"type": "url"}}                              |      0 | messages[0].content
{"type": "container_upload", "file_id": "file_1"}                                 |      0 | messages[0].content
{"type": "search_result", "source": "https://example.org", "content": [{"type": "text", "text": "a"}]} | 0 | -
{"type": "tool_result", "content": "image"}                                       |      0 | -
{"type": "tool_result", "content": [{"type": "image", "source": {"type": "url"}}, {"type": "image", "source": {"type": "url"}}]} | 20_000 | -
{"type": "web_fetch_tool_result", "content": {"type": "web_fetch_result", "content": {"type": "document", "source": {"type": "base64", "data": "JVBERi0="}}}} | 0 | messages[0].content
{"type": "tool_use", "id": "t", "name": "f", "input": {"type": "image", "source": {"type": "base64", "data": "AAAA"}}} | 0 | -
{"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}        |      0 | -
{"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {"name": "f", "type": "bash_20250124"}}} | 2_048 | -
{"type": "compaction", "content": "a summary", "encrypted_content": "AAAA"}       |      0 | -
"""  # noqa: E501


def with_block(block: str) -> bytes:
    return merged(
        HELLO,
        '{"messages": [{"role": "user", "content": [{"type": "text", "text": "So:"}, BLOCK]}]}'.replace(
            "BLOCK", block
        ),
    )


@pytest.mark.parametrize(("block", "tokens", "unbounded"), rows(BLOCKS))
def test_what_is_not_text_has_a_bound_of_its_own_or_none(block: str, tokens: str, unbounded: str) -> None:
    assert added(ANTHROPIC, HELLO, with_block(block)) == int(tokens)
    assert ANTHROPIC.read(with_block(block)).unbounded == (None if unbounded == "-" else unbounded)


ADDED_TOOLS = """
{"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {"type": "code_execution_20250825"}}} | field_invalid messages[0].content.tool.definition.type code_execution_20250825
{"type": "tool_addition", "tool": {"type": "mcp_toolset_reference", "server_name": "s"}} | field_invalid messages[0].content.tool a tool of another kind
{"type": "tool_addition"}                                                         | field_invalid messages[0].content.tool a tool of another kind
{"type": "compaction", "tool_changes": [{"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {"type": "web_search_20250305"}}}]} | field_missing messages[0].content.tool.definition.max_uses -
"""  # noqa: E501


@pytest.mark.parametrize(("block", "expected"), rows(ADDED_TOOLS))
def test_a_tool_added_within_the_messages_is_checked_like_the_others(block: str, expected: str) -> None:
    assert told(refused(ANTHROPIC, with_block(block))) == expected


def test_searches_added_within_the_messages_count() -> None:
    definition = '{"type": "web_search_20250305", "max_uses": 4}'
    block = '{"type": "tool_addition", "tool": {"type": "tool_definition", "definition": TOOL}}'.replace(
        "TOOL", definition
    )
    call = ANTHROPIC.read(with_block(block))
    assert (call.web_searches, call.input_reads, call.unbounded) == (4, 6, "tools")


def test_an_inline_image_is_bounded_by_its_pixels_not_by_its_bytes() -> None:
    data = '"' + "A" * 1_000_000 + '"'
    block = '{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}'.replace(
        "DATA", data
    )
    assert added(ANTHROPIC, HELLO, with_block(block), words=data.encode()) == 10_000


def test_text_passed_off_as_an_image_in_a_tool_call_is_still_text() -> None:
    source = '{"type": "image", "source": {"type": "base64", "data": "DATA"}}'.replace("DATA", "A" * 1_000)
    block = '{"type": "tool_use", "id": "t", "name": "f", "input": {"content": [IMAGE]}}'.replace("IMAGE", source)
    body = with_block(block)
    assert ANTHROPIC.read(body).input_tokens == len(body)


RESULT = '{"type": "tool_result", "content": [INNER]}'


def test_content_within_content_is_read_to_a_depth_and_not_beyond() -> None:
    nested = '{"type": "image", "source": {"type": "url"}}'
    for _ in range(5):
        nested = RESULT.replace("INNER", nested)
    assert added(ANTHROPIC, HELLO, with_block(nested)) == 10_000
    assert (
        told(refused(ANTHROPIC, with_block(RESULT.replace("INNER", nested))))
        == "body_invalid - its content is nested too deeply"
    )


def test_a_clamp_replaces_max_tokens_and_nothing_else() -> None:
    call = ANTHROPIC.read(merged(HELLO, '{"stream": true, "top_k": 5}'))
    assert call.body(None) == call.body(1024)
    clamped = msgspec.json.decode(call.body(100))
    assert clamped == {**msgspec.json.decode(call.body(None)), "max_tokens": 100}


def test_a_request_to_count_tokens_needs_a_model_and_messages() -> None:
    assert ANTHROPIC.read_count(merged(HELLO, '{"max_tokens": "absent"}')) == "claude-sonnet-4-5"
    with pytest.raises(Refused) as caught:
        ANTHROPIC.read_count(b'{"model": "claude-sonnet-4-5"}')
    assert told(caught.value.refusal) == "field_missing messages -"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "content", "source", "tool"]), inner)
    ),
    max_leaves=8,
)
names = st.sampled_from(["messages", "stream", "max_tokens", "tools", "thinking", "speed", "context_management"])


@given(st.dictionaries(names, json_values))
def test_any_object_is_read_or_refused_and_never_crashes(fields: dict[str, object]) -> None:
    body = msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": [], **fields})
    try:
        input_tokens = ANTHROPIC.read(body).input_tokens
    except Refused as caught:
        input_tokens = len(caught.refusal.text)
    assert input_tokens > 0
