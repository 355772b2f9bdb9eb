"""Claude Code, as docs/tools/claude-code.md tells to set it."""

from __future__ import annotations

import json

from tests.gateway.people import POOR

from .agent import PROMPT, Agent, Done, settings_on
from .conftest import Start

MODEL = "claude-sonnet-5-5"
MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"


def run(agent: Agent, key: str, *arguments: str, **environ: str) -> Done:
    return agent.run(
        *arguments,
        ANTHROPIC_BASE_URL=agent.url,
        ANTHROPIC_AUTH_TOKEN=key,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        **environ,
    )


def test_it_answers_and_its_count_is_the_bill(start: Start) -> None:
    agent = start("claude")
    before = agent.place.billed()
    done = run(agent, agent.place.key, "-p", PROMPT, "--output-format", "json", ANTHROPIC_MODEL=MODEL)
    assert done.code == 0, done.printed
    told = json.loads(done.printed)
    assert told["result"]
    agent.place.until_quiet()
    [line] = agent.place.sim.bill.lines()[before:]
    used, usage = line.usage, told["usage"]
    assert line.model.startswith(MODEL)
    assert (usage["input_tokens"], usage["output_tokens"]) == (used.input, used.output)
    assert usage["cache_creation_input_tokens"] == used.cache_write_5m + used.cache_write_1h
    assert usage["cache_read_input_tokens"] == used.cache_read
    assert agent.asked.calls(MESSAGES) == [200]


def test_the_settings_of_the_page(start: Start) -> None:
    agent = start("claude")
    folder = agent.home / ".claude"
    folder.mkdir()
    (folder / "settings.json").write_text(settings_on("claude-code.md", agent).replace("bsr_…", agent.place.key))
    done = agent.run("-p", PROMPT, "--model", MODEL, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1")
    assert done.code == 0, done.printed
    assert agent.asked.calls(MESSAGES) == [200]


def test_its_own_choice_of_a_model_is_served(start: Start) -> None:
    agent = start("claude")
    done = run(agent, agent.place.key, "-p", PROMPT)
    assert done.code == 0, done.printed
    assert agent.asked.calls(MESSAGES) == [200]


def test_counting_its_context_is_free(start: Start) -> None:
    agent = start("claude")
    before = agent.place.billed()
    done = run(agent, agent.place.key, "-p", "/context", ANTHROPIC_MODEL=MODEL)
    assert "Tokens" in done.printed
    assert set(agent.asked.calls(COUNT)) == {200}
    assert agent.place.billed() == before


def test_a_spent_budget_is_told_at_once(start: Start) -> None:
    agent = start("claude")
    done = run(agent, agent.place.keys[POOR], "-p", PROMPT, ANTHROPIC_MODEL=MODEL)
    assert done.code != 0
    assert "402 This token budget is used up: $0.00005 is left" in done.printed
    assert agent.asked.calls(MESSAGES) == [402]
