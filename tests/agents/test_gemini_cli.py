"""Gemini CLI, as docs/tools/gemini-cli.md tells to set it."""

from __future__ import annotations

import pytest

from tests.gateway.people import POOR

from .agent import PROMPT, Agent, Done, settings_on
from .conftest import Start


def run(agent: Agent, key: str, *arguments: str) -> Done:
    folder = agent.home / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text(settings_on("gemini-cli.md", agent))
    return agent.run("--skip-trust", *arguments, "-p", PROMPT, GOOGLE_GEMINI_BASE_URL=agent.url, GEMINI_API_KEY=key)


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.1-pro-preview"])
def test_it_answers(start: Start, model: str) -> None:
    agent = start("gemini")
    before = agent.place.billed()
    done = run(agent, agent.place.key, "-m", model)
    assert done.code == 0, done.printed
    assert [seen.status for seen in agent.asked.seen] == [200]
    agent.place.until_quiet()
    [line] = agent.place.sim.bill.lines()[before:]
    assert line.model == model


def test_a_spent_budget_is_told_at_once(start: Start) -> None:
    agent = start("gemini")
    done = run(agent, agent.place.keys[POOR], "-m", "gemini-2.5-flash")
    assert done.code != 0
    assert "This token budget is used up: $0.00005 is left" in done.printed
    assert [seen.status for seen in agent.asked.seen] == [402]
