"""The program `llm`, as docs/tools/llm.md tells to set it."""

from __future__ import annotations

from tests.gateway.people import POOR

from .agent import PROMPT, Agent, Done
from .conftest import Start

CHAT = "/v1/chat/completions"
MODELS = """
- model_id: bursar-mini
  model_name: gpt-4o-mini
  api_base: "{url}/v1"
  api_key_name: bursar
"""


def run(agent: Agent, key: str, *arguments: str) -> Done:
    folder = agent.home / "llm"
    folder.mkdir(exist_ok=True)
    (folder / "extra-openai-models.yaml").write_text(MODELS.format(url=agent.url))
    return agent.run("-m", "bursar-mini", "--key", key, *arguments, PROMPT, LLM_USER_PATH=str(folder))


def test_it_answers_whole_and_streamed(start: Start) -> None:
    agent = start("llm")
    for arguments in ((), ("--no-stream",)):
        done = run(agent, agent.place.key, *arguments)
        assert done.code == 0, done.printed
        assert agent.asked.calls(CHAT) == [200]


def test_a_spent_budget_is_told_at_once(start: Start) -> None:
    agent = start("llm")
    done = run(agent, agent.place.keys[POOR])
    assert done.code != 0
    assert "This token budget is used up" in done.printed
    assert agent.asked.calls(CHAT) == [402]
