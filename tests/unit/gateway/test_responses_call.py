from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.gateway.wires import RESPONSES, Call
from bursar.gateway.wires.responses_tools import CLIENT_TOOL_TOKENS
from bursar.refusals import Refused
from tests.unit.gateway.tables import added, merged, refused, rows, told

HELLO = b'{"model":"gpt-5-mini","input":"Hello"}'

FACTS = """
{}                                                        | plain
{"stream": false, "max_output_tokens": null}              | plain
{"stream": true}                                          | stream
{"stream": true, "stream_options": {"include_obfuscation": false}} | stream
{"max_output_tokens": 64}                                 | 64
{"max_output_tokens": 99999999999999999999999999}         | 1000000000000000000
{"input": "absent"}                                       | plain
{"input": null, "instructions": "Be brief."}              | plain
{"service_tier": "auto"}                                  | plain
{"service_tier": "flex"}                                  | flex
{"background": false, "prompt": null, "plugins": []}      | plain
{"reasoning": {"effort": "high", "summary": "auto"}}      | plain
{"reasoning": {"mode": "standard"}}                       | plain
{"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}} | plain
{"prompt_cache_retention": "24h", "prompt_cache_key": "a"} | plain
{"store": true, "include": ["reasoning.encrypted_content"], "metadata": {"a": "b"}, "truncation": "auto"} | plain
{"context_management": []}                                | plain
{"max_tool_calls": 3}                                     | plain
{"previous_response_id": "resp_1"}                        | unbounded by previous_response_id
{"previous_response_id": null, "conversation": null}      | plain
{"conversation": "conv_1"}                                | unbounded by conversation
{"conversation": {"id": "conv_1"}}                        | unbounded by conversation
{"tools": [{"type": "web_search"}]}                       | unbounded by tools, 8 searches, read 9 times, forces max_tool_calls=8
{"tools": [{"type": "web_search"}], "max_tool_calls": 2}  | unbounded by tools, 2 searches, read 3 times
{"tools": [{"type": "web_search_2025_08_26"}], "max_tool_calls": null} | unbounded by tools, 8 searches, read 9 times, forces max_tool_calls=8
{"input": [{"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]}]} | unbounded by tools, 8 searches, read 9 times, forces max_tool_calls=8
"""  # noqa: E501

REFUSED = """
{"model": "absent"}                          | field_missing model -
{"model": 4}                                 | field_invalid model 4
{"input": 4}                                 | field_invalid input 4
{"input": {"role": "user"}}                  | field_invalid input an object
{"input": ["Hello"]}                         | field_invalid input a list
{"input": [{"type": 7}]}                     | field_invalid input a list
{"input": [{"role": "user", "content": [7]}]} | field_invalid input[0].content a list
{"input": [{"type": "compaction_trigger"}]}  | field_invalid input[0].type compaction_trigger
{"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]} | field_invalid input[0].content[0].type input_audio
{"instructions": ["Be brief."]}              | field_invalid instructions a list
{"stream": "true"}                           | field_invalid stream a string
{"max_output_tokens": 0}                     | field_invalid max_output_tokens 0
{"max_output_tokens": -1}                    | field_invalid max_output_tokens -1
{"max_output_tokens": 1.5}                   | field_invalid max_output_tokens 1.5
{"max_output_tokens": "64"}                  | field_invalid max_output_tokens a string
{"MAX_OUTPUT_TOKENS": 64}                    | field_invalid MAX_OUTPUT_TOKENS in another case
{"service_tier": 1}                          | field_invalid service_tier 1
{"background": true}                         | field_invalid background true
{"Background": true}                         | field_invalid Background in another case
{"prompt": {"id": "pmpt_1"}}                 | field_invalid prompt an object
{"context_management": [{"type": "compaction"}]} | field_invalid context_management a list
{"models": ["gpt-5-pro"]}                    | field_invalid models a list
{"reasoning": {"mode": "pro"}}               | field_invalid reasoning.mode another mode
{"reasoning": "high"}                        | field_invalid reasoning a string
{"prompt_cache_options": {"ttl": "12h"}}     | field_invalid prompt_cache_options.ttl another lifetime
{"input": [{"role": "user", "content": [{"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}]}]} | field_invalid input[0].content[0].prompt_cache_breakpoint.ttl another lifetime
{"tools": {"type": "function"}}              | field_invalid tools an object
{"tools": [{"name": "f"}]}                   | field_missing tools[0].type -
{"tools": [{"type": "function"}, {"type": "file_search", "vector_store_ids": []}]} | field_invalid tools[1].type file_search
{"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]} | field_invalid tools[0].type code_interpreter
{"tools": [{"type": "image_generation"}]}    | field_invalid tools[0].type image_generation
{"tools": [{"type": "mcp", "server_label": "a", "server_url": "https://example.org"}]} | field_invalid tools[0].type mcp
{"tools": [{"type": "programmatic_tool_calling"}]} | field_invalid tools[0].type programmatic_tool_calling
{"tools": [{"type": "something_new"}]}       | field_invalid tools[0].type something_new
{"tools": [{"type": "web_search_preview"}]}  | field_invalid tools[0].type web_search_preview
{"tools": [{"type": "shell"}]}               | field_invalid tools[0].environment another place
{"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]} | field_invalid tools[0].environment another place
{"tools": [{"type": "tool_search"}]}         | field_invalid tools[0].execution not client
{"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "mcp"}]}]} | field_invalid tools[0].tools[0].type mcp
{"tools": [{"type": "namespace", "tools": [{"type": "namespace", "tools": [{"type": "namespace"}]}]}]} | field_invalid tools[0].tools[0].tools[0].type namespace
{"tools": [{"type": "web_search"}], "max_tool_calls": 0} | field_invalid max_tool_calls 0
{"tools": [{"type": "web_search"}], "max_tool_calls": 1001} | field_invalid max_tool_calls 1001
{"input": [{"type": "additional_tools", "tools": [{"type": "mcp"}]}]} | field_invalid input[0].tools[0].type mcp
{"input": [{"type": "tool_search_output", "tools": [{"type": "code_interpreter"}]}]} | field_invalid input[0].tools[0].type code_interpreter
"""  # noqa: E501


