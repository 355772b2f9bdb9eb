"""aider, as docs/tools/aider.md tells to set it."""

from __future__ import annotations

import pytest

from tests.gateway.people import POOR

from .agent import PROMPT, Agent, Done
from .conftest import Start

OPENAI, ANTHROPIC = "openai/gpt-5-mini", "anthropic/claude-sonnet-5-5"
PATHS = {OPENAI: "/v1/chat/completions", ANTHROPIC: "/v1/messages"}
MODELS = pytest.mark.parametrize("model", PATHS)
QUIET = (
    "--analytics-disable",
    "--no-check-update",
    "--no-show-model-warnings",
    "--no-show-release-notes",
    "--no-detect-urls",
    "--no-git",
    "--yes-always",
)


def run(agent: Agent, key: str, model: str, *arguments: str) -> Done:
    if model == OPENAI:
        where = {"OPENAI_API_BASE": f"{agent.url}/v1", "OPENAI_API_KEY": key}
    else:
        where = {"ANTHROPIC_API_BASE": agent.url, "ANTHROPIC_API_KEY": key}
    where["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    return agent.run("--model", model, *QUIET, *arguments, "--message", PROMPT, **where)


@MODELS
def test_it_answers(start: Start, model: str) -> None:
    agent = start("aider")
    done = run(agent, agent.place.key, model)
    assert done.code == 0, done.printed
    assert "Tokens:" in done.printed
    assert agent.asked.calls(PATHS[model]) == [200]


def test_a_spent_budget_is_told_again_and_again(start: Start) -> None:
    """Whatever aider does not know it tries again, for a minute, waiting twice as long each time. None is sent on."""
    agent = start("aider")
    before = agent.place.billed()
    done = run(agent, agent.place.keys[POOR], OPENAI)
    assert "token budget" in done.printed
    assert set(agent.asked.calls(PATHS[OPENAI])) == {402}
    assert agent.place.billed() == before
