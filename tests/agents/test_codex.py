"""Codex CLI, as docs/tools/codex.md tells to set it."""

from __future__ import annotations

import pytest

from tests.gateway.people import POOR

from .agent import PROMPT, Agent, Done, settings_on
from .conftest import Start

RESPONSES = "/v1/responses"


def run(agent: Agent, key: str, *arguments: str) -> Done:
    folder = agent.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(settings_on("codex.md", agent))
    return agent.run("exec", "--skip-git-repo-check", *arguments, PROMPT, BURSAR_KEY=key)


@pytest.mark.parametrize("arguments", [(), ("--model", "gpt-5-mini")], ids=["its own choice", "a model"])
def test_it_answers(start: Start, arguments: tuple[str, ...]) -> None:
    agent = start("codex")
    before = agent.place.billed()
    done = run(agent, agent.place.key, *arguments)
    assert done.code == 0, done.printed
    assert agent.asked.calls(RESPONSES) == [200]
    agent.place.until_quiet()
    [line] = agent.place.sim.bill.lines()[before:]
    assert f"{line.usage.total_input + line.usage.output:,}" in done.printed.partition("tokens used")[2]


def test_it_turns_from_websockets_to_http_at_once(start: Start) -> None:
    """As the provider that is built in, with nothing but another address, it tries WebSockets first."""
    agent = start("codex")
    done = agent.run(
        "exec",
        "--skip-git-repo-check",
        "--model",
        "gpt-5-mini",
        "-c",
        f'openai_base_url="{agent.url}/v1"',
        PROMPT,
        CODEX_API_KEY=agent.place.key,
    )
    assert done.code == 0, done.printed
    assert agent.asked.calls(RESPONSES) == [426, 200]


def test_a_spent_budget_is_told_after_the_one_retry_that_is_set(start: Start) -> None:
    """Codex opens a stream again after any status that it does not know; the setting says how often."""
    agent = start("codex")
    done = run(agent, agent.place.keys[POOR], "--model", "gpt-5-mini")
    assert done.code != 0
    assert "402 Payment Required: This token budget is used up: $0.00005 is left" in done.printed
    assert agent.asked.calls(RESPONSES) == [402, 402]