def facts(call: Call) -> str:
    said = [
        "stream" if call.stream else "",
        str(call.output_tokens) if call.output_tokens is not None else "",
        call.variant if call.variant != "standard" else "",
        f"unbounded by {call.unbounded}" if call.unbounded else "",
        f"{call.web_searches} searches" if call.web_searches else "",
        f"read {call.input_reads} times" if call.input_reads > 1 else "",
        *(f"forces {name}={bytes(value).decode()}" for name, value in call.forced.items()),
    ]
    return ", ".join(filter(None, said)) or "plain"


@pytest.mark.parametrize(("changes", "expected"), rows(FACTS))
def test_a_request_is_read_for_what_costs_money(changes: str, expected: str) -> None:
    call = RESPONSES.read(merged(HELLO, changes))
    assert facts(call) == expected
    assert (call.wire, call.model, call.output_copies, call.cache_writes) == ("responses", "gpt-5-mini", 1, True)


@pytest.mark.parametrize(("changes", "expected"), rows(REFUSED))
def test_what_is_wrong_is_refused_with_its_field(changes: str, expected: str) -> None:
    assert told(refused(RESPONSES, merged(HELLO, changes))) == expected


def test_the_bytes_bound_a_text() -> None:
    assert RESPONSES.read(HELLO).input_tokens == len(HELLO)


ITEMS = """
# item                                                                          | tokens | unbounded
{"role": "user", "content": "Hello"}                                            |      0 | -
{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}, {"type": "refusal", "refusal": "No"}]} | 0 | -
{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}]} | 0 | -
{"role": "user", "content": [{"type": "input_image", "image_url": "https://example.org/a.png"}]} | 50_000 | -
{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}     | 50_000 | -
{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}      |      0 | input[0].content[0]
{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_file", "file_data": "JVBERi0="}]} | 0 | input[0].content[1]
{"role": "user", "content": [{"type": "something_new"}]}                        |      0 | input[0].content[0]
{"role": "user", "content": {"type": "input_text"}}                             |      0 | input[0].content
{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}       |      0 | -
{"type": "function_call_output", "call_id": "c", "output": "4 degrees"}         |      0 | -
{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "https://example.org/a.png"}]} | 50_000 | -
{"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "input_file", "file_id": "file-1"}]} | 0 | input[0].output[0]
{"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "https://example.org/a.png"}} | 50_000 | -
{"type": "local_shell_call_output", "id": "c", "output": "a.txt"}               |      0 | -
{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAA"} |    0 | -
{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "So"}]} | 0 | -
{"type": "reasoning", "id": "rs_1", "summary": []}                              |      0 | input[0]
{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": null}   |      0 | input[0]
{"type": "item_reference", "id": "msg_1"}                                       |      0 | input[0]
{"id": "msg_1"}                                                                 |      0 | input[0]
{"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}} | 0 | input[0]
{"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAA"}            |      0 | input[0]
{"type": "something_new"}                                                       |      0 | input[0]
{"type": "tool_search_output", "tools": [{"type": "function", "name": "f"}]}    |      0 | -
{"type": "additional_tools", "tools": [{"type": "local_shell"}]}                |  2_048 | -
"""  # noqa: E501


