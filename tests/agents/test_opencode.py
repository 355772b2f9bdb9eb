"""OpenCode, as docs/tools/opencode.md tells to set it."""

from __future__ import annotations

import pytest

from tests.gateway.people import POOR

from .agent import PROMPT, Agent, Done, settings_on
from .conftest import Start

PATHS = {
    "anthropic/claude-sonnet-5-5": "/v1/messages",
    "openai/gpt-5-mini": "/v1/responses",
    "google/gemini-2.5-flash": "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
}
MODELS = pytest.mark.parametrize("model", PATHS)


def run(agent: Agent, key: str, model: str) -> Done:
    (agent.home / "opencode.json").write_text(settings_on("opencode.md", agent))
    return agent.run(
        "run",
        "--model",
        model,
        PROMPT,
        BURSAR_KEY=key,
        OPENCODE_DISABLE_AUTOUPDATE="1",
        OPENCODE_DISABLE_MODELS_FETCH="1",
    )


@MODELS
def test_it_answers(start: Start, model: str) -> None:
    agent = start("opencode")
    done = run(agent, agent.place.key, model)
    assert done.code == 0, done.printed
    assert set(agent.asked.calls(PATHS[model])) == {200}


@MODELS
def test_a_spent_budget_is_told_at_once(start: Start, model: str) -> None:
    """It asks for a title, too, with the small model; neither request is sent again."""
    agent = start("opencode")
    done = run(agent, agent.place.keys[POOR], model)
    assert done.code != 0
    assert "This token budget is used up: $0.00005 is left" in done.printed
    assert [seen.status for seen in agent.asked.seen] == [402, 402]
