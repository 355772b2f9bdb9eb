"""Plays LiteLLM and LangChain against a Bursar, in an environment that has them; prints what came out, a line a case.

Reads BURSAR_URL, KEY and SPENT. A line is {"name", "text", "output_tokens", "parts"} or {"name", "error", "status"}.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

import litellm

URL, KEY, SPENT = os.environ["BURSAR_URL"], os.environ["KEY"], os.environ["SPENT"]
PROMPT = "Say something about budgets."


def ask_litellm(model: str, base: str) -> Callable[[str], dict[str, Any]]:
    def ask(key: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": model, "api_base": base, "api_key": key, "max_tokens": 100}
        asked["messages"] = [{"role": "user", "content": PROMPT}]
        whole = litellm.completion(**asked)
        parts = len(list(litellm.completion(**asked, stream=True)))
        text = whole.choices[0].message.content
        return {"text": text, "output_tokens": whole.usage.completion_tokens, "parts": parts}

    return ask


def ask_langchain(make: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    def ask(key: str) -> dict[str, Any]:
        model = make(key)
        whole = model.invoke(PROMPT)
        parts = len(list(model.stream(PROMPT)))
        return {"text": whole.content, "output_tokens": whole.usage_metadata["output_tokens"], "parts": parts}

    return ask


CASES = {
    "litellm_openai": ask_litellm("openai/gpt-4o-mini", f"{URL}/v1"),
    "litellm_anthropic": ask_litellm("anthropic/claude-haiku-4-5", URL),
    "langchain_openai": ask_langchain(
        lambda key: ChatOpenAI(model="gpt-4o-mini", base_url=f"{URL}/v1", api_key=key, max_tokens=100)
    ),
    "langchain_anthropic": ask_langchain(
        lambda key: ChatAnthropic(model="claude-haiku-4-5", base_url=URL, api_key=key, max_tokens=100)
    ),
}


def tell(name: str, **told: object) -> None:
    print(json.dumps({"name": name, **told}))


for name, ask in CASES.items():
    tell(name, **ask(KEY))
    try:
        ask(SPENT)
    except Exception as error:
        tell(f"{name}_spent", error=type(error).__name__, status=getattr(error, "status_code", None))