@pytest.mark.parametrize(("item", "tokens", "unbounded"), rows(ITEMS))
def test_what_is_not_text_has_a_bound_of_its_own_or_none(item: str, tokens: str, unbounded: str) -> None:
    body = b'{"model":"m","input":[%b]}' % item.encode()
    assert added(RESPONSES, HELLO, body) == int(tokens)
    assert RESPONSES.read(body).unbounded == (None if unbounded == "-" else unbounded)


def test_an_inline_image_is_bounded_by_its_pixels_not_by_its_bytes() -> None:
    image = b'"data:image/png;base64,' + b"A" * 1_000_000 + b'"'
    body = b'{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":%b}]}]}' % image
    assert added(RESPONSES, HELLO, body, words=image) == 50_000


TOOLS = """
{"type": "function", "name": "f", "parameters": null, "strict": true} | 0
{"type": "custom", "name": "f"}                                       | 0
{"type": "namespace", "name": "n", "description": "", "tools": [{"type": "function", "name": "f"}]} | 0
{"type": "local_shell"}                                               | 1
{"type": "apply_patch"}                                               | 1
{"type": "computer"}                                                  | 1
{"type": "computer_use_preview", "environment": "linux"}              | 1
{"type": "shell", "environment": {"type": "local"}}                   | 1
{"type": "tool_search", "execution": "client"}                        | 1
"""


@pytest.mark.parametrize(("tool", "hidden"), rows(TOOLS))
def test_tools_that_the_client_runs_pass_and_may_add_to_the_prompt(tool: str, hidden: str) -> None:
    body = merged(HELLO, f'{{"tools": [{tool}]}}')
    assert added(RESPONSES, HELLO, body) == 1_024 + int(hidden) * CLIENT_TOOL_TOKENS
    assert RESPONSES.read(body).unbounded is None


def test_a_schema_adds_an_allowance() -> None:
    assert added(RESPONSES, HELLO, merged(HELLO, '{"text": {"format": {"type": "json_object"}}}')) == 1_024


SENT = """
{}                                        | None | {}
{}                                        | 10   | {"max_output_tokens": 10}
{"max_output_tokens": 64}                 | 10   | {"max_output_tokens": 10}
{"max_output_tokens": null}               | 10   | {"max_output_tokens": 10}
{"tools": [{"type": "web_search"}]}       | None | {"tools": [{"type": "web_search"}], "max_tool_calls": 8}
{"tools": [{"type": "web_search"}], "max_tool_calls": 3} | None | {"tools": [{"type": "web_search"}], "max_tool_calls": 3}
{"stream": true}                          | None | {"stream": true}
"""  # noqa: E501


@pytest.mark.parametrize(("changes", "output", "expected"), rows(SENT))
def test_only_what_metering_needs_is_changed(changes: str, output: str, expected: str) -> None:
    call = RESPONSES.read(merged(HELLO, changes))
    sent = call.body(None if output == "None" else int(output), "max_completion_tokens")
    assert msgspec.json.decode(sent) == msgspec.json.decode(merged(HELLO, expected))
    assert len(sent) <= len(merged(HELLO, changes)) + call.added_bytes


def test_the_model_of_a_count() -> None:
    assert RESPONSES.read_count(HELLO) == "gpt-5-mini"
    with pytest.raises(Refused):
        RESPONSES.read_count(b'{"input":"Hello"}')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "content", "output"]), inner)
    ),
    max_leaves=8,
)
names = st.sampled_from(["model", "input", "stream", "tools", "max_tool_calls", "reasoning", "prompt_cache_options"])


@given(st.dictionaries(names, json_values))
def test_any_object_is_read_or_refused_and_never_crashes(fields: dict[str, object]) -> None:
    body = msgspec.json.encode({"model": "m", "input": "Hello", **fields})
    try:
        input_tokens = RESPONSES.read(body).input_tokens
    except Refused as caught:
        input_tokens = len(caught.refusal.text)
    assert input_tokens > 0
